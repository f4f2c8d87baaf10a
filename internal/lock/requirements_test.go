package lock

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/diag"
)

const (
	hashA = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	hashB = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	full  = "0123456789012345678901234567890123456789"
)

// listed writes a lock's packages as lines: name, version, source, hashes and the marker of the edge.
func listed(l *Lock) []string {
	var out []string
	for _, d := range l.Packages[l.Root].Dependencies {
		p := l.Packages[d.To[0]]
		parts := []string{p.Name, p.Version, string(p.Source.Kind), p.Source.URL + p.Source.Path + "@" + p.Source.Commit, strings.Join(p.Hashes, "+")}
		for _, f := range p.Files {
			parts = append(parts, f.Name+"="+f.Hash)
		}
		out = append(out, strings.Join(append(parts, strings.Join(d.Extras, ","), d.Marker.String()), " "))
	}
	return out
}

func TestRequirements(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     []string
	}{
		{"empty", "", nil},
		{"comments", "# one\n   # two\n\n", nil},
		{"one", "Evil_Lib==1.0 --hash=" + hashA, []string{"evil-lib 1.0 index @ " + hashA + "  "}},
		{"as pip-compile writes it", "evil[x,Y]==1.0 ; os_name == 'posix' \\\n    --hash=" + hashB + " \\\n    --hash=" + hashA + "\n    # via app\n",
			[]string{"evil 1.0 index @ " + hashA + "+" + hashB + ` y,x os_name == "posix"`}},
		{"comment between the halves", "evil==1.0 \\\n  # why\n  --hash=" + hashA, nil},
		{"upper case hash", "evil==1.0 --hash=" + strings.Replace(hashA, "aaaa", "AAAA", 1), []string{"evil 1.0 index @ " + hashA + "  "}},
		{"stronger hashes beside", "evil==1.0 --hash=" + hashA + " --hash sha512:" + strings.Repeat("c", 128), []string{"evil 1.0 index @ " + hashA + "  "}},
		{"arbitrary equality", "evil===1.0-odd --hash=" + hashA, []string{"evil 1.0-odd index @ " + hashA + "  "}},
		{"two versions", "evil==1.0; python_version<'3' --hash=" + hashA + "\nevil==2.0; python_version>='3' --hash=" + hashB,
			[]string{"evil 1.0 index @ " + hashA + `  python_version < "3"`, "evil 2.0 index @ " + hashB + `  python_version >= "3"`}},
		{"an index", "-i https://user:secret@h/simple/\nevil==1.0 --hash=" + hashA + "\n--extra-index-url=https://${T}@i/x",
			[]string{"evil 1.0 index https://h/simple/@ " + hashA + "  "}},
		{"byte order mark", "\xef\xbb\xbfevil==1.0 --hash=" + hashA, []string{"evil 1.0 index @ " + hashA + "  "}},
		{"UTF-16", "\xff\xfe#\x00\n\x00", nil},
		{"Latin 1", "# -*- coding: latin-1 -*-\n# \xe9\nevil==1.0 --hash=" + hashA, []string{"evil 1.0 index @ " + hashA + "  "}},
		{"other line ends", "evil==1.0 \\\r\n --hash=" + hashA + "\rlib==2 --hash=" + hashB,
			[]string{"evil 1.0 index @ " + hashA + "  ", "lib 2 index @ " + hashB + "  "}},
		{"a wheel by its address", "evil @ https://h/evil-1.0-py3-none-any.whl#sha256=" + hashA[7:],
			[]string{"evil 1.0 url https://h/evil-1.0-py3-none-any.whl@  evil-1.0-py3-none-any.whl=" + hashA + "  "}},
		{"an address without a name", "https://h/evil-1.0.tar.gz --hash " + hashA + "",
			[]string{"evil 1.0 url https://h/evil-1.0.tar.gz@  evil-1.0.tar.gz=" + hashA + "  "}},
		{"git", "evil @ git+https://h/r.git@" + full + "#subdirectory=x", []string{"evil  git https://h/r.git@" + full + "   "}},
		{"editable git", "-e git+https://h/r@" + full + "#egg=evil", []string{"evil  git https://h/r@" + full + "   "}},
		{"the project itself", "-e .\n.", nil},
		{"a folder", "-e ./libs/Core\nlibs/other/ ; os_name == 'nt'", []string{"core  editable libs/Core@   ", `other  directory libs/other@   os_name == "nt"`}},
		{"a wheel in the project", "./wheels/evil-1.0-py3-none-any.whl --hash=" + hashA,
			[]string{"evil 1.0 path wheels/evil-1.0-py3-none-any.whl@  evil-1.0-py3-none-any.whl=" + hashA + "  "}},
		{"twice", "evil==1.0 --hash=" + hashA + "\nevil==1.0 --hash=" + hashA, []string{"evil 1.0 index @ " + hashA + "  ", "evil 1.0 index @ " + hashA + "  "}},
		{"what changes nothing", "--pre\n--prefer-binary\n--require-hashes\n--use-feature=x\nevil==1.0 --hash=" + hashA, []string{"evil 1.0 index @ " + hashA + "  "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := Parse("requirements.txt", []byte(tt.in), nil)
			if tt.name == "comment between the halves" { // pip ends the line there, and so do we
				if err == nil || !strings.Contains(err.Error(), "evil==1.0 has no hash") {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, listed(l)); diff != "" {
				t.Error(diff)
			}
			for _, p := range l.Packages {
				if strings.Contains(p.Source.URL, "secret") {
					t.Errorf("%s has a password: %s", p.Name, p.Source.URL)
				}
			}
		})
	}
}

