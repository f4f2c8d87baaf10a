//go:build linux

package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lithe-build/lithe/internal/artifact"
	"github.com/lithe-build/lithe/internal/build"
)

// variant is a way to build that must not show in the digest.
type variant struct {
	name    string
	call    call
	prepare func(t *testing.T, dir string) string // changes a copy of the project, and returns where it is now
}

var variants = []variant{
	{name: "another folder", prepare: moved("a b/ünï/" + strings.Repeat("deep/", 20))},
	{name: "a memory file system", prepare: onTmpfs},
	{name: "file order", prepare: reordered},
	{name: "file times", prepare: dated},
	{name: "file modes", prepare: private},
	{name: "umask 077", call: call{umask: "077"}},
	{name: "umask 000", call: call{umask: "000"}},
	{name: "another user", call: call{uid: nobody, env: []string{"HOME=/nonexistent", "USER=nobody"}}},
	{name: "time zone and language", call: call{env: []string{"TZ=Pacific/Kiritimati", "LC_ALL=tr_TR.UTF-8", "LANG=tr_TR.UTF-8"}}},
	{name: "one processor", call: call{env: []string{"GOMAXPROCS=1", "LITHE_JOBS=1"}}},
	{name: "many threads", call: call{env: []string{"GOMAXPROCS=16", "LITHE_JOBS=16"}}},
	{name: "other executor", call: call{args: []string{"--executor", "loader"}}},
	{name: "with version control", prepare: committed},
	{name: "after an unrelated commit", prepare: unrelated},
}

// TestSameDigest changes one circumstance at a time. Dependencies and first-party code are made anew each time, the base
// is taken from the store; TestSameDigestFromDownloads makes that, too.
func TestSameDigest(t *testing.T) {
	l := need(t, "git")
	t.Parallel()
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			for _, example := range []string{"hello-world", "hello-script"} {
				dir := l.project(t, example)
				if v.prepare != nil {
					dir = v.prepare(t, dir)
				}
				v.call.store = l.forgetful(t, v.call.uid)
				same(t, l, example, l.build(t, dir, v.call), "base", "interpreter")
			}
		})
	}
}

// TestSameDigestFromDownloads makes every layer anew, with all at once different.
func TestSameDigestFromDownloads(t *testing.T) {
	l := need(t)
	t.Parallel()
	nobodys := call{uid: nobody, umask: "077", args: []string{"--executor", "loader"}, store: l.downloads(t, nobody),
		env: []string{"TZ=Asia/Kathmandu", "GOMAXPROCS=1", "LITHE_JOBS=1", "LITHE_OFFLINE=1", "HOME=/nonexistent"}}
	same(t, l, "fastapi-service", l.build(t, dated(t, reordered(t, l.project(t, "fastapi-service"))), nobodys))
	roots := call{umask: "000", args: []string{"--executor", "namespace"}, store: l.downloads(t, 0),
		env: []string{"TZ=America/St_Johns", "GOMAXPROCS=7", "LITHE_JOBS=7", "LITHE_OFFLINE=1"}}
	same(t, l, "fastapi-service", l.build(t, onTmpfs(t, l.project(t, "fastapi-service")), roots))
}

// TestSameDigestOnOtherDays resolves the base anew under another clock, so that lithe.lock is new as well. A program's
// clock cannot be set from outside (time namespaces move only the monotonic one, and a static program loads no library
// that lies about it), so this calls the build with the time as a value, which is how the command line passes it on.
func TestSameDigestOnOtherDays(t *testing.T) {
	l := need(t)
	t.Parallel()
	index, err := artifact.Settings(os.Getenv, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, later := range []time.Duration{time.Hour, 25 * time.Hour} {
		dir := l.project(t, "hello-world")
		lock := filepath.Join(dir, "lithe.lock")
		before, err := os.ReadFile(lock)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(lock); err != nil {
			t.Fatal(err)
		}
		result, err := build.Run(t.Context(), build.Options{Dir: dir, Store: l.forgetful(t, 0), Offline: true,
			Now: time.Now().Add(later), Index: index, DebianMirror: os.Getenv("LITHE_DEBIAN_MIRROR"),
			DebianSecurityMirror: os.Getenv("LITHE_DEBIAN_SECURITY_MIRROR")})
		if err != nil {
			t.Fatal(err)
		}
		if result.Digest != l.first["hello-world"].Digest {
			t.Errorf("%v later: %s, first was %s", later, result.Digest, l.first["hello-world"].Digest)
		}
		if after, err := os.ReadFile(lock); err != nil || string(after) != string(before) {
			t.Errorf("%v later: another lithe.lock (%v)", later, err)
		}
	}
}

// same checks that a build is the first one again, and that it made its layers but for some kinds.
func same(t *testing.T, l *lab, example string, got metadata, reused ...string) {
	t.Helper()
	want := l.first[example]
	if got.Digest != want.Digest {
		t.Errorf("%s: digest %s, first was %s\nlayers %+v\nfirst  %+v", example, got.Digest, want.Digest, got.layers(), want.layers())
	}
	for _, layer := range got.layers() {
		if wasReused := layer.Reused != "none"; wasReused != slices.Contains(reused, layer.Kind) {
			t.Errorf("%s: the %s layer was reused from %q: this shows nothing", example, layer.Kind, layer.Reused)
		}
	}
}

func moved(to string) func(*testing.T, string) string {
	return func(t *testing.T, dir string) string {
		target := filepath.Join(filepath.Dir(dir), to)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(dir, target); err != nil {
			t.Fatal(err)
		}
		return target
	}
}

// onTmpfs copies the project to a file system that lists files in another order.
func onTmpfs(t *testing.T, dir string) string {
	to, err := os.MkdirTemp("/dev/shm", "lithe-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(to) })
	if err := copyTree(to, dir); err != nil {
		t.Fatal(err)
	}
	return to
}

// reordered copies the project, last file first.
func reordered(t *testing.T, dir string) string {
	to := dir + "-reordered"
	paths := walk(t, dir)
	slices.Reverse(paths)
	for _, path := range paths {
		target := filepath.Join(to, path)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := copyFile(target, filepath.Join(dir, path)); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// dated gives every file another time, before 1980 and after 2038 too.
func dated(t *testing.T, dir string) string {
	for i, path := range walk(t, dir) {
		when := time.Date(1975+40*(i%3), 1, 1+i, 0, 0, 0, 0, time.UTC)
		if err := os.Chtimes(filepath.Join(dir, path), when, when); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// private takes the rights of others away, as a checkout under umask 077 has them.
func private(t *testing.T, dir string) string {
	for _, path := range walk(t, dir) {
		if err := os.Chmod(filepath.Join(dir, path), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func committed(t *testing.T, dir string) string {
	git(t, dir, "init", "--quiet", "--initial-branch", "main")
	git(t, dir, "add", "--all")
	git(t, dir, "commit", "--quiet", "--message", "The project")
	return dir
}

func unrelated(t *testing.T, dir string) string {
	committed(t, dir)
	git(t, dir, "tag", "v9.9.9")
	git(t, dir, "commit", "--quiet", "--allow-empty", "--message", "Nothing")
	git(t, dir, "checkout", "--quiet", "-b", "other")
	return dir
}

func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	who := []string{"-c", "user.name=e2e", "-c", "user.email=e2e@lithe.test", "-c", "safe.directory=*"}
	commandIn(t, dir, []string{"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null"}, slices.Concat([]string{"git"}, who, args)...)
}

// walk returns the files of a folder.
func walk(t *testing.T, dir string) []string {
	t.Helper()
	var paths []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}
