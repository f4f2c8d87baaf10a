package bytecode

import (
	"bytes"
	"encoding/binary"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/docker"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/execute"
)

// interpreter is a real one that the tests found.
type interpreter struct {
	root, path, version string
	library             string // its standard library, on the host
	executors           []execute.Executor
}

// findInterpreter takes LITHE_TEST_PYTHON, a path in LITHE_TEST_ROOT, or the first Python on PATH that is new enough.
func findInterpreter(t testing.TB) interpreter {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("executors need Linux")
	}
	root, path := os.Getenv("LITHE_TEST_ROOT"), os.Getenv("LITHE_TEST_PYTHON")
	if root == "" {
		root = "/"
	}
	candidates := []string{path}
	if path == "" {
		candidates = []string{"python3.13", "python3.12", "python3.11", "python3"}
	}
	for _, name := range candidates {
		if root == "/" {
			name = onHost(name)
		}
		if p := (interpreter{root: root, path: name}); name != "" && p.ask(t) {
			return p
		}
	}
	t.Skip("no Python of at least 3.11 on PATH; LITHE_TEST_PYTHON names one")
	return interpreter{}
}

// onHost asks a Python for its own path: on PATH may be a script that chooses one.
func onHost(name string) string {
	out, err := exec.Command(name, "-c", "import sys, os; print(os.path.realpath(sys.executable))").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// ask fills in what the interpreter says about itself, through each executor that works.
func (p *interpreter) ask(t testing.TB) bool {
	for _, s := range execute.Probe(t.Context(), docker.Options{}) {
		e, err := execute.Choose(t.Context(), execute.Need{Name: s.Name})
		if err != nil {
			t.Logf("%s: %v", s.Name, s.Err)
			continue
		}
		var out, errs bytes.Buffer
		code, err := e.Run(t.Context(), p.root, execute.Command{Args: []string{p.path, "-S", "-c", "import sys, os; " +
			"print('%d.%d.%d' % sys.version_info[:3], os.__file__, sys.version_info >= (3, 11))"}, Stdout: &out, Stderr: &errs})
		fields := strings.Fields(out.String())
		if err != nil || code != 0 || len(fields) != 3 || fields[2] != "True" {
			t.Logf("%s in %s: code %d, %v, %s%s", p.path, s.Name, code, err, &out, &errs)
			continue
		}
		p.version, p.library = fields[0], filepath.Dir(fields[1])
		if s.Name == "namespace" {
			p.library = filepath.Join(p.root, p.library) // the loader's Python sees the host's paths
		}
		p.executors = append(p.executors, e)
	}
	return len(p.executors) > 0
}

func (p interpreter) compile(t testing.TB, e execute.Executor, jobs int, sources []Source) map[string][]byte {
	t.Helper()
	c := compiler(t, Options{Executor: e, Root: p.root, Python: p.path, ID: p.version, Jobs: jobs})
	defer c.Close()
	pycs, err := c.Compile(t.Context(), "a set", sources)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for i, s := range sources {
		out[s.Path] = pycs[i]
	}
	return out
}

// raw compiles in one process, in order, without bringing the answers into canonical form.
func (p interpreter) raw(t testing.TB, e execute.Executor, sources []Source) map[string]string {
	t.Helper()
	w := startWorker(t.Context(), Options{Executor: e, Root: p.root, Python: p.path, ID: p.version})
	defer w.stop()
	out := map[string]string{}
	for _, s := range sources {
		data, err := readSource(s)
		if err != nil {
			t.Fatal(err)
		}
		a, err := w.compile(t.Context(), s.Path, data)
		if err != nil {
			t.Fatal(err)
		}
		out[s.Path] = string(a.pyc)
	}
	return out
}

func file(path string) Source { return Source{Path: "/app/" + path, Content: entry.Path(path)} }

// The witness: what the interpreter writes depends on what the process compiled before, what we make of it does not.
func TestHistoryDoesNotShow(t *testing.T) {
	p := findInterpreter(t)
	history, witness := file("testdata/history.py"), file("testdata/witness.py")
	orders := [][]Source{{witness, history}, {history, witness}}
	for _, e := range p.executors {
		t.Run(e.Name(), func(t *testing.T) {
			first, second := p.raw(t, e, orders[0]), p.raw(t, e, orders[1])
			if first[witness.Path] == second[witness.Path] {
				t.Errorf("Python %s writes the same in both orders: the witness proves nothing", p.version)
			}
			a, b := p.compile(t, e, 1, orders[0]), p.compile(t, e, 1, orders[1])
			for path := range a {
				if !bytes.Equal(a[path], b[path]) {
					t.Errorf("%s differs between the orders", path)
				}
			}
			p.check(t, e, orders[0], a)
		})
	}
}

func TestRefusedSources(t *testing.T) {
	p := findInterpreter(t)
	sources := texts("x = 1", "def f(:", "x = '\x80'", "x = 1\x00", strings.Repeat("(", 500), "# coding: latin-1\nx = '\xe9'",
		"print 'python 2'", `x = "\d"`, "return 1", "\xef\xbb\xbfx = 1", "")
	want := []bool{true, false, false, false, false, true, false, true, false, true, true}
	var got []bool
	pycs := p.compile(t, p.executors[0], 1, sources)
	for _, s := range sources {
		got = append(got, pycs[s.Path] != nil)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
	p.check(t, p.executors[0], sources, pycs)
}

// A whole standard library, and wheels if LITHE_E2E is set, in three orders and four partitions.
func TestOrdersAndPartitions(t *testing.T) {
	p := findInterpreter(t)
	sources := modules(t, p.library)
	if os.Getenv("LITHE_E2E") == "1" {
		sources = append(sources, modules(t, wheels(t))...)
	} else {
		sources = sources[:min(len(sources), 60)]
	}
	sources = append(sources, file("testdata/history.py"), file("testdata/witness.py"))
	backwards, shuffled := slices.Clone(sources), slices.Clone(sources)
	slices.Reverse(backwards)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(shuffled), func(i, j int) {
		shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
	})
	e := p.executors[0]
	want := p.compile(t, e, 1, sources)
	p.check(t, e, sources, want)
	tests := []struct {
		name    string
		sources []Source
		jobs    int
		size    int // of a part; each is compiled by processes of its own
	}{
		{"one after the other, backwards", backwards, 1, len(sources)},
		{"one after the other, shuffled", shuffled, 1, len(sources)},
		{"two at once", sources, 2, len(sources)},
		{"three at once, shuffled", shuffled, 3, len(sources)},
		{"in parts of 100, backwards", backwards, 2, 100},
		{"in parts of 37", sources, 1, 37},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := p.executors[i%len(p.executors)]
			for part := range slices.Chunk(test.sources, test.size) {
				for path, pyc := range p.compile(t, e, test.jobs, part) {
					if !bytes.Equal(pyc, want[path]) {
						t.Errorf("%s differs", path)
					}
				}
			}
		})
	}
	t.Logf("Python %s, %d files", p.version, len(sources))
}