func TestRequirementsRefuses(t *testing.T) {
	ok := " --hash=" + hashA
	for _, tt := range []struct{ name, in, at, want string }{
		{"no hash", "a==1", "requirements.txt:1:1", "a==1 has no hash"},
		{"no hashes at all", "# x\na==1\nb==2\nc==3", "requirements.txt:2:1", "has no hashes: a==1 and 2 more"},
		{"some hashes", "a==1" + ok + "\nb==2", "requirements.txt:2:1", "b==2 has no hash"},
		{"weak", "a==1 \\\n  --hash=md5:" + strings.Repeat("a", 32), "requirements.txt:2:3", `"md5" is no hash that verifies`},
		{"short", "a==1 --hash=sha256:abcd", "requirements.txt:1:6", `"abcd" is not a sha256 hash, which has 64`},
		{"not hexadecimal", "a==1 --hash=sha256:" + strings.Repeat("z", 64), "requirements.txt:1:6", "is not a sha256 hash"},
		{"sha512 alone", "a==1 --hash=sha512:" + strings.Repeat("a", 128), "requirements.txt:1:1", "no sha256 hash"},
		{"wildcard", "a==1.*" + ok, "requirements.txt:1:1", `"a==1.*" is no exact version`},
		{"range", "a>=1" + ok, "requirements.txt:1:1", `"a>=1" is no exact version`},
		{"pin against a range", "a==1,>2" + ok, "requirements.txt:1:1", "is no exact version"},
		{"marker", "a==1; python_version >> '3'" + ok, "requirements.txt:1:1", "marker"},
		{"name", "--pre\n  ü==1" + ok, "requirements.txt:2:3", "requirement"},
		{"unknown option", "a==1 --hsah=x", "requirements.txt:1:6", `no option "--hsah"`},
		{"unknown option on its own", "--no-deps", "requirements.txt:1:1", `no option "--no-deps"`},
		{"option without its value", "-r", "requirements.txt:1:1", "-r lacks its value"},
		{"value too many", "--pre=x", "requirements.txt:1:1", "--pre takes no value"},
		{"quotation mark", "-r 'x", "requirements.txt:1:1", "no partner"},
		{"index behind a requirement", "a==1 -i https://h/", "requirements.txt:1:6", "stands on a line of its own"},
		{"hash on its own", "--hash=" + hashA, "requirements.txt:1:1", "stands behind a requirement"},
		{"another folder", "-r ../x.txt", "requirements.txt:1:1", "leads out of the project"},
		{"an absolute path", "-c /etc/passwd", "requirements.txt:1:1", "leads out of the project"},
		{"an address", "-r https://h/x.txt", "requirements.txt:1:1", "is an address"},
		{"itself", "-r ./requirements.txt", "requirements.txt:1:1", "includes a file that is being read: requirements.txt -> requirements.txt"},
		{"an absent file", "-rgone.txt", "requirements.txt:1:1", "there is no such file"},
		{"http", "-i http://h/simple\na==1" + ok, "requirements.txt:1:1", "reached by http"},
		{"no address", "-i h/simple", "requirements.txt:1:1", "is not the address of a package index"},
		{"no index", "--no-index\n-f x", "requirements.txt", "--no-index leaves only"},
		{"git without a commit", "a @ git+https://h/r@main", "requirements.txt:1:1", "no full commit"},
		{"other version control", "a @ hg+https://h/r@1", "requirements.txt:1:1", "lithe reads Git only"},
		{"file address", "a @ ftp://h/a-1.tar.gz" + ok, "requirements.txt:1:1", "is for ftp:, not https:"},
		{"several hashes of one file", "a @ https://h/a-1.tar.gz" + ok + " --hash=" + hashB, "requirements.txt:1:1", "is one file and has 2 hashes"},
		{"file of another project", "a @ https://h/b-1.tar.gz" + ok, "requirements.txt:1:1", "is not of a"},
		{"neither wheel nor archive", "a @ https://h/a.exe" + ok, "requirements.txt:1:1", "neither a wheel nor a source archive"},
		{"nameless", "https://h/x" + ok, "requirements.txt:1:1", "does not say of which project"},
		{"variable", "a==${VERSION}" + ok, "requirements.txt:1:1", "requirement"},
		{"local file without a hash", "./a-1.tar.gz", "requirements.txt:1:1", "has no hash"},
		{"no text", "a\xff", "requirements.txt:1", "no UTF-8"},
		{"another encoding", "# coding: koi8-r\n", "requirements.txt:1", `"koi8-r"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := Parse("requirements.txt", []byte(tt.in), nil)
			problems, _ := diag.Problems(err)
			if len(problems) == 0 || !strings.Contains(problems[0].What, tt.want) {
				t.Fatalf("got %v, %v, want %q", l, err, tt.want)
			}
			p := problems[0]
			at := p.Pos.String()
			if p.Pos.Column > 0 {
				at += ":" + itoa(int64(p.Pos.Column))
			}
			if at != tt.at || p.Code == "" || p.Hint == "" {
				t.Errorf("at %s, want %s: %+v", at, tt.at, p)
			}
		})
	}
}

// writeFiles makes a folder with files.
func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRequirementsIncludes(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"requirements/prod.txt":      "-r base.txt\n-c ../limits.txt\nlib==1 --hash=" + hashA + " --hash=" + hashB + "\nmore==2\n",
		"requirements/base.txt":      "-r more/base.txt\n",
		"requirements/more/base.txt": "--index-url https://h/simple\n--only-binary=evil,lib\n--no-binary lib\nevil==1.0 --hash=" + hashA + "\n",
		"limits.txt":                 "lib<2 --hash=" + hashB + "\nmore --hash=" + hashA + "\nother==3 --hash=" + hashA + "\n",
		"pyproject.toml":             "[project]\nname = 'App'\nversion = '0'\nrequires-python = '>=3.11'\ndependencies = ['lib>=1', 'gone; os_name == \"nt\"']\n",
	})
	l, err := Read(dir, Options{Path: "requirements/prod.txt"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"evil 1.0 index https://h/simple@ " + hashA + "  ", "lib 1 index https://h/simple@ " + hashB + "  ", "more 2 index https://h/simple@ " + hashA + "  "}
	if diff := cmp.Diff(want, listed(l)); diff != "" {
		t.Error(diff)
	}
	if l.Packages[l.Root].Name != "app" || l.RequiresPython.String() != ">=3.11" || len(l.Stale) > 0 || l.Format != "requirements" {
		t.Errorf("%+v", l)
	}
	evil, lib := l.Packages[0], l.Packages[1]
	if !evil.NoSdists || evil.NoWheels || lib.NoSdists || !lib.NoWheels || evil.Pos.File != "requirements/more/base.txt" || evil.Pos.Line != 4 {
		t.Errorf("%+v and %+v", evil, lib)
	}
}

// A large hostile file must end: what is done for each pair of its lines would take hours.
func TestLargeFilesEnd(t *testing.T) {
	const n = 300_000
	many := strings.Repeat("\"x\",", n)
	for name, in := range map[string]string{
		"requirements.txt": "a==1 \\\n" + strings.Repeat("  --hash="+hashA+" \\\n", n/10),
		"other.txt":        strings.Repeat("a>1; os_name=='x'\n", n/10),
		"pylock.toml":      pylockHead + "packages = []\ndefault-groups = [" + many + "]",
		"pdm.lock":         "[metadata]\nlock_version = '4.5'\nstrategy = ['inherit_metadata']\ngroups = [" + many + "]\n[[package]]\nname = 'a'\ngroups = [" + many + "]",
	} {
		t.Run(name, func(t *testing.T) {
			if l, err := Parse(name, []byte(in), nil); l == nil && err == nil {
				t.Error("it says nothing")
			}
		})
	}
}

func TestRequirementsIncludesStayInside(t *testing.T) {
	outside := writeFiles(t, map[string]string{"secret.txt": "evil==1.0 --hash=" + hashA})
	dir := writeFiles(t, map[string]string{"requirements.txt": "-r link.txt\n-r .\n"})
	if err := os.Symlink(filepath.Join(outside, "secret.txt"), filepath.Join(dir, "link.txt")); err != nil {
		t.Skip(err)
	}
	_, err := Read(dir, Options{})
	problems, _ := diag.Problems(err)
	if len(problems) != 2 || !strings.Contains(problems[0].What, "escapes") || !strings.Contains(problems[1].What, "not a file") {
		t.Errorf("got %v", err)
	}
	// A lock file from elsewhere may draw in what is beside it, and nothing above.
	elsewhere := writeFiles(t, map[string]string{"a/r.txt": "-r sub/b.txt\n", "a/sub/b.txt": "evil==1.0 --hash=" + hashA, "a/up.txt": "-r ../x.txt"})
	if l, err := Read(dir, Options{Path: filepath.Join(elsewhere, "a", "r.txt")}); err != nil || len(l.Packages) != 2 {
		t.Errorf("%v, %v", l, err)
	}
	if _, err := Read(dir, Options{Path: filepath.Join(elsewhere, "a", "up.txt")}); err == nil || !strings.Contains(err.Error(), "leads out") {
		t.Errorf("got %v", err)
	}
}

func TestRequirementsStale(t *testing.T) {
	project := "[project]\nname = 'app'\nversion = '0'\ndependencies = [%s]\n"
	for _, tt := range []struct{ name, asks, want string }{
		{"as it is", "'evil'", ""},
		{"itself", "'app[x]'", ""},
		{"elsewhere", "'gone; sys_platform == \"win32\"'", ""},
		{"on some Pythons", "'gone; python_version < \"3.12\"'", ""},
		{"lacks", "'evil', 'gone>=1'", "pyproject.toml:4: requirements.txt lacks gone>=1"},
		{"another version", "'evil>1'", "pyproject.toml:4: requirements.txt has evil 1.0, and pyproject.toml asks for evil>1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := Parse("requirements.txt", []byte("evil==1.0 --hash="+hashA), []byte(strings.Replace(project, "%s", tt.asks, 1)))
			if err != nil {
				t.Fatal(err)
			}
			check(t, "stale", l.Stale.Error(), tt.want)
		})
	}
}

func TestWithFiles(t *testing.T) {
	l, err := Parse("requirements.txt", []byte("--no-binary b\n--only-binary c\na==1 --hash="+hashA+" --hash="+hashB+"\nb==1 --hash="+hashA+"\nc==1 --hash="+hashB), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := l.WithFiles(map[string]File{hashA: {Name: "a-1-py3-none-any.whl", Size: 7}, hashB: {Name: "a-1.tar.gz"}})
	var files []string
	for _, p := range got.Packages {
		for _, f := range p.Files {
			files = append(files, p.Name+" "+f.Name+" "+f.Hash)
		}
	}
	want := []string{"a a-1-py3-none-any.whl " + hashA, "a a-1.tar.gz " + hashB}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Error(diff)
	}
	if len(l.Packages[0].Files) > 0 {
		t.Error("the lock itself has changed")
	}
	if got := l.WithFiles(map[string]File{hashA: {Name: "../a-1.tar.gz"}}); len(got.Packages[0].Files) > 0 {
		t.Error("a path is no file name")
	}
}

func FuzzRequirements(f *testing.F) {
	f.Add([]byte("evil[x]==1.0 ; os_name == 'posix' \\\n --hash="+hashA+"\n-r pyproject.toml\n-e .\n"), []byte("lib==1 --hash="+hashB))
	f.Add([]byte("--index-url 'https://u:p@h/s'\n-c pyproject.toml\na @ git+https://h/r@"+full+"\n./x-1.tar.gz --hash="+hashA), []byte("a<2"))
	f.Add([]byte("\xff\xfe-\x00e\x00"), []byte(nil))
	f.Fuzz(func(t *testing.T, data, other []byte) {
		open := func(string) ([]byte, error) { return other, nil }
		s := &source{format: requirementsFormat, path: "requirements.txt", data: data, open: open, beneath: open}
		l := parseRequirements(s)
		if len(s.problems) > 0 {
			parseRequirements(&source{format: requirementsFormat, path: "requirements.txt", data: data, open: open, beneath: open, unhashed: true})
			return
		}
		for _, p := range l.Packages {
			if p.Source.Kind == Registry && len(p.Hashes) == 0 {
				t.Fatalf("%+v has no hash", p)
			}
		}
		allowed := &source{format: requirementsFormat, path: "requirements.txt", data: data, open: open, beneath: open, unhashed: true}
		if again := parseRequirements(allowed); len(allowed.problems) > 0 || len(again.Packages) != len(l.Packages) || again.Unhashed {
			t.Fatalf("with pins allowed: %v, %+v", allowed.problems, again)
		}
	})
}

func TestUnhashed(t *testing.T) {
	dir := writeFiles(t, map[string]string{"requirements.lock": "a==1\nb==1.0 --hash=" + hashA + "\n-c limits.txt\nc==2\n", "limits.txt": "c --hash=" + hashB,
		"loose.txt": "a>=1\nb\n", "url.txt": "a @ https://h/a-1-py3-none-any.whl\n"})
	l, err := Read(dir, Options{Path: "requirements.lock", AllowUnhashed: true})
	if err != nil {
		t.Fatal(err)
	}
	if a, b, c := l.Packages[0], l.Packages[1], l.Packages[2]; !l.Unhashed || !a.Unhashed || b.Unhashed || c.Unhashed {
		t.Errorf("%+v, %+v, %+v", a, b, c)
	}
	file := func(name string) File { return File{Name: name, Hash: hashB} }
	got := l.WithPins(map[Pin][]File{{"a", "1"}: {file("a-1.0-py3-none-any.whl"), file("a-1.tar.gz"), file("a-1+local.tar.gz"), file("a-2.tar.gz"), file("b-1.tar.gz"),
		file("../a-1.tar.gz"), {Name: "a-1.zip"}}, {"b", "1.0"}: {file("b-1.0.tar.gz")}})
	if n := len(got.Packages[0].Files); n != 2 || len(got.Packages[1].Files) > 0 || len(l.Packages[0].Files) > 0 {
		t.Errorf("%+v", got.Packages)
	}
	for path, want := range map[string]string{"loose.txt": `"a>=1" is no exact version`, "url.txt": "has no hash"} {
		_, err := Read(dir, Options{Path: path, AllowUnhashed: true})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", path, err)
		}
	}
	if _, err := Read(dir, Options{Path: "requirements.lock"}); err == nil || !strings.Contains(err.Error(), "allow-unhashed = true") {
		t.Errorf("got %v", err)
	}
}
