package layer_test

import (
	"bytes"
	"flag"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/flate"

	"github.com/lithe-build/lithe/internal/entry"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// deflated returns a file as a wheel has it.
func deflated(t testing.TB, data []byte, level int) entry.Entry {
	t.Helper()
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, level)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	content := &stream{Bytes: data, data: out.Bytes(), claim: int64(out.Len()), crc: crc32.ChecksumIEEE(data)}
	return entry.Entry{Path: "deflated", Mode: 0o644, Size: int64(len(data)), Content: content}
}

// randomBytes returns bytes that compress a little.
func randomBytes(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(r.Uint32()), byte(n)}).Read(b)
	for i := 0; i < n; i += 8 {
		b[i] = 0
	}
	return b
}

// randomTree returns files of all sizes around the limits of groups, copies and blocks.
func randomTree(t testing.TB, r *rand.Rand) []entry.Entry {
	sizes := []int{0, 1, 511, 512, 513, 32<<10 - 1, 32 << 10, 100_000, 1<<20 - 512, 1<<20 + 1}
	var out []entry.Entry
	for i := range 1 + r.IntN(20) {
		path := fmt.Sprintf("d%d/e%d/f%d", r.IntN(3), r.IntN(3), i)
		data := randomBytes(r, sizes[r.IntN(len(sizes))])
		switch r.IntN(4) {
		case 0:
			e := deflated(t, data, 1+r.IntN(9))
			e.Path = path
			out = append(out, e)
		case 1:
			out = append(out, entry.NewSymlink(path, "../x"))
		default:
			out = append(out, entry.NewFile(path, data, r.IntN(2) == 0))
		}
	}
	return out
}
