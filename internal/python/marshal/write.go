package marshal

import "encoding/binary"

const (
	maxShort      = 255 // longest text with a length of one byte
	maxSmallTuple = 255 // longest tuple with a length of one byte
)

// writer serialises a graph. Both of its walks visit objects in the same order, so that the second numbers
// references as a reader will.
type writer struct {
	*graph
	uses     []int  // how often a node occurs
	interned []bool // which texts are names
	named    []bool // which tuples of names are noted in interned
	numbers  []int32
	next     int32
	out      []byte
}

func (g *graph) write(root id) []byte {
	w := &writer{graph: g, uses: make([]int, len(g.nodes)), interned: make([]bool, len(g.nodes)),
		named: make([]bool, len(g.nodes)), numbers: make([]int32, len(g.nodes))}
	w.count(root)
	w.object(root)
	return w.out
}

// count finds out what occurs more than once. Parts count once, however often what holds them occurs: only its
// first occurrence is written in full.
func (w *writer) count(n id) {
	if w.uses[n]++; w.uses[n] > 1 {
		return
	}
	v := w.nodes[n]
	if v.kind == kindCode {
		w.markNames(v)
	}
	for _, kid := range v.kids {
		w.count(kid)
	}
}

// markNames notes the texts that CPython interns when it makes the code object (_PyCode_New).
func (w *writer) markNames(code node) {
	w.interned[code.kids[fieldName]] = true
	w.interned[code.kids[fieldQualname]] = true
	for _, field := range []int{fieldNames, fieldLocalsplusNames} {
		names := code.kids[field]
		if w.named[names] {
			continue // code objects may share one long tuple
		}
		w.named[names] = true
		for _, name := range w.nodes[names].kids {
			w.interned[name] = true
		}
	}
}

// object writes a node, or a reference if it was written already. The singletons are shorter than a reference.
func (w *writer) object(n id) {
	v := w.nodes[n]
	if w.uses[n] > 1 && v.kind > kindEllipsis {
		if w.numbers[n] > 0 {
			w.out = append(w.out, typeRef)
			w.int32(w.numbers[n] - 1)
			return
		}
		w.next++
		w.numbers[n] = w.next
		w.value(v, flagRef, w.isInterned(n))
		return
	}
	w.value(v, 0, w.isInterned(n))
}

// isInterned follows intern_constants of CPython's codeobject.c: names, and constants that look like names. Texts
// of at most one Latin-1 character exist once per process anyway, and their flag is pure history. Other texts
// beyond ASCII keep the flag of the input: it is there for identifiers, which only the compiler can tell.
func (w *writer) isInterned(n id) bool {
	v := w.nodes[n]
	switch {
	case w.interned[n]:
		return true
	case v.kind == kindASCII:
		return len(v.data) <= 1 || isName(v.data)
	case v.kind == kindUnicode:
		return v.interned || len(v.data) == 2 && (v.data[0] == 0xC2 || v.data[0] == 0xC3)
	}
	return false
}

// isName is all_name_chars of codeobject.c.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

func (w *writer) value(v node, flag byte, interned bool) {
	switch v.kind {
	case kindNone:
		w.out = append(w.out, typeNone)
	case kindFalse:
		w.out = append(w.out, typeFalse)
	case kindTrue:
		w.out = append(w.out, typeTrue)
	case kindEllipsis:
		w.out = append(w.out, typeEllipsis)
	case kindInt:
		w.raw(typeInt|flag, v.data)
	case kindLong:
		w.raw(typeLong|flag, v.data)
	case kindFloat:
		w.raw(typeFloat|flag, v.data)
	case kindComplex:
		w.raw(typeComplex|flag, v.data)
	case kindBytes:
		w.sized(typeBytes|flag, v.data)
	case kindASCII, kindUnicode:
		w.text(v, flag, interned)
	case kindSlice:
		w.out = append(w.out, typeSlice|flag)
		w.objects(v.kids)
	case kindTuple, kindFrozenset:
		w.collection(v, flag)
	case kindCode:
		w.code(v, flag)
	}
}

// text writes a string in the shortest form that the interpreter itself would choose.
func (w *writer) text(v node, flag byte, interned bool) {
	pick := func(plain, intern byte) byte {
		if interned {
			return intern | flag
		}
		return plain | flag
	}
	switch {
	case v.kind == kindUnicode:
		w.sized(pick(typeUnicode, typeInterned), v.data)
	case len(v.data) > maxShort:
		w.sized(pick(typeASCII, typeASCIIInterned), v.data)
	default:
		w.out = append(w.out, pick(typeShort, typeShortInterned), byte(len(v.data)))
		w.out = append(w.out, v.data...)
	}
}

func (w *writer) collection(v node, flag byte) {
	switch {
	case v.kind == kindFrozenset:
		w.out = append(w.out, typeFrozenset|flag)
		w.int32(int32(len(v.kids)))
	case len(v.kids) > maxSmallTuple:
		w.out = append(w.out, typeTuple|flag)
		w.int32(int32(len(v.kids)))
	default:
		w.out = append(w.out, typeSmallTuple|flag, byte(len(v.kids)))
	}
	w.objects(v.kids)
}

func (w *writer) code(v node, flag byte) {
	w.raw(typeCode|flag, v.data[:headNumbers])
	w.objects(v.kids[:fieldQualname+1])
	w.out = append(w.out, v.data[headNumbers:]...)
	w.objects(v.kids[fieldQualname+1:])
}

func (w *writer) objects(kids []id) {
	for _, kid := range kids {
		w.object(kid)
	}
}

func (w *writer) raw(code byte, data string) {
	w.out = append(w.out, code)
	w.out = append(w.out, data...)
}

func (w *writer) sized(code byte, data string) {
	w.out = append(w.out, code)
	w.int32(int32(len(data)))
	w.out = append(w.out, data...)
}

func (w *writer) int32(n int32) { w.out = binary.LittleEndian.AppendUint32(w.out, uint32(n)) }
