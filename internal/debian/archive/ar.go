package archive

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	arMagic      = "!<arch>\n"
	arHeaderSize = 60
)

// arReader reads the outer archive, one member after the other, in the common subset of the ar formats that deb(5)
// describes: short names, no symbol tables.
type arReader struct {
	src  io.Reader
	left int64 // bytes of the current member not yet read
	pad  bool  // a member of odd size is followed by a newline
}

// newArReader checks the magic number, so that a web page served in place of a package is called by its name.
func newArReader(src io.Reader) (*arReader, error) {
	magic := make([]byte, len(arMagic))
	if _, err := io.ReadFull(src, magic); err != nil || string(magic) != arMagic {
		return nil, errors.New("is not a Debian package: it does not begin with an ar header")
	}
	return &arReader{src: src}, nil
}

// next skips the rest of the current member and returns the name of the next, or io.EOF after the last.
func (a *arReader) next() (string, error) {
	if _, err := io.Copy(io.Discard, a); err != nil {
		return "", err
	}
	if err := a.skipPadding(); err != nil {
		return "", err
	}
	// Name 16 bytes, time 12, owner 6, group 6, mode 8, size 10, magic 2; numbers in decimal, filled up with blanks.
	header := make([]byte, arHeaderSize)
	if n, err := io.ReadFull(a.src, header); err == io.EOF && n == 0 {
		return "", io.EOF
	} else if err != nil {
		return "", noEOF(err)
	}
	if string(header[58:]) != "`\n" {
		return "", errors.New("an ar header is broken")
	}
	size, err := strconv.ParseInt(strings.TrimRight(string(header[48:58]), " "), 10, 64)
	if err != nil || size < 0 {
		return "", fmt.Errorf("an ar header has the size %q", header[48:58])
	}
	a.left, a.pad = size, size%2 == 1
	// GNU ar ends names with a slash.
	return strings.TrimSuffix(strings.TrimRight(string(header[:16]), " "), "/"), nil
}

func (a *arReader) skipPadding() error {
	if !a.pad {
		return nil
	}
	a.pad = false
	var b [1]byte
	// Some writers leave the last newline out.
	if _, err := io.ReadFull(a.src, b[:]); err == io.EOF {
		return nil
	} else if err != nil {
		return err
	}
	if b[0] != '\n' {
		return errors.New("an ar member is longer than its header says")
	}
	return nil
}

// Read reads the current member. An archive that ends inside of it is an error, not the member's end.
func (a *arReader) Read(p []byte) (int, error) {
	if a.left == 0 {
		return 0, io.EOF
	}
	n, err := a.src.Read(p[:min(int64(len(p)), a.left)])
	a.left -= int64(n)
	if err == io.EOF && a.left > 0 {
		return n, fmt.Errorf("the archive is cut off %d bytes before a member's end: %w", a.left, io.ErrUnexpectedEOF)
	}
	if err == io.EOF {
		err = nil // the last byte and the end came together; the next call says so
	}
	return n, err
}
