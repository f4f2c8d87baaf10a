package lock

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/toml"
)

// jsonReader reads JSON into the tables that TOML is read into, with the place of each value, so that readers of lock
// files need not care which it was.
type jsonReader struct {
	file    string
	data    []byte
	decoder *json.Decoder
	offset  int // up to which line and column are known
	line    int
	start   int // of the line
}

// maxNesting is how deep values of JSON stand in each other. Lock files have some five levels.
const maxNesting = 64

// maxMarks is how many signs a document has that begin or part values: each may stand for two hundred bytes of memory, as in
// package toml.
const maxMarks = 5_000_000

var (
	errNesting = errors.New("values are nested too deep")
	errTrailer = errors.New("there is more behind the end")
)

// parseJSON reads a document that is one object. The error is a *diag.Error with file and line.
func parseJSON(file string, data []byte) (*toml.Table, error) {
	if bytes.Count(data, []byte{','})+bytes.Count(data, []byte{':'})+bytes.Count(data, []byte{'['}) > maxMarks {
		return nil, &diag.Error{Pos: diag.Position{File: file}, Code: "too-large", What: fmt.Sprintf("the file has more values than lithe reads: some %d", maxMarks),
			Hint: "check that it is the file you mean"}
	}
	r := &jsonReader{file: file, data: data, decoder: json.NewDecoder(bytes.NewReader(data)), line: 1}
	r.decoder.UseNumber()
	v, err := r.value(0)
	if err == nil {
		if _, after := r.decoder.Token(); !errors.Is(after, io.EOF) {
			err = errTrailer
		}
	}
	t, ok := v.AsTable()
	if err == nil && !ok {
		err = fmt.Errorf("the document is a %s, not an object", v.Kind())
	}
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, &diag.Error{Pos: r.at(int(r.decoder.InputOffset())), Code: "lock-syntax", What: "this is no JSON: " + err.Error(),
			Hint: "write the lock file again", Err: err}
	}
	return t, nil
}

// next returns the next token and where it begins.
func (r *jsonReader) next() (json.Token, diag.Position, error) {
	at := int(r.decoder.InputOffset())
	for at < len(r.data) && bytes.IndexByte([]byte(" \t\r\n,:"), r.data[at]) >= 0 {
		at++
	}
	pos := r.at(at)
	token, err := r.decoder.Token()
	return token, pos, err
}

// at returns the position of an offset. Offsets only grow, so that each byte is looked at once.
func (r *jsonReader) at(offset int) diag.Position {
	for ; r.offset < offset && r.offset < len(r.data); r.offset++ {
		if r.data[r.offset] == '\n' {
			r.line++
			r.start = r.offset + 1
		}
	}
	return diag.Position{File: r.file, Line: r.line, Column: r.offset - r.start + 1}
}

// value reads any value. null, which TOML has not, is a value without data.
func (r *jsonReader) value(depth int) (*toml.Value, error) {
	token, pos, err := r.next()
	v := &toml.Value{Pos: pos}
	switch t := token.(type) {
	case string:
		v.Data = t
	case bool:
		v.Data = t
	case json.Number:
		if n, err := t.Int64(); err == nil {
			v.Data = n
		} else if f, err := t.Float64(); err == nil {
			v.Data = f
		}
	case json.Delim:
		if depth == maxNesting {
			return nil, errNesting
		}
		if t == '[' {
			v.Data, err = r.array(depth + 1)
		} else {
			v.Data, err = r.object(pos, depth+1)
		}
	}
	return v, err
}

func (r *jsonReader) array(depth int) ([]*toml.Value, error) {
	list := []*toml.Value{}
	for r.decoder.More() {
		v, err := r.value(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, _, err := r.next()
	return list, err
}

func (r *jsonReader) object(pos diag.Position, depth int) (*toml.Table, error) {
	t := &toml.Table{Pos: pos}
	for r.decoder.More() {
		token, at, err := r.next()
		if err != nil {
			return nil, err
		}
		key, _ := token.(string)
		v, err := r.value(depth)
		if err != nil {
			return nil, err
		}
		if !t.Set(key, at, *v) {
			return nil, fmt.Errorf("the key %q is there twice", key)
		}
	}
	_, _, err := r.next()
	return t, err
}
