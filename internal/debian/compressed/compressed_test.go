package compressed

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
	"github.com/lithe-build/lithe/internal/testkit/debmirror"
	"github.com/ulikunitz/xz"
)

// text is what compresses about as Packages files do.
func text(n int) []byte {
	words := strings.Fields("Package Version Depends libc6 libssl3t64 amd64 optional python3 2.41 Description-md5 pool/main")
	random := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for b.Len() < n {
		fmt.Fprintf(&b, "%s: %x\n", words[random.IntN(len(words))], random.Uint32())
	}
	return b.Bytes()[:n]
}

// extension is what a name ends in for a compression of the testkit.
func extension(how string) string {
	if how == "none" {
		return ""
	}
	return "." + how
}

func TestNewReader(t *testing.T) {
	for _, how := range []string{"xz", "gz", "zst", "none"} {
		for _, size := range []int{0, 1, 100_000} {
			t.Run(fmt.Sprint(how, " ", size), func(t *testing.T) {
				want := text(size)
				packed := debmirror.Compress(how, want)
				for name, src := range map[string]io.Reader{
					"whole": bytes.NewReader(packed), "in halves": iotest.HalfReader(bytes.NewReader(packed)),
				} {
					r, err := NewReader(src, "x"+extension(how), int64(size))
					if err != nil {
						t.Fatal(err)
					}
					got, err := io.ReadAll(r)
					if err != nil || !bytes.Equal(got, want) {
						t.Errorf("%s: %d bytes, error %v", name, len(got), err)
					}
					if err := r.Close(); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
}

func TestLimit(t *testing.T) {
	for _, how := range []string{"xz", "gz", "zst", "none"} {
		r, err := NewReader(bytes.NewReader(debmirror.Compress(how, text(1000))), "x"+extension(how), 999)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if len(got) != 999 || !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %d bytes, error %v", how, len(got), err)
		}
		if _, err := r.Read(make([]byte, 1)); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: the error is gone: %v", how, err)
		}
	}
}

func TestBroken(t *testing.T) {
	for _, how := range []string{"xz", "gz", "zst"} {
		packed := debmirror.Compress(how, text(5000))
		flipped := bytes.Clone(packed)
		flipped[len(flipped)/2] ^= 0x10
		for name, data := range map[string][]byte{
			"empty": nil, "foreign": []byte("neither of them, by far"), "cut": packed[:len(packed)-5], "flipped bit": flipped,
		} {
			t.Run(how+" "+name, func(t *testing.T) {
				r, err := NewReader(bytes.NewReader(data), "x."+how, 1<<20)
				if err == nil {
					_, err = io.ReadAll(r)
				}
				// zstd takes nothing for no frames, which is an empty file.
				if err == nil && !(how == "zst" && name == "empty") {
					t.Error("no error")
				}
			})
		}
	}
	if _, err := NewReader(nil, "x.rar", 1); err == nil {
		t.Error("rar is supported")
	}
}

// A header may ask for more memory than is sane.
func TestMemory(t *testing.T) {
	var window bytes.Buffer
	z, err := zstd.NewWriter(&window, zstd.WithWindowSize(256<<20), zstd.WithSingleSegment(false))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = z.Write(text(300_000))
	if err := z.Flush(); err != nil {
		t.Fatal(err)
	}
	_, _ = z.Write(text(300_000))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"x.xz": xzAsking(t, 128<<20), "x.zst": window.Bytes()} {
		r, err := NewReader(bytes.NewReader(data), name, 1<<20)
		if err == nil {
			_, err = io.ReadAll(r)
		}
		if err == nil {
			t.Errorf("%s: memory without bounds", name)
		}
	}
}

// xzAsking returns a small file whose header asks for this much memory.
func xzAsking(t *testing.T, dictionary int) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := xz.WriterConfig{DictCap: dictionary}.NewWriter(&out)
	if err == nil {
		_, err = w.Write([]byte("small"))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A decoder that panics is a decoder that found corrupt data.
func TestPanic(t *testing.T) {
	r := &reader{inner: io.NopCloser(panicking{}), name: "x.xz", left: 10}
	if _, err := r.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "x.xz: is corrupt") {
		t.Errorf("error is %v", err)
	}
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("index out of range") }

// No input makes a reader panic, run past its limit, or differ when read in pieces.
func FuzzNewReader(f *testing.F) {
	names := []string{"x.xz", "x.gz", "x.zst", "x"}
	for i, how := range []string{"xz", "gz", "zst", "none"} {
		f.Add(debmirror.Compress(how, text(300)), uint8(i))
	}
	f.Fuzz(func(t *testing.T, data []byte, which uint8) {
		const limit = 64 << 10
		name := names[int(which)%len(names)]
		whole, wholeErr := readAll(bytes.NewReader(data), name, limit)
		if len(whole) > limit {
			t.Fatalf("%d bytes", len(whole))
		}
		pieces, err := readAll(iotest.OneByteReader(bytes.NewReader(data)), name, limit)
		if (err == nil) != (wholeErr == nil) || err == nil && !bytes.Equal(whole, pieces) {
			t.Fatalf("%d bytes and %v, in pieces %d and %v", len(whole), wholeErr, len(pieces), err)
		}
	})
}

func readAll(src io.Reader, name string, limit int64) ([]byte, error) {
	r, err := NewReader(src, name, limit)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// The unit is bytes that come out.
func BenchmarkXZ(b *testing.B)   { benchmark(b, "xz") }
func BenchmarkGzip(b *testing.B) { benchmark(b, "gz") }
func BenchmarkZstd(b *testing.B) { benchmark(b, "zst") }

func benchmark(b *testing.B, how string) {
	plain := text(4 << 20)
	packed := debmirror.Compress(how, plain)
	b.SetBytes(int64(len(plain)))
	for b.Loop() {
		r, err := NewReader(bytes.NewReader(packed), "x."+how, int64(len(plain)))
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, r); err != nil || n != int64(len(plain)) {
			b.Fatal(n, err)
		}
	}
}
