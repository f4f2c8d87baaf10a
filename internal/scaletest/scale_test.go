//go:build linux

package scaletest

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/lithe-build/lithe/internal/bench"
	"github.com/lithe-build/lithe/internal/testkit/debmirror"
	"github.com/lithe-build/lithe/internal/testkit/pyindex"
	"github.com/lithe-build/lithe/internal/testkit/resident"
)

var update = flag.Bool("update", false, "with LITHE_FULL=1, write the tables and plots of the benchmarks")

func full() bool { return os.Getenv("LITHE_FULL") == "1" }

// sizes are those of a full run, or small ones.
func sizes(small, large []int) []int {
	if full() {
		return large
	}
	return small
}

// folder is where the program is compiled to.
var folder string

func TestMain(m *testing.M) {
	var err error
	if folder, err = os.MkdirTemp("", "lithe-scale-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

// compile builds the program when it is first needed.
var compile = sync.OnceValues(func() (string, error) {
	program := filepath.Join(folder, "lithe")
	cmd := exec.Command("go", "build", "-o", program, "./cmd/lithe")
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return program, nil
})

// world is the program with servers of its own.
type world struct {
	t       *testing.T
	program string
	index   *pyindex.Index
	env     []string
}

func newWorld(t *testing.T, wheels ...pyindex.Wheel) *world {
	t.Helper()
	program, err := compile()
	if err != nil {
		t.Fatal(err)
	}
	mirror := debmirror.New(t, debmirror.Trixie("amd64", "arm64")...)
	w := &world{t: t, program: program, index: pyindex.New(t, wheels...)}
	w.env = append(os.Environ(), "LITHE_DEBIAN_MIRROR="+mirror.URL, "LITHE_DEBIAN_SECURITY_MIRROR="+mirror.SecurityURL,
		"LITHE_DEBIAN_KEYRING="+mirror.KeyringFile(t), "LITHE_INDEX_URL="+w.index.URL, "LITHE_PROGRESS=none", "HOME="+t.TempDir())
	return w
}

// cost is what one run took.
type cost struct {
	cpu    float64 // seconds
	system float64 // of them in the kernel
	memory float64 // megabytes, resident at most
	counts struct{ Requests, Received, Processes, Layers int64 }
}

// build runs lithe build and tells what it took. The file of metadata is read where it is named.
func (w *world) build(dir, store, metadata string, args ...string) (c cost) {
	w.t.Helper()
	cmd := exec.Command(w.program, append([]string{"build", dir}, args...)...)
	if metadata != "" {
		cmd.Args = append(cmd.Args, "--metadata-file", metadata)
	}
	cmd.Env = append(w.env, "LITHE_STORE="+store)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	peak := resident.Peak(cmd.Process.Pid)
	if err := cmd.Wait(); err != nil {
		w.t.Fatalf("%v: %v\n%s", cmd.Args, err, &out)
	}
	c.cpu = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	c.system = cmd.ProcessState.SystemTime().Seconds()
	c.memory = float64(<-peak) / 1e6
	if metadata != "" {
		data, err := os.ReadFile(metadata)
		if err != nil {
			w.t.Fatal(err)
		}
		if err := json.Unmarshal(data, &struct{ Counts any }{&c.counts}); err != nil {
			w.t.Fatal(err)
		}
	}
	return c
}

func (w *world) write(dir string, files map[string]string) {
	w.t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			w.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			w.t.Fatal(err)
		}
	}
}

// project writes one that depends on the wheels.
func (w *world) project(names []string) string {
	w.t.Helper()
	dir, quoted := w.t.TempDir(), make([]string, len(names))
	for i, n := range names {
		quoted[i] = fmt.Sprintf("%q", n)
	}
	pyproject := fmt.Sprintf("[project]\nname = \"app\"\nversion = \"1.0\"\nrequires-python = \">=3.12\"\ndependencies = [%s]\n\n[tool.lithe]\n"+
		"bytecode = false\nentrypoint = [\"/venv/bin/python\", \"app/main.py\"]\n", strings.Join(quoted, ", "))
	lock, err := pyindex.UVLock(w.index, []byte(pyproject))
	if err != nil {
		w.t.Fatal(err)
	}
	w.write(dir, map[string]string{"pyproject.toml": pyproject, "uv.lock": string(lock), "app/main.py": "print('hello')\n"})
	return dir
}

