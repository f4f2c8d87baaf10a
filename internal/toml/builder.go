package toml

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/lithe-build/lithe/internal/diag"
)

// origin says how a table came to be, on which depends what may still be added to it.
type origin uint8

const (
	implied origin = iota // by a longer header; its own header may follow
	headed                // by its header
	dotted                // by a dotted key; only dotted keys of the same table and headers of subtables may add to it
	inline                // complete when its brace closes
)

// builder makes the tree from the parser's expressions.
type builder struct {
	lines   *lines
	text    string // of the whole file
	parser  unstable.Parser
	names   map[string]string // keys seen, so that "name" is one string and not ten thousand
	root    *Table
	current *Table // the table of the last header
	depth   int    // of the last header
}

// parse reads the whole document. It stops at the first problem: what follows a mistake in TOML is seldom meant as it
// then reads.
func (b *builder) parse(data []byte) error {
	// The parser takes the capacity of its slices for offsets, so spare capacity of the caller must go.
	b.parser.Reset(data[:len(data):len(data)])
	b.root = &Table{Pos: diag.Position{File: b.lines.file, Line: 1, Column: 1}, origin: headed}
	b.current = b.root
	for b.parser.NextExpression() {
		if err := b.expression(b.parser.Expression()); err != nil {
			return err
		}
	}
	return b.syntaxError(b.parser.Error())
}

// expression adds one header, or one line of key and value.
func (b *builder) expression(n *unstable.Node) error {
	switch n.Kind {
	case unstable.KeyValue:
		return b.keyValue(b.current, n, b.depth)
	case unstable.Table, unstable.ArrayTable:
		return b.header(n)
	default:
		return fmt.Errorf("toml: unexpected %s", n.Kind)
	}
}

// syntaxError turns the parser's error into one with a position.
func (b *builder) syntaxError(err error) error {
	if err == nil {
		return nil
	}
	pos := diag.Position{File: b.lines.file, Line: 1}
	if parse, ok := errors.AsType[*unstable.ParserError](err); ok && cap(parse.Highlight) <= len(b.lines.data) {
		pos = b.lines.at(len(b.lines.data) - cap(parse.Highlight))
	}
	e := b.problem(pos, "%s", err.Error())
	for _, mark := range []string{"<<<<<<<", "=======", ">>>>>>>"} {
		if bytes.HasPrefix(b.lines.text(pos), []byte(mark)) {
			e.What, e.Hint = "a merge conflict was left in the file", "resolve the conflict and write the file again"
		}
	}
	return e
}

// problem makes an error without a hint.
func (b *builder) problem(pos diag.Position, format string, args ...any) *diag.Error {
	return &diag.Error{Pos: pos, Code: "toml", What: fmt.Sprintf(format, args...)}
}

// header opens the table of a [table] or the next element of an [[array of tables]].
func (b *builder) header(n *unstable.Node) error {
	t := b.root
	depth := 0
	for it := n.Key(); it.Next(); {
		key, pos := b.key(it.Node())
		if depth++; depth > maxDepth {
			return b.tooDeep(pos)
		}
		var err error
		switch {
		case !it.IsLast():
			t, err = b.descend(t, key, pos)
		case n.Kind == unstable.Table:
			t, err = b.open(t, key, pos)
		default:
			t, err = b.element(t, key, pos)
		}
		if err != nil {
			return err
		}
	}
	b.current, b.depth = t, depth
	return nil
}

// descend goes to the table that a header names on its way; of an array of tables that is the last element.
func (b *builder) descend(t *Table, key string, pos diag.Position) (*Table, error) {
	e := t.find(key)
	if e == nil {
		child := &Table{Pos: pos}
		t.add(entry{key: key, pos: pos, value: Value{pos, child}})
		return child, nil
	}
	if child, ok := e.value.AsTable(); ok && child.origin != inline {
		return child, nil
	}
	if e.open {
		elements := e.value.Array()
		child, _ := elements[len(elements)-1].AsTable()
		return child, nil
	}
	return nil, b.defined(key, pos, e)
}

// open creates the table of a header, or takes one that so far only longer headers implied.
func (b *builder) open(t *Table, key string, pos diag.Position) (*Table, error) {
	e := t.find(key)
	if e == nil {
		child := &Table{Pos: pos, origin: headed}
		t.add(entry{key: key, pos: pos, value: Value{pos, child}})
		return child, nil
	}
	if child, ok := e.value.Data.(*Table); ok && child.origin == implied {
		child.origin, child.Pos, e.pos, e.value.Pos = headed, pos, pos, pos
		return child, nil
	}
	return nil, b.defined(key, pos, e)
}

// element appends a table to an array of tables.
func (b *builder) element(t *Table, key string, pos diag.Position) (*Table, error) {
	child := &Table{Pos: pos, origin: headed}
	element := &Value{pos, child}
	e := t.find(key)
	if e == nil {
		t.add(entry{key: key, pos: pos, value: Value{pos, []*Value{element}}, open: true})
		return child, nil
	}
	if e.open {
		e.value.Data = append(e.value.Array(), element)
		return child, nil
	}
	return nil, b.defined(key, pos, e)
}

