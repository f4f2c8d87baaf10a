package build_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/lithe-build/lithe/internal/build"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/execute"
	"github.com/lithe-build/lithe/internal/testkit/memregistry"
	"github.com/lithe-build/lithe/internal/testkit/pyindex"
)

// backend stands for a sandbox with a build backend in it: what a source tree says in fake.json is what hooks return.
type backend struct {
	mu    sync.Mutex
	calls []string // "helper: build_wheel"
}

// fake is that file.
type fake struct {
	Name     string
	Requires []string // of get_requires_for_build_wheel
	Ticks    bool     // a file of the wheel has the number of the call
}

func (b *backend) Name() string { return "fake" }

// Run answers a hook in the folder that is bound to /build.
func (b *backend) Run(_ context.Context, root string, c execute.Command) (int, error) {
	if !c.Untrusted || c.Network || c.RootKey == "" || filepath.Base(root) != c.RootKey {
		return -1, fmt.Errorf("%+v in %s", c, root)
	}
	dir := c.Binds[0].Source
	var request struct {
		Hook   string
		Result string
	}
	var says fake
	if err := errors.Join(readJSON(filepath.Join(dir, path.Base(c.Args[2])), &request), readJSON(filepath.Join(dir, "src", "fake.json"), &says)); err != nil {
		return -1, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls = append(b.calls, says.Name+": "+request.Hook)
	fmt.Fprintf(c.Stdout, "call %d: %s\n", len(b.calls), request.Hook)
	var answer any = append([]string{}, says.Requires...)
	if request.Hook == "build_wheel" {
		w := pyindex.Wheel{Name: says.Name, Version: "1.0"}
		if says.Ticks {
			w.Files = map[string]string{says.Name + "/made.py": fmt.Sprintf("CALL = %03d\n", len(b.calls))}
		}
		answer = w.Filename()
		if err := os.WriteFile(filepath.Join(dir, "out", w.Filename()), w.Bytes(), 0o644); err != nil {
			return -1, err
		}
	}
	data, err := json.Marshal(map[string]any{"return": answer})
	if err != nil {
		return -1, err
	}
	return 0, os.WriteFile(filepath.Join(dir, "out", path.Base(request.Result)), data, 0o644)
}

// called returns the calls since it was asked last.
func (b *backend) called() []string {
	calls := b.calls
	b.calls = nil
	return calls
}

func readJSON(file string, to any) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, to)
}

// tree are the files of a project that is built by the fake, which build-system.requires these.
func (f fake) tree(requires ...string) map[string]string {
	data, _ := json.Marshal(f)
	list, _ := json.Marshal(append([]string{}, requires...))
	return map[string]string{"fake.json": string(data), "pyproject.toml": fmt.Sprintf("[build-system]\nrequires = %s\nbuild-backend = \"fake\"\n"+
		"[project]\nname = %q\nversion = \"1.0\"\n", list, f.Name)}
}

// sdist is a source distribution of it on an index.
func (f fake) sdist(t *testing.T, requires ...string) pyindex.Wheel {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	files := f.tree(requires...)
	files["PKG-INFO"] = "Metadata-Version: 2.2\nName: " + f.Name + "\nVersion: 1.0\n"
	for _, name := range slices.Sorted(maps.Keys(files)) {
		err := w.WriteHeader(&tar.Header{Name: f.Name + "-1.0/" + name, Mode: 0o644, Size: int64(len(files[name]))})
		if _, err2 := w.Write([]byte(files[name])); errors.Join(err, err2) != nil {
			t.Fatal(err, err2)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return pyindex.Wheel{Name: f.Name, Version: "1.0", File: f.Name + "-1.0.tar.gz", Raw: out.Bytes()}
}

// sources is a site with a project that needs "native", of which there is a source distribution alone.
func sources(t *testing.T, files ...pyindex.Wheel) (s *site, dir string, b *backend) {
	t.Helper()
	s, dir = newSite(t, files...), t.TempDir()
	i := slices.IndexFunc(files, func(w pyindex.Wheel) bool { return w.Name == "native" })
	write(t, dir, map[string]string{"requirements.txt": "native==1.0 --hash=" + files[i].Hash() + "\n", "main.py": "import native\n",
		"pyproject.toml": "[project]\nname = \"app\"\nversion = \"1.0\"\nrequires-python = \">=3.12\"\n[tool.lithe]\nbytecode = false\nentrypoint = [\"python\", \"main.py\"]\n"})
	return s, dir, &backend{}
}

// TestBuildRequirementFromSource: what a build needs may itself have no wheel. All is locked, and built once.
func TestBuildRequirementFromSource(t *testing.T) {
	helper := fake{Name: "helper", Requires: []string{"tool>=1"}}
	s, dir, b := sources(t, fake{Name: "native"}.sdist(t, "helper"), helper.sdist(t), pyindex.Wheel{Name: "tool", Version: "1.5"})
	opt := build.Isolated(s.options(t, dir), b)
	first := run(t, opt)
	want := []string{"helper: get_requires_for_build_wheel", "helper: build_wheel", "native: get_requires_for_build_wheel", "native: build_wheel"}
	if got := b.called(); !slices.Equal(got, want) {
		t.Errorf("called %q", got)
	}
	lock := lockText(t, dir)
	for _, text := range []string{"name = \"native\"", "name = \"helper\"", "tool-1.5-py3-none-any.whl", "helper-1.0.tar.gz"} {
		if !strings.Contains(lock, text) {
			t.Errorf("lithe.lock has no %s:\n%s", text, lock)
		}
	}
	opt.Locked = true
	if second := run(t, opt); second.Digest != first.Digest || len(b.called()) > 0 || second.Counts.Processes > 0 {
		t.Errorf("a second build is %s after %s, and ran %d processes", second.Digest, first.Digest, second.Counts.Processes)
	}
	opt.Store = t.TempDir()
	if third := run(t, opt); third.Digest != first.Digest || !slices.Equal(b.called(), []string{"helper: build_wheel", "native: build_wheel"}) {
		t.Errorf("from the lock alone: %s after %s", third.Digest, first.Digest)
	}
}

// TestBuildCycle: what needs itself is told with the way there.
func TestBuildCycle(t *testing.T) {
	s, dir, b := sources(t, fake{Name: "native"}.sdist(t, "helper"), fake{Name: "helper"}.sdist(t, "native"))
	_, err := build.Run(t.Context(), build.Isolated(s.options(t, dir), b))
	problems, ok := diag.Problems(err)
	if !ok || len(problems) != 1 || problems[0].Code != "build-cycle" || !strings.Contains(problems[0].What, "native needs helper needs native") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "lithe.lock")); !os.IsNotExist(err) {
		t.Errorf("lithe.lock was written: %v", err)
	}
}

