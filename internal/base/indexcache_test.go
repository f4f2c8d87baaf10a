package base

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lithe-build/lithe/internal/store"
)

var anyStanza = cmp.AllowUnexported(stanza{})

func TestIndexCache(t *testing.T) {
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	all := offers("one 1.0-1 | two (>= 1) / three, four", "two 1:2~rc1 | | virtual (= 2)")
	for i := range all {
		all[i].archive = "" // not kept: it is the archive that asks
	}
	const digest = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	if _, ok := loadIndex(st, "amd64", digest); ok {
		t.Error("an empty store has an index")
	}
	if err := saveIndex(st, "amd64", digest, all); err != nil {
		t.Fatal(err)
	}
	got, ok := loadIndex(st, "amd64", digest)
	if diff := cmp.Diff(all, got, anyStanza); !ok || diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if _, ok := loadIndex(st, "arm64", digest); ok {
		t.Error("the index of one architecture serves another")
	}
}

// FuzzIndexCache: whatever lies in the store, reading it ends; what reads writes and reads back the same.
func FuzzIndexCache(f *testing.F) {
	var b bytes.Buffer
	if err := encodeIndex(&b, offers("one 1 | two", "two 2")); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte("no zstd"))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := decodeIndex(bytes.NewReader(data))
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := encodeIndex(&again, all); err != nil {
			t.Fatal(err)
		}
		back, err := decodeIndex(&again)
		if diff := cmp.Diff(all, back, anyStanza); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	})
}
