package layer

import (
	"archive/tar"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"hash/crc32"
	"io"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/testkit/tinyelf"
)

// FuzzWrite shows that every path and link that is accepted is read back as it was.
func FuzzWrite(f *testing.F) {
	for _, p := range []string{"a", "app/größe", strings.Repeat("d", 99), strings.Repeat("d", 100), strings.Repeat("d/", 60) + "f",
		strings.Repeat("e", 154) + "/" + strings.Repeat("n", 100), strings.Repeat("e", 200) + "/" + strings.Repeat("n", 100),
		"a\nb", "a\x7fb", "../x", "a//b", "a/.wh.b", "lib/x", "x/" + strings.Repeat("ü", 40)} {
		f.Add(p, p)
	}
	f.Fuzz(func(t *testing.T, path, link string) {
		var out bytes.Buffer
		entries := []entry.Entry{entry.NewFile(path+"/file", []byte(link), true), entry.NewSymlink(path+"/link", link)}
		blob, err := Write(&out, entries)
		if err != nil {
			return
		}
		z, err := gzip.NewReader(&out)
		if err != nil {
			t.Fatal(err)
		}
		r := tar.NewReader(z)
		var names []string
		for {
			h, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, h.Name)
			body, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			if h.Typeflag == tar.TypeReg && string(body) != link || h.Typeflag == tar.TypeSymlink && h.Linkname != link {
				t.Errorf("%q: read %q, %q for %q", h.Name, body, h.Linkname, link)
			}
		}
		if last := len(names) - 2; names[last] != path+"/file" || names[last+1] != path+"/link" {
			t.Errorf("wrote %q, read %q", path, names)
		}
		if blob.UnpackedSize%blockSize != 0 {
			t.Errorf("tar of %d bytes", blob.UnpackedSize)
		}
	})
}

// FuzzDeflated shows that a stream of any bytes and any claims is refused or becomes a layer that others can read.
func FuzzDeflated(f *testing.F) {
	good := deflate(f, bytes.Repeat([]byte{1, 2, 3, 4, 99}, 20_000))
	f.Add(good, int64(100_000), int64(len(good)), crc32.ChecksumIEEE(bytes.Repeat([]byte{1, 2, 3, 4, 99}, 20_000)))
	f.Add(good, int64(99_999), int64(len(good)-1), uint32(0))
	f.Add([]byte{1, 0, 0, 0xff, 0xff}, int64(1<<40), int64(copyFrom), uint32(0))
	f.Fuzz(func(t *testing.T, stream []byte, size, packed int64, crc uint32) {
		s := newSink(io.Discard)
		var out bytes.Buffer
		s2 := newSink(&out)
		content := raw{stream, packed, crc}
		copied, err := s.copyDeflated(content, size)
		if _, finishErr := s.finish(); finishErr != nil {
			t.Fatal(finishErr)
		}
		again, err2 := s2.copyDeflated(content, size)
		blob, finishErr := s2.finish()
		if finishErr != nil || copied != again || (err == nil) != (err2 == nil) {
			t.Fatalf("%v %v, then %v %v (%v)", copied, err, again, err2, finishErr)
		}
		if !copied {
			return
		}
		z, err := gzip.NewReader(&out)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(z)
		if err != nil || int64(len(data)) != size || blob.UnpackedSize != size {
			t.Errorf("%d bytes: %v", len(data), err)
		}
	})
}

// FuzzParse shows that no file makes the reader of objects panic, and that what it says is small.
func FuzzParse(f *testing.F) {
	lib := tinyelf.Object{Soname: "libx.so.1", Defines: []string{"X_1"}, Runpath: "/a:/b",
		Needed: []tinyelf.Need{{Library: "libc.so.6", Versions: []string{"GLIBC_2.34"}}}}.Bytes()
	f.Add(lib)
	f.Add(lib[:len(lib)/2])
	f.Add([]byte(elfMagic))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, ok := parse("x", bytes.NewReader(data))
		if ok != (o.Path == "x") {
			t.Errorf("%v, %+v", ok, o)
		}
		highestGLIBC([]Object{o})
	})
}

// raw is a stream with claims.
type raw struct {
	data []byte
	size int64
	crc  uint32
}

func (r raw) Open() (io.ReadCloser, error) { return nil, io.ErrUnexpectedEOF }

func (r raw) OpenDeflated() (io.ReadCloser, int64, uint32, error) {
	return io.NopCloser(bytes.NewReader(r.data)), r.size, r.crc, nil
}

func deflate(t testing.TB, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.NoCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestCompressorForgets shows that a compressor which was used before gives the same bytes as a new one.
func TestCompressorForgets(t *testing.T) {
	used := newCompressor()
	texts := [][]byte{bytes.Repeat([]byte("abcdefgh"), 100_000), []byte("x"), bytes.Repeat([]byte("import os\nimport sys\n"), 500), nil}
	for range 3 {
		for i, text := range texts {
			if !bytes.Equal(compress(used, text), compress(newCompressor(), text)) {
				t.Errorf("text %d differs", i)
			}
		}
	}
}
