//go:build linux

package e2e

import (
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/lithe-build/lithe/internal/testkit/pyindex"
	"github.com/lithe-build/lithe/internal/testkit/resident"
)

// The wheels of a large project: what fills disks, and what fills tables.
const (
	bigWheels  = 20
	bigSize    = 50 << 20 // bytes, which nothing makes smaller
	busyWheels = 3
	busyFiles  = 20_000
)

// maxResident is what a build may take of memory at most, in bytes (issue 4): it must fit into a small CI runner.
const maxResident = 300 << 20

// TestMemory builds a project with a gigabyte of wheels, and looks at the most memory that lithe itself had. It tells the
// numbers, and goes up to the limit in .ci/full alone: making the wheels takes a minute.
func TestMemory(t *testing.T) {
	l := need(t)
	if os.Getenv("LITHE_FULL") != "1" {
		t.Skip("takes minutes: set LITHE_FULL=1")
	}
	index := pyindex.New(t, largeWheels()...)
	dir := l.largeProject(t, index)
	blobs := t.TempDir()
	server := httptest.NewServer(registry.New(registry.WithBlobHandler(registry.NewDiskBlobHandler(blobs)), registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	name := strings.TrimPrefix(server.URL, "http://") + "/large:1"
	for _, tt := range []struct {
		name string
		args []string
	}{
		{"into a layout", []string{"-o", "oci:" + filepath.Join(l.temp(t), "layout")}},
		{"into an archive", []string{"-o", "oci-archive:" + filepath.Join(l.temp(t), "image.tar")}},
		{"pushed", []string{"--push", "-t", name}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store := filepath.Join(l.temp(t), "store")
			p := l.start(call{args: append([]string{"build", dir}, tt.args...), store: store, env: []string{"LITHE_INDEX_URL=" + index.URL}}, "")
			peak := resident.Peak(p.cmd.Process.Pid)
			got, err := p.wait()
			if err != nil || got.code != 0 {
				t.Fatalf("ended with %d (%v)\n%s", got.code, err, got.stderr)
			}
			most := <-peak
			t.Logf("%s: %d MB resident at most", tt.name, most/1e6)
			if most == 0 || most > maxResident {
				t.Errorf("%s: %d bytes resident, want %d at most", tt.name, most, int64(maxResident))
			}
		})
	}
}

// largeWheels returns a gigabyte in large wheels, and some with very many files.
func largeWheels() (wheels []pyindex.Wheel) {
	for i := range bigWheels {
		wheels = append(wheels, pyindex.Wheel{Name: fmt.Sprintf("heavy%d", i), Version: "1.0", Size: bigSize})
	}
	for i := range busyWheels {
		w := pyindex.Wheel{Name: fmt.Sprintf("busy%d", i), Version: "1.0", Files: map[string]string{}}
		for n := range busyFiles {
			w.Files[fmt.Sprintf("busy%d/part%d/file%d.py", i, n%100, n)] = fmt.Sprintf("NUMBER = %d\n", n)
		}
		wheels = append(wheels, w)
	}
	return wheels
}

// largeProject writes a project that asks for all wheels of an index.
func (l *lab) largeProject(t *testing.T, index *pyindex.Index) string {
	t.Helper()
	dir := l.temp(t)
	text := "[project]\nname = \"large\"\nversion = \"1.0\"\nrequires-python = \">=3.12\"\ndependencies = [\n"
	for _, w := range index.Wheels() {
		text += fmt.Sprintf("    %q,\n", w.Name)
	}
	text += "]\n[tool.lithe]\nentrypoint = [\"python\", \"-c\", \"import heavy0\"]\n"
	write(t, filepath.Join(dir, "pyproject.toml"), text)
	lock, err := pyindex.UVLock(index, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "uv.lock"), string(lock))
	return dir
}
