package marshal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Type codes of the stream. The other codes of marshal.c stand for lists, dictionaries, sets and texts of old
// versions, none of which is part of a code object.
const (
	flagRef           = 0x80
	typeNone          = 'N'
	typeFalse         = 'F'
	typeTrue          = 'T'
	typeEllipsis      = '.'
	typeInt           = 'i'
	typeLong          = 'l'
	typeFloat         = 'g'
	typeComplex       = 'y'
	typeBytes         = 's'
	typeUnicode       = 'u'
	typeInterned      = 't'
	typeASCII         = 'a'
	typeASCIIInterned = 'A'
	typeShort         = 'z'
	typeShortInterned = 'Z'
	typeSmallTuple    = ')'
	typeTuple         = '('
	typeFrozenset     = '>'
	typeSlice         = ':' // since 3.14
	typeCode          = 'c'
	typeRef           = 'r'
)

var errShort = errors.New("data end early")

// reader parses one stream. refs holds what FLAG_REF numbered; an object that is not complete yet is -1.
type reader struct {
	data  []byte
	pos   int
	depth int
	refs  []id
	graph *graph
}

// parse reads a whole stream into a graph and returns the node of its one object.
func parse(data []byte) (*graph, id, error) {
	if len(data) > maxSize {
		return nil, 0, fmt.Errorf("marshalled code of %d bytes, at most %d are read", len(data), maxSize)
	}
	g := &graph{byKey: make(map[nodeKey]id), digests: make(map[id][]byte)}
	r := &reader{data: data, graph: g}
	root, err := r.object()
	if err == nil && r.pos != len(data) {
		err = errors.New("data after the object")
	}
	if err != nil {
		return nil, 0, fmt.Errorf("marshal data, byte %d: %w", r.pos, err)
	}
	return g, root, nil
}

// object reads one object. A flagged one takes its number before its parts do, as in r_object of marshal.c.
func (r *reader) object() (id, error) {
	if r.depth++; r.depth > maxDepth {
		return 0, errTooDeep
	}
	defer func() { r.depth-- }()
	b, err := r.take(1)
	if err != nil {
		return 0, err
	}
	code, flagged := b[0]&^flagRef, b[0]&flagRef != 0
	if code == typeRef {
		return r.ref()
	}
	slot := len(r.refs)
	if flagged {
		r.refs = append(r.refs, -1)
	}
	n, err := r.value(code)
	if err == nil && flagged {
		r.refs[slot] = n
	}
	return n, err
}

// ref resolves a reference. One to an object around it would make a cycle, which code objects never have.
func (r *reader) ref() (id, error) {
	i, err := r.number()
	if err != nil {
		return 0, err
	}
	if i < 0 || int(i) >= len(r.refs) || r.refs[i] < 0 {
		return 0, fmt.Errorf("reference %d to no complete object", i)
	}
	return r.refs[i], nil
}

// value reads what follows a type code.
func (r *reader) value(code byte) (id, error) {
	switch code {
	case typeNone:
		return r.graph.add(kindNone, "", nil)
	case typeFalse:
		return r.graph.add(kindFalse, "", nil)
	case typeTrue:
		return r.graph.add(kindTrue, "", nil)
	case typeEllipsis:
		return r.graph.add(kindEllipsis, "", nil)
	case typeInt:
		return r.fixed(kindInt, 4)
	case typeLong:
		return r.long()
	case typeFloat:
		return r.fixed(kindFloat, 8)
	case typeComplex:
		return r.fixed(kindComplex, 16)
	case typeBytes:
		return r.sized(kindBytes)
	case typeSlice:
		return r.sequence(kindSlice, 3)
	case typeCode:
		return r.code()
	case typeSmallTuple:
		n, err := r.take(1)
		if err != nil {
			return 0, err
		}
		return r.sequence(kindTuple, int(n[0]))
	case typeTuple, typeFrozenset:
		return r.collection(code)
	default:
		return r.text(code)
	}
}

