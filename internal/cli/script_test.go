package cli_test

import (
	"context"
	"flag"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lithe-build/lithe/internal/cli"
	"github.com/lithe-build/lithe/internal/execute"
	"github.com/lithe-build/lithe/internal/testkit/debmirror"
	"github.com/lithe-build/lithe/internal/testkit/pyindex"
	"github.com/lithe-build/lithe/internal/testkit/standalone"
)

var update = flag.Bool("update", false, "rewrite what scripts compare with")

func TestMain(m *testing.M) {
	execute.Init()
	testscript.Main(m, map[string]func(){"lithe": lithe})
}

// lithe is what cmd/lithe does.
func lithe() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(cli.Main(ctx, os.Args[1:], cli.System{Getenv: os.Getenv, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}))
}

// TestScripts holds every promise that the command line makes: a file each, a sentence for each step. What the scripts
// may use beside lithe is in commands_test.go.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			testscript.Run(t, testscript.Params{Files: []string{file}, Setup: w.setup, Cmds: w.commands(), UpdateScripts: *update})
		})
	}
}

// world is what a script finds outside of its folder: a Debian mirror and a package index of its own.
type world struct {
	t       *testing.T
	mirror  *debmirror.Mirror
	suites  []debmirror.Suite // as the mirror has them now
	keyring string
	index   *pyindex.Index
	pythons *standalone.Mirror
	further *debmirror.Suite // of a repository that is not Debian's; nil until a script publishes it

	containers *scriptRegistry // nil until a script starts it
}

// catalogue is what every script's index has. Scripts add what they need besides.
func catalogue() []pyindex.Wheel {
	return []pyindex.Wheel{
		{Name: "greet", Version: "1.0", Requires: []string{"colours>=2"}},
		{Name: "greet", Version: "1.1", Requires: []string{"colours>=2"}},
		{Name: "colours", Version: "2.0"},
		{Name: "big", Version: "1.0", Size: 1 << 20}, // large enough for a layer of its own
		{Name: "fast", Version: "1.0", Tag: "cp313-cp313-manylinux_2_17_x86_64"},
		{Name: "fast", Version: "1.0", Tag: "cp313-cp313-manylinux_2_17_aarch64"},
		{Name: "fast", Version: "1.0", Tag: "cp313-cp313-musllinux_1_2_x86_64"},
		{Name: "checker", Version: "3.0", Scripts: map[string]string{"check": "checker:main"}},
	}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, suites: debmirror.Trixie("amd64", "arm64"), index: pyindex.New(t, catalogue()...)}
	w.mirror = debmirror.New(t, w.suites...)
	w.pythons = standalone.New(t)
	w.pythons.Publish("20261021", standalone.Tiny("3.12.15", "20261021", "amd64"), standalone.Tiny("3.12.15", "20261021", "arm64"))
	w.keyring = w.mirror.KeyringFile(t)
	return w
}

// setup isolates a script: its home, its store and its servers are its own.
func (w *world) setup(env *testscript.Env) error {
	for name, value := range map[string]string{
		"GORACE": "atexit_sleep_ms=0", // the race detector waits a second before a process ends, which no script needs
		"HOME":   env.WorkDir + "/home", "LITHE_STORE": env.WorkDir + "/store", "NO_COLOR": "1",
		"LITHE_DEBIAN_MIRROR": w.mirror.URL, "LITHE_DEBIAN_SECURITY_MIRROR": w.mirror.SecurityURL,
		"LITHE_DEBIAN_KEYRING": w.keyring, "LITHE_INDEX_URL": w.index.URL, "LITHE_STANDALONE_MIRROR": w.pythons.URL,
		"SNAPSHOT": w.mirror.SnapshotURL, "SECRET_INDEX": strings.Replace(w.index.URL, "://", "://somebody:hunter2@", 1),
	} {
		env.Setenv(name, value)
	}
	return os.MkdirAll(env.WorkDir+"/home", 0o755)
}
