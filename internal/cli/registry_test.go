package cli_test

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"

	ggcr "github.com/google/go-containerregistry/pkg/registry"
	"github.com/rogpeppe/go-internal/testscript"
)

// The login that scripts give a registry. Nothing that lithe writes may have the password.
const registryUser, registryPassword = "somebody", "hunter2"

// scriptRegistry is a container registry in memory.
type scriptRegistry struct {
	handler http.Handler
	locked  bool // wants the login

	mu       sync.Mutex
	requests []string
}

func (r *scriptRegistry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	user, password, _ := req.BasicAuth()
	if r.locked && (user != registryUser || subtle.ConstantTimeCompare([]byte(password), []byte(registryPassword)) != 1) {
		w.Header().Set("WWW-Authenticate", `Basic realm="scripts"`)
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"errors":[{"code":"UNAUTHORIZED","message":"log in"}]}`)
		return
	}
	r.mu.Lock()
	r.requests = append(r.requests, req.Method+" "+req.URL.Path)
	r.mu.Unlock()
	r.handler.ServeHTTP(w, req)
}

// changing is what shows that something was sent.
var changing = regexp.MustCompile(`^(PUT|PATCH) `)

// registry is the script command: open or locked starts a registry and tells its host in REGISTRY; login FILE writes
// what docker login would; sent prints what was put into it since the last time.
func (w *world) registry(ts *testscript.TestScript, neg bool, args []string) {
	switch word := strings.Join(args[:min(1, len(args))], ""); {
	case !neg && len(args) == 1 && (word == "open" || word == "locked"):
		w.containers = &scriptRegistry{handler: ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0))), locked: word == "locked"}
		server := httptest.NewServer(w.containers)
		w.t.Cleanup(server.Close)
		ts.Setenv("REGISTRY", strings.TrimPrefix(server.URL, "http://"))
	case !neg && len(args) == 2 && word == "login":
		login := fmt.Sprintf(`{"auths":{%q:{"username":%q,"password":%q}}}`, ts.Getenv("REGISTRY"), registryUser, registryPassword)
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(login), 0o600))
	case !neg && len(args) == 1 && word == "sent":
		w.containers.mu.Lock()
		defer w.containers.mu.Unlock()
		sent := slices.DeleteFunc(w.containers.requests, func(line string) bool { return !changing.MatchString(line) })
		if len(sent) == 0 {
			sent = []string{"nothing"}
		}
		fmt.Fprintln(ts.Stdout(), strings.Join(sent, "\n"))
		w.containers.requests = nil
	default:
		ts.Fatalf("usage: registry open|locked|login FILE|sent")
	}
}