// TestPackages builds projects with more and more wheels.
func TestPackages(t *testing.T) {
	first, again, edited := bench.Curve{Name: "first build"}, bench.Curve{Name: "unchanged"}, bench.Curve{Name: "source changed"}
	for _, n := range sizes([]int{5, 20}, []int{10, 100, 200, 400, 600}) {
		var wheels []pyindex.Wheel
		var names []string
		for i := range n {
			name := fmt.Sprintf("package%d", i)
			wheel := pyindex.Wheel{Name: name, Version: "1.0", Files: map[string]string{}}
			for f := range 20 {
				wheel.Files[fmt.Sprintf("%s/part%d.py", name, f)] = strings.Repeat(fmt.Sprintf("VALUE = %d\n", f), 100)
			}
			wheels, names = append(wheels, wheel), append(names, name)
		}
		w := newWorld(t, wheels...)
		dir, store, file := w.project(names), t.TempDir(), filepath.Join(t.TempDir(), "meta.json")
		c := w.build(dir, store, file)
		first.Points = append(first.Points, [2]float64{float64(n), c.cpu})
		u := w.build(dir, store, file)
		if u.counts.Requests+u.counts.Layers+u.counts.Processes != 0 {
			t.Errorf("%d packages, unchanged: %+v", n, u.counts)
		}
		again.Points = append(again.Points, [2]float64{float64(n), u.cpu})
		w.write(dir, map[string]string{"app/main.py": "print('good morning')\n"})
		e := w.build(dir, store, file)
		if e.counts.Layers != 1 || e.counts.Requests != 0 {
			t.Errorf("%d packages, source changed: %+v", n, e.counts)
		}
		edited.Points = append(edited.Points, [2]float64{float64(n), e.cpu})
		t.Logf("%d packages: first %.2f s and %d requests, unchanged %.3f s, source %.3f s of CPU", n, c.cpu, c.counts.Requests, u.cpu, e.cpu)
	}
	save(t, "packages", &bench.Plot{Title: "A lock of more and more packages", X: "packages, of 22 files each", Y: "seconds of CPU",
		Curves: []bench.Curve{first, edited, again}})
}

// TestMembers builds workspaces with more and more members at once. Each has the same dependencies and code of its own.
func TestMembers(t *testing.T) {
	first, again, edited := bench.Curve{Name: "first build"}, bench.Curve{Name: "unchanged"}, bench.Curve{Name: "one changed"}
	for _, n := range sizes([]int{2, 4}, []int{1, 8, 16, 32, 64}) {
		w := newWorld(t, pyindex.Wheel{Name: "shared", Version: "1.0", Size: 1 << 20}, pyindex.Wheel{Name: "common", Version: "1.0"})
		dir, store := w.workspace(n), t.TempDir()
		file := filepath.Join(t.TempDir(), "{package}.json")
		c := w.build(dir, store, "", "--all-packages", "--metadata-file", file)
		first.Points = append(first.Points, [2]float64{float64(n), c.cpu})
		layers := int64(0)
		for i := range n {
			data, err := os.ReadFile(strings.ReplaceAll(file, "{package}", fmt.Sprintf("member%d", i)))
			if err != nil {
				t.Fatal(err)
			}
			var m struct{ Counts struct{ Layers int64 } }
			if err := json.Unmarshal(data, &m); err != nil {
				t.Fatal(err)
			}
			layers += m.Counts.Layers
		}
		if want := int64(4 + n); layers != want { // base, interpreter and two of wheels, and one of each member
			t.Errorf("%d members: %d layers made, not %d", n, layers, want)
		}
		u := w.build(dir, store, "", "--all-packages")
		again.Points = append(again.Points, [2]float64{float64(n), u.cpu})
		w.write(dir, map[string]string{"members/member0/app/main.py": "print('good morning')\n"})
		e := w.build(dir, store, "", "--all-packages")
		edited.Points = append(edited.Points, [2]float64{float64(n), e.cpu})
		t.Logf("%d members: first %.2f s, unchanged %.3f s, one changed %.3f s of CPU", n, c.cpu, u.cpu, e.cpu)
	}
	save(t, "members", &bench.Plot{Title: "All members of a workspace at once", X: "members, an image each", Y: "seconds of CPU",
		Curves: []bench.Curve{first, edited, again}})
}