// keyValue adds "a.b.c = value" to a table. The tables a and b may be new or come from other dotted keys, but from
// nothing else: who writes [a.b] has said all of it there.
func (b *builder) keyValue(t *Table, n *unstable.Node, depth int) error {
	for it := n.Key(); it.Next(); {
		key, pos := b.key(it.Node())
		if depth++; depth > maxDepth {
			return b.tooDeep(pos)
		}
		e := t.find(key)
		if it.IsLast() {
			if e != nil {
				return b.defined(key, pos, e)
			}
			value, err := b.value(n.Value(), b.valueOffset(it.Node()), depth)
			if err != nil {
				return err
			}
			t.add(entry{key: key, pos: pos, value: value})
			return nil
		}
		if e == nil {
			child := &Table{Pos: pos, origin: dotted}
			t.add(entry{key: key, pos: pos, value: Value{pos, child}})
			t = child
			continue
		}
		child, ok := e.value.AsTable()
		if !ok || child.origin != dotted {
			return b.defined(key, pos, e)
		}
		t = child
	}
	return nil
}

// valueOffset returns where the value behind a key begins: the parser tells it for scalars only.
func (b *builder) valueOffset(key *unstable.Node) int {
	offset := int(key.Raw.Offset + key.Raw.Length)
	for offset < len(b.lines.data) && bytes.IndexByte([]byte(" \t="), b.lines.data[offset]) >= 0 {
		offset++
	}
	return offset
}

// value converts a value that stands at offset.
func (b *builder) value(n *unstable.Node, offset, depth int) (Value, error) {
	if n.Raw.Length > 0 {
		offset = int(n.Raw.Offset)
	}
	pos := b.lines.at(offset)
	if depth > maxDepth {
		return Value{}, b.tooDeep(pos)
	}
	switch n.Kind {
	case unstable.String:
		return Value{pos, b.string(n)}, nil
	case unstable.Array:
		elements, err := b.array(n, offset, depth)
		return Value{pos, elements}, err
	case unstable.InlineTable:
		table := &Table{Pos: pos, origin: inline}
		err := b.inlineTable(table, n, depth)
		return Value{pos, table}, err
	default:
		data, err := scalar(n.Kind, n.Data)
		if err != nil {
			return Value{}, b.problem(pos, "%s", err)
		}
		return Value{pos, data}, nil
	}
}

// string returns a string as a part of the text of the whole file where it stands there as it is: a lock has thousands.
func (b *builder) string(n *unstable.Node) string {
	begin := int(n.Raw.Offset) + 1 // behind the quote
	if end := begin + len(n.Data); n.Raw.Length > 0 && end < len(b.text) && b.text[begin:end] == string(n.Data) {
		return b.text[begin:end]
	}
	return string(n.Data)
}

// array converts the elements. An array inside an array has the position of its first element, which is all that
// the parser keeps.
func (b *builder) array(n *unstable.Node, offset, depth int) ([]*Value, error) {
	count := 0
	for it := n.Children(); it.Next(); {
		count++
	}
	values := make([]Value, 0, count)
	elements := make([]*Value, 0, count)
	for it := n.Children(); it.Next(); {
		v, err := b.value(it.Node(), firstOffset(it.Node(), offset), depth+1)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
		elements = append(elements, &values[len(values)-1])
	}
	return elements, nil
}

// firstOffset returns where the first thing inside a nested array stands, or otherwise the given offset.
func firstOffset(n *unstable.Node, otherwise int) int {
	for ; n != nil; n = n.Child() {
		if n.Raw.Length > 0 {
			return int(n.Raw.Offset)
		}
	}
	return otherwise
}

// inlineTable adds the keys of an inline table, which may be dotted as those of any table.
func (b *builder) inlineTable(t *Table, n *unstable.Node, depth int) error {
	count := 0
	for it := n.Children(); it.Next(); {
		count++
	}
	t.entries = make([]entry, 0, count)
	for it := n.Children(); it.Next(); {
		if err := b.keyValue(t, it.Node(), depth); err != nil {
			return err
		}
	}
	return nil
}

// key returns a key once per document, and its position.
func (b *builder) key(n *unstable.Node) (string, diag.Position) {
	pos := b.lines.at(int(n.Raw.Offset))
	if name, ok := b.names[string(n.Data)]; ok {
		return name, pos
	}
	name := string(n.Data)
	b.names[name] = name
	return name, pos
}

// defined reports a key that cannot be used again as it is.
func (b *builder) defined(key string, pos diag.Position, first *entry) error {
	return &diag.Error{Pos: pos, Code: "toml", What: fmt.Sprintf("the key %q is defined twice", key),
		Hint: fmt.Sprintf("it is a %s since line %d", first.value.Kind(), first.pos.Line)}
}

func (b *builder) tooDeep(pos diag.Position) error {
	return b.problem(pos, "values are nested more than %d levels deep", maxDepth)
}
