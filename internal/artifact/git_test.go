package artifact

import (
	"context"
	"errors"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/lock"
	"github.com/lithe-build/lithe/internal/store"
)

func TestRepositoryAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"https://host/a/b.git":             "https://host/a/b.git",
		"https://me:hunter2@host/a?x=y#z":  "https://host/a",
		"ssh://git@host:22/a":              "ssh://git@host:22/a",
		"ssh://git:hunter2@host/a":         "ssh://git@host/a",
		"git@host:a/b":                     "git@host:a/b",
		"http://127.0.0.1:80/a":            "http://127.0.0.1:80/a",
		"http://host/a":                    "",
		"git://host/a":                     "",
		"file:///a":                        "",
		"ext::sh -c touch% /tmp/x":         "",
		"ext::https://host":                "",
		"/srv/a":                           "",
		"--upload-pack=touch x:y":          "",
		"git@-oProxyCommand=x:y":           "",
		"ssh://-oProxyCommand=x/y":         "",
		"ssh://git@-oProxyCommand=x/y":     "",
		"":                                 "",
		"https://me:hunter2@ho st/":        "",
		"https://me:hunter2@host:port/abc": "",
	} {
		got, err := newRepository(address)
		if got.plain != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", address, got.plain, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") || strings.Contains(got.plain, "hunter2") {
			t.Errorf("%q: the password is in %q, %v", address, got.plain, err)
		}
	}
}

func TestSubmoduleAddresses(t *testing.T) {
	for _, test := range [][3]string{
		{"https://host/group/a.git", "../b.git", "https://host/group/b.git"},
		{"https://host/group/a.git", "../../x/./b", "https://host/x/./b"},
		{"https://host/group/a", "./sub", "https://host/group/a/sub"},
		{"git@host:group/a", "../b", "git@host:group/b"},
		{"git@host:a", "../b", "git@host:b"},
		{"https://host/a", "https://other/b", "https://other/b"},
		{"https://host/a", "../../../b", ""},
		{"https://host/a", "/srv/b", ""},
		{"https://host/a", "file:///b", ""},
	} {
		r, err := newRepository(test[0])
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.submodule(test[1])
		if err == nil != (test[2] != "") || err == nil && got.plain != test[2] {
			t.Errorf("%s in %s: %q, %v", test[1], test[0], got.plain, err)
		}
	}
}

func TestSafePath(t *testing.T) {
	for name, want := range map[string]bool{"a/b": true, ".gitignore": true, "a/.github/x": true, "": false, "/a": false, "../a": false, "a/../b": false,
		".git/config": false, "a/.GIT/x": false, `a\b`: false, "a//b": false, ".": false} {
		if safePath(name) != want {
			t.Errorf("%q", name)
		}
	}
	for link, want := range map[[2]string]bool{{"a", "b"}: true, {"d/a", "../b"}: true, {"a", "../b"}: false, {"d/a", "../../b"}: false, {"a", "/etc/passwd"}: false, {"a", ""}: false} {
		if within(link[0], link[1]) != want {
			t.Errorf("%q", link)
		}
	}
}

// gitServer has repositories in folders of root, served as git does.
type gitServer struct {
	t    *testing.T
	root string
	url  string
}

