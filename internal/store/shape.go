package store

import (
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"encoding/json"
	"io"
	"reflect"
	"sync"
)

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

// shapes remembers the fingerprints of types.
type shapes struct{ known sync.Map } // reflect.Type to string

func (s *shapes) of(t reflect.Type) string {
	if known, ok := s.known.Load(t); ok {
		return known.(string)
	}
	made := shape(t)
	s.known.Store(t, made)
	return made
}

// shape returns a short fingerprint of how a type looks in JSON: its fields, their names and types, all the way down.
func shape(t reflect.Type) string {
	h := sha256.New()
	writeShape(h, t, map[reflect.Type]bool{})
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// writeShape writes a type; seen holds those that it is inside of.
func writeShape(w io.Writer, t reflect.Type, seen map[reflect.Type]bool) {
	put := func(s string) { _, _ = io.WriteString(w, s) } // a hash takes everything
	if ownJSON(t) || t.Kind() == reflect.Interface || seen[t] {
		put(t.String() + ";")
		return
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		put(t.Kind().String() + " ")
		writeShape(w, t.Elem(), seen)
	case reflect.Map:
		put("map ")
		writeShape(w, t.Key(), seen)
		writeShape(w, t.Elem(), seen)
	case reflect.Struct:
		seen[t] = true // a type may hold itself
		put("struct{")
		for i := range t.NumField() {
			f := t.Field(i)
			put(f.Name + " " + f.Tag.Get("json") + " ")
			writeShape(w, f.Type, seen)
		}
		put("}")
		delete(seen, t)
	default:
		put(t.Kind().String() + ";")
	}
}

// ownJSON reports whether a type decides itself how it is written.
func ownJSON(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return t.Implements(jsonMarshaler) || t.Implements(textMarshaler) ||
		p.Implements(jsonMarshaler) || p.Implements(textMarshaler)
}

// Shape returns the fingerprint of a value's type, for records that are kept elsewhere than in a store.
func Shape(v any) string {
	t := reflect.TypeOf(v)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return shape(t)
}