// modules lists the Python files of a folder.
func modules(t *testing.T, dir string) []Source {
	t.Helper()
	var out []Source
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains([]string{"test", "tests", "site-packages", "idlelib"}, d.Name()) {
			return filepath.SkipDir
		}
		if d.Type().IsRegular() && strings.HasSuffix(path, ".py") {
			out = append(out, Source{Path: path, Content: entry.Path(path)})
		}
		return nil
	})
	if err != nil || len(out) == 0 {
		t.Fatal("no modules in ", dir, err)
	}
	return out
}

// wheels downloads some and returns a folder with their files.
func wheels(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.Command("python3", "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--only-binary=:all:",
		"--python-version=3.13", "--target", dir, "django==5.2.8", "sqlalchemy==2.0.44").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// check loads what was compiled in the interpreter and compares it with what that makes of the sources itself.
func (p interpreter) check(t *testing.T, e execute.Executor, sources []Source, pycs map[string][]byte) {
	t.Helper()
	program, err := os.ReadFile("testdata/check.py")
	if err != nil {
		t.Fatal(err)
	}
	var in, out, errs bytes.Buffer
	checked := 0
	for _, s := range sources {
		if pycs[s.Path] == nil {
			continue
		}
		source, err := readSource(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, field := range [][]byte{[]byte(s.Path), source, pycs[s.Path]} {
			_ = binary.Write(&in, binary.LittleEndian, uint32(len(field)))
			in.Write(field)
		}
		checked++
	}
	code, err := e.Run(t.Context(), p.root, execute.Command{Args: []string{p.path, "-S", "-W", "ignore", "-c", string(program)},
		Env: []string{"PYTHONUTF8=1"}, Stdin: &in, Stdout: &out, Stderr: &errs})
	if err != nil || code != 0 || strings.TrimSpace(out.String()) != strconv.Itoa(checked) || checked == 0 {
		t.Errorf("code %d, %v: %s%s, %d files", code, err, &out, &errs, checked)
	}
}
