package wheel

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// row is one line of RECORD: a path, and what its file must be.
type row struct {
	path      string
	algorithm string // "sha256", "sha384", "sha512"; "" when the row has no hash
	hash      []byte
	size      int64 // -1 when the row has none
}

// digests is what a file turned out to be. Only the hashes that were asked for are there.
type digests struct {
	size                   int64
	sha256, sha384, sha512 []byte
}

// check compares a file with its row.
func (r row) check(d digests) error {
	if r.size >= 0 && r.size != d.size {
		return fmt.Errorf("the file has %d bytes, RECORD says %d", d.size, r.size)
	}
	var got []byte
	switch r.algorithm {
	case "":
		return nil
	case "sha256":
		got = d.sha256
	case "sha384":
		got = d.sha384
	case "sha512":
		got = d.sha512
	}
	if !bytes.Equal(got, r.hash) {
		return fmt.Errorf("the file's %s is not the one in RECORD", r.algorithm)
	}
	return nil
}

// parseRecord reads RECORD: comma-separated, three fields a line.
func parseRecord(data []byte) ([]row, error) {
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord, r.ReuseRecord = 3, true
	var rows []row
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		parsed, err := parseRow(fields)
		if err != nil {
			line, _ := r.FieldPos(0)
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		rows = append(rows, parsed)
	}
}

// parseRow reads the fields of one line.
func parseRow(fields []string) (row, error) {
	out := row{path: fields[0], size: -1}
	if fields[2] != "" {
		n, err := strconv.ParseInt(fields[2], 10, 64)
		if err != nil || n < 0 {
			return row{}, fmt.Errorf("%q is not a size", fields[2])
		}
		out.size = n
	}
	if fields[1] == "" {
		return out, nil
	}
	algorithm, text, _ := strings.Cut(fields[1], "=")
	length, ok := map[string]int{"sha256": 32, "sha384": 48, "sha512": 64}[algorithm]
	if !ok {
		// md5 and sha1 are forbidden by the specification; the others have no user.
		return row{}, fmt.Errorf("hash algorithm %q; sha256, sha384 and sha512 are supported", algorithm)
	}
	hash, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil || len(hash) != length {
		return row{}, fmt.Errorf("%q is not a %s hash", text, algorithm)
	}
	out.algorithm, out.hash = algorithm, hash
	return out, nil
}

// maxRows is how many lines RECORD may have: some list directories, and bytecode that is not in the wheel.
const maxRows = 3 * maxMembers

// readRecord returns the rows of the files in the wheel, by path. Apart from RECORD itself and its signatures, every
// file must be in it with a hash, else the installation has to fail (binary distribution format, "Unpack").
func (w *Wheel) readRecord() (map[string]row, error) {
	path := w.distInfo + "/RECORD"
	data, ok, err := w.read(path, maxRecord)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, w.errorf("no %s", path)
	}
	if n := bytes.Count(data, []byte("\n")); n > maxRows {
		return nil, w.errorf("RECORD has %d lines, more than %d", n, maxRows)
	}
	list, err := parseRecord(data)
	if err != nil {
		return nil, w.errorf("RECORD: %w", err)
	}
	rows := make(map[string]row, len(list))
	for _, r := range list {
		if old, ok := rows[r.path]; ok && (old.size != r.size || !bytes.Equal(old.hash, r.hash)) {
			return nil, w.errorf("RECORD: two rows for %s", r.path)
		}
		rows[r.path] = r
		if _, ok := w.find(r.path); !ok && !strings.HasSuffix(r.path, "/") {
			w.warnf("record-without-file", "RECORD lists %s, which is not in the wheel", r.path)
		}
	}
	for _, f := range w.Files {
		if w.isRecord(f.Path) {
			delete(rows, f.Path)
			continue
		}
		if r, ok := rows[f.Path]; !ok {
			return nil, w.errorf("%s is not in RECORD", f.Path)
		} else if r.algorithm == "" {
			return nil, w.errorf("RECORD: %s has no hash", f.Path)
		}
	}
	return rows, nil
}

// isRecord reports RECORD and its signatures, which no RECORD can have a hash of.
func (w *Wheel) isRecord(path string) bool {
	rest, ok := strings.CutPrefix(path, w.distInfo+"/RECORD")
	return ok && (rest == "" || rest == ".jws" || rest == ".p7s")
}

// formatRecord writes RECORD as Python's csv module does: a field is quoted when it holds a comma, a quote or an end
// of line, and lines end in \n. Rows without hash (RECORD itself, bytecode) have an empty hash and size.
func formatRecord(rows []row) []byte {
	rows = slices.SortedFunc(slices.Values(rows), func(a, b row) int { return strings.Compare(a.path, b.path) })
	var b bytes.Buffer
	for _, r := range rows {
		path := r.path
		if strings.ContainsAny(path, ",\"\r\n") {
			path = `"` + strings.ReplaceAll(path, `"`, `""`) + `"`
		}
		b.WriteString(path + ",")
		if r.algorithm != "" {
			b.WriteString(r.algorithm + "=" + base64.RawURLEncoding.EncodeToString(r.hash))
		}
		b.WriteByte(',')
		if r.size >= 0 {
			b.WriteString(strconv.FormatInt(r.size, 10))
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}
