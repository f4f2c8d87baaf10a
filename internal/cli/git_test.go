package cli_test

import (
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// gitRepository makes a repository of a folder and serves it by HTTP on this machine, as git's own server does.
func (w *world) gitRepository(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: gitrepo FOLDER [login]")
	}
	folder := ts.MkAbs(args[0])
	git := func(arg ...string) string {
		cmd := exec.Command("git", append([]string{"-C", folder}, arg...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org",
			"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.org", "GIT_AUTHOR_DATE=2025-01-01T00:00:00Z", "GIT_COMMITTER_DATE=2025-01-01T00:00:00Z")
		out, err := cmd.CombinedOutput()
		if err != nil {
			ts.Fatalf("git %s: %v\n%s", strings.Join(arg, " "), err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "--quiet", "--initial-branch=main")
	git("add", "--all", "--force")
	git("commit", "--quiet", "--message=first")
	backend := filepath.Join(git("--exec-path"), "git-http-backend")
	serve := &cgi.Handler{Path: backend, Env: []string{"GIT_PROJECT_ROOT=" + filepath.Dir(folder), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1",
		"GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"}}
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if slices.Contains(args, "login") && (user != privateUser || password != privatePassword) {
			rw.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		serve.ServeHTTP(rw, r)
	}))
	w.t.Cleanup(s.Close)
	ts.Setenv("GIT_URL", s.URL+"/"+filepath.Base(folder)+"/.git")
	ts.Setenv("GIT_SECRET_URL", strings.Replace(s.URL, "://", "://"+privateUser+":"+privatePassword+"@", 1)+"/"+filepath.Base(folder)+"/.git")
	ts.Setenv("GIT_COMMIT", git("rev-parse", "HEAD"))
}
