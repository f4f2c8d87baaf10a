package bench

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/testkit/golden"
)

var update = flag.Bool("update", false, "rewrite the goldens")

func TestSummarize(t *testing.T) {
	for _, tt := range []struct {
		values []float64
		want   Numbers
	}{
		{nil, Numbers{}},
		{[]float64{3}, Numbers{1, 3, 3, 3}},
		{[]float64{9, 1, 2}, Numbers{3, 1, 2, 9}},
		{[]float64{4, 1, 3, 2}, Numbers{4, 1, 2.5, 4}},
	} {
		if got := summarize(tt.values); got != tt.want {
			t.Errorf("%v: %+v, not %+v", tt.values, got, tt.want)
		}
	}
}

// sample is a result with two ways of lithe, and a peer that makes bytecode beside one that does not.
func sample() *Result {
	contenders := []Contender{
		{Name: "lithe-layout", About: "lithe build -o oci:FOLDER", Bytecode: true, Pushes: true},
		{Name: "lithe-layout-plain", About: "lithe build -o oci:FOLDER  # bytecode = false", Pushes: true},
		{Name: "uv-min", About: "docker build -f uv-min.Dockerfile", Peer: true, Pushes: true},
		{Name: "uv-guide", About: "docker build -f uv-guide.Dockerfile", Peer: true, Bytecode: true, Pushes: true},
	}
	r := &Result{Title: `hello-world & "friends"`, Date: "2026-11-28", Runs: 3, Contenders: contenders,
		Machine: Machine{System: "linux/amd64", CPU: "A Processor", CPUs: 2, Memory: 8e9, Docker: "20.10.24", Load: []float64{1.5, 0.5, 2.25}},
		Left:    []Omission{{first, "asked for by --first"}}}
	r.Rows = append(r.Rows,
		newRow(Scenario{cold, "cold, base present", inSeconds}, map[string][]float64{
			"lithe-layout": {0.3, 0.2, 0.4}, "lithe-layout-plain": {0.1, 0.11, 0.09}, "uv-min": {0.5, 0.6, 0.7}, "uv-guide": {1.2, 1.5, 1.8}},
			map[string][]float64{"lithe-layout": {0.25, 0.21, 0.3}}, contenders),
		newRow(Scenario{packed, "image, compressed", inBytes}, map[string][]float64{"lithe-layout": {20.6e6}, "uv-min": {39.1e6}}, nil, contenders))
	return r
}

// Like is compared with like: bytecode with bytecode, where there is such a peer.
func TestRatios(t *testing.T) {
	rows := sample().Rows
	want := map[string]Ratio{"lithe-layout": {5, "uv-guide"}, "lithe-layout-plain": {6, "uv-min"}}
	if diff := cmp.Diff(want, rows[0].Ratios); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]Ratio{"lithe-layout": {1.9, "uv-min"}}, rows[1].Ratios); diff != "" {
		t.Errorf("without a peer that is like it, any is compared:\n%s", diff)
	}
}

func TestForms(t *testing.T) {
	for name, write := range map[string]func(*bytes.Buffer) error{
		"result.txt": func(b *bytes.Buffer) error { return WriteText(b, sample()) },
		"result.md":  func(b *bytes.Buffer) error { return WriteMarkdown(b, sample()) },
		"result.svg": func(b *bytes.Buffer) error { return WriteSVG(b, sample()) },
	} {
		var got bytes.Buffer
		if err := write(&got); err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, filepath.Join("testdata", name), got.Bytes(), *update)
	}
}

// What --json prints, --from reads.
func TestRead(t *testing.T) {
	data, err := json.Marshal(sample())
	if err != nil {
		t.Fatal(err)
	}
	got, err := Read(bytes.NewReader(data))
	if diff := cmp.Diff(sample(), got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if _, err := Read(strings.NewReader("{")); err == nil {
		t.Error("half a result is read")
	}
}

func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFindSource(t *testing.T) {
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"setup.py": "", "tests/a.py": "", ".venv/x.py": "", "src/app/deep/b.py": "", "src/app/main.py": "", "src/app/zoo.py": ""})
	if got, err := findSource(dir); got != "src/app/main.py" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := findSource(t.TempDir()); err == nil {
		t.Error("an empty folder has a source")
	}
}

// A copy is the project with the changes and lithe.lock; the project itself stays as it is.
func TestCopy(t *testing.T) {
	dir, change, to := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "copy")
	files := map[string]string{"pyproject.toml": "[project]\nname = \"a\"\n[tool.lithe]\nbytecode = true\nports = [1]\n", "app/main.py": "x = 1\n", ".git/config": ""}
	writeFiles(t, dir, files)
	writeFiles(t, change, map[string]string{"uv.lock": "version = 2\n"})
	p, err := newProject(Options{Dir: dir, Changes: map[string]string{mainChange: change}})
	if err != nil {
		t.Fatal(err)
	}
	p.lock = []byte("# locked\n")
	writeFiles(t, to, map[string]string{"left-over": ""})
	for range 2 { // the second time over the first one
		if err := p.copyTo(to, Contender{}, mainChange); err != nil {
			t.Fatal(err)
		}
		if err := p.edit(to, 0, 1); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{
		"pyproject.toml": "[project]\nname = \"a\"\n[tool.lithe]\nbytecode = false\nports = [1]\n", "uv.lock": "version = 2\n", "lithe.lock": "# locked\n",
		"app/main.py": "x = 1\n\n# lithe bench, run 1, change 1\n",
	}
	if diff := cmp.Diff(want, readFiles(t, to)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(files, readFiles(t, dir)); diff != "" {
		t.Errorf("the project was changed:\n%s", diff)
	}
}

func readFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(rel)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestWithoutBytecode(t *testing.T) {
	for _, tt := range []struct{ name, file, before, after string }{
		{"no table", "pyproject.toml", "[project]\nname = \"a\"\n", "[project]\nname = \"a\"\n\n[tool.lithe]\nbytecode = false\n"},
		{"a table", "pyproject.toml", "[tool.lithe]\nports = [1]\n", "[tool.lithe]\nbytecode = false\nports = [1]\n"},
		{"lithe.toml", "lithe.toml", "bytecode = true\nports = [1]\n", "bytecode = false\nports = [1]\n"},
	} {
		dir := t.TempDir()
		writeFiles(t, dir, map[string]string{tt.file: tt.before})
		if err := withoutBytecode(dir); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{tt.file: tt.after}, readFiles(t, dir)); diff != "" {
			t.Errorf("%s:\n%s", tt.name, diff)
		}
	}
}

