package bytecode

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/execute"
	"github.com/lithe-build/lithe/internal/store"
	"github.com/lithe-build/lithe/internal/store/storetest"
)

func TestMain(m *testing.M) {
	execute.Init()
	os.Exit(m.Run())
}

// fake is an interpreter for which each source holds what becomes of it: "ok" compiles, "refuse" does not,
// "die" ends the process, "garbage" is answered with something that is no bytecode.
type fake struct {
	version  string
	starts   atomic.Int32
	compiled atomic.Int32 // sources
}

func (f *fake) Name() string { return "fake" }

func (f *fake) Run(ctx context.Context, root string, c execute.Command) (int, error) {
	f.starts.Add(1)
	in, out := bufio.NewReader(c.Stdin), bufio.NewWriter(c.Stdout)
	stop := context.AfterFunc(ctx, func() { _ = c.Stdin.(io.Closer).Close() })
	defer stop()
	put := func(data []byte) {
		_ = binary.Write(out, binary.LittleEndian, uint32(len(data)))
		_, _ = out.Write(data)
	}
	put([]byte(f.version))
	put([]byte("\xf3\r\r\n"))
	for {
		_ = out.Flush()
		path, err := get(in)
		if err != nil {
			return 0, ctx.Err()
		}
		source, _ := get(in)
		f.compiled.Add(1)
		status := uint32(0)
		answer := fakePyc(string(path), string(source))
		switch {
		case bytes.HasPrefix(source, []byte("die")):
			fmt.Fprint(c.Stderr, "Fatal Python error: ", string(source))
			return 134, nil
		case bytes.HasPrefix(source, []byte("refuse")):
			status, answer = 1, []byte("SyntaxError: "+string(source))
		case bytes.HasPrefix(source, []byte("garbage")):
			answer = []byte("0123456789abcdefXXX")
		}
		_ = binary.Write(out, binary.LittleEndian, status)
		put(answer)
	}
}

func get(r io.Reader) ([]byte, error) {
	var n uint32
	if err := binary.Read(r, binary.LittleEndian, &n); err != nil {
		return nil, err
	}
	data := make([]byte, n)
	_, err := io.ReadFull(r, data)
	return data, err
}

// fakePyc has a header and a code object whose name holds path and source, in canonical form.
func fakePyc(path, source string) []byte {
	name := path + "=" + source
	none := "s\x00\x00\x00\x00"
	return []byte("\xf3\r\r\n\x01\x00\x00\x00hashhash" + "c" + strings.Repeat("\x00", 20) +
		strings.Replace(none, "s", "\xf3", 1) + "\xa9\x00r\x01\x00\x00\x00r\x01\x00\x00\x00r\x00\x00\x00\x00" +
		"z\x04a.py" + "Z" + string(rune(len(name))) + name + "Z\x01q" + "\x00\x00\x00\x00" +
		"r\x00\x00\x00\x00r\x00\x00\x00\x00")
}

