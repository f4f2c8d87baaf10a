package layer_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/layer"
	"github.com/lithe-build/lithe/internal/testkit/golden"
)

// TestGolden holds what format 1 promises: the tar byte by byte, and with the pinned compressor the layer too. If the
// digest alone changes, a compressor was upgraded, and layer.Format must be raised.
func TestGolden(t *testing.T) {
	data, blob := write(t, sample(t))
	want := layer.Blob{
		Digest:       "sha256:88cf19f64450a19f788204559c3f85500e327ad920184019ecde7754ff4cc661",
		DiffID:       "sha256:71c958a95a4bdbcf74d98b6c4a93e944e1dc56304568903eca26fb44305f2bdb",
		Size:         int64(len(data)),
		UnpackedSize: int64(len(unpack(t, data))),
	}
	golden.Compare(t, "testdata/sample.txt", []byte(strings.Join(list(t, data), "\n")+"\n"), *update)
	if diff := cmp.Diff(want, blob); diff != "" {
		t.Error(diff)
	}
}

// TestOrder shows that neither the order of the input nor the number of processors reaches the output.
func TestOrder(t *testing.T) {
	entries := sample(t)
	want, _ := write(t, entries)
	r := rand.New(rand.NewPCG(1, 2))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for i := range 20 {
		runtime.GOMAXPROCS(1 + i%5)
		r.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
		if got, _ := write(t, entries); !bytes.Equal(got, want) {
			t.Fatalf("permutation %d differs", i)
		}
	}
}

// TestRoundTrip writes random trees and reads them back with the standard library.
func TestRoundTrip(t *testing.T) {
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 7))
		entries := randomTree(t, r)
		data, blob := write(t, entries)
		got := read(t, data)
		for _, e := range entries {
			h, ok := got[e.Path]
			if !ok {
				t.Fatalf("seed %d: %s is missing", seed, e.Path)
			}
			if e.Type == entry.Symlink {
				e.Content = entry.Bytes(nil)
			}
			body, err := e.Read()
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(h.body, body) || h.Linkname != e.Link {
				t.Errorf("seed %d: %s differs", seed, e.Path)
			}
		}
		plain := unpack(t, data)
		want := layer.Blob{Digest: digest(data), DiffID: digest(plain), Size: int64(len(data)), UnpackedSize: int64(len(plain))}
		if diff := cmp.Diff(want, blob); diff != "" {
			t.Error(diff)
		}
	}
}

// TestForeignReaders asks the tools that unpack layers elsewhere.
func TestForeignReaders(t *testing.T) {
	data, _ := write(t, sample(t))
	file := filepath.Join(t.TempDir(), "layer.tar.gz")
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"gzip", "-t", file}, {"tar", "tzf", file}} {
		if _, err := exec.LookPath(args[0]); err != nil {
			t.Logf("%s is not here", args[0])
			continue
		}
		out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", args, err, out)
		}
		if args[0] == "tar" && strings.Count(string(out), "\n") != len(list(t, data)) {
			t.Errorf("tar sees\n%s", out)
		}
	}
}

