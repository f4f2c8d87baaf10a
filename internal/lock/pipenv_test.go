package lock

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/diag"
)

const pipenvHead = `{"_meta": {"hash": {"sha256": "0"}, "pipfile-spec": 6, "requires": {}, "sources": [
 {"name": "i", "url": "https://${USER}:${PASS}@h/simple", "verify_ssl": true}, {"name": "j", "url": "https://j/simple", "verify_ssl": false}]}`

func TestPipenv(t *testing.T) {
	l, err := Parse("Pipfile.lock", []byte(pipenvHead+`,
"assets": {"a": {"version": "==2", "hashes": ["`+hashB+`"]}, "s": {"version": "===3", "hashes": ["`+hashA+`"], "index": "j"}},
"default": {"A_a": {"version": "==1.0", "hashes": ["`+hashB+`", "md5:0", "`+strings.ToUpper(hashA[7:])+`", "`+hashA+`"], "markers": "os_name == 'posix'", "extras": ["X"], "sys_platform": "!= 'win32'"},
 "a": {"version": "==1", "hashes": ["`+hashA+`"]}, "g": {"git": "git+https://h/g.git", "ref": "`+full+`", "subdirectory": "s"},
 "p": {"path": ".", "editable": true}, "f": {"file": "https://h/f-1-py3-none-any.whl", "hashes": ["`+hashA+`"]}, "w": {"path": "./w-2.tar.gz"}},
"develop": {"a": {"version": "==1", "hashes": ["`+hashA+`"]}, "d": "==4"}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"a-a 1.0 index https://h/simple@ " + hashA + "+" + hashB + ` x os_name == "posix" and sys_platform != "win32"`,
		"a 1 index https://h/simple@ " + hashA + "  ", "g  git https://h/g.git@" + full + "   ", "p  editable .@   ",
		"f 1 url https://h/f-1-py3-none-any.whl@  f-1-py3-none-any.whl=" + hashA + "  ", "w 2 path w-2.tar.gz@  w-2.tar.gz=  ",
	}
	if diff := cmp.Diff(want, strings.Split(strings.NewReplacer("(", "", ")", "").Replace(strings.Join(listed(l), "\n")), "\n")); diff != "" {
		t.Error(diff)
	}
	root := l.Packages[l.Root]
	names := func(group string) (out []string) {
		for _, d := range root.Group(group).Dependencies {
			out = append(out, d.Name+" "+l.Packages[d.To[0]].Version+" "+l.Packages[d.To[0]].Source.URL)
		}
		return out
	}
	if diff := cmp.Diff([]string{"s 3 https://j/simple"}, names("assets")); diff != "" { // production's version of a counts
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a 1 https://h/simple", "d 4 https://h/simple"}, names("develop")); diff != "" {
		t.Error(diff)
	}
	if !root.Group("develop").Default || root.Group("assets").Default {
		t.Error("develop alone is what --dev adds")
	}
	if len(l.Indexes) != 2 || l.Indexes[0].URL != "https://${USER}:${PASS}@h/simple" || !strings.Contains(l.Warnings.Error(), "verify_ssl") {
		t.Errorf("%+v, %v", l.Indexes, l.Warnings)
	}
}

func TestPipenvRefuses(t *testing.T) {
	one := func(entry string) string { return pipenvHead + `,"default": {` + entry + "}}" }
	for _, tt := range []struct{ name, in, want string }{
		{"no JSON", "{", "Pipfile.lock:1: this is no JSON: unexpected EOF"},
		{"two documents", "{}{}", "there is more behind the end"},
		{"array", "[]", "not an object"},
		{"key twice", `{"a": 1, "a": 2}`, `the key "a" is there twice`},
		{"deep", strings.Repeat(`{"a":`, 100), "nested too deep"},
		{"no spec", "{}", "this file has none"},
		{"another spec", `{"_meta": {"pipfile-spec": 7}}`, "this file has 7"},
		{"category of another type", pipenvHead + `,"default": []}`, "default is a array"},
		{"package of another type", one(`"a": 1`), `"a" is no package with a version`},
		{"name", one(`"../a": "==1"`), `"../a" is no package`},
		{"no version", one(`"a": {}`), `a is locked at ""`},
		{"any version", one(`"a": "*"`), `a is locked at "*"`},
		{"range", one("\"b\": \"==1\",\n\"a\": {\"version\": \">=1\"}"), `Pipfile.lock:3: a is locked at ">=1"`},
		{"index", one(`"a": {"version": "==1", "index": "k"}`), `from the index "k", which is not among the sources`},
		{"marker", one(`"a": {"version": "==1", "markers": "x"}`), "marker \"x\""},
		{"marker as a key", one(`"a": {"version": "==1", "os_name": "x"}`), "marker \"os_name x\""},
		{"subversion", one(`"a": {"svn": "https://h/a", "ref": "7"}`), "lithe reads git only"},
		{"git without a commit", one(`"a": {"git": "https://h/a", "ref": "main"}`), "no full commit"},
		{"git remote helper", one(`"a": {"git": "ext::sh -c x", "ref": "` + full + `"}`), "git"},
		{"file address", one(`"a": {"file": "ftp://h/a-1.tar.gz"}`), "is for ftp:"},
		{"http", `{"_meta": {"pipfile-spec": 6, "sources": [{"name": "i", "url": "http://h/simple"}]}}`, "reached by http"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("Pipfile.lock", []byte(tt.in), nil)
			problems, ok := diag.Problems(err)
			if !ok || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			for _, p := range problems {
				if p.Pos.Line == 0 || p.Code == "" || p.Hint == "" {
					t.Errorf("incomplete: %+v", p)
				}
			}
		})
	}
}

// The hashes are what Python prints for sha256(json.dumps(data, sort_keys=True, separators=(",", ":"))), with data as in
// plette's Pipfile.get_hash.
func TestPipenvFresh(t *testing.T) {
	for _, tt := range []struct {
		name, pipfile, hash string
		stale               bool
	}{
		{"empty", "", "ebffa69a1fa192d1cef7cb42ad79231ca976565c5ce371a70160b3048d3cbc06", false},
		{"names as they are written", "[packages]\nPy_x = '*'\n[dev-packages]\n[requires]\npython_version = '3.12'\n[docs]\nsphinx = {version='*', extras=['é']}\n[scripts]\nx = 'y'\n", "63ec6df0af066d3e13d1572dc1f5ca38ebedc4f10c9d47ed86fe677c34bed469", false},
		{"names in normal form", "[packages]\nPy_x = '*'\n", "e914e560ff3cc2b1813038e281c5ed0cb11cb0e3e97cea24978f32d1381e0ced", false},
		{"changed", "[packages]\nother = '*'\n", "e914e560ff3cc2b1813038e281c5ed0cb11cb0e3e97cea24978f32d1381e0ced", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := writeFiles(t, map[string]string{"Pipfile": tt.pipfile, "Pipfile.lock": strings.Replace(pipenvHead, `"0"`, `"`+tt.hash+`"`, 1) + `,"default":{},"develop":{}}`})
			l, err := Read(dir, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got := len(l.Stale) > 0; got != tt.stale || got && l.Stale[0].Pos.Line != 1 {
				t.Errorf("stale: %v", l.Stale)
			}
		})
	}
}

func FuzzPipenv(f *testing.F) { fuzzFormat(f, "Pipfile.lock") }
