package doctor

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	ggcr "github.com/google/go-containerregistry/pkg/registry"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/artifact"
	"github.com/lithe-build/lithe/internal/execute"
	"github.com/lithe-build/lithe/internal/registry"
	"github.com/lithe-build/lithe/internal/testkit/debmirror"
	"github.com/lithe-build/lithe/internal/testkit/pyindex"
)

// TestMain lets the sandbox be tried.
func TestMain(m *testing.M) {
	execute.Init()
	os.Exit(m.Run())
}

// place is a machine with servers of its own around it.
type place struct {
	t        *testing.T
	mirror   *debmirror.Mirror
	suites   []debmirror.Suite
	index    *pyindex.Index
	registry *httptest.Server
	env      map[string]string
	opt      Options
}

func newPlace(t *testing.T) *place {
	p := &place{t: t, suites: debmirror.Trixie("amd64"), index: pyindex.New(t), env: map[string]string{}}
	p.mirror = debmirror.New(t, p.suites...)
	keyring, err := os.ReadFile(p.mirror.KeyringFile(t))
	if err != nil {
		t.Fatal(err)
	}
	p.registry = httptest.NewServer(ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(p.registry.Close)
	home := t.TempDir()
	p.env["HOME"], p.env["LITHE_INDEX_URL"] = home, p.index.URL
	p.opt = Options{Store: filepath.Join(home, "store"), Root: t.TempDir(), Now: time.Now(), Timeout: time.Minute,
		Mirrors: Mirrors{Debian: p.mirror.URL, Security: p.mirror.SecurityURL, Snapshot: p.mirror.SnapshotURL, Keyring: keyring},
		Look:    func(string) (string, error) { return "", exec.ErrNotFound }}
	p.opt.Engine.LookPath, p.opt.Engine.Socket = p.opt.Look, filepath.Join(home, "no.sock")
	return p
}

// break gives every suite of the mirror a fault.
func (p *place) breakMirror(f debmirror.Faults) {
	for i := range p.suites {
		p.suites[i].Faults = f
	}
	p.mirror.Publish(p.suites...)
}

// login writes what `docker login` writes.
func (p *place) login(host string) {
	dir := filepath.Join(p.env["HOME"], ".docker")
	auth := base64.StdEncoding.EncodeToString([]byte("somebody:hunter2"))
	text := fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, host, auth)
	if err := errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(filepath.Join(dir, "config.json"), []byte(text), 0o644)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) host() string { return strings.TrimPrefix(p.registry.URL, "http://") }

