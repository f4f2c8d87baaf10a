package registry_test

import (
	"bytes"
	"encoding/json"
	"io"
	"iter"
	"log"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/lithe-build/lithe/internal/registry"
	"github.com/lithe-build/lithe/internal/registry/keychain"
	"github.com/lithe-build/lithe/internal/store"
)

// quick are options for servers of tests: nobody waits for them.
var quick = registry.Options{Backoff: time.Millisecond, Stall: 5 * time.Second}

// epoch is a date for files that have none.
var epoch = time.Unix(0, 0)

// discard is where servers of tests write what went wrong.
var discard = log.New(io.Discard, "", 0)

func newStore(t *testing.T) *store.Store {
	t.Helper()
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// noise returns bytes that are the same each time.
func noise(size int) []byte {
	data := make([]byte, size)
	rand.NewChaCha8([32]byte{}).Read(data)
	return data
}

// blobOf returns a blob in memory.
func blobOf(data []byte) registry.Blob {
	return registry.Blob{Digest: hexDigest(data), Size: int64(len(data)),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}
}

// loggedIn returns options with a login for a host.
func loggedIn(t *testing.T, host, user, password string) registry.Options {
	t.Helper()
	opt := quick
	opt.Keychain = keychain.Options{Files: []keychain.File{{Name: "test", Path: writeLogin(t, host, user, password)}}}
	return opt
}

// digests returns what a manifest or index names.
func digests(raw []byte) (all []string) {
	type descriptor struct{ Digest string }
	var m struct {
		Config            descriptor
		Layers, Manifests []descriptor
	}
	if json.Unmarshal(raw, &m) != nil {
		return nil
	}
	for _, d := range append(append(m.Layers, m.Manifests...), m.Config) {
		if d.Digest != "" {
			all = append(all, d.Digest)
		}
	}
	return all
}

func keys[V any](m map[string]V) iter.Seq[string] { return maps.Keys(m) }
