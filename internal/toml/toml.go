// Package toml reads TOML documents and remembers where everything stands.
//
// A document goes in as bytes, a tree of tables comes out in which every key and every value knows its file, line
// and column, so that whoever reads a project or a lock file can point at the line that is wrong. The tokens come
// from go-toml's low-level parser; the rules about tables (no key twice, no table reopened, nothing added to an
// inline table) are checked here, by hash and not by search, so that a hostile file costs no more than a large one.
// The package is the only one that imports go-toml. Positions count bytes, from 1. What TOML 1.1 added (line breaks
// in inline tables, two escapes) is read as well.
// See https://toml.io/en/v1.0.0.
package toml

import (
	"bytes"
	"fmt"

	"github.com/lithe-build/lithe/internal/diag"
)

const (
	// maxSize is the largest document. The largest lock files that are known have some megabytes.
	maxSize = 64 << 20
	// maxMarks is how many signs a document has that begin or part values. Each may stand for two hundred bytes of memory; large lock
	// files have some hundred thousand.
	maxMarks = 5_000_000
	// maxDepth is how deep values and dotted keys nest. Real files have at most a dozen levels; a cap keeps every
	// walk over the tree, ours and our callers', from exhausting the stack.
	maxDepth = 100
)

// Parse reads a document. The file name is what positions show. The error is a *diag.Error with file and line.
func Parse(file string, data []byte) (*Table, error) {
	if len(data) > maxSize {
		return nil, &diag.Error{Pos: diag.Position{File: file}, Code: "toml-size",
			What: "the file is larger than 64 MiB", Hint: "check that it is the file you mean"}
	}
	if bytes.Count(data, []byte{','})+bytes.Count(data, []byte{'='})+bytes.Count(data, []byte{'['}) > maxMarks {
		return nil, &diag.Error{Pos: diag.Position{File: file}, Code: "toml-size",
			What: fmt.Sprintf("the file has more values than lithe reads: some %d", maxMarks), Hint: "check that it is the file you mean"}
	}
	b := &builder{lines: newLines(file, data), text: string(data), names: map[string]string{}}
	if err := b.parse(data); err != nil {
		return nil, err
	}
	return b.root, nil
}

// Table is a set of keys with values, in the order of the file. A nil *Table is an empty one.
type Table struct {
	Pos diag.Position // of the header, or of the opening brace; line 1 for the document

	entries []entry
	index   map[string]int // nil while entries are few
	origin  origin
}

type entry struct {
	key   string
	pos   diag.Position
	value Value
	open  bool // an array of tables, to which headers add
}

// manyKeys is the number of keys from which on a map finds a key faster than a look at each.
const manyKeys = 8

// find returns the entry of a key. The pointer is valid until the next add.
func (t *Table) find(key string) *entry {
	if t == nil {
		return nil
	}
	if t.index != nil {
		if i, ok := t.index[key]; ok {
			return &t.entries[i]
		}
		return nil
	}
	for i := range t.entries {
		if t.entries[i].key == key {
			return &t.entries[i]
		}
	}
	return nil
}

// add appends an entry whose key is known to be new.
func (t *Table) add(e entry) {
	t.entries = append(t.entries, e)
	if t.index != nil {
		t.index[e.key] = len(t.entries) - 1
		return
	}
	if len(t.entries) > manyKeys {
		t.index = make(map[string]int, 4*manyKeys)
		for i := range t.entries {
			t.index[t.entries[i].key] = i
		}
	}
}

// Keys returns the keys in the order of the file.
func (t *Table) Keys() []string {
	if t == nil {
		return nil
	}
	keys := make([]string, len(t.entries))
	for i := range t.entries {
		keys[i] = t.entries[i].key
	}
	return keys
}

// Has tells whether the table has the key.
func (t *Table) Has(key string) bool { return t.find(key) != nil }

// Value returns the value of a key, nil when it is absent.
func (t *Table) Value(key string) *Value {
	if e := t.find(key); e != nil {
		return &e.value
	}
	return nil
}

// KeyPos returns the position of the key itself, and the table's own when the key is absent.
func (t *Table) KeyPos(key string) diag.Position {
	if e := t.find(key); e != nil {
		return e.pos
	}
	if t == nil {
		return diag.Position{}
	}
	return t.Pos
}

// Table returns the table at a path of keys, nil when there is none. Without a path it returns t.
func (t *Table) Table(path ...string) *Table {
	for _, key := range path {
		t, _ = t.Value(key).AsTable()
	}
	return t
}

// String returns a string, "" when the key is absent or holds something else.
func (t *Table) String(key string) string {
	s, _ := t.Value(key).Str()
	return s
}

// Bool returns a boolean, and whether the key holds one.
func (t *Table) Bool(key string) (value, ok bool) {
	return t.Value(key).Bool()
}

// Int returns an integer, and whether the key holds one.
func (t *Table) Int(key string) (value int64, ok bool) {
	return t.Value(key).Int()
}

// Strings returns the strings of an array; elements of other types are left out.
func (t *Table) Strings(key string) []string {
	var out []string
	for _, v := range t.Value(key).Array() {
		if s, ok := v.Str(); ok {
			out = append(out, s)
		}
	}
	return out
}

// Tables returns the tables of an array of tables, or of an array of inline tables; other elements are left out.
func (t *Table) Tables(key string) []*Table {
	elements := t.Value(key).Array()
	if len(elements) == 0 {
		return nil
	}
	out := make([]*Table, 0, len(elements))
	for _, v := range elements {
		if table, ok := v.AsTable(); ok {
			out = append(out, table)
		}
	}
	return out
}

// Any returns the table as plain Go values: map[string]any, as Value.Any has them.
func (t *Table) Any() map[string]any {
	if t == nil {
		return nil
	}
	out := make(map[string]any, len(t.entries))
	for i := range t.entries {
		out[t.entries[i].key] = t.entries[i].value.Any()
	}
	return out
}

// Set adds a key to a table that is made by hand, as that of a document in another language with the same values. It
// tells whether the key is new; a second value for one is not taken.
func (t *Table) Set(key string, pos diag.Position, v Value) bool {
	if t.Has(key) {
		return false
	}
	t.add(entry{key: key, pos: pos, value: v})
	return true
}