// forbid makes the registry want the credentials of somebody.
func (p *place) forbid(password string) {
	next := p.registry.Config.Handler
	p.registry.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, got, _ := r.BasicAuth(); got != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (p *place) run() *Report {
	p.t.Helper()
	env := func(name string) string { return p.env[name] }
	p.opt.Env = env
	var err error
	if p.opt.Index, err = artifact.Settings(env, p.env["HOME"]); err != nil {
		p.t.Fatal(err)
	}
	if p.opt.Registry, err = registry.Settings(env, p.env["HOME"]); err != nil {
		p.t.Fatal(err)
	}
	report, err := Run(p.t.Context(), p.opt)
	if err != nil {
		p.t.Fatal(err)
	}
	return report
}

// find returns what a check found.
func find(r *Report, check string) (found []Finding) {
	for _, f := range r.Findings {
		if f.Check == check {
			found = append(found, f)
		}
	}
	return found
}

// Each check tells what is there, and what is not with the reason and what mends it.
func TestChecks(t *testing.T) {
	tests := []struct {
		name   string
		change func(p *place)
		check  string
		want   []string // one for each finding: status, and words of it in order
		fails  bool     // the report
	}{
		{"a store", nil, "store", []string{"ok store holds free"}, false},
		{"a store that cannot be", func(p *place) {
			file := filepath.Join(p.opt.Root, "file")
			if err := os.WriteFile(file, nil, 0o644); err != nil {
				p.t.Fatal(err)
			}
			p.opt.Store = filepath.Join(file, "store")
		}, "store", []string{"lack cannot be written LITHE_STORE"}, true},
		{"no engine", nil, "engine", []string{"lack docker no.sock does not answer start it", "note podman", "note nerdctl", "lack no engine start Docker or Podman"}, false},
		{"no emulator", nil, "foreign architectures", []string{"note"}, false},
		{"no git", nil, "git", []string{"note not here"}, false},
		{"no proxy", nil, "proxy", []string{"note none"}, false},
		{"a proxy without a scheme", func(p *place) { p.env["HTTPS_PROXY"] = "me:hunter2@proxy.example:3128" }, "proxy",
			[]string{"note HTTPS_PROXY=***@proxy.example:3128"}, false},
		{"a proxy whose password has a slash", func(p *place) { p.env["HTTPS_PROXY"] = "http://me:hunter/2@proxy.example:3128" }, "proxy",
			[]string{"note HTTPS_PROXY=http://***@proxy.example:3128"}, false},
		{"a proxy", func(p *place) {
			p.env["HTTPS_PROXY"], p.env["no_proxy"] = "http://me:hunter2@proxy.example:3128", "localhost"
		}, "proxy", []string{"note HTTPS_PROXY=http://***@proxy.example:3128, no_proxy=localhost"}, false},
		{"the system's certificates", nil, "certificates", []string{"note the system's"}, false},
		{"certificates that are none", func(p *place) { p.env["SSL_CERT_FILE"] = os.Args[0] }, "certificates",
			[]string{"lack SSL_CERT_FILE: holds no certificate unset it"}, false},
		{"certificates that are not there", func(p *place) { p.env["SSL_CERT_FILE"] = "/nowhere.pem" }, "certificates",
			[]string{"lack SSL_CERT_FILE: /nowhere.pem unset it"}, false},
		{"an index", nil, "package index", []string{"ok /simple/ (LITHE_INDEX_URL) answers"}, false},
		{"an index that refuses", func(p *place) { p.index.Break(pyindex.Faults{Forbidding: true}) }, "package index",
			[]string{"lack 403 netrc"}, true},
		{"an index that is gone", func(p *place) { p.index.Stop() }, "package index", []string{"lack refused network"}, true},
		{"an index with a secret", func(p *place) {
			p.env["LITHE_INDEX_URL"] = strings.Replace(p.index.URL, "://", "://me:hunter2@", 1)
			p.index.Stop()
		}, "package index", []string{"lack refused"}, true},
		{"two indexes, of which one is something else", func(p *place) {
			p.env["LITHE_INDEX_URL"], p.env["PIP_INDEX_URL"], p.env["PIP_EXTRA_INDEX_URL"] = "", p.index.URL, p.registry.URL+"/"
		}, "package index", []string{"ok (PIP_INDEX_URL) answers", "ok answers"}, false},
		{"a mirror", nil, "Debian mirror", []string{"ok trixie is of 2025-08-09", "ok trixie-updates", "ok trixie-security"}, false},
		{"an expired mirror", func(p *place) { p.breakMirror(debmirror.Faults{Expired: true}) }, "Debian mirror",
			[]string{"lack trixie", "lack trixie-updates", "lack trixie-security"}, true},
		{"a mirror that somebody changed", func(p *place) { p.breakMirror(debmirror.Faults{Altered: true}) }, "Debian mirror",
			[]string{"lack trixie signature", "lack", "lack"}, true},
		{"a mirror without a suite", func(p *place) { p.mirror.Publish(p.suites[0]) }, "Debian mirror",
			[]string{"ok trixie", "lack trixie-updates 404", "lack trixie-security 404"}, true},
		{"a keyring that is none", func(p *place) { p.opt.Mirrors.Keyring = []byte("x") }, "Debian mirror", []string{"lack"}, true},
		{"a snapshot", nil, "Debian snapshot", []string{"ok answers"}, false},
		{"no snapshot", func(p *place) { p.opt.Mirrors.Snapshot = "" }, "Debian snapshot", []string{"note none"}, false},
		{"a snapshot that does not answer", func(p *place) { p.opt.Mirrors.Snapshot = "http://127.0.0.1:1" }, "Debian snapshot",
			[]string{"lack refused"}, false},
		{"no login", nil, "registry", []string{"note lithe doctor REGISTRY"}, false},
		{"a registry without a login", func(p *place) { p.opt.Registries = []string{p.host()} }, "registry",
			[]string{"ok answers; there is no login for it"}, false},
		{"a registry that wants a login", func(p *place) {
			p.forbid("hunter2")
			p.opt.Registries = []string{p.host()}
		}, "registry", []string{"ok answers; there is no login for it"}, false},
		{"a login", func(p *place) {
			p.forbid("hunter2")
			p.login(p.host())
		}, "registry", []string{"ok answers and takes the login of .docker config.json"}, false},
		{"an old login", func(p *place) {
			p.forbid("hunter3")
			p.login(p.host())
		}, "registry", []string{"lack is refused: 401 log in again"}, false},
		{"an old login for a registry that was named", func(p *place) {
			p.forbid("hunter3")
			p.login(p.host())
			p.opt.Registries = []string{p.host()}
		}, "registry", []string{"lack is refused: 401 log in again"}, true},
		{"a registry that does not answer", func(p *place) { p.opt.Registries = []string{"127.0.0.1:1", p.host()} }, "registry",
			[]string{"lack 127.0.0.1:1 refused network", "ok answers"}, true},
		{"a registry that is no host", func(p *place) { p.opt.Registries = []string{"https://me:hunter2@registry.example/app"} },
			"registry", []string{"lack is not the host of a registry HOST:PORT"}, true},
		{"a clock", nil, "clock", []string{"ok agrees"}, false},
		{"a clock that is fast", func(p *place) { p.opt.Now = p.opt.Now.Add(time.Hour) }, "clock", []string{"lack differs by 1h0m set the clock"}, false},
		{"a clock that stood still", func(p *place) { p.opt.Now = time.Unix(0, 0) }, "clock", []string{"lack 1970-01-01 before lithe was made"}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			if test.change != nil {
				test.change(p)
			}
			report := p.run()
			got := find(report, test.check)
			if len(got) != len(test.want) {
				t.Fatalf("%d findings, want %d: %+v", len(got), len(test.want), got)
			}
			for i, f := range got {
				if text := fmt.Sprintf("%s %s %s", f.Status, f.What, f.Fix); !hasInOrder(text, test.want[i]) {
					t.Errorf("%q does not say %q", text, test.want[i])
				}
				if f.Status == Lack && f.Fix == "" {
					t.Errorf("%q does not say what mends it", f.What)
				}
			}
			if report.OK == test.fails && runtime.GOOS == "linux" {
				t.Errorf("ok is %v: %+v", report.OK, report.Findings)
			}
			if text, _ := json.Marshal(report); strings.Contains(string(text), "hunter2") {
				t.Errorf("a secret is told: %s", text)
			}
		})
	}
}

