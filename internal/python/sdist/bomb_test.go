package sdist_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/python/sdist"
)

// refused reads an archive without its contents, and wants an error that says this.
func refused(t *testing.T, data []byte, want string) {
	t.Helper()
	err := sdist.Read(bytes.NewReader(data), int64(len(data)), "p-1.tar.gz", func(sdist.Member, io.Reader) error { return nil })
	if !errors.Is(err, sdist.ErrUnsafe) || !strings.Contains(err.Error(), want) {
		t.Errorf("have %v, want %q", err, want)
	}
}

// TestManyDirectories has few members in very many directories, each of which would be made.
func TestManyDirectories(t *testing.T) {
	var headers []tar.Header
	for i := range 4001 {
		headers = append(headers, file(fmt.Sprintf("p-1/%d%s/f", i, strings.Repeat("/a", 49))))
	}
	refused(t, archived(t, headers...), "more than 200000 members")
	if _, err := members(archived(t, headers[:100]...), "p-1.tar.gz"); err != nil {
		t.Error(err)
	}
}

// TestManyLinks has a file and so many links to it that the disk would be full of its copies.
func TestManyLinks(t *testing.T) {
	const size = 8 << 20
	var b bytes.Buffer
	zw, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	tw := tar.NewWriter(zw)
	headers := []tar.Header{{Name: "p-1/f", Typeflag: tar.TypeReg, Size: size}}
	for i := range 4<<30/size + 1 {
		headers = append(headers, link(tar.TypeLink, fmt.Sprint("p-1/", i), "p-1/f"))
	}
	for _, h := range headers {
		if err := tw.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		_, _ = tw.Write(make([]byte, h.Size))
	}
	if err := errors.Join(tw.Close(), zw.Close()); err != nil {
		t.Fatal(err)
	}
	refused(t, b.Bytes(), "its links stand for more than")
}

// TestHoles has a file of a gigabyte in an archive of some hundred bytes: all of it is a hole.
func TestHoles(t *testing.T) {
	var records strings.Builder
	for _, r := range []string{"GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=p-1/big", "GNU.sparse.realsize=1000000000"} {
		fmt.Fprintf(&records, "%d %s\n", len(r)+4, r) // each with its length in two digits
	}
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	for _, part := range []string{
		rawMember("p-1/", tar.TypeDir, ""), rawMember("x", tar.TypeXHeader, records.String()),
		rawMember("p-1/GNUSparseFile.0/big", tar.TypeReg, fmt.Sprintf("%-512s", "1\n1000000000\n0\n")), strings.Repeat("\x00", 1024),
	} {
		_, _ = io.WriteString(zw, part)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	refused(t, b.Bytes(), `big" is a file with holes`)
}

// rawMember is what the library's writer does not write: a header with any type, and content in whole blocks.
func rawMember(name string, kind byte, content string) string {
	h := make([]byte, 512)
	copy(h, name)
	copy(h[100:], "0000644\x000000000\x000000000\x00"+fmt.Sprintf("%011o\x0000000000000\x00        %c", len(content), kind))
	copy(h[257:], "ustar\x0000")
	sum := 0
	for _, c := range h {
		sum += int(c)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	return string(h) + content + strings.Repeat("\x00", (512-len(content)%512)%512)
}

// TestLargeZip refuses an archive whose members alone, of which nobody has counted any, would fill the memory.
func TestLargeZip(t *testing.T) {
	err := sdist.Read(bytes.NewReader(nil), 128<<20+1, "p-1.zip", func(sdist.Member, io.Reader) error { return nil })
	if !errors.Is(err, sdist.ErrUnsafe) || !strings.Contains(err.Error(), "it has 134217729 bytes, more than 134217728") {
		t.Error(err)
	}
}