// Cache mounts are empty in each cold build, and full in those after it; with base images gone, they come from the registry.
func TestDockerfileOfPeer(t *testing.T) {
	file := filepath.Join(t.TempDir(), "uv-min.Dockerfile")
	text := "FROM --platform=$BUILDPLATFORM local/python:3 AS build\nCOPY --from=local/uv /uv /bin/\nENV UV_COMPILE_BYTECODE=1\n" +
		"RUN --mount=type=cache,id=mine,target=/root/.cache/uv \\\n    --mount=type=bind,source=uv.lock,target=uv.lock \\\n    uv sync\nFROM build\nCOPY --from=build /app /app\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	r := &runner{work: "/tmp/lithe-bench-7", engine: &engine{registry: "127.0.0.1:5000/lithe-bench", bases: []string{"local/python:3", "local/uv"}}}
	p, err := newPeer(r, file)
	if err != nil {
		t.Fatal(err)
	}
	if d := p.describe(); d.Name != "uv-min" || !d.Bytecode || !d.Peer {
		t.Errorf("%+v", d)
	}
	want := strings.Replace(text, "type=cache,id=mine,target=/root/.cache/uv", "type=cache,target=/root/.cache/uv,id=lithe-bench-cache:lithe-bench-7-uv-min-0-1", 1)
	if diff := cmp.Diff(want, p.dockerfile()); diff != "" {
		t.Error(diff)
	}
	p.pulls = true
	p.rounds = 1
	want = strings.NewReplacer("mine,", "", "id=lithe", "id=lithe", "-0-1", "-1-1", " local/", " 127.0.0.1:5000/lithe-bench/bases/local/", "=local/", "=127.0.0.1:5000/lithe-bench/bases/local/").Replace(want)
	if diff := cmp.Diff(want, p.dockerfile()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"local/python:3", "local/uv", "build", "build"}, p.bases()); diff != "" {
		t.Error(diff)
	}
}

func TestLayerSizes(t *testing.T) {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, f := range []struct{ name, text string }{
		{"a/layer.tar", "0123456789"}, {"b/layer.tar", "01234"}, {"config.json", "{}"}, {"manifest.json", `[{"Layers": ["a/layer.tar", "b/layer.tar"]}]`},
	} {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Size: int64(len(f.text)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f.text)); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := layerSizes(&archive); got != 15 || err != nil {
		t.Errorf("%d, %v", got, err)
	}
	if _, err := layerSizes(strings.NewReader("")); err == nil {
		t.Error("an archive without a manifest has a size")
	}
}

// A build that did not do its work has no time.
func TestCheck(t *testing.T) {
	s := &state{contender: &peer{called: "uv-min", runner: &runner{}}, image: "sha256:a"}
	mine := &state{contender: newLithe(&runner{}, "layout"), image: "sha256:a"}
	for _, tt := range []struct {
		name   string
		s      *state
		expect expectation
		image  string
		bad    bool
	}{
		{"the same, as it should be", s, same, "sha256:a", false}, {"another, which should be the same", s, same, "sha256:b", true},
		{"the same, which should be another", mine, other, "sha256:a", true}, {"another, as it should be", mine, other, "sha256:b", false},
		{"a Dockerfile that copies the lock", s, sameOfLithe, "sha256:b", false}, {"lithe, which must not", mine, sameOfLithe, "sha256:b", true},
	} {
		if err := tt.s.check(scenario{expect: tt.expect}, outcome{image: tt.image}); (err != nil) != tt.bad {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestPlot(t *testing.T) {
	p := &Plot{Title: "A lock of many packages", X: "packages", Y: "seconds of CPU", Curves: []Curve{
		{"first build", [][2]float64{{0, 0.4}, {100, 1.1}, {600, 5.3}}}, {"unchanged", [][2]float64{{0, 0.02}, {100, 0.03}, {600, 0.09}}}}}
	var got bytes.Buffer
	if err := WritePlot(&got, p); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, filepath.Join("testdata", "plot.svg"), got.Bytes(), *update)
	for _, tt := range []struct{ v, want float64 }{{0, 1}, {0.7, 0.8}, {5.3, 6}, {600, 600}, {9.1, 10}} {
		if got := roundUp(tt.v); got-tt.want > 1e-9 || tt.want-got > 1e-9 {
			t.Errorf("roundUp(%v) is %v", tt.v, got)
		}
	}
}