func newStore(t testing.TB) *store.Store {
	t.Helper()
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func compiler(t testing.TB, opt Options) *Compiler {
	t.Helper()
	if opt.Store == nil {
		opt.Store = newStore(t)
	}
	if opt.ID == "" {
		opt.ID = "3.13.5"
	}
	c := New(opt)
	t.Cleanup(c.Close)
	return c
}

// texts makes sources of texts, with digests for every other one.
func texts(all ...string) []Source {
	var out []Source
	for i, text := range all {
		s := Source{Path: fmt.Sprintf("/app/%d.py", i), Content: entry.Bytes(text)}
		if i%2 == 0 {
			s.Digest = store.DigestBytes([]byte(text))
		}
		out = append(out, s)
	}
	return out
}

func TestCompile(t *testing.T) {
	python := &fake{version: "3.13.5"}
	var skipped []string
	c := compiler(t, Options{Executor: python, Jobs: 3,
		Skipped: func(path, reason string) { skipped = append(skipped, path+": "+reason) }})
	var sources []string
	for i := range 100 {
		sources = append(sources, fmt.Sprintf("ok %d", i))
	}
	sources[7], sources[70] = "refuse this", "refuse that"
	for _, name := range []string{"cold", "warm"} {
		t.Run(name, func(t *testing.T) {
			skipped = nil
			got, err := c.Compile(t.Context(), "a set", texts(sources...))
			if err != nil {
				t.Fatal(err)
			}
			for i, pyc := range got {
				want := fakePyc(fmt.Sprintf("/app/%d.py", i), sources[i])
				if strings.HasPrefix(sources[i], "refuse") {
					want = nil
				}
				if !bytes.Equal(pyc, want) {
					t.Errorf("%d: %q, not %q", i, pyc, want)
				}
			}
			want := []string{"/app/7.py: SyntaxError: refuse this", "/app/70.py: SyntaxError: refuse that"}
			if diff := cmp.Diff(want, skipped); diff != "" {
				t.Error(diff)
			}
		})
	}
	if n := python.starts.Load(); n < 1 || n > 3 {
		t.Errorf("%d processes for three jobs, and a second call that needs none", n)
	}
}

// Many calls at once share the processes, and each source is told of once.
func TestCallsAtOnce(t *testing.T) {
	python := &fake{version: "3.13.5"}
	var told sync.Map
	c := compiler(t, Options{Executor: python, Jobs: 2, Finished: func(path string) {
		if _, twice := told.LoadOrStore(path, true); twice {
			t.Errorf("%s is finished twice", path)
		}
	}})
	var group sync.WaitGroup
	for call := range 20 {
		group.Go(func() {
			var sources []Source
			for i := range 10 {
				sources = append(sources, Source{Path: fmt.Sprintf("/%d/%d.py", call, i), Content: entry.Bytes("ok")})
			}
			got, err := c.Compile(t.Context(), fmt.Sprint(call), sources)
			if err != nil {
				t.Error(err)
				return
			}
			for i, s := range sources {
				if _, ok := told.Load(s.Path); !ok || !bytes.Equal(got[i], fakePyc(s.Path, "ok")) {
					t.Errorf("%s: %q, told %v", s.Path, got[i], ok)
				}
			}
		})
	}
	group.Wait()
	if n := python.starts.Load(); n > 2 {
		t.Errorf("%d processes for two jobs", n)
	}
}

// Calls at once with the same sources, as wheels for two platforms have them, compile each once, however few processes
// there are to wait for.
func TestSameSourcesAtOnce(t *testing.T) {
	for _, jobs := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d jobs", jobs), func(t *testing.T) {
			python := &fake{version: "3.13.5"}
			c := compiler(t, Options{Executor: python, Jobs: jobs})
			var sources []string
			for i := range 50 {
				sources = append(sources, fmt.Sprintf("ok %d", i))
			}
			var group sync.WaitGroup
			for range 8 {
				group.Go(func() {
					got, err := c.Compile(t.Context(), "a set", texts(sources...))
					if err != nil {
						t.Error(err)
						return
					}
					for i, pyc := range got {
						if !bytes.Equal(pyc, fakePyc(fmt.Sprintf("/app/%d.py", i), sources[i])) {
							t.Errorf("%d: %q", i, pyc)
						}
					}
				})
			}
			group.Wait()
			if n := int(python.compiled.Load()); n != len(sources) {
				t.Errorf("%d sources were compiled for %d", n, len(sources))
			}
		})
	}
}

func TestStoredUnderItsInputs(t *testing.T) {
	storetest.EveryFieldCounts(t, key{Format: 1, Compiler: "c", Driver: "d", Path: "p", Source: "s"})
	storetest.EveryFieldCounts(t, packKey{Format: 1, Compiler: "c", Driver: "d", Set: "s"})
	st, python := newStore(t), &fake{version: "3.13.5"}
	compile := func(path, text, id string) []byte {
		t.Helper()
		python.version = id
		c := compiler(t, Options{Store: st, Executor: python, ID: id})
		defer c.Close()
		got, err := c.Compile(t.Context(), "a set", []Source{{Path: path, Content: entry.Bytes(text)}})
		if err != nil {
			t.Fatal(err)
		}
		return got[0]
	}
	compile("/a.py", "ok", "3.13.5")
	for _, test := range []struct {
		name, path, text, id string
		starts               int32
	}{
		{"the same", "/a.py", "ok", "3.13.5", 0},
		{"another path", "/b.py", "ok", "3.13.5", 1},
		{"another source", "/a.py", "ok then", "3.13.5", 1},
		{"another compiler", "/a.py", "ok", "3.13.6", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := python.starts.Load()
			if got := compile(test.path, test.text, test.id); !bytes.Equal(got, fakePyc(test.path, test.text)) {
				t.Errorf("%q", got)
			}
			if n := python.starts.Load() - before; n != test.starts {
				t.Errorf("%d processes were started, not %d", n, test.starts)
			}
		})
	}
}

// A result whose bytes are not what was stored is made again, and so is one whose blob is gone.
func TestDamagedPack(t *testing.T) {
	st := newStore(t)
	python := &fake{version: "3.13.5"}
	c := compiler(t, Options{Store: st, Executor: python})
	source := texts("ok")
	if _, err := c.Compile(t.Context(), "a set", source); err != nil {
		t.Fatal(err)
	}
	name := c.openPack("a set").name
	var sound packRecord
	if ok, err := st.Record(kindRecord, name, &sound); !ok || err != nil || len(sound.Files) != 1 {
		t.Fatal(ok, err, sound)
	}
	for what, damage := range map[string]func(*packRecord){
		"other bytes":         func(r *packRecord) { r.Files[0].Sum = store.DigestBytes([]byte("y")) },
		"another place":       func(r *packRecord) { r.Files[0].At++ },
		"too long":            func(r *packRecord) { r.Files[0].Size = 1 << 40 },
		"negative":            func(r *packRecord) { r.Files[0].Size = -1 },
		"nothing":             func(r *packRecord) { r.Files[0].Size = 0 },
		"both":                func(r *packRecord) { r.Files[0].Reason = "x" },
		"a blob that is gone": func(r *packRecord) { r.Blob = store.DigestBytes([]byte("gone")) },
	} {
		t.Run(what, func(t *testing.T) {
			damaged := packRecord{Blob: sound.Blob, Files: slices.Clone(sound.Files)}
			damage(&damaged)
			if err := st.PutRecord(kindRecord, name, damaged); err != nil {
				t.Fatal(err)
			}
			before := python.compiled.Load()
			got, err := c.Compile(t.Context(), "a set", source)
			if err != nil || !bytes.Equal(got[0], fakePyc("/app/0.py", "ok")) {
				t.Errorf("%q, %v", got, err)
			}
			if n := python.compiled.Load() - before; n != 1 {
				t.Errorf("%d sources were compiled", n)
			}
		})
	}
}