// hasInOrder reports whether the words stand in the text, one after the other.
func hasInOrder(text, words string) bool {
	for word := range strings.FieldsSeq(words) {
		_, rest, ok := strings.Cut(text, word)
		if !ok {
			return false
		}
		text = rest
	}
	return true
}

// Whatever is quicker, the findings stand in the order of the list.
func TestOrder(t *testing.T) {
	p := newPlace(t)
	slow := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(100 * time.Millisecond)
			next.ServeHTTP(w, r)
		})
	}
	p.index.Through(slow)
	var got, want []string
	for _, f := range p.run().Findings {
		got = append(got, f.Check)
	}
	for _, c := range checks {
		want = append(want, c.name)
	}
	if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
		t.Error(diff)
	}
}

// A server that says nothing is waited for no longer than the limit.
func TestTimeout(t *testing.T) {
	p := newPlace(t)
	p.opt.Timeout = 200 * time.Millisecond
	release := make(chan struct{})
	defer close(release)
	p.index.Through(func(http.Handler) http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release })
	})
	found := find(p.run(), "package index")
	if len(found) != 1 || found[0].Status != Lack || !strings.Contains(found[0].What, "no answer within 200ms") {
		t.Errorf("%+v", found)
	}
}

// In offline mode no server is asked, and none is missed.
func TestOffline(t *testing.T) {
	p := newPlace(t)
	p.opt.Offline = true
	p.login(p.host())
	report := p.run()
	for _, check := range []string{"package index", "Debian mirror", "Debian snapshot", "registry", "clock"} {
		if f := find(report, check); len(f) != 1 || f[0].Status != Note || !strings.Contains(f[0].What, "LITHE_OFFLINE") {
			t.Errorf("%s: %+v", check, f)
		}
	}
	if asked := append(p.index.Requests(), p.mirror.Requests()...); len(asked) != 0 {
		t.Errorf("asked for %q", asked)
	}
	if !report.OK && runtime.GOOS == "linux" {
		t.Errorf("%+v", report.Findings)
	}
}
