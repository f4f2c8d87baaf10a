package plan

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/lithe-build/lithe/internal/lock"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
	"github.com/lithe-build/lithe/internal/testkit/corpus"
)

// BenchmarkReadAndSelect measures the whole way from the largest lock of each format to the packages of a target, and the
// tree that explain shows of them.
func BenchmarkReadAndSelect(b *testing.B) {
	for _, format := range [][2]string{{"poetry", "poetry.lock"}, {"uv", "uv.lock"}, {"pdm", "pdm.lock"}, {"pipfile", "Pipfile.lock"},
		{"pylock", "pylock.toml"}, {"requirements", "requirements.txt"}} {
		b.Run(format[0], func(b *testing.B) {
			dir := largest(b, format[0], format[1])
			target := Target{Name: Dev, AllExtras: true, Platform: Platform{"linux", "amd64"}, Python: "3.12.12",
				Libc: wheeltag.Libc{Family: "glibc", Major: 2, Minor: 36}}
			b.ReportAllocs()
			for b.Loop() {
				l, err := lock.Read(dir, lock.Options{})
				if err != nil {
					b.Fatal(err)
				}
				packages, err := Select(l, target)
				if err != nil {
					b.Fatal(err)
				}
				if len(Tree(packages)) <= len(packages) {
					b.Fatal("a tree has a line for each package and one for the project")
				}
			}
		})
	}
}

// largest returns the case of a format with the largest lock file.
func largest(tb testing.TB, format, file string) string {
	files, _ := filepath.Glob(filepath.Join(corpus.Dir(tb, "locks"), format+"-*", file))
	var found string
	var size int64
	for _, file := range files {
		if info, err := os.Stat(file); err == nil && info.Size() > size {
			found, size = filepath.Dir(file), info.Size()
		}
	}
	if found == "" {
		tb.Fatal("the corpus has no " + format + " lock")
	}
	return found
}
