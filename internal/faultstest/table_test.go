package faultstest

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/cli"
	"github.com/lithe-build/lithe/internal/execute"
	"github.com/lithe-build/lithe/internal/testkit/golden"
	"github.com/lithe-build/lithe/internal/testkit/pyindex"
)

var update = flag.Bool("update", false, "rewrite docs/reliability.md")

// rowsAtOnce is more than there are processors: a row waits for retries most of its time.
const rowsAtOnce = "8"

// asProgram is set where the tests' own program is to be lithe.
const asProgram = "LITHE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	execute.Init()
	if os.Getenv(asProgram) != "" {
		os.Exit(cli.Main(context.Background(), os.Args[1:], cli.System{Getenv: os.Getenv, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}))
	}
	flag.Parse()
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		_ = os.Unsetenv(name) // names that no resolver knows would be asked of a proxy
	}
	if err := flag.Set("test.parallel", rowsAtOnce); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// Exit codes of lithe.
const (
	good    = 0
	problem = 1 // something to mend in the project, with a hint
	failure = 3 // the network, or this machine
)

// row is one fault.
type row struct {
	name   string         // what breaks, as the page says it
	poetry bool           // a lock without addresses and sizes, for which the index's pages are read
	fresh  bool           // without lithe.lock, so that Debian's indexes are read
	ready  func(w *world) // what happens before, while all is well
	fault  func(w *world)
	run    func(w *world) []string // arguments in place of those of a build into the layout
	want   int
	after  func(w *world, r result) error // what must hold beside the rest
	mend   func(w *world)                 // beside what mends all servers
}

// section is the faults of one place.
type section struct {
	title, text string
	rows        []row
}

// sections is the table.
func sections() []section {
	return []section{indexRows(), wheelRows(), suiteRows(), packageRows(), pushRows(), pullRows(), storeRows(), reachRows()}
}

// reference is what a build gives that nothing disturbs.
type reference struct {
	digest string
	locks  map[bool]string // lithe.lock, by whether the lock is Poetry's
}

func newReference(t *testing.T) reference {
	t.Helper()
	ref := reference{locks: map[bool]string{}}
	for _, poetry := range []bool{false, true} {
		w := newWorld(t)
		w.lockProject(poetry)
		r := w.build()
		digest := strings.TrimSpace(r.stdout)
		if r.code != good || ref.digest != "" && digest != ref.digest {
			t.Fatalf("Poetry %t, first %s: %v", poetry, ref.digest, r)
		}
		ref.digest, ref.locks[poetry] = digest, w.litheLock()
	}
	return ref
}

// TestFaults tries every row, and writes the page of what came of it.
func TestFaults(t *testing.T) {
	ref := newReference(t)
	all := sections()
	told := make([][]string, len(all))
	t.Run("rows", func(t *testing.T) {
		for i, s := range all {
			told[i] = make([]string, len(s.rows))
			for j, r := range s.rows {
				t.Run(s.title+"/"+r.name, func(t *testing.T) {
					t.Parallel()
					told[i][j] = r.try(t, ref)
				})
			}
		}
	})
	if t.Failed() {
		return // the page would tell of what is wrong
	}
	golden.Compare(t, filepath.Join("..", "..", "docs", "reliability.md"), page(t, all, told), *update)
}

// try breaks one thing, checks that nothing half done is left, mends it, and builds again. It returns what the page says
// of the outcome.
func (r row) try(t *testing.T, ref reference) string {
	w := newWorld(t)
	w.lockProject(r.poetry)
	if !r.fresh {
		w.write("app/lithe.lock", ref.locks[r.poetry])
	}
	if r.ready != nil {
		r.ready(w)
	}
	if w.digest != "" {
		ref.digest = w.digest
	}
	before := w.litheLock()
	r.fault(w)
	got := w.first(r)
	if got.code != r.want {
		t.Fatalf("exit code %d, want %d: %v", got.code, r.want, got)
	}
	digest := ref.digest
	if r.want != good {
		digest = ""
	}
	if err := w.check(got, digest, before, r); err != nil {
		t.Error(err)
	}
	if r.after != nil {
		if err := r.after(w, got); err != nil {
			t.Error(err)
		}
	}
	w.again(r, ref)
	return w.told(got)
}

// first runs what the row is about.
func (w *world) first(r row) result {
	if r.run == nil {
		return w.build()
	}
	return w.lithe(r.run(w)...)
}

// check holds after every row, whatever came of it.
func (w *world) check(got result, digest, litheLock string, r row) error {
	image := digest
	if r.run != nil {
		image = ""
	}
	if err := checkImage(w.image, image); err != nil {
		return err
	}
	if err := checkStore(w.env["LITHE_STORE"], digest != ""); err != nil {
		return err
	}
	now := w.litheLock()
	switch {
	case digest == "" && now != litheLock:
		return fmt.Errorf("lithe.lock changed:\n%s", now)
	case digest == "" && got.stdout != "":
		return fmt.Errorf("it failed, and printed %q", got.stdout)
	case digest != "" && r.run == nil && strings.TrimSpace(got.stdout) != digest:
		return fmt.Errorf("printed %q, want %s", got.stdout, digest)
	case got.code == problem && !strings.Contains(got.stderr, "\nhint: "):
		return fmt.Errorf("a problem to mend has no hint: %v", got)
	}
	return nil
}

// again builds once more without the fault.
func (w *world) again(r row, ref reference) {
	w.t.Helper()
	w.mend()
	if r.mend != nil {
		r.mend(w)
	}
	got := w.build()
	if got.code != good || strings.TrimSpace(got.stdout) != ref.digest {
		w.t.Errorf("without the fault, want %s: %v", ref.digest, got)
		return
	}
	if err := checkImage(w.image, ref.digest); err != nil {
		w.t.Error(err)
	}
	if err := checkStore(w.env["LITHE_STORE"], true); err != nil {
		w.t.Error(err)
	}
}

func (w *world) lockProject(poetry bool) {
	if poetry {
		w.lock("poetry.lock", pyindex.PoetryLock)
		return
	}
	w.lock("uv.lock", pyindex.UVLock)
}

// litheLock is the text of lithe.lock, "" for none.
func (w *world) litheLock() string {
	data, err := os.ReadFile(filepath.Join(w.dir, "lithe.lock"))
	if err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
	return string(data)
}
