// Package marshal brings the code objects of CPython's .pyc files into one canonical form.
//
// In goes what marshal.dumps wrote for a code object (CPython 3.11 to 3.14), out comes another serialisation of
// an equal code object, which is a function of the code object's value and of nothing else. What CPython writes is
// not: whether an object carries FLAG_REF depends on its reference count and so on what the process did before, the
// elements of a frozenset are sorted by bytes that contain those flags, and a string of one character counts as
// interned if anybody interned it before. The canonical form knows no history:
//   - equal objects are one object: the first stands in full, the others are references to it;
//   - FLAG_REF stands on objects that are referenced later, and only there, numbered by first occurrence;
//   - the elements of a frozenset are ordered by their values;
//   - whether a string is interned follows from its text and from where the code object uses it.
//
// Merging equal constants is what the compiler does within a module already, so no program sees a difference.
// CPython documents the format in its source only, Python/marshal.c:
// https://github.com/python/cpython/blob/3.13/Python/marshal.c.
package marshal

import "errors"

const (
	// maxSize bounds the input. The largest .pyc files in the wild are tables of some ten megabytes.
	maxSize = 256 << 20
	// maxDepth is MAX_MARSHAL_STACK_DEPTH of CPython, which neither writes nor reads deeper objects.
	maxDepth = 2000
)

// ErrNotCode says that the data are well-formed, but no code object.
var ErrNotCode = errors.New("not a code object")

// Normalize returns the canonical serialisation of the code object in data. It is idempotent, and what it returns
// loads in the interpreter that wrote data to an equal code object.
func Normalize(data []byte) ([]byte, error) {
	g, root, err := parse(data)
	if err != nil {
		return nil, err
	}
	if g.nodes[root].kind != kindCode {
		return nil, ErrNotCode
	}
	return g.write(root), nil
}