// TestBuiltLayerFromRegistry: a machine that has nothing takes the layer of a source distribution from a registry: it starts no
// process, and downloads neither sources nor what they are built with.
func TestBuiltLayerFromRegistry(t *testing.T) {
	s, dir, b := sources(t, fake{Name: "native"}.sdist(t, "tool"), pyindex.Wheel{Name: "tool", Version: "1.5"})
	registry := memregistry.Serve(t)
	machine := func() build.Options {
		opt := build.Isolated(s.options(t, dir), b)
		opt.Push, opt.Reuse, opt.Tags = true, build.ReuseRegistry, []string{registry.Host + "/team/app:1"}
		return opt
	}
	first := run(t, machine())
	if len(b.called()) != 2 {
		t.Error("the first machine did not build")
	}
	s.index.Requests()
	write(t, dir, map[string]string{"main.py": "import native, sys\n"})
	second := run(t, machine())
	if got := b.called(); len(got) > 0 || second.Counts.Processes > 0 {
		t.Errorf("it called %q, and ran %d processes", got, second.Counts.Processes)
	}
	for _, request := range s.index.Requests() {
		if strings.Contains(request, "/files/") {
			t.Error(request)
		}
	}
	if diff := compare(first, second); len(diff.added) != 1 || !strings.HasPrefix(diff.added[0], "project") {
		t.Errorf("layers %+v", diff)
	}
}

// TestBuildLog: the log of a build is in the store, and a word of it for those who want to know.
func TestBuildLog(t *testing.T) {
	s, dir, b := sources(t, fake{Name: "native"}.sdist(t))
	opt := build.Isolated(s.options(t, dir), b)
	for _, moment := range []string{"when it is built", "when it was built before"} {
		var said bytes.Buffer
		opt.Log = slog.New(slog.NewJSONHandler(&said, nil))
		run(t, opt)
		var line struct{ Package, Log string }
		for text := range strings.Lines(said.String()) {
			if strings.Contains(text, `"built from source"`) {
				if err := json.Unmarshal([]byte(text), &line); err != nil {
					t.Fatal(err)
				}
			}
		}
		log, err := os.ReadFile(line.Log)
		if err != nil || line.Package != "native 1.0" || string(log) != "call 2: build_wheel\n" {
			t.Errorf("%s: %+v has %q, %v", moment, line, log, err)
		}
	}
}

// TestVerifyBuilds: builds that do not repeat themselves are told with their files, and nothing is written.
func TestVerifyBuilds(t *testing.T) {
	for _, ticks := range []bool{false, true} {
		t.Run(fmt.Sprintf("ticks %t", ticks), func(t *testing.T) {
			s, dir, b := sources(t, fake{Name: "native", Ticks: ticks}.sdist(t))
			opt := build.Isolated(s.options(t, dir), b)
			opt.VerifyBuilds, opt.Outputs = true, []string{"oci:" + filepath.Join(dir, "image")}
			_, err := build.Run(t.Context(), opt)
			if got := b.called(); len(got) != 3 {
				t.Errorf("called %q", got)
			}
			problems, _ := diag.Problems(err)
			if !ticks {
				if err != nil {
					t.Error(err)
				}
				return
			}
			const want = "native/made.py: from byte 9 on, \"CALL = 002\\n\" and \"CALL = 003\\n\"\n"
			if len(problems) != 1 || problems[0].Code != "build-differs" || problems[0].Detail != want || problems[0].Pos.Line != 1 {
				t.Fatalf("got %v", err)
			}
			if _, err := os.Stat(filepath.Join(dir, "image")); !os.IsNotExist(err) {
				t.Errorf("an image was written: %v", err)
			}
		})
	}
}
