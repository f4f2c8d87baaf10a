package layer

import (
	"bufio"
	"fmt"
	"io"

	"github.com/lithe-build/lithe/internal/entry"
)

// Tar writes the entries as the tar that is in their layer, uncompressed, for who wants the files and no layer.
func Tar(w io.Writer, entries []entry.Entry) error {
	sorted, err := arrange(entries)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, chunkSize)
	for _, e := range sorted {
		if _, err := out.Write(tarHeader(e)); err != nil {
			return err
		}
		if e.Type != entry.File {
			continue
		}
		if err := tarContent(out, e); err != nil {
			return fmt.Errorf("%s: %w", e.Path, err)
		}
	}
	if _, err := out.Write(zeros[:2*blockSize]); err != nil {
		return err
	}
	return out.Flush()
}

// tarContent writes the bytes of a file, which must have its size, and the padding.
func tarContent(out *bufio.Writer, e entry.Entry) error {
	r, err := e.Content.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	n, err := io.Copy(out, io.LimitReader(r, e.Size+1))
	if err == nil && n != e.Size {
		err = fmt.Errorf("does not have the %d bytes that it says", e.Size)
	}
	if err != nil {
		return err
	}
	_, err = out.Write(zeros[:padding(e.Size)])
	return err
}
