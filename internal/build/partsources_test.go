package build_test

import (
	"fmt"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/build"
	"github.com/lithe-build/lithe/internal/testkit/pyindex"
)

// needing is a project that depends on "native" from somewhere else than an index, by uv's lock.
func needing(source string) map[string]string {
	const head = "version = 1\nrevision = 3\nrequires-python = \">=3.12\"\n\n[[package]]\nname = \"app\"\nversion = \"1.0\"\n" +
		"source = { virtual = \".\" }\ndependencies = [{ name = \"native\" }]\n\n[package.metadata]\nrequires-dist = [{ name = \"native\" }]\n\n"
	return map[string]string{"main.py": "import native\n", "uv.lock": head + "[[package]]\nname = \"native\"\nversion = \"1.0\"\nsource = " + source + "\n",
		"pyproject.toml": "[project]\nname = \"app\"\nversion = \"1.0\"\nrequires-python = \">=3.12\"\ndependencies = [\"native\"]\n" +
			"[tool.lithe]\nbytecode = false\nentrypoint = [\"python\", \"main.py\"]\n"}
}

// TestFolderFromSource: a folder among the dependencies whose backend nobody knows is built by that, and again when one of its
// files changes.
func TestFolderFromSource(t *testing.T) {
	s, dir, b := newSite(t, pyindex.Wheel{Name: "tool", Version: "1.5"}), t.TempDir(), &backend{}
	write(t, dir, needing(`{ directory = "native" }`))
	write(t, filepath.Join(dir, "native"), fake{Name: "native"}.tree("tool"))
	opt := build.Isolated(s.options(t, dir), b)
	opt.Stale = "warn"
	first := run(t, opt)
	want := []string{"native: get_requires_for_build_wheel", "native: build_wheel"}
	if got := b.called(); !slices.Equal(got, want) {
		t.Errorf("called %q", got)
	}
	if again := run(t, opt); again.Digest != first.Digest || len(b.called()) > 0 {
		t.Errorf("%s, then %s", first.Digest, again.Digest)
	}
	write(t, filepath.Join(dir, "native"), map[string]string{"more.c": "int more;\n"})
	run(t, opt)
	if got := b.called(); !slices.Equal(got, want[1:]) {
		t.Errorf("after a change it called %q", got)
	}
	if lock := lockText(t, dir); !strings.Contains(lock, "tool-1.5-py3-none-any.whl") {
		t.Errorf("the build requirement is not locked:\n%s", lock)
	}
}

// TestCommitFromSource: a commit whose backend nobody knows is built by that, once.
func TestCommitFromSource(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("needs git")
	}
	s, dir, b := newSite(t, pyindex.Wheel{Name: "tool", Version: "1.5"}), t.TempDir(), &backend{}
	url, commit := served(t, fake{Name: "native"}.tree("tool"))
	write(t, dir, needing(fmt.Sprintf("{ git = %q }", url+"#"+commit)))
	opt := build.Isolated(s.options(t, dir), b)
	opt.Stale = "warn"
	first := run(t, opt)
	if got := b.called(); !slices.Equal(got, []string{"native: get_requires_for_build_wheel", "native: build_wheel"}) {
		t.Errorf("called %q", got)
	}
	opt.Locked = true
	if again := run(t, opt); again.Digest != first.Digest || len(b.called()) > 0 {
		t.Errorf("%s, then %s", first.Digest, again.Digest)
	}
	opt.Store = t.TempDir()
	if elsewhere := run(t, opt); elsewhere.Digest != first.Digest || !slices.Equal(b.called(), []string{"native: build_wheel"}) {
		t.Errorf("elsewhere %s, and was %s", elsewhere.Digest, first.Digest)
	}
}

// served makes a repository of files and serves it by HTTP on this machine, as git's own server does.
func served(t *testing.T, files map[string]string) (url, commit string) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "repository")
	write(t, folder, files)
	git := func(arg ...string) string {
		cmd := exec.Command("git", append([]string{"-C", folder}, arg...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org",
			"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.org")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %s: %v\n%s", strings.Join(arg, " "), err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "--quiet", "--initial-branch=main")
	git("add", "--all")
	git("commit", "--quiet", "--message=first")
	server := httptest.NewServer(&cgi.Handler{Path: filepath.Join(git("--exec-path"), "git-http-backend"), Env: []string{
		"GIT_PROJECT_ROOT=" + filepath.Dir(folder), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"}})
	t.Cleanup(server.Close)
	return server.URL + "/repository/.git", git("rev-parse", "HEAD")
}
