// Package standalone serves releases of python-build-standalone to tests, with archives in the layout of the real ones.
//
// A Tiny archive has the paths of a real one, with contents of a few bytes: programs and libraries are ELF files whose
// needs resolve, and which cannot run. Packed makes an archive that runs of a tree that does.
// See https://gregoryszorc.com/docs/python-build-standalone/main/distributions.html.
package standalone

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lithe-build/lithe/internal/testkit/debmirror"
)

// Archive is one file of a release.
type Archive struct {
	Name string
	Data []byte
}

// Mirror is a server of releases.
type Mirror struct {
	URL string

	mu    sync.Mutex
	files map[string][]byte
	asked []string
}

// New starts a mirror without releases that stops with the test.
func New(t testing.TB) *Mirror {
	m := &Mirror{files: map[string][]byte{}}
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	m.URL = server.URL
	return m
}

// Publish adds a release and makes it the newest.
func (m *Mirror) Publish(tag string, archives ...Archive) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var sums strings.Builder
	for _, a := range archives {
		m.files["/"+tag+"/"+a.Name] = a.Data
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(a.Data), a.Name)
	}
	m.files["/"+tag+"/SHA256SUMS"] = []byte(sums.String())
	m.files["/latest-release.json"] = fmt.Appendf(nil, "{\"version\": 1, \"tag\": %q, \"release_url\": \"\", \"asset_url_prefix\": \"\"}\n", tag)
}

// Change replaces a file, or removes it where data is nil.
func (m *Mirror) Change(name string, data []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if data == nil {
		delete(m.files, name)
		return
	}
	m.files[name] = data
}

// Requests returns the paths that were asked for since the last call.
func (m *Mirror) Requests() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	asked := m.asked
	m.asked = nil
	return slices.Compact(asked)
}

// ServeHTTP answers with files and 404.
func (m *Mirror) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	data, ok := m.files[r.URL.Path]
	m.asked = append(m.asked, r.URL.Path)
	m.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

// Name is what an archive is called. arch is "amd64" or "arm64".
func Name(python, tag, arch, form string) string {
	return fmt.Sprintf("cpython-%s+%s-%s-unknown-linux-gnu-%s.tar.gz", python, tag, processors[arch], form)
}

var processors = map[string]string{"amd64": "x86_64", "arm64": "aarch64"}

// Stripped is the form of archives that bases are made of.
const Stripped = "install_only_stripped"

// Packed makes an archive of a tar whose paths are below python/.
func Packed(name string, tarball []byte) Archive {
	return Archive{Name: name, Data: debmirror.Compress("gz", tarball)}
}
