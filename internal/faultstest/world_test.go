package faultstest

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lithe-build/lithe/internal/cli"
	"github.com/lithe-build/lithe/internal/testkit/debmirror"
	"github.com/lithe-build/lithe/internal/testkit/faults"
	"github.com/lithe-build/lithe/internal/testkit/pyindex"
)

// wheels is what every index has. big comes in several reads, so that it can break off in the middle.
var wheels = []pyindex.Wheel{
	{Name: "greet", Version: "1.0", Requires: []string{"colours>=2"}},
	{Name: "colours", Version: "2.0"},
	{Name: "big", Version: "1.0", Size: 1 << 20},
}

const pyproject = `[project]
name = "app"
version = "1.0"
requires-python = ">=3.12"
dependencies = ["greet==1.0", "big"]
[project.scripts]
app = "app:main"
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[tool.lithe]
bytecode = false
`

// world is what one row has for itself: a project, a store, a place for images, and servers that can be broken.
type world struct {
	t      *testing.T
	root   string // of the folders below
	dir    string // the project
	store  string
	image  string // the OCI layout that builds write
	env    map[string]string
	index  *pyindex.Index
	mirror *debmirror.Mirror
	suites []debmirror.Suite // good ones
	// What stands before the two, and a server that a redirect may lead to.
	indexFaults, mirrorFaults *faults.Script
	elsewhere                 *faults.Script
	names                     map[string]string // of servers, by their address, for the page
	digest                    string            // of the image; "" means that of the project as it is

	registry       string // host and port; "" where the row has none
	listening      string // the same, while registry is a place where nobody listens
	registryFaults *faults.Script
}

// newWorld makes a world in which everything is well.
func newWorld(t *testing.T) *world {
	t.Helper()
	root := t.TempDir()
	w := &world{t: t, root: root, dir: filepath.Join(root, "app"), store: filepath.Join(root, "store"),
		image: filepath.Join(root, "images", "app"), suites: debmirror.Trixie("amd64"), index: pyindex.New(t, wheels...)}
	w.mirror = debmirror.New(t, w.suites...)
	w.index.Through(func(next http.Handler) http.Handler {
		w.indexFaults, w.elsewhere = faults.New(next), faults.New(next)
		return w.indexFaults
	})
	w.mirror.Through(func(next http.Handler) http.Handler { w.mirrorFaults = faults.New(next); return w.mirrorFaults })
	other := httptest.NewServer(w.elsewhere)
	t.Cleanup(other.Close)
	w.names = map[string]string{strings.TrimSuffix(w.index.URL, "/simple/"): "http://index",
		strings.TrimSuffix(w.mirror.URL, "/debian"): "http://mirror", other.URL: "http://elsewhere"}
	w.env = map[string]string{
		"HOME": filepath.Join(root, "home"), "PIP_CONFIG_FILE": os.DevNull, "LITHE_STORE": w.store,
		"LITHE_ATTEMPTS": "3", "LITHE_TIMEOUT": "20s", "LITHE_INDEX_URL": w.index.URL, "LITHE_DEBIAN_MIRROR": w.mirror.URL,
		"LITHE_DEBIAN_SECURITY_MIRROR": w.mirror.SecurityURL, "LITHE_DEBIAN_KEYRING": w.mirror.KeyringFile(t),
	}
	w.write("app/pyproject.toml", pyproject)
	w.write("app/app/__init__.py", "def main():\n    print(\"hello\")\n")
	w.write("images/.keep", "")
	return w
}

// write writes a file below the root.
func (w *world) write(name, text string) {
	w.t.Helper()
	path := filepath.Join(w.root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		w.t.Fatal(err)
	}
}

// lock writes a lock file of the project.
func (w *world) lock(file string, lock func(*pyindex.Index, []byte) ([]byte, error)) {
	w.t.Helper()
	data, err := lock(w.index, []byte(pyproject))
	if err != nil {
		w.t.Fatal(err)
	}
	w.write("app/"+file, string(data))
}

