package project

import (
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/entry"
)

// tree writes files into a new folder. A name that ends in "*" is executable, a content that begins with "-> " makes a
// link.
func tree(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		name, executable := strings.CutSuffix(name, "*")
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o600)
		if executable {
			mode = 0o700
		}
		err := error(nil)
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			err = os.Symlink(target, file)
		} else {
			err = os.WriteFile(file, []byte(content), mode)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// names is a tree of empty files.
func names(list string) map[string]string {
	files := map[string]string{}
	for _, name := range strings.Fields(list) {
		files[name] = ""
	}
	return files
}

func paths(entries []entry.Entry) string {
	var out []string
	for _, e := range entries {
		out = append(out, strings.TrimPrefix(e.Path, "app/"))
	}
	return strings.Join(out, " ")
}

const anApplication = "[project]\nname = 'x'\nversion = '1'\n"

func TestFiles(t *testing.T) {
	tests := []struct {
		name, config, files, want string
		contents                  map[string]string
	}{
		{"plain", "", "main.py pkg/__init__.py pkg/data/x.json README.md", "README.md main.py pkg/__init__.py pkg/data/x.json", nil},
		{"lithe's own list", "", ".env .env.local a/.env .git/config id_rsa certs/x.key x.pem .venv/bin/python a/__pycache__/b.pyc b.pyc " +
			"poetry.lock uv.lock lithe.lock .lithe.lock.123 pylock.dev.toml requirements-dev.txt requirements/prod.txt requirements/dev.in .gitignore Dockerfile .idea/x a/.DS_Store x.egg-info/PKG-INFO main.py", "main.py", nil},
		{"a package called requirements", "", "requirements/__init__.py requirements/words.txt", "requirements/__init__.py requirements/words.txt", nil},
		{"environments by contents", "", "py/pyvenv.cfg py/lib/x.py c/conda-meta/history c/y.py main.py", "main.py", nil},
		{"gitignore", "", "a.log sub/a.log sub/keep.log build/x src/build/y main.py", "main.py src/build/y sub/keep.log",
			map[string]string{".gitignore": "*.log\n/build/\n", "sub/.gitignore": "!keep.log\n"}},
		{"gitignore brings nothing back", "", ".env poetry.lock a", "a", map[string]string{".gitignore": "!.env\n!poetry.lock\n"}},
		{"gitignore that is a link", "", "a b", "a b rules", map[string]string{".gitignore": "-> rules", "rules": "b\n"}},
		{"no empty directories", "", "a", "a", map[string]string{"empty/.gitignore": ""}},
		{"dockerignore", "", "a.md b.txt docs/c.md docs/README.md src/x", "docs/README.md src/x",
			map[string]string{".dockerignore": "# comment\n*.md\n**/*.txt\ndocs\n!docs/README.md\n"}},
		{"dockerignore of all but some", "", "a src/x src/y.tmp b/c", "src/x", map[string]string{".dockerignore": "*\n!src\nsrc/*.tmp\n"}},
		{"both", "", "a b c", "c", map[string]string{".dockerignore": "a\n!b\n", ".gitignore": "b\n"}},
		{"include an ignored file", "files.include = ['data/x.bin']", "data/x.bin data/y.bin a", "a data/x.bin", map[string]string{".gitignore": "data\n"}},
		{"include an ignored directory", "files.include = ['data']", "data/x data/y/z data/.env data/__pycache__/c.pyc a", "a data/x data/y/z", map[string]string{".gitignore": "data\n"}},
		{"include by glob", "files.include = ['**/*.json']", "a/b/c.json d.json a/x .env/e.json", "a/b/c.json d.json", map[string]string{".gitignore": "*\n"}},
		{"include what is protected", "files.include = ['.env', 'certs/*.pem', 'pyproject.toml']", ".env certs/a.pem certs/b.key b/.env a", ".env a certs/a.pem pyproject.toml", nil},
		{"a wide glob includes nothing that is protected", "files.include = ['**', '*']", ".env .git/config x/.env poetry.lock a", "a", nil},
		{"include below what is protected", "files.include = ['.github/x']", ".github/x .github/y", ".github/x", nil},
		{"exclude", "files.exclude = ['tests', '**/*.md', 'a/b']", "tests/x a/b/c a/d a/README.md x.md b", "a/d b", nil},
		{"exclude wins", "files.include = ['data/**']\nfiles.exclude = ['data/raw']", "data/raw/x data/y", "data/y", map[string]string{".gitignore": "data\n"}},
		{"include with a place", "files.include = [{path = 'conf/prod.toml', to = '/etc/x.toml'}, {path = 'data/**/*.bin', to = 'models'}, {path = 'web', to = '/srv/www'}]",
			"conf/prod.toml data/a/m.bin data/n.bin web/i.html web/css/s.css", "conf/prod.toml data/a/m.bin data/n.bin models/a/m.bin models/n.bin web/css/s.css web/i.html etc/x.toml srv/www/css/s.css srv/www/i.html", nil},
		{"links", "", "a/x", "a/dangling a/link a/x b up", map[string]string{"a/link": "-> x", "b": "-> a", "up": "-> a/../a/x", "a/dangling": "-> nothing"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := names(tt.files)
			maps.Copy(files, tt.contents)
			files["pyproject.toml"] = anApplication + "[tool.lithe]\n" + tt.config + "\n"
			p, err := Read(tree(t, files), Options{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.Files()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Fields(tt.want), strings.Fields(paths(got.Entries))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if !slices.IsSortedFunc(got.Entries, entry.Compare) {
				t.Error("not sorted")
			}
		})
	}
}

func TestFilesOfPackage(t *testing.T) {
	files := names("src/x/__init__.py data/m.bin a")
	files["pyproject.toml"] = anApplication + "[build-system]\nrequires = ['hatchling']\nbuild-backend = 'hatchling.build'\n" +
		"[tool.lithe]\nfiles.include = [{path = 'data', to = '/srv'}]\n[tool.lithe.targets.other]\nfiles.include = ['a']\n"
	p, err := Read(tree(t, files), Options{})
	if err != nil || !p.Package {
		t.Fatalf("%+v, %v", p, err)
	}
	got, err := p.Files()
	if err != nil || paths(got.Entries) != "srv/m.bin" {
		t.Errorf("%s, %v", paths(got.Entries), err)
	}
	other, err := p.Target("other")
	if err != nil {
		t.Fatal(err)
	}
	if got, err = other.Files(p); err != nil || paths(got.Entries) != "a" {
		t.Errorf("%s, %v", paths(got.Entries), err)
	}
}

func TestFilesModes(t *testing.T) {
	dir := tree(t, map[string]string{"pyproject.toml": anApplication, "run.sh*": "#!/bin/sh\n", "main.py": "x = 1\n", "l": "-> main.py"})
	if err := os.Chmod(filepath.Join(dir, "main.py"), 0o444); err != nil {
		t.Fatal(err)
	}
	p, err := Read(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Files()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, e := range got.Entries {
		text := ""
		if e.Type == entry.File {
			data, err := e.Read()
			if err != nil || int64(len(data)) != e.Size {
				t.Errorf("%s: %d bytes, not %d: %v", e.Path, len(data), e.Size, err)
			}
			text = string(data)
		}
		lines = append(lines, fmt.Sprintf("%s %o %s%s", e.Path, e.Mode, e.Link, text))
	}
	want := []string{"app/l 0 main.py", "app/main.py 644 x = 1\n", "app/run.sh 755 #!/bin/sh\n"}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
}

func TestFilesProblems(t *testing.T) {
	tests := []struct {
		name, config, want string
		files              map[string]string
	}{
		{"include matches nothing", "files.include = ['a', 'nothing/**']", `pyproject.toml:5: files.include: nothing matches "nothing/**"`, names("a")},
		{"include matches a directory without files", "files.include = ['d']", `nothing matches "d"`, map[string]string{"d/__pycache__/x": ""}},
		{"absolute link", "", "a/l: the symbolic link points to /etc/passwd, outside the project", map[string]string{"a/l": "-> /etc/passwd"}},
		{"link out of the project", "", "the symbolic link points to ../../x, outside the project", map[string]string{"a/l": "-> ../../x"}},
		{"link out through a link", "", "l: the symbolic link points to x/y/s/../.., outside the project", map[string]string{"x/y/s": "-> ../..", "l": "-> x/y/s/../.."}},
		{"links in a circle", "", "symbolic link", map[string]string{"a": "-> b", "b": "-> a"}},
		{"two files at one place", "files.include = [{path = 'a/x', to = 'y'}, {path = 'b/x', to = 'y'}]", "a/x and b/x both go to /app/y", names("a/x b/x")},
		{"not UTF-8", "", `the file name "b\xff" is not UTF-8`, names("b\xff")},
		{"gitignore with a long line", "", ".gitignore:2: the line has 5000 bytes", map[string]string{".gitignore": "a\n" + strings.Repeat("b", 5000)}},
		{"gitignore that is huge", "", ".gitignore: the file is larger than", map[string]string{".gitignore": strings.Repeat("a\n", maxIgnoreFile)}},
		{"dockerignore that is broken", "", ".dockerignore: ", map[string]string{".dockerignore": "[a\n"}},
		{"deep", "", "more than 200 directories", names(strings.Repeat("d/", 201) + "x")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.files["pyproject.toml"] = anApplication + "[tool.lithe]\n" + tt.config + "\n"
			p, err := Read(tree(t, tt.files), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Files(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestFilesExcludedProblems(t *testing.T) {
	dir := tree(t, map[string]string{"pyproject.toml": anApplication + "[tool.lithe]\nfiles.exclude = ['l']\n", "l": "-> /etc/passwd", "x": ""})
	p, err := Read(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.Files(); err != nil || paths(got.Entries) != "x" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestFilesSkipped(t *testing.T) {
	files := names(".env a/b.log a/c.md .venv/x ex/y")
	files[".gitignore"], files[".dockerignore"] = "*.log\n", "**/*.md\n"
	files["pyproject.toml"] = anApplication + "[tool.lithe]\nfiles.exclude = ['ex']\n"
	dir := tree(t, files)
	listener, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		t.Skip("no unix sockets here")
	}
	defer listener.Close()
	p, err := Read(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Files()
	if err != nil {
		t.Fatal(err)
	}
	want := []Skipped{
		{".dockerignore", "build file"}, {".env", "may hold secrets"}, {".gitignore", "version control"}, {".venv", "virtual environment"},
		{"a/b.log", ".gitignore"}, {"a/c.md", ".dockerignore"}, {"ex", "files.exclude"}, {"pyproject.toml", "project file"},
		{"socket", "neither a file nor a directory"},
	}
	if diff := cmp.Diff(want, got.Skipped); diff != "" {
		t.Error(diff)
	}
}

// What git knows beside the files does not change the image.
func TestFilesWithoutGit(t *testing.T) {
	files := map[string]string{"pyproject.toml": anApplication, "a": "", "b.log": "", ".gitignore": "*.log\n"}
	plain, err := Read(tree(t, files), Options{})
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(files, map[string]string{".git/info/exclude": "a\n", ".git/HEAD": "ref: refs/heads/main\n", ".git/config": "[core]\nexcludesFile = x\n"})
	checkout, err := Read(tree(t, files), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []*Project{plain, checkout} {
		if got, err := p.Files(); err != nil || paths(got.Entries) != "a" {
			t.Errorf("%v, %v", got, err)
		}
	}
}

func FuzzGlob(f *testing.F) {
	for _, s := range []string{"a", "**", "a/**/b", "*.json", "a/*/c", "**/**/.env"} {
		f.Add(s, "a/x/.env")
	}
	f.Fuzz(func(t *testing.T, s, file string) {
		if !glob.allows(s) || len(s) > 100 || len(file) > 100 || strings.HasPrefix(file, "/") || file == "" {
			return
		}
		g := compileGlob(s)
		plain, careful := g.start(), g.start()
		for part := range strings.SplitSeq(file, "/") {
			plain, careful = g.next(plain, part, false), g.next(careful, part, part == ".env")
			if g.matches(careful) && !g.matches(plain) {
				t.Fatalf("%q matches %q only where .env is protected", s, file)
			}
		}
		if !strings.ContainsAny(s, special) {
			if want := file == s || strings.HasPrefix(file, s+"/"); g.matches(plain) != want {
				t.Fatalf("%q matches %q: %v", s, file, !want)
			}
		}
	})
}