// text reads a string of any form. A value is one node whether or not it is interned, so the flag is collected
// there: canonical form decides later.
func (r *reader) text(code byte) (id, error) {
	var n id
	var err error
	switch code {
	case typeShort, typeShortInterned:
		n, err = r.short()
	case typeASCII, typeASCIIInterned:
		n, err = r.sized(kindASCII)
	case typeUnicode, typeInterned:
		n, err = r.sized(kindUnicode)
	default:
		return 0, fmt.Errorf("object of type %q in a code object", rune(code))
	}
	if err == nil && (code == typeShortInterned || code == typeASCIIInterned || code == typeInterned) {
		r.graph.nodes[n].interned = true
	}
	return n, err
}

// take returns the next n bytes of the stream, which are not copied.
func (r *reader) take(n int) ([]byte, error) {
	if n > len(r.data)-r.pos {
		return nil, errShort
	}
	b := r.data[r.pos : r.pos+n]
	r.pos += n
	return b, nil
}

func (r *reader) number() (int32, error) {
	b, err := r.take(4)
	if err != nil {
		return 0, err
	}
	return int32(binary.LittleEndian.Uint32(b)), nil
}

// length reads a count of things that take at least one byte each, so it cannot pass the end of the data.
func (r *reader) length() (int, error) {
	n, err := r.number()
	if err != nil {
		return 0, err
	}
	if n < 0 || int(n) > len(r.data)-r.pos {
		return 0, errShort
	}
	return int(n), nil
}

// fixed reads a leaf of a known size.
func (r *reader) fixed(k kind, size int) (id, error) {
	b, err := r.take(size)
	if err != nil {
		return 0, err
	}
	return r.graph.add(k, string(b), nil)
}

func (r *reader) sized(k kind) (id, error) {
	n, err := r.length()
	if err != nil {
		return 0, err
	}
	return r.fixed(k, n)
}

func (r *reader) short() (id, error) {
	n, err := r.take(1)
	if err != nil {
		return 0, err
	}
	return r.fixed(kindASCII, int(n[0]))
}

// long reads an integer of any size. The count of its digits carries the sign.
func (r *reader) long() (id, error) {
	start := r.pos
	n, err := r.number()
	if err != nil {
		return 0, err
	}
	if n == math.MinInt32 {
		return 0, errShort
	}
	if _, err := r.take(2 * int(max(n, -n))); err != nil {
		return 0, err
	}
	return r.graph.add(kindLong, string(r.data[start:r.pos]), nil)
}

func (r *reader) collection(code byte) (id, error) {
	n, err := r.length()
	if err != nil {
		return 0, err
	}
	if code == typeFrozenset {
		return r.sequence(kindFrozenset, n)
	}
	return r.sequence(kindTuple, n)
}

func (r *reader) sequence(k kind, n int) (id, error) {
	kids, err := r.objects(n)
	if err != nil {
		return 0, err
	}
	return r.graph.add(k, "", kids)
}

func (r *reader) objects(n int) ([]id, error) {
	// The count is only a claim, and nested claims would multiply: grow with what is there.
	kids := make([]id, 0, min(n, 64))
	for range n {
		kid, err := r.object()
		if err != nil {
			return nil, err
		}
		kids = append(kids, kid)
	}
	return kids, nil
}

// code reads a code object: five numbers, eight fields, the first line, two fields.
func (r *reader) code() (id, error) {
	head, err := r.take(headNumbers)
	if err != nil {
		return 0, err
	}
	kids, err := r.objects(fieldQualname + 1)
	if err != nil {
		return 0, err
	}
	line, err := r.take(codeNumbers - headNumbers)
	if err != nil {
		return 0, err
	}
	tail, err := r.objects(codeFields - len(kids))
	if err != nil {
		return 0, err
	}
	return r.graph.add(kindCode, string(head)+string(line), append(kids, tail...))
}
