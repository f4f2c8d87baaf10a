//go:build linux

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lithe-build/lithe/internal/execute"
	"github.com/lithe-build/lithe/internal/trace"
)

// examples are the projects of the repository, all of which are built once for all tests.
var examples = []string{"hello-world", "hello-script", "fastapi-service", "django-polls"}

const (
	nobody  = 65534           // Debian's, a user without an engine
	patient = 5 * time.Minute // for what takes seconds on an idle machine
)

// lab is what the tests share: the program, a store, and one finished build of each example.
type lab struct {
	dir    string // readable for every user
	lithe  string // the program, static
	store  string
	first  map[string]metadata // of the examples
	failed error
}

// metadata is the part of --metadata-file that tests look at.
type metadata struct {
	Digest    string
	Platforms []struct {
		Platform, Digest   string
		Size, UnpackedSize int64
		Layers             []layer
	}
	Outputs []struct {
		Destination, Reference string
		Sent                   int64
	}
	Counts trace.Counts
}

type layer struct {
	Digest, DiffID, Kind, Reused string
	Size, UnpackedSize           int64
	Packages                     []string
}

// layers returns those of the first platform.
func (m metadata) layers() []layer { return m.Platforms[0].Layers }

// shared is the lab of this process. TestMain knows its folder, the first test that needs it has it made.
var shared = &lab{first: map[string]metadata{}}

var setUp = sync.OnceFunc(func() { shared.failed = shared.fill() })