// workspace writes one of uv with n members.
func (w *world) workspace(n int) string {
	w.t.Helper()
	files := map[string]string{"pyproject.toml": "[tool.uv.workspace]\nmembers = [\"members/*\"]\n\n[tool.lithe]\nbytecode = false\n"}
	names, packages := make([]string, n), ""
	for i := range n {
		name := fmt.Sprintf("member%d", i)
		names[i] = fmt.Sprintf("%q", name)
		files["members/"+name+"/pyproject.toml"] = fmt.Sprintf("[project]\nname = %q\nversion = \"1.0\"\nrequires-python = \">=3.12\"\n"+
			"dependencies = [\"shared\", \"common\"]\n\n[tool.lithe]\nentrypoint = [\"/venv/bin/python\", \"app/main.py\"]\n", name)
		files["members/"+name+"/app/main.py"] = fmt.Sprintf("print(%q)\n", name)
		packages += fmt.Sprintf("\n[[package]]\nname = %q\nversion = \"1.0\"\nsource = { virtual = \"members/%s\" }\ndependencies = [{ name = \"common\" }, { name = \"shared\" }]\n"+
			"\n[package.metadata]\nrequires-dist = [{ name = \"common\" }, { name = \"shared\" }]\n", name, name)
	}
	lock := "version = 1\nrevision = 3\nrequires-python = \">=3.12\"\n\n[manifest]\nmembers = [" + strings.Join(names, ", ") + "]\n"
	for _, wheel := range w.index.Wheels() {
		lock += fmt.Sprintf("\n[[package]]\nname = %q\nversion = %q\nsource = { registry = \"https://pypi.org/simple\" }\nwheels = [{ url = %q, hash = %q, size = %d }]\n",
			wheel.Name, wheel.Version, w.index.FileURL(wheel), wheel.Hash(), len(wheel.Bytes()))
	}
	files["uv.lock"] = lock + packages
	dir := w.t.TempDir()
	w.write(dir, files)
	return dir
}

// TestBytes builds projects with larger and larger wheels, up to three gigabytes.
func TestBytes(t *testing.T) {
	const each = 64 << 20
	first, system := bench.Curve{Name: "first build"}, bench.Curve{Name: "of it in the kernel"}
	again, memory := bench.Curve{Name: "unchanged"}, bench.Curve{Name: "resident"}
	for _, n := range sizes([]int{1}, []int{4, 8, 16, 48}) {
		var wheels []pyindex.Wheel
		var names []string
		for i := range n {
			wheel := pyindex.Wheel{Name: fmt.Sprintf("heavy%d", i), Version: "1.0", Size: each}
			if !full() {
				wheel.Size = 1 << 20
			}
			wheels, names = append(wheels, wheel), append(names, wheel.Name)
		}
		w := newWorld(t, wheels...)
		dir, store, file := w.project(names), t.TempDir(), filepath.Join(t.TempDir(), "meta.json")
		gigabytes := float64(n) * each / 1e9
		c := w.build(dir, store, file)
		first.Points = append(first.Points, [2]float64{gigabytes, c.cpu})
		system.Points = append(system.Points, [2]float64{gigabytes, c.system})
		memory.Points = append(memory.Points, [2]float64{gigabytes, c.memory})
		u := w.build(dir, store, file)
		if u.counts.Requests+u.counts.Layers+u.counts.Received != 0 {
			t.Errorf("%d wheels, unchanged: %+v", n, u.counts)
		}
		again.Points = append(again.Points, [2]float64{gigabytes, u.cpu})
		t.Logf("%.2f GB: first %.2f s, of it %.2f s in the kernel, unchanged %.3f s of CPU, %.0f MB resident", gigabytes, c.cpu, c.system, u.cpu, c.memory)
		if c.memory == 0 || c.memory > 300 {
			t.Errorf("%.2f GB: %.0f MB resident, want 300 at most", gigabytes, c.memory)
		}
	}
	save(t, "bytes", &bench.Plot{Title: "Wheels of more and more bytes", X: "GB of wheels", Y: "seconds of CPU", Curves: []bench.Curve{first, system, again}})
	save(t, "memory", &bench.Plot{Title: "Memory of a first build", X: "GB of wheels", Y: "MB resident", Curves: []bench.Curve{memory}})
}

// save writes a plot and its numbers for the page of the benchmarks.
func save(t *testing.T, name string, p *bench.Plot) {
	t.Helper()
	if !full() || !*update {
		return
	}
	to := filepath.Join("..", "..", "docs", "benchmarks", "scale-"+name)
	var picture bytes.Buffer
	if err := bench.WritePlot(&picture, p); err != nil {
		t.Fatal(err)
	}
	numbers, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{to + ".svg": picture.Bytes(), to + ".json": append(numbers, '\n'),
		filepath.Join("..", "..", "bench", "scale-"+name+".md"): []byte(table(p))}
	for file, data := range files {
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// table has the numbers of a plot, a column for each curve.
func table(p *bench.Plot) string {
	head, rule := "| "+p.X, "|---"
	for _, c := range p.Curves {
		head, rule = head+" | "+c.Name, rule+"|---"
	}
	text := head + " |\n" + rule + "|\n"
	for i, point := range p.Curves[0].Points {
		text += fmt.Sprintf("| %.3g", point[0])
		for _, c := range p.Curves {
			text += fmt.Sprintf(" | %.3g", c.Points[i][1])
		}
		text += " |\n"
	}
	return text
}
