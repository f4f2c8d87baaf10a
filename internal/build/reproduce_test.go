package build_test

import (
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/lithe-build/lithe/internal/build"
	"github.com/lithe-build/lithe/internal/testkit/pyindex"
)

// variants are what must not matter. Each changes the folder before it is built, or how it is built, and may return
// what undoes it.
var variants = []struct {
	name  string
	apply func(t *testing.T, s *site, dir string, files map[string]string, opt *build.Options)
}{
	{"another folder", func(*testing.T, *site, string, map[string]string, *build.Options) {}},
	{"a folder with spaces and more", func(t *testing.T, _ *site, dir string, _ map[string]string, opt *build.Options) {
		opt.Dir = filepath.Join(filepath.Dir(dir), "Grüße an alle", "x")
		if err := os.MkdirAll(filepath.Dir(opt.Dir), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(dir, opt.Dir); err != nil {
			t.Fatal(err)
		}
	}},
	{"through a link", func(t *testing.T, _ *site, dir string, _ map[string]string, opt *build.Options) {
		opt.Dir = filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(dir, opt.Dir); err != nil {
			t.Fatal(err)
		}
	}},
	{"old files", func(t *testing.T, _ *site, dir string, _ map[string]string, _ *build.Options) {
		eachFile(t, dir, func(path string, _ fs.FileInfo) error {
			return os.Chtimes(path, time.Time{}, time.Unix(rand.Int64N(2e9), 0))
		})
	}},
	{"files in another order", func(t *testing.T, _ *site, dir string, files map[string]string, _ *build.Options) {
		lock, err := os.ReadFile(filepath.Join(dir, "uv.lock"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		names := slices.Sorted(maps.Keys(files))
		slices.Reverse(names)
		write(t, dir, map[string]string{"uv.lock": string(lock)})
		for _, name := range names {
			write(t, dir, map[string]string{name: files[name]})
		}
	}},
	{"files for the owner alone", func(t *testing.T, _ *site, dir string, _ map[string]string, _ *build.Options) {
		eachFile(t, dir, func(path string, info fs.FileInfo) error { return os.Chmod(path, info.Mode()&0o700) })
	}},
	{"files for everybody", func(t *testing.T, _ *site, dir string, _ map[string]string, _ *build.Options) {
		eachFile(t, dir, func(path string, info fs.FileInfo) error { return os.Chmod(path, info.Mode()|0o666) })
	}},
	{"another umask", func(t *testing.T, _ *site, _ string, _ map[string]string, _ *build.Options) {
		old := umask(0o077)
		t.Cleanup(func() { umask(old) })
	}},
	{"another clock", func(_ *testing.T, _ *site, _ string, _ map[string]string, opt *build.Options) {
		opt.Now = opt.Now.AddDate(3, 2, 1)
	}},
	{"one processor", func(t *testing.T, _ *site, _ string, _ map[string]string, opt *build.Options) {
		old := runtime.GOMAXPROCS(1)
		t.Cleanup(func() { runtime.GOMAXPROCS(old) })
		opt.Jobs = 1
	}},
	{"many jobs", func(t *testing.T, _ *site, _ string, _ map[string]string, opt *build.Options) {
		old := runtime.GOMAXPROCS(13)
		t.Cleanup(func() { runtime.GOMAXPROCS(old) })
		opt.Jobs = 13
	}},
	{"a poetry.lock, and an index without sizes", func(t *testing.T, s *site, dir string, files map[string]string, opt *build.Options) {
		data, err := pyindex.PoetryLock(s.index, []byte(files["pyproject.toml"]))
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, map[string]string{"poetry.lock": string(data)})
		opt.Lock = "poetry.lock"
		s.index.Break(pyindex.Faults{HTMLOnly: true})
		t.Cleanup(func() { s.index.Break(pyindex.Faults{}) })
	}},
	{"a repository", func(t *testing.T, _ *site, dir string, _ map[string]string, _ *build.Options) {
		git(t, dir, "init", "-q")
		git(t, dir, "add", ".")
		git(t, dir, "commit", "-q", "-m", "first")
	}},
	{"an unrelated commit", func(t *testing.T, _ *site, dir string, _ map[string]string, _ *build.Options) {
		git(t, dir, "init", "-q")
		git(t, dir, "add", ".")
		git(t, dir, "commit", "-q", "-m", "first")
		git(t, dir, "commit", "-q", "-m", "second", "--allow-empty")
		git(t, dir, "tag", "v9")
	}},
	{"leftovers of tools", func(t *testing.T, _ *site, dir string, _ map[string]string, _ *build.Options) {
		write(t, dir, map[string]string{
			"greeter/__pycache__/__init__.cpython-313.pyc": "bytecode", ".venv/pyvenv.cfg": "home = /usr\n",
			".pytest_cache/README.md": "cache", "more.log": "ignored",
		})
	}},
}

// TestReproducible builds one project under everything that must not matter, each time with an empty store and without a
// lithe.lock, and wants one digest. What only a process of its own can have, such as a time zone, is in the script
// build_anywhere.txt of the command line.
func TestReproducible(t *testing.T) { // not parallel: umask and processors belong to the process
	s := newSite(t, goldenWheels...)
	for shape, files := range map[string]map[string]string{
		"package": greeter("hello", "greet", "big"), "copied": copied("hello", "greet", "big"),
	} {
		t.Run(shape, func(t *testing.T) {
			first := run(t, s.options(t, s.project(t, files)))
			for _, v := range variants {
				t.Run(v.name, func(t *testing.T) {
					dir := s.project(t, files)
					opt := s.options(t, dir)
					v.apply(t, s, dir, files, &opt)
					got := run(t, opt)
					if got.Digest != first.Digest {
						t.Errorf("digest is %s, not %s: %+v", got.Digest, first.Digest, compare(first, got))
					}
				})
			}
		})
	}
}

// project is a folder with files and their lock.
func (s *site) project(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "project")
	write(t, dir, files)
	s.lock(t, dir)
	return dir
}

// eachFile calls do for every file below dir.
func eachFile(t *testing.T, dir string, do func(path string, info fs.FileInfo) error) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return do(path, info)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// git runs git with nothing of the user's configuration.
func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	program, err := exec.LookPath("git")
	if err != nil {
		t.Skip("no git here")
	}
	cmd := exec.Command(program, append([]string{"-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"}, args...)...)
	cmd.Dir, cmd.Env = dir, []string{"HOME=" + t.TempDir(), "GIT_CONFIG_NOSYSTEM=1"}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %q: %v: %s", args, err, out)
	}
}