// origin is the address of a server.
func (w *world) origin(name string) string {
	for address, n := range w.names {
		if n == "http://"+name {
			return address
		}
	}
	w.t.Fatalf("no server %s", name)
	return ""
}

// mend makes the servers good again, and lithe as patient as they deserve.
func (w *world) mend() {
	w.env["LITHE_ATTEMPTS"], w.env["LITHE_TIMEOUT"] = "3", "20s"
	w.indexFaults.Play()
	w.mirrorFaults.Play()
	w.elsewhere.Play()
	w.index.Break(pyindex.Faults{})
	w.mirror.Publish(w.suites...)
}

// breakSuites publishes the suites with a change made to each.
func (w *world) breakSuites(change func(*debmirror.Suite)) {
	broken := slices.Clone(w.suites)
	for i := range broken {
		change(&broken[i])
	}
	w.mirror.Publish(broken...)
}

// result is what a run of lithe gave.
type result struct {
	code           int
	stdout, stderr string
}

// output is a buffer for several goroutines: what -v says comes from all of them.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

// lithe runs the command line with the row's environment and nothing of the test's.
func (w *world) lithe(args ...string) result {
	return run(w.t.Context(), w.env, args...)
}

func run(ctx context.Context, env map[string]string, args ...string) result {
	env = maps.Clone(env) // a run may go on in a goroutine of its own
	var stdout, stderr output
	code := cli.Main(ctx, args, cli.System{Getenv: func(name string) string { return env[name] }, Stdin: strings.NewReader(""),
		Stdout: &stdout, Stderr: &stderr})
	return result{code, stdout.buf.String(), stderr.buf.String()}
}

// build builds the image into the layout.
func (w *world) build() result {
	return w.lithe("build", w.dir, "-o", "oci:"+w.image)
}

var (
	hexDigest = regexp.MustCompile(`[0-9a-f]{64}`)
	keyID     = regexp.MustCompile(`key [0-9A-F]{16}`)
	loopback  = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	indexSize = regexp.MustCompile(`(Packages.*expected) \d+`)              // what a mirror of the test has in it may grow
	anyFile   = regexp.MustCompile(`(?m)^error: [^\n]*?: not in the store`) // wheels and packages are looked for side by side
)

// anyPackage gives all packages one name: where each download fails, any of them may be the first to.
var anyPackage = strings.NewReplacer("greet 1.0", "big 1.0", "colours 2.0", "big 1.0", "/simple/greet/", "/simple/big/",
	"/simple/colours/", "/simple/big/", "greet-1.0-", "big-1.0-", "colours-2.0-", "big-1.0-")

// told is the error that a run ended with, without what differs from run to run: addresses, digests, folders.
func (w *world) told(r result) string {
	lines := strings.Split(strings.TrimSpace(r.stderr), "\n")
	first := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "error: ") })
	if first < 0 {
		return ""
	}
	text := strings.Join(lines[first:], "\n")
	for address, name := range w.names {
		text = strings.ReplaceAll(text, address, name)
		text = strings.ReplaceAll(text, strings.TrimPrefix(address, "http://"), strings.TrimPrefix(name, "http://"))
	}
	text = strings.ReplaceAll(text, w.root, "…")
	text = loopback.ReplaceAllString(text, "127.0.0.1")
	text = keyID.ReplaceAllString(text, "key …")
	text = indexSize.ReplaceAllString(text, "$1 …")
	text = anyFile.ReplaceAllString(text, "error: …: not in the store")
	text = anyPackage.Replace(text)
	return hexDigest.ReplaceAllString(text, "…")
}

// String is for failures of tests.
func (r result) String() string {
	return fmt.Sprintf("exit code %d\nstdout: %s\nstderr: %s", r.code, r.stdout, r.stderr)
}