// TestSetChanges has a set change: what is the same is not compiled again, not even when it comes back after a while.
func TestSetChanges(t *testing.T) {
	python := &fake{version: "3.13.5"}
	c := compiler(t, Options{Executor: python})
	for _, step := range []struct {
		sources []string
		want    int32
	}{
		{[]string{"ok 0", "ok 1", "ok 2"}, 3},
		{[]string{"ok 0", "ok 1", "ok 2"}, 0},
		{[]string{"ok 0", "ok x", "ok 2"}, 1},
		{[]string{"ok 0", "ok 1", "ok 2", "ok 3"}, 1},
	} {
		before := python.compiled.Load()
		if _, err := c.Compile(t.Context(), "a set", texts(step.sources...)); err != nil {
			t.Fatal(err)
		}
		if n := python.compiled.Load() - before; n != step.want {
			t.Errorf("%q: %d sources were compiled, not %d", step.sources, n, step.want)
		}
	}
}

func TestFailures(t *testing.T) {
	broken := errors.New("disk on fire")
	tests := []struct {
		name     string
		executor execute.Executor
		sources  []Source
		want     []string // in the error
	}{
		{"the interpreter dies", &fake{version: "3.13.5"}, texts("ok", "die now"),
			[]string{"/app/1.py", "code 134", "Fatal Python error: die now"}},
		{"another interpreter", &fake{version: "3.13.4"}, texts("ok"), []string{`"3.13.4"`, "3.13.5"}},
		{"not bytecode", &fake{version: "3.13.5"}, texts("garbage"), []string{"/app/0.py", "marshal"}},
		{"it does not start", refusing{broken}, texts("ok"), []string{"disk on fire"}},
		{"a source that changed", &fake{version: "3.13.5"},
			[]Source{{Path: "/x.py", Content: entry.Bytes("new"), Digest: store.DigestBytes([]byte("old"))}},
			[]string{"/x.py", store.DigestBytes([]byte("old")), store.DigestBytes([]byte("new"))}},
		{"a source that cannot be read", &fake{version: "3.13.5"},
			[]Source{{Path: "/x.py", Content: entry.Path("/no/such/file")}}, []string{"/x.py", "/no/such/file"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := compiler(t, Options{Executor: test.executor, Jobs: 2})
			_, err := c.Compile(t.Context(), "a set", test.sources)
			if err == nil {
				t.Fatal("no error")
			}
			for _, word := range test.want {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%q does not say %q", err, word)
				}
			}
			// The next call starts afresh.
			c.opt.Executor = &fake{version: "3.13.5"}
			if got, err := c.Compile(t.Context(), "a set", texts("ok again")); err != nil || len(got) != 1 {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
	if _, err := New(Options{}).Compile(t.Context(), "a set", texts("ok")); err == nil {
		t.Error("no compiler id, and no error")
	}
}

type refusing struct{ err error }

func (refusing) Name() string { return "refusing" }

func (r refusing) Run(context.Context, string, execute.Command) (int, error) { return -1, r.err }

// silent is an interpreter that never answers.
type silent struct{ started chan struct{} }

func (silent) Name() string { return "silent" }

func (s silent) Run(ctx context.Context, _ string, _ execute.Command) (int, error) {
	close(s.started)
	<-ctx.Done()
	return -1, ctx.Err()
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	python := silent{make(chan struct{})}
	c := compiler(t, Options{Executor: python, Jobs: 1})
	go func() {
		<-python.started
		cancel()
	}()
	if _, err := c.Compile(ctx, "a set", texts("ok")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestClose(t *testing.T) {
	c := compiler(t, Options{Executor: &fake{version: "3.13.5"}})
	if _, err := c.Compile(t.Context(), "a set", texts("ok")); err != nil {
		t.Fatal(err)
	}
	c.Close()
	c.Close()
	if _, err := c.Compile(t.Context(), "a set", texts("ok 2")); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if got, err := c.Compile(t.Context(), "a set", texts("ok")); err != nil || got[0] == nil {
		t.Errorf("what is in the store needs no process: %v", err)
	}
}

func TestPycPath(t *testing.T) {
	got := []string{PycPath("/a/b/x.py", 13), PycPath("x.py", 9), PycPath("/venv/a.b.py", 14)}
	want := []string{"/a/b/__pycache__/x.cpython-313.pyc", "__pycache__/x.cpython-39.pyc",
		"/venv/__pycache__/a.b.cpython-314.pyc"}
	if !slices.Equal(got, want) {
		t.Error(got)
	}
}
