package debmirror

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
)

// Mirror is a server with two archives, as Debian has them, and a snapshot of everything that it ever had.
type Mirror struct {
	URL         string             // of the main archive: http://127.0.0.1:port/debian
	SecurityURL string             // of the security archive
	SnapshotURL string             // has every file ever published: SnapshotURL/debian/TIME/…, whatever the time
	Keyring     openpgp.EntityList // who signs the suites

	key    *signingKey
	mu     sync.Mutex
	files  map[string][]byte
	past   map[string][]byte
	broken map[string]bool // .debs whose bodies end early
	asked  []string
	front  http.Handler // nil means the mirror itself
}

// New starts a mirror that stops with the test.
func New(t testing.TB, suites ...Suite) *Mirror {
	m := &Mirror{key: &signingKey{known: NewKey(KeyOptions{}), unknown: NewKey(KeyOptions{})},
		past: map[string][]byte{}}
	m.Keyring = openpgp.EntityList{m.key.known}
	m.Publish(suites...)
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	m.URL, m.SecurityURL = server.URL+"/debian", server.URL+"/debian-security"
	m.SnapshotURL = server.URL + "/snapshot"
	return m
}

// Publish replaces everything by these suites, as time does: superseded packages leave the pool, and stay only in
// the snapshot.
func (m *Mirror) Publish(suites ...Suite) {
	files, broken := map[string][]byte{}, map[string]bool{}
	for _, s := range suites {
		s.publish(files, m.key)
		for _, p := range s.Packages {
			broken[p.FileName()] = s.Faults.TruncatedBodies
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files, m.broken = files, broken
	for name, data := range files {
		m.past[name] = data
	}
}

// Key returns the key that signs the suites.
func (m *Mirror) Key() *openpgp.Entity { return m.key.known }

// KeyringFile writes the public key, armoured, to a file that goes with the test.
func (m *Mirror) KeyringFile(t testing.TB) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "archive-key.asc")
	if err := os.WriteFile(name, ArmoredKey(m.key.known), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// Through puts a handler between the mirror and its clients, which gets the mirror to pass requests on to.
func (m *Mirror) Through(wrap func(http.Handler) http.Handler) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.front = wrap(http.HandlerFunc(m.answer))
}

// Requests returns the paths that were asked for since the last call, in order.
func (m *Mirror) Requests() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	asked := m.asked
	m.asked = nil
	return asked
}

// ServeHTTP answers with files, ranges of files and 404.
func (m *Mirror) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	front := m.front
	m.mu.Unlock()
	if front != nil {
		front.ServeHTTP(w, r)
		return
	}
	m.answer(w, r)
}

func (m *Mirror) answer(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	m.mu.Lock()
	m.asked = append(m.asked, r.URL.Path)
	data, ok := m.files[name]
	if rest, snapshot := strings.CutPrefix(name, "snapshot/"); snapshot {
		data, ok = m.past[withoutTime(rest)]
	}
	broken := m.broken[filepath.Base(name)]
	m.mu.Unlock()
	switch {
	case !ok:
		http.NotFound(w, r)
	case broken:
		w.Header().Set("Content-Length", "1000000000")
		_, _ = w.Write(data[:len(data)/2])
	default:
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	}
}

// withoutTime takes the time out of "debian/20250809T100000Z/pool/…".
func withoutTime(name string) string {
	archive, rest, _ := strings.Cut(name, "/")
	_, rest, _ = strings.Cut(rest, "/")
	return archive + "/" + rest
}