func TestMain(m *testing.M) {
	execute.Init() // builds that run inside this process start it again
	code := m.Run()
	if shared.dir != "" {
		if err := os.RemoveAll(shared.dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func enabled() bool { return os.Getenv("LITHE_E2E") == "1" || os.Getenv("CI") == "true" }

// need skips the test where end-to-end tests are not asked for, and fails it where a tool is missing.
func need(t *testing.T, tools ...string) *lab {
	t.Helper()
	if !enabled() {
		t.Skip("needs engines and the network: set LITHE_E2E=1")
	}
	if os.Getuid() != 0 {
		t.Fatal("end-to-end tests become other users: run them as root")
	}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatal(err)
		}
	}
	setUp()
	if shared.failed != nil {
		t.Fatal(shared.failed)
	}
	return shared
}

// fill builds the program and, from nothing but the network, every example.
func (l *lab) fill() (err error) {
	if l.dir, err = os.MkdirTemp("", "lithe-e2e-"); err != nil {
		return err
	}
	if err := os.Chmod(l.dir, 0o755); err != nil {
		return err
	}
	l.lithe, l.store = filepath.Join(l.dir, "lithe"), filepath.Join(l.dir, "store")
	compile := exec.Command("go", "build", "-trimpath", "-o", l.lithe, "./cmd/lithe")
	compile.Dir, compile.Env = filepath.Join("..", ".."), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := compile.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	for _, name := range examples {
		if l.first[name], err = l.buildExample(name); err != nil {
			return err
		}
	}
	return nil
}

// compiledExample is the one whose dependencies are compiled for minutes. It is built when the first test asks for it.
const compiledExample = "django-uwsgi"

var buildCompiled = sync.OnceValues(func() (metadata, error) { return shared.buildExample(compiledExample) })

// firstBuild returns the first build of an example.
func (l *lab) firstBuild(t *testing.T, name string) metadata {
	t.Helper()
	if name != compiledExample {
		return l.first[name]
	}
	m, err := buildCompiled()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// buildExample makes the copy of an example that all tests start from, its lithe.lock included.
func (l *lab) buildExample(name string) (m metadata, err error) {
	dir := filepath.Join(l.dir, "examples", name)
	if err := copyTree(dir, filepath.Join("..", "..", "examples", name)); err != nil {
		return m, err
	}
	// One that an earlier build left in the repository may name packages that Debian has dropped since.
	if err := os.RemoveAll(filepath.Join(dir, "lithe.lock")); err != nil {
		return m, err
	}
	file := dir + ".json"
	r, err := l.start(call{args: []string{"build", dir, "--metadata-file", file}}, "").wait()
	if err != nil || r.code != 0 {
		return m, fmt.Errorf("first build of %s: exit code %d, %w\n%s", name, r.code, err, r.stderr)
	}
	return readMetadata(file)
}

// project copies an example to a folder of the test's own.
func (l *lab) project(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(l.temp(t), name)
	if err := copyTree(dir, filepath.Join(l.dir, "examples", name)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// temp returns a folder that every user can reach, as t.TempDir is not.
func (l *lab) temp(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(l.dir, "test-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// call is one run of the program. The zero values are those of a user at a prompt.
type call struct {
	args  []string
	env   []string  // beside the environment of the tests
	umask string    // "" keeps it
	uid   int       // and gid; 0 is root
	wrap  []string  // what starts the program, such as unshare
	stdin io.Reader //
	store string    // "" means the shared one
}

type result struct {
	stdout, stderr string
	code           int
}

// running is a started program.
type running struct {
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
	failed         error
}

// start starts the program. Its output goes to a file, which can be looked into meanwhile, or is kept where out is
// empty. An error waits for wait.
func (l *lab) start(c call, out string) *running {
	line := append(slices.Clone(c.wrap), l.lithe)
	if c.umask != "" {
		line = append([]string{"sh", "-c", `umask ` + c.umask + `; exec "$@"`, "sh"}, line...)
	}
	line = append(line, c.args...)
	r := &running{cmd: exec.Command(line[0], line[1:]...)}
	store := c.store
	if store == "" {
		store = l.store
	}
	r.cmd.Dir = l.dir
	r.cmd.Env = append(environment(), append([]string{"LITHE_STORE=" + store, "LITHE_PROGRESS=plain"}, c.env...)...)
	r.cmd.Stdin, r.cmd.Stdout, r.cmd.Stderr = c.stdin, &r.stdout, &r.stderr
	if out != "" {
		f, err := os.Create(out)
		if err != nil {
			r.failed = err
			return r
		}
		defer f.Close() // the program has its own
		r.cmd.Stdout = f
	}
	// A test that is killed must not leave servers behind.
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if c.uid != 0 {
		r.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(c.uid), Gid: uint32(c.uid)}
	}
	r.failed = r.cmd.Start()
	return r
}

// environment is that of the tests without what would change an image.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SOURCE_DATE_EPOCH=") })
}

// wait returns what the program printed and its exit code.
func (r *running) wait() (result, error) {
	if r.failed != nil {
		return result{}, r.failed
	}
	err := r.cmd.Wait()
	if _, ok := err.(*exec.ExitError); ok {
		err = nil
	}
	code := r.cmd.ProcessState.ExitCode()
	if status, ok := r.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		code = 128 + int(status.Signal())
	}
	return result{r.stdout.String(), r.stderr.String(), code}, err
}

// run runs the program to its end.
func (l *lab) run(t *testing.T, c call) result {
	t.Helper()
	r, err := l.start(c, "").wait()
	if err != nil {
		t.Fatalf("lithe %s: %v", strings.Join(c.args, " "), err)
	}
	return r
}

// build builds a project and returns its metadata. c.args stand behind the folder.
func (l *lab) build(t *testing.T, dir string, c call) metadata {
	t.Helper()
	out := l.temp(t)
	if err := os.Chown(out, c.uid, c.uid); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(out, "metadata.json")
	c.args = append([]string{"build", dir, "--metadata-file", file}, c.args...)
	r := l.run(t, c)
	if r.code != 0 {
		t.Fatalf("lithe %s: exit code %d\n%s", strings.Join(c.args, " "), r.code, r.stderr)
	}
	m, err := readMetadata(file)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func readMetadata(file string) (m metadata, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return m, fmt.Errorf("%s: %w", file, err)
	}
	if len(m.Platforms) == 0 {
		return m, fmt.Errorf("%s: no platform", file)
	}
	return m, nil
}

// command runs a tool and returns its standard output; a failure ends the test.
func command(t *testing.T, line ...string) string {
	t.Helper()
	return commandIn(t, "", nil, line...)
}

// commandIn runs a tool in a folder with variables beside the environment's.
func commandIn(t *testing.T, dir string, env []string, line ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = dir, &stdout, &stderr, append(os.Environ(), env...)
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(line, " "), err, stdout.String(), stderr.String())
	}
	return stdout.String()
}

// eventually waits until ok says so.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patient); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("%s: not within %v", what, patient)
}

// copyTree copies a folder. Names come in their order, so that the copy is made in it, too.
func copyTree(to, from string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if d.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		return copyFile(target, path)
	})
}

func copyFile(to, from string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, info.Mode().Perm())
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// edit replaces text in a file, which must have it.
func edit(t *testing.T, path, old, new string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data, []byte(old)) {
		t.Fatalf("%s does not hold %q", path, old)
	}
	write(t, path, strings.ReplaceAll(string(data), old, new))
}
