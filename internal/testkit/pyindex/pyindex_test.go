package pyindex

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pelletier/go-toml/v2"

	"github.com/lithe-build/lithe/internal/lock"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/python/wheel"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
)

var greet = Wheel{Name: "greet", Version: "1.0", Requires: []string{"colours>=2"}, Scripts: map[string]string{"hi": "greet:main"},
	Files: map[string]string{"greet/words.py": "HELLO = 'hello'\n"}, RequiresPython: ">=3.9"}

// catalogue has an old and a new version, a platform's wheel beside another's, and a large one.
func catalogue() []Wheel {
	return []Wheel{greet, {Name: "Colours", Version: "1.0"}, {Name: "Colours", Version: "2.1"},
		{Name: "fast.er", Version: "3.0", Tag: "cp313-cp313-manylinux_2_17_x86_64"},
		{Name: "fast.er", Version: "3.0", Tag: "cp313-cp313-win_amd64"},
		{Name: "big", Version: "1.0", Size: 1 << 20}}
}

// The same description gives the same bytes, and lithe takes them for a wheel.
func TestWheel(t *testing.T) {
	for _, w := range catalogue() {
		t.Run(w.Filename(), func(t *testing.T) {
			if !bytes.Equal(w.Bytes(), w.Bytes()) {
				t.Error("two wheels of one description differ")
			}
			if len(w.Bytes()) < w.Size {
				t.Errorf("%d bytes, want %d at least", len(w.Bytes()), w.Size)
			}
			file := filepath.Join(t.TempDir(), w.Filename())
			if err := os.WriteFile(file, w.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			name, err := wheeltag.ParseFilename(w.Filename())
			if err != nil {
				t.Fatal(err)
			}
			opened, err := wheel.Open(file, name)
			if err != nil {
				t.Fatal(err)
			}
			in, err := wheel.Install(opened, wheel.Scheme{Prefix: "venv", Python: "python3.13", Interpreter: "/venv/bin/python"}, wheel.InstallOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if len(in.Scripts) != len(w.Scripts) || len(in.Warnings) > 0 {
				t.Errorf("scripts %q, warnings %v", in.Scripts, in.Warnings)
			}
		})
	}
}

const standardProject = `[project]
name = "App"
version = "1"
requires-python = ">=3.12"
dependencies = ["greet==1.0", "fast-er; sys_platform == 'linux'"]

[dependency-groups]
dev = ["big"]
`

const poetryProject = `[tool.poetry]
name = "app"
version = "1"
[tool.poetry.dependencies]
python = "^3.12"
greet = "1.0"
Fast-Er = "*"
[tool.poetry.group.dev.dependencies]
big = "^1.0"
`

// What is locked reads as fresh, and gives the newest distributions that the requirements admit.
func TestLocks(t *testing.T) {
	x := New(t, catalogue()...)
	for _, tt := range []struct {
		name, file, project string
		lock                func(*Index, []byte) ([]byte, error)
	}{
		{"uv", "uv.lock", standardProject, UVLock},
		{"poetry", "poetry.lock", strings.Replace(standardProject, "; sys_platform == 'linux'", "", 1), PoetryLock},
		{"poetry 1", "poetry.lock", poetryProject, PoetryLock},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data, err := tt.lock(x, []byte(tt.project))
			if err != nil {
				t.Fatal(err)
			}
			l, err := lock.Parse(tt.file, data, []byte(tt.project))
			if err != nil {
				t.Fatalf("%v in\n%s", err, data)
			}
			if err := append(l.Stale, l.Warnings...).Err(); err != nil {
				t.Errorf("%v in\n%s", err, data)
			}
			prod := []string{"colours-2.1", "fast-er-3.0", "greet-1.0"}
			if diff := cmp.Diff(prod, selected(t, l, plan.Prod)); diff != "" {
				t.Errorf("prod: %s", diff)
			}
			if diff := cmp.Diff(append([]string{"big-1.0"}, prod...), selected(t, l, "dev")); diff != "" {
				t.Errorf("dev: %s", diff)
			}
			changed := strings.Replace(tt.project, "1.0\"", "1.1\"", 1)
			if l, err = lock.Parse(tt.file, data, []byte(changed)); err != nil || len(l.Stale) == 0 {
				t.Errorf("a changed project is not stale: %v", err)
			}
		})
	}
	if asked := x.Requests(); len(asked) != 0 {
		t.Errorf("locking asked the server: %q", asked)
	}
}

func selected(t *testing.T, l *lock.Lock, target string) []string {
	t.Helper()
	packages, err := plan.Select(l, plan.Target{Name: target, Python: "3.13.5", Platform: plan.Platform{OS: "linux", Arch: "amd64"},
		Libc: wheeltag.Libc{Family: "glibc", Major: 2, Minor: 41}})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range packages {
		if p.Kind == plan.KindWheel {
			out = append(out, p.Name+"-"+p.Version)
		}
	}
	return out
}