func newGitServer(t *testing.T) *gitServer {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git")
	}
	s := &gitServer{t: t, root: t.TempDir()}
	backend := filepath.Join(s.git(".", "--exec-path"), "git-http-backend")
	if _, err := os.Stat(backend); err != nil {
		t.Skip("git has no server for HTTP here")
	}
	server := httptest.NewServer(http.Handler(&cgi.Handler{Path: backend, Env: []string{"GIT_PROJECT_ROOT=" + s.root, "GIT_HTTP_EXPORT_ALL=1"}}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *gitServer) git(folder string, args ...string) string {
	s.t.Helper()
	cmd := exec.Command("git", append([]string{"-C", filepath.Join(s.root, folder), "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always"}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit makes a repository, or another commit of one.
func (s *gitServer) commit(folder string, files map[string]string) (commit string) {
	s.t.Helper()
	dir := filepath.Join(s.root, folder)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		s.t.Fatal(err)
	}
	s.git(folder, "init", "--quiet", "--initial-branch=main")
	for name, text := range files {
		path := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if target, ok := strings.CutPrefix(text, "-> "); ok {
			err = errors.Join(err, os.Symlink(target, path))
		} else {
			err = errors.Join(err, os.WriteFile(path, []byte(text), 0o755))
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	s.git(folder, "add", "--all")
	s.git(folder, "commit", "--quiet", "--allow-empty", "--message=m")
	return s.git(folder, "rev-parse", "HEAD")
}

func (s *gitServer) source(folder, commit string) lock.Source {
	return lock.Source{Kind: lock.Git, URL: s.url + "/" + folder, Commit: commit}
}

// read returns the files of a folder: contents, or the target of a link.
func read(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		if d.Type() == os.ModeSymlink {
			target, err := os.Readlink(path)
			out[name] = "-> " + target
			return err
		}
		data, err := os.ReadFile(path)
		out[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestCheckout holds that files are as the commit has them: an older commit than the newest, with links and submodules,
// and with attributes that would change them in a work tree. Nothing of the host's configuration runs.
func TestCheckout(t *testing.T) {
	s := newGitServer(t)
	ran := filepath.Join(t.TempDir(), "ran")
	global := filepath.Join(t.TempDir(), "gitconfig")
	hooks := filepath.Join(t.TempDir(), "hooks")
	hook := "#!/bin/sh\ntouch " + ran + "\n"
	if err := errors.Join(os.Mkdir(hooks, 0o755), os.WriteFile(filepath.Join(hooks, "post-checkout"), []byte(hook), 0o755),
		os.WriteFile(filepath.Join(hooks, "reference-transaction"), []byte(hook), 0o755),
		os.WriteFile(global, []byte("[filter \"evil\"]\n\tsmudge = touch "+ran+"\n[core]\n\thooksPath = "+hooks+"\n\tautocrlf = true\n"), 0o644)); err != nil {
		t.Fatal(err)
	}
	s.commit("sub", map[string]string{"inner.txt": "inner\n"})
	s.commit("main", map[string]string{"a.txt": "one\n$Format:%H$ $Id$\n", "b.bin": "\x00\n", "d/link": "-> ../a.txt", ".gitattributes": "* text eol=crlf ident export-subst filter=evil\n"})
	s.git("main", "submodule", "--quiet", "add", "../sub", "deep/sub")
	wanted := s.commit("main", nil)
	s.commit("main", map[string]string{"a.txt": "two\n"})
	t.Setenv("GIT_CONFIG_GLOBAL", global)
	t.Setenv("GIT_DIR", "/nowhere")
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	dir, err := Checkout(context.Background(), st, GitOptions{}, "x", s.source("main", wanted))
	if err != nil {
		t.Fatal(err)
	}
	got := read(t, dir)
	delete(got, ".gitmodules")
	if diff := cmp.Diff(map[string]string{"a.txt": "one\n$Format:%H$ $Id$\n", "b.bin": "\x00\n", "d/link": "-> ../a.txt",
		".gitattributes": "* text eol=crlf ident export-subst filter=evil\n", "deep/sub/inner.txt": "inner\n"}, got); diff != "" {
		t.Error(diff)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("something of the host's configuration ran")
	}
	again, err := Checkout(context.Background(), st, GitOptions{Offline: true}, "x", s.source("main", wanted))
	if err != nil || again != dir {
		t.Errorf("%s, %v", again, err)
	}
}

// TestCheckoutRefuses holds what a repository may not have, and how it fails.
func TestCheckoutRefuses(t *testing.T) {
	s := newGitServer(t)
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	out := s.commit("links", map[string]string{"passwd": "-> /etc/passwd"})
	good := s.commit("good", map[string]string{"a": "b"})
	ctx := context.Background()
	for name, test := range map[string]struct {
		source lock.Source
		opt    GitOptions
		code   string
		want   string
	}{
		"link out":      {s.source("links", out), GitOptions{}, "git-tree", "the link passwd leads out"},
		"no commit":     {s.source("good", strings.Repeat("1", 40)), GitOptions{}, "git-commit", "has no commit 1111"},
		"no git":        {s.source("good", good), GitOptions{Path: t.TempDir()}, "no-git", "PATH"},
		"no protocol":   {lock.Source{URL: "git://host/x", Commit: good}, GitOptions{}, "git-address", "git:"},
		"offline":       {s.source("good", good), GitOptions{Offline: true}, "", "offline"},
		"no repository": {s.source("none", good), GitOptions{}, "", "not found"},
	} {
		st, err := store.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		_, err = Checkout(ctx, st, test.opt, "pkg", test.source)
		problem, ok := errors.AsType[*diag.Error](err)
		if err == nil || ok != (test.code != "") || ok && (problem.Code != test.code || problem.Hint == "") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
		if name == "offline" && !errors.Is(err, fetch.ErrOffline) {
			t.Errorf("%v is not ErrOffline", err)
		}
	}
}

func TestGitEnvironment(t *testing.T) {
	r, err := newRepository("https://me:hunter2@host/a")
	if err != nil {
		t.Fatal(err)
	}
	g := &git{source: checkoutSource{repository: r}}
	env := strings.Join(g.environment([]string{"HOME=/h", "GIT_DIR=/x", "GIT_TRACE_CURL=1", "GIT_SSH_COMMAND=ssh -i k", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=a.b", "GIT_CONFIG_VALUE_0=c"}), "\n")
	for _, want := range []string{"HOME=/h", "GIT_SSH_COMMAND=ssh -i k", "GIT_CONFIG_KEY_0=a.b", "GIT_CONFIG_KEY_1=http.https://host/a.extraHeader", "GIT_CONFIG_COUNT=2",
		"GIT_CONFIG_VALUE_1=Authorization: Basic bWU6aHVudGVyMg==", "GIT_TERMINAL_PROMPT=0", "GIT_ALLOW_PROTOCOL=https:ssh"} {
		if !strings.Contains(env+"\n", want+"\n") {
			t.Errorf("%s is not in\n%s", want, env)
		}
	}
	for _, no := range []string{"GIT_DIR", "TRACE", "BatchMode", "GIT_CONFIG_COUNT=1\n"} {
		if strings.Contains(env, no) {
			t.Errorf("%s is in\n%s", no, env)
		}
	}
}

func FuzzParseTree(f *testing.F) {
	f.Add([]byte("100644 blob 1234       3\ta/b\x00160000 commit 99       -\tsub\x00"))
	f.Add([]byte("120000 blob 12 99999999999999999999\t../x\x00"))
	f.Fuzz(func(t *testing.T, list []byte) {
		entries, err := parseTree(list)
		if err != nil && entries != nil {
			t.Error("entries beside an error")
		}
		for _, e := range entries {
			if !filepath.IsLocal(e.path) || e.size < 0 {
				t.Errorf("%+v", e)
			}
		}
	})
}

func FuzzParseModules(f *testing.F) {
	f.Add([]byte("submodule.a.b.path\nx\x00submodule.a.b.url\n../y\x00core.bare\ntrue"))
	f.Fuzz(func(t *testing.T, out []byte) {
		for p := range parseModules(out) {
			if strings.Contains(p, "\x00") {
				t.Errorf("%q", p)
			}
		}
	})
}