func TestRefused(t *testing.T) {
	file := func(path string) entry.Entry { return entry.NewFile(path, []byte("x"), false) }
	liar := deflated(t, randomBytes(rand.New(rand.NewPCG(8, 8)), 200_000), 6)
	long := strings.Repeat("a/", 2100) + "a"
	for name, c := range map[string]struct {
		entries []entry.Entry
		want    string
	}{
		"absolute":      {[]entry.Entry{file("/etc/passwd")}, "clean path"},
		"dots":          {[]entry.Entry{file("a/../b")}, "clean path"},
		"root":          {[]entry.Entry{entry.NewDir(".")}, "clean path"},
		"empty":         {[]entry.Entry{file("")}, "clean path"},
		"slash":         {[]entry.Entry{entry.NewDir("a/")}, "clean path"},
		"nul":           {[]entry.Entry{file("a\x00b")}, "clean path"},
		"not UTF-8":     {[]entry.Entry{file("a\xff")}, "clean path"},
		"long":          {[]entry.Entry{file(long)}, "path of 4201 bytes"},
		"long name":     {[]entry.Entry{file(strings.Repeat("x", 256))}, "file name of 256"},
		"whiteout":      {[]entry.Entry{file("a/.wh.b")}, ".wh."},
		"not merged":    {[]entry.Entry{file("lib/x.so")}, "usr-merged"},
		"setuid":        {[]entry.Entry{{Path: "a", Mode: 0o755 | fs.ModeSetuid, Content: entry.Bytes{}}}, "mode"},
		"no content":    {[]entry.Entry{{Path: "a", Mode: 0o644}}, "contents"},
		"no target":     {[]entry.Entry{entry.NewSymlink("a", "")}, "link target"},
		"sized dir":     {[]entry.Entry{{Path: "a", Type: entry.Dir, Mode: 0o755, Size: 1}}, "only files"},
		"unknown type":  {[]entry.Entry{{Path: "a", Type: 9}}, "type"},
		"file as dir":   {[]entry.Entry{file("a"), file("a/b")}, "a is not a directory"},
		"link as dir":   {[]entry.Entry{entry.NewSymlink("a", "b"), file("a/b")}, "a is not a directory"},
		"too short":     {[]entry.Entry{{Path: "a", Mode: 0o644, Size: 5, Content: entry.Bytes("four")}}, "has 4 bytes, not 5"},
		"too long":      {[]entry.Entry{{Path: "a", Mode: 0o644, Size: 3, Content: entry.Bytes("four")}}, "more than 3"},
		"wrong CRC":     {[]entry.Entry{edit(liar, func(d *stream) { d.crc++ })}, "CRC-32"},
		"wrong size":    {[]entry.Entry{edit(liar, func(d *stream) { d.claim-- })}, "ends after"},
		"trailing":      {[]entry.Entry{edit(liar, func(d *stream) { d.data = append(d.data, "PK"...); d.claim += 2 })}, "ends after"},
		"hidden":        {[]entry.Entry{edit(liar, func(d *stream) { d.data = append(d.data, "PK"...) })}, "ends after"},
		"cut":           {[]entry.Entry{edit(liar, func(d *stream) { d.data = d.data[:len(d.data)-9]; d.claim -= 9 })}, "bad deflate"},
		"no deflate":    {[]entry.Entry{edit(liar, func(d *stream) { d.data[0] = 7 })}, "bad deflate"},
		"not its bytes": {[]entry.Entry{resized(liar, -1)}, "bytes with CRC-32"},
		"unreadable":    {[]entry.Entry{{Path: "a", Mode: 0o644, Size: 1, Content: entry.Path("/no/such/file")}}, "a: open"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := layer.Write(io.Discard, c.entries)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestDuplicates(t *testing.T) {
	noise := randomBytes(rand.New(rand.NewPCG(3, 4)), 200_000)
	packed := func(level int) entry.Entry { e := deflated(t, noise, level); e.Path = "p"; return e }
	plain := entry.NewFile("p", noise, false)
	for name, c := range map[string]struct {
		entries []entry.Entry
		ok      bool
	}{
		"equal":            {[]entry.Entry{entry.NewFile("p", []byte("a"), false), entry.NewFile("p", []byte("a"), false)}, true},
		"other bytes":      {[]entry.Entry{entry.NewFile("p", []byte("a"), false), entry.NewFile("p", []byte("b"), false)}, false},
		"other mode":       {[]entry.Entry{entry.NewFile("p", []byte("a"), false), entry.NewFile("p", []byte("a"), true)}, false},
		"other type":       {[]entry.Entry{entry.NewFile("p", nil, false), entry.NewDir("p")}, false},
		"equal links":      {[]entry.Entry{entry.NewSymlink("p", "q"), entry.NewSymlink("p", "q")}, true},
		"other links":      {[]entry.Entry{entry.NewSymlink("p", "q"), entry.NewSymlink("p", "r")}, false},
		"dir and parent":   {[]entry.Entry{entry.NewFile("p/q", nil, false), entry.NewDir("p"), entry.NewDir("p")}, true},
		"packed and plain": {[]entry.Entry{packed(1), plain, packed(9)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			var first, second bytes.Buffer
			_, err := layer.Write(&first, c.entries)
			if c.ok != (err == nil) {
				t.Fatalf("got %v", err)
			}
			if err != nil {
				problem, ok := errors.AsType[*diag.Error](err)
				if !ok || problem.Code != "overlap" || !strings.Contains(problem.What, "p") {
					t.Errorf("got %v", err)
				}
				return
			}
			for i := range len(c.entries) / 2 {
				j := len(c.entries) - 1 - i
				c.entries[i], c.entries[j] = c.entries[j], c.entries[i]
			}
			if _, err := layer.Write(&second, c.entries); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(first.Bytes(), second.Bytes()) {
				t.Error("the order of duplicates shows")
			}
		})
	}
}

// TestCopied shows that a large deflate stream stands in the layer as it was.
func TestCopied(t *testing.T) {
	e := deflated(t, randomBytes(rand.New(rand.NewPCG(5, 6)), 300_000), 9)
	data, _ := write(t, []entry.Entry{e})
	if !bytes.Contains(data, e.Content.(*stream).data) {
		t.Error("the stream was compressed again")
	}
}

// TestWriteError shows that a full disk is reported, and ends the work.
func TestWriteError(t *testing.T) {
	full := errors.New("disk is full")
	_, err := layer.Write(writerFunc(func([]byte) (int, error) { return 0, full }), sample(t))
	if !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}

// sample has one of everything that a tar header can say.
func sample(t testing.TB) []entry.Entry {
	lines := []byte(strings.Repeat("import lithe  # the quick brown fox\n", 9000))
	large := deflated(t, lines, 6)
	large.Path = "venv/lib/python3.13/site-packages/numpy/core.so"
	noise := randomBytes(rand.New(rand.NewPCG(9, 9)), 100_000)
	copied := deflated(t, noise, 1)
	copied.Path = "venv/lib/python3.13/site-packages/numpy/copied.so"
	return []entry.Entry{
		large,
		copied,
		entry.NewFile("venv/lib/python3.13/site-packages/numpy/__init__.py", []byte("pi = 3\n"), false),
		entry.NewFile("venv/lib/python3.13/site-packages/numpy/empty", nil, false),
		entry.NewFile("venv/lib/python3.13/site-packages/numpy/noise.bin", noise, false),
		entry.NewFile("venv/bin/f2py", []byte("#!/venv/bin/python\n"), true),
		entry.NewSymlink("venv/bin/python", "/usr/bin/python3.13"),
		entry.NewFile("tmp/seen", []byte("x"), false),
		entry.NewFile("var/tmp/seen", []byte("x"), false),
		entry.NewSymlink("bin", "usr/bin"),
		entry.NewDir("app"),
		entry.NewFile("app/"+strings.Repeat("d", 90)+"/"+strings.Repeat("f", 60)+".py", []byte("ustar prefix"), false),
		entry.NewFile("app/"+strings.Repeat("f", 200), []byte("pax path"), false),
		entry.NewFile("app/größe-大小", []byte("pax path"), false),
		entry.NewSymlink("app/far", strings.Repeat("../", 50)+"x"),
		entry.NewDir("app/" + strings.Repeat("e", 99)),
	}
}

// stream is a deflate stream with claims about it, true or not.
type stream struct {
	entry.Bytes
	data  []byte
	claim int64
	crc   uint32
}

func (s *stream) OpenDeflated() (io.ReadCloser, int64, uint32, error) {
	return io.NopCloser(bytes.NewReader(s.data)), s.claim, s.crc, nil
}

// edit returns the entry with a changed stream.
func edit(e entry.Entry, change func(*stream)) entry.Entry {
	s := *e.Content.(*stream)
	s.data = bytes.Clone(s.data)
	change(&s)
	e.Content = &s
	return e
}

// resized returns the entry with another size, which its stream does not have.
func resized(e entry.Entry, by int64) entry.Entry {
	e.Size += by
	return e
}

type file struct {
	*tar.Header
	body []byte
}

// read returns the files of a layer by path, and checks what holds for all.
func read(t testing.TB, data []byte) map[string]file {
	t.Helper()
	out := map[string]file{}
	r := tar.NewReader(bytes.NewReader(unpack(t, data)))
	for {
		h, err := r.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Gname != "" ||
			!h.ModTime.Equal(time.Date(1980, 1, 2, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("%s: %+v", h.Name, h)
		}
		name := strings.TrimSuffix(h.Name, "/")
		if dir, _, nested := cutLast(name); nested && out[dir].Header == nil {
			t.Errorf("%s stands before its directory", name)
		}
		out[name] = file{h, body}
	}
}

// list describes the files of a layer in order.
func list(t testing.TB, data []byte) []string {
	t.Helper()
	var out []string
	r := tar.NewReader(bytes.NewReader(unpack(t, data)))
	for {
		h, err := r.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.New()
		if _, err := io.Copy(sum, r); err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprintf("%c %04o %7d %-5s %x %s %s", h.Typeflag, h.Mode, h.Size, h.Format, sum.Sum(nil)[:4], h.Name, h.Linkname)
		out = append(out, strings.TrimSpace(line))
	}
}

func write(t testing.TB, entries []entry.Entry) ([]byte, layer.Blob) {
	t.Helper()
	var out bytes.Buffer
	blob, err := layer.Write(&out, entries)
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), blob
}

func unpack(t testing.TB, data []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func cutLast(p string) (dir, name string, ok bool) {
	i := strings.LastIndexByte(p, '/')
	if i < 0 {
		return "", p, false
	}
	return p[:i], p[i+1:], true
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
