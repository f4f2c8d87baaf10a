package marshal

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
)

// kind is what an object is. The numbers enter the order of frozensets, so they are part of the canonical form.
type kind uint8

const (
	kindNone kind = iota + 1
	kindFalse
	kindTrue
	kindEllipsis
	kindInt       // data: 4 bytes, as marshalled
	kindLong      // data: signed count and 15-bit digits, as marshalled
	kindFloat     // data: 8 bytes
	kindComplex   // data: 16 bytes
	kindBytes     // data: the bytes
	kindASCII     // data: the text
	kindUnicode   // data: UTF-8, surrogates included
	kindTuple     // kids: the items
	kindFrozenset // kids: the elements in canonical order
	kindSlice     // kids: start, stop, step
	kindCode      // data: six numbers; kids: the fields in the order of the stream
)

// The fields of a code object in the order of the stream, which is the same from 3.11 to 3.14. The five numbers
// before fieldCode and the line number between fieldQualname and fieldLinetable are the node's data.
const (
	fieldCode = iota
	fieldConsts
	fieldNames
	fieldLocalsplusNames
	fieldLocalsplusKinds
	fieldFilename
	fieldName
	fieldQualname
	fieldLinetable
	fieldExceptiontable
	codeFields
)

const (
	headNumbers = 5 * 4             // argument counts, stack size, flags
	codeNumbers = headNumbers + 1*4 // and the first line
)

// id names a node of one graph. Equal objects have equal ids.
type id int32

// node is one distinct object.
type node struct {
	kind     kind
	interned bool // some string of this value carried the flag in the input
	height   int  // 1 for a leaf; bounds every recursion below
	data     string
	kids     []id
}

// nodeKey is what makes two objects equal: type and value, so 1, 1.0 and True differ, and so do 0.0 and -0.0.
type nodeKey struct {
	kind       kind
	data, kids string
}

// graph holds the objects of one stream, each value once.
type graph struct {
	nodes   []node
	byKey   map[nodeKey]id
	digests map[id][]byte
}

var errTooDeep = errors.New("objects nested too deep")

// add returns the node of this value, a new one if there is none.
func (g *graph) add(k kind, data string, kids []id) (id, error) {
	if k == kindFrozenset {
		kids = g.sorted(kids)
	}
	key := nodeKey{kind: k, data: data, kids: pack(kids)}
	if n, ok := g.byKey[key]; ok {
		return n, nil
	}
	height := 1
	for _, kid := range kids {
		height = max(height, 1+g.nodes[kid].height)
	}
	if height > maxDepth {
		return 0, errTooDeep
	}
	n := id(len(g.nodes))
	g.nodes = append(g.nodes, node{kind: k, data: data, kids: kids, height: height})
	g.byKey[key] = n
	return n, nil
}

// pack makes ids comparable, as part of a key.
func pack(kids []id) string {
	b := make([]byte, 0, 4*len(kids))
	for _, kid := range kids {
		b = binary.LittleEndian.AppendUint32(b, uint32(kid))
	}
	return string(b)
}

// sorted orders the elements of a frozenset by value: first by kind and text, for a person's sake, then by digest.
func (g *graph) sorted(elements []id) []id {
	out := slices.Clone(elements)
	slices.SortFunc(out, func(a, b id) int {
		x, y := g.nodes[a], g.nodes[b]
		return cmp.Or(cmp.Compare(x.kind, y.kind), strings.Compare(x.data, y.data),
			bytes.Compare(g.digest(a), g.digest(b)))
	})
	return slices.Compact(out)
}

// digest is a hash of the value of a node. Ids will not do for an order, as they depend on the input's.
func (g *graph) digest(n id) []byte {
	if d, ok := g.digests[n]; ok {
		return d
	}
	h := sha256.New()
	v := g.nodes[n]
	h.Write([]byte{byte(v.kind)})
	h.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(v.data))))
	h.Write([]byte(v.data))
	for _, kid := range v.kids {
		h.Write(g.digest(kid))
	}
	d := h.Sum(nil)
	g.digests[n] = d
	return d
}
