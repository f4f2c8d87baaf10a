package base

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/lithe-build/lithe/internal/store"
)

// A parsed index is a line a package in the store: nine fields with tabs between, zstd around all. Reading it takes
// a tenth of the time of the Packages file it stands for.

// indexKind and indexFormat name the records that lead from a Packages file's hash to its parsed form.
const (
	indexKind   = "debian-index"
	indexFormat = 2
)

// indexKey is what a parsed index is a function of.
type indexKey struct {
	Packages     string // digest of the Packages file
	Architecture string // stanzas of others are left out
	Format       int
}

// indexRecord says where the parsed form is.
type indexRecord struct {
	Blob string `json:"blob"`
}

// fieldsPerLine is the number of fields of a stanza.
const fieldsPerLine = 9

// loadIndex returns the parsed form of a Packages file, if the store has it. One that cannot be read counts as absent.
func loadIndex(st *store.Store, arch, digest string) ([]stanza, bool) {
	var record indexRecord
	if ok, err := st.Record(indexKind, store.Key(indexKey{digest, arch, indexFormat}), &record); !ok || err != nil {
		return nil, false
	}
	path, ok := st.Blob(record.Blob)
	if !ok {
		return nil, false
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, false
	}
	all, err := decodeIndex(bytes.NewReader(data))
	return all, err == nil
}

// saveIndex puts the parsed form of a Packages file into the store.
func saveIndex(st *store.Store, arch, digest string, all []stanza) error {
	w, err := st.Create()
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := encodeIndex(w, all); err != nil {
		return err
	}
	blob, err := w.Commit("")
	if err != nil {
		return err
	}
	return st.PutRecord(indexKind, store.Key(indexKey{digest, arch, indexFormat}), indexRecord{Blob: blob})
}

func encodeIndex(w io.Writer, all []stanza) error {
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	b := bufio.NewWriterSize(z, 1<<16)
	for _, s := range all {
		fmt.Fprintf(b, "%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", s.Name, s.Version, s.Architecture, s.Path, s.Hash, s.Size,
			s.Depends, s.Provides, s.Conflicts)
	}
	if err := b.Flush(); err != nil {
		return err
	}
	return z.Close()
}

func decodeIndex(r io.Reader) ([]stanza, error) {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	data, err := io.ReadAll(io.LimitReader(z, maxPackages))
	if err != nil {
		return nil, err
	}
	text := string(data)
	all := make([]stanza, 0, strings.Count(text, "\n"))
	for line := range strings.Lines(text) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) != fieldsPerLine {
			return nil, fmt.Errorf("line %d has %d fields, not %d", len(all)+1, len(fields), fieldsPerLine)
		}
		size, err := strconv.ParseInt(fields[5], 10, 64)
		if err != nil {
			return nil, err
		}
		all = append(all, stanza{Name: fields[0], Version: fields[1], Architecture: fields[2], Path: fields[3],
			Hash: fields[4], Size: size, Depends: fields[6], Provides: fields[7], Conflicts: fields[8]})
	}
	return all, nil
}