// Locks that list hashes name no files, by which the index's own wheels are found again.
func TestOtherLocks(t *testing.T) {
	x := New(t, catalogue()...)
	files := map[string]lock.File{}
	for _, w := range x.Wheels() {
		files[w.Hash()] = lock.File{Name: w.Filename()}
	}
	for _, tt := range []struct {
		file string
		lock func(*Index, []byte) ([]byte, error)
		dev  bool
	}{
		{"requirements.txt", RequirementsTxt, false}, {"pylock.toml", PylockTOML, false}, {"pdm.lock", PDMLock, true}, {"Pipfile.lock", PipfileLock, true},
	} {
		t.Run(tt.file, func(t *testing.T) {
			data, err := tt.lock(x, []byte(standardProject))
			if err != nil {
				t.Fatal(err)
			}
			l, err := lock.Parse(tt.file, data, []byte(standardProject))
			if err != nil || len(l.Stale) > 0 {
				t.Fatalf("%v, stale %v, in\n%s", err, l.Stale, data)
			}
			want := []string{"colours-2.1", "fast-er-3.0", "greet-1.0"}
			if diff := cmp.Diff(want, selected(t, l.WithFiles(files), plan.Prod)); diff != "" {
				t.Error(diff)
			}
			if tt.dev {
				want = append([]string{"big-1.0"}, want...)
			}
			if diff := cmp.Diff(want, selected(t, l.WithFiles(files), "dev")); diff != "" {
				t.Errorf("dev: %s", diff)
			}
		})
	}
}

func TestLockWithoutPackage(t *testing.T) {
	_, err := UVLock(New(t), []byte(standardProject))
	if err == nil || !strings.Contains(err.Error(), "nothing for") {
		t.Errorf("error is %v", err)
	}
}

// The hashes are what Python prints for sha256(json.dumps(relevant, sort_keys=True)).
func TestContentHash(t *testing.T) {
	const legacy = "[tool.poetry.dependencies]\npython = \"^3.9\"\nlib = { version = \"1\", optional = true }\n"
	for _, tt := range []struct{ name, project, want string }{
		{"before groups", legacy, "7d379a1fe6a2f9f5aa71838e7388fe55e2876d618e3eae2b163fd9c8eefa64fb"},
		{"with groups", legacy + "[tool.poetry.group.dev.dependencies]\nx = \"*\"\n", "fa1862251d7457ced9e5cf0c4f0fc26d5771eaf5295c96c51b27ba56374d5986"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var all map[string]any
			if err := toml.Unmarshal([]byte(tt.project), &all); err != nil {
				t.Fatal(err)
			}
			if got := contentHash(all); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// ask returns status, content type and body; a body that ends early is an error of its own.
func ask(t *testing.T, method, url, accept string) (int, string, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return response.StatusCode, err.Error(), string(body)
	}
	return response.StatusCode, response.Header.Get("Content-Type"), string(body)
}

func TestIndex(t *testing.T) {
	x := New(t, catalogue()...)
	page, file := x.URL+"greet/", x.FileURL(greet)
	for _, tt := range []struct {
		name, url, accept string
		faults            Faults
		status            int
		kind, body        string // each contained
	}{
		{"JSON", page, simpleJSON, Faults{}, 200, simpleJSON, strings.TrimPrefix(greet.Hash(), "sha256:")},
		{"HTML on request", page, "text/html", Faults{}, 200, "text/html", "#sha256="},
		{"HTML only", page, simpleJSON, Faults{HTMLOnly: true}, 200, "text/html", "../../files/greet-1.0-py3-none-any.whl#sha256="},
		{"no hashes", page, simpleJSON, Faults{NoHashes: true}, 200, simpleJSON, `"hashes":{}`},
		{"no project", x.URL + "other/", simpleJSON, Faults{}, 404, "", ""},
		{"file", file, "", Faults{}, 200, "octet-stream", string(greet.Bytes())},
		{"no file", file + "x", "", Faults{}, 404, "", ""},
		{"gone", file, "", Faults{Gone: true}, 404, "", ""},
		{"altered", file, "", Faults{Altered: true}, 200, "octet-stream", string(greet.Bytes()[:100])},
		{"truncated", file, "", Faults{Truncated: true}, 200, "unexpected EOF", string(greet.Bytes()[:100])},
		{"forbidding", page, simpleJSON, Faults{Forbidding: true}, 403, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x.Break(tt.faults)
			status, kind, body := ask(t, http.MethodGet, tt.url, tt.accept)
			if status != tt.status || !strings.Contains(kind, tt.kind) || !strings.Contains(body, tt.body) {
				t.Errorf("got %d, %q, %q", status, kind, body)
			}
			if isWhole := body == string(greet.Bytes()); isWhole != (tt.name == "file") {
				t.Errorf("the whole file was served: %t", isWhole)
			}
		})
	}
}

func TestRequestsAndAdd(t *testing.T) {
	x := New(t, greet)
	x.Add(Wheel{Name: "greet", Version: "1.0", Raw: []byte("other")}, Wheel{Name: "new", Version: "1"})
	if got := len(x.Wheels()); got != 2 {
		t.Errorf("%d wheels", got)
	}
	if _, _, body := ask(t, http.MethodGet, x.FileURL(greet), ""); body != "other" {
		t.Errorf("served %q", body)
	}
	ask(t, http.MethodHead, x.URL+"greet/", "")
	want := []string{"GET /files/greet-1.0-py3-none-any.whl", "HEAD /simple/greet/"}
	if diff := cmp.Diff(want, x.Requests()); diff != "" {
		t.Error(diff)
	}
	if again := x.Requests(); len(again) != 0 {
		t.Errorf("counted twice: %q", again)
	}
	x.Stop()
	if _, err := http.Get(x.URL); err == nil {
		t.Error("a stopped index answers")
	}
}
