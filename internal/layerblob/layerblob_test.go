package layerblob_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/lithe-build/lithe/internal/layerblob"
)

// compress returns a text as a writer of some format has it.
func compress(t testing.TB, text string, open func(io.Writer) (io.WriteCloser, error)) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := open(&out)
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func gzipped(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }

func zstandard(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }

// huge asks for more memory than any decoder should give.
func huge(w io.Writer) (io.WriteCloser, error) {
	return zstd.NewWriter(w, zstd.WithWindowSize(zstd.MaxWindowSize))
}

func TestOpen(t *testing.T) {
	text := strings.Repeat("a tar ", 1000)
	tests := []struct {
		name string
		blob []byte
		want string
	}{
		{"plain", []byte(text), text},
		{"shorter than any mark", []byte("a"), "a"},
		{"empty", nil, ""},
		{"gzip", compress(t, text, gzipped), text},
		{"gzip of several members", append(compress(t, text, gzipped), compress(t, "b", gzipped)...), text + "b"},
		{"zstd", compress(t, text, zstandard), text},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, err := layerblob.Open(iotest.OneByteReader(bytes.NewReader(test.blob)))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			if err = errors.Join(err, r.Close()); err != nil || string(got) != test.want {
				t.Errorf("%d bytes, %v; want %d", len(got), err, len(test.want))
			}
		})
	}
}

func TestBroken(t *testing.T) {
	broken := errors.New("the disk is gone")
	if _, err := layerblob.Open(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("a blob that cannot be read: %v", err)
	}
	if _, err := layerblob.Open(strings.NewReader("\x1f\x8bno gzip")); err == nil {
		t.Error("broken gzip is opened")
	}
	r, err := layerblob.Open(bytes.NewReader(compress(t, strings.Repeat("x", 2<<20), huge)))
	if err == nil {
		_, err = io.Copy(io.Discard, r)
	}
	if !errors.Is(err, zstd.ErrWindowSizeExceeded) {
		t.Errorf("a window of half a gigabyte: %v", err)
	}
}

// FuzzOpen shows that no bytes stop lithe with a panic, and that what is not compressed stays as it is.
func FuzzOpen(f *testing.F) {
	f.Add([]byte("plain"))
	f.Add(compress(f, "gzip", gzipped))
	f.Add(compress(f, "zstd", zstandard))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := layerblob.Open(bytes.NewReader(data))
		if err != nil {
			return
		}
		defer r.Close()
		got, err := io.ReadAll(io.LimitReader(r, 1<<20))
		marked := bytes.HasPrefix(data, []byte{0x1f, 0x8b}) || bytes.HasPrefix(data, []byte{0x28, 0xb5, 0x2f, 0xfd})
		if !marked && (err != nil || !bytes.Equal(got, data[:min(len(data), 1<<20)])) {
			t.Errorf("a plain blob is not what came in: %v", err)
		}
	})
}
