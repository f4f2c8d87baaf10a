package layer_test

import (
	"archive/zip"
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"

	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/layer"
)

// The benchmarks compare, in one run, a layer with the floor, which is what cannot be avoided (copy, inflate, two
// hashes, one after the other), and with compressing everything. LITHE_WHEELS names a folder of real wheels; without
// it there is one made of noise.
func BenchmarkLayer(b *testing.B) {
	for name, entries := range wheels(b) {
		var unpacked int64
		for _, e := range entries {
			unpacked += e.Size
		}
		for _, c := range []struct {
			name string
			work func(io.Writer) error
		}{
			{"write", func(w io.Writer) error { _, err := layer.Write(w, entries); return err }},
			{"floor", func(w io.Writer) error { return floor(w, entries) }},
			{"gzip6", func(w io.Writer) error { return recompress(w, entries) }},
		} {
			b.Run(name+"/"+c.name, func(b *testing.B) {
				b.SetBytes(unpacked)
				b.ReportAllocs()
				var size counter
				for b.Loop() {
					size = 0
					if err := c.work(&size); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(size), "layer-bytes")
			})
		}
	}
}

// floor copies and inflates every stream, and hashes both forms.
func floor(w io.Writer, entries []entry.Entry) error {
	plain, packed := sha256.New(), sha256.New()
	for _, e := range entries {
		d, ok := e.Content.(entry.Deflated)
		if !ok {
			continue
		}
		r, _, _, err := d.OpenDeflated()
		if err != nil {
			return err
		}
		fr := flate.NewReader(io.TeeReader(r, io.MultiWriter(w, packed)))
		if _, err := io.Copy(plain, fr); err != nil {
			return err
		}
		r.Close()
	}
	return nil
}

// recompress is what other builders do.
func recompress(w io.Writer, entries []entry.Entry) error {
	plain, packed := sha256.New(), sha256.New()
	gz, err := gzip.NewWriterLevel(io.MultiWriter(w, packed), 6)
	if err != nil {
		return err
	}
	for _, e := range entries {
		r, err := e.Content.Open()
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.MultiWriter(gz, plain), r); err != nil {
			return err
		}
		r.Close()
	}
	return gz.Close()
}

// wheels returns the entries of real wheels, or of one that is made here.
func wheels(b *testing.B) map[string][]entry.Entry {
	out := map[string][]entry.Entry{}
	files, err := filepath.Glob(filepath.Join(os.Getenv("LITHE_WHEELS"), "*.whl"))
	if err != nil {
		b.Fatal(err)
	}
	for _, file := range files {
		out[filepath.Base(file)] = wheelEntries(b, file)
	}
	if len(out) == 0 {
		noise := deflated(b, randomBytes(rand.New(rand.NewPCG(1, 1)), 32<<20), 6)
		out["noise"] = []entry.Entry{noise}
	}
	return out
}

// wheelEntries returns the members of a zip file without looking at what they mean.
func wheelEntries(b *testing.B, file string) []entry.Entry {
	z, err := zip.OpenReader(file)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { z.Close() })
	var out []entry.Entry
	for _, f := range z.File {
		if f.Mode().IsDir() {
			continue
		}
		e := entry.Entry{Path: path.Join("venv/lib/python3.13/site-packages", f.Name), Mode: 0o644,
			Size: int64(f.UncompressedSize64), Content: stored{f}}
		if f.Method == zip.Deflate {
			e.Content = member{stored{f}}
		}
		out = append(out, e)
	}
	return out
}

// stored is a member of a zip file.
type stored struct{ *zip.File }

func (s stored) Open() (io.ReadCloser, error) {
	r, err := s.OpenRaw()
	if err != nil || s.Method == zip.Store {
		return io.NopCloser(r), err
	}
	return flate.NewReader(r), nil
}

// member is a deflated one.
type member struct{ stored }

func (m member) OpenDeflated() (io.ReadCloser, int64, uint32, error) {
	r, err := m.OpenRaw()
	return io.NopCloser(r), int64(m.CompressedSize64), m.CRC32, err
}

// counter counts bytes.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
