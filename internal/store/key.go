package store

import (
	"cmp"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxKeyDepth stops values that hold themselves.
const maxKeyDepth = 64

// Key returns the hex sha256 over the type name and every field of a struct, all the way down, whatever its JSON tags
// say. Maps count in the order of their keys, nil and empty lists alike, times as instants. A type that cannot be
// hashed whole, such as one with unexported fields and no MarshalText, is a mistake in our program: Key panics and
// names the field.
func Key(v any) string {
	value := reflect.ValueOf(v)
	for value.Kind() == reflect.Pointer && !value.IsNil() {
		value = value.Elem()
	}
	if value.Kind() != reflect.Struct || value.Type().Name() == "" {
		panic(fmt.Sprintf("store.Key wants a struct with a name, have %T", v))
	}
	h := sha256.New()
	e := encoder{w: h}
	e.put(value.Type().String()) // two stages with equal fields must not share a key
	e.value(value, value.Type().Name(), 0)
	return hex.EncodeToString(h.Sum(nil))
}

// encoder writes values such that different ones differ. The result looks like JSON, for those who debug it.
type encoder struct{ w io.Writer }

// put is for hashes and builders, which take everything.
func (e encoder) put(s string) { _, _ = io.WriteString(e.w, s) }

// value writes any value. The path is for messages only.
func (e encoder) value(v reflect.Value, path string, depth int) {
	if depth > maxKeyDepth {
		panic("store.Key: " + path + " holds itself")
	}
	if e.text(v, path) {
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		e.put(strconv.FormatBool(v.Bool()))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		e.put(strconv.FormatInt(v.Int(), 10))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		e.put(strconv.FormatUint(v.Uint(), 10))
	case reflect.Float32, reflect.Float64:
		e.put(strconv.FormatFloat(v.Float(), 'g', -1, 64))
	case reflect.String:
		e.put(strconv.Quote(v.String())) // quoted, so that no text looks like the end of it
	case reflect.Slice, reflect.Array:
		e.list(v, path, depth)
	case reflect.Map:
		e.mapping(v, path, depth)
	case reflect.Pointer, reflect.Interface:
		e.pointer(v, path, depth)
	case reflect.Struct:
		e.structure(v, path, depth)
	default:
		panic(fmt.Sprintf("store.Key: %s is a %s", path, v.Type()))
	}
}

// text writes types that know their own text.
func (e encoder) text(v reflect.Value, path string) bool {
	if !v.Type().Implements(textMarshaler) || v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		return false
	}
	if t, ok := v.Interface().(time.Time); ok {
		e.put(t.UTC().Format(time.RFC3339Nano))
		return true
	}
	text, err := v.Interface().(encoding.TextMarshaler).MarshalText()
	if err != nil {
		panic("store.Key: " + path + ": " + err.Error())
	}
	e.put(strconv.Quote(string(text)))
	return true
}

// list writes elements in brackets. Bytes are hex, which is shorter.
func (e encoder) list(v reflect.Value, path string, depth int) {
	if v.Type().Elem().Kind() == reflect.Uint8 && v.Kind() == reflect.Slice {
		e.put(hex.EncodeToString(v.Bytes()))
		return
	}
	e.put("[")
	for i := range v.Len() {
		e.value(v.Index(i), path+"["+strconv.Itoa(i)+"]", depth+1)
		e.put(",")
	}
	e.put("]")
}

// mapping writes pairs in the order of their encoded keys, since those are unique and Go has no order for them.
func (e encoder) mapping(v reflect.Value, path string, depth int) {
	type pair struct {
		key   string
		value reflect.Value
	}
	var pairs []pair
	for iter := v.MapRange(); iter.Next(); {
		var b strings.Builder
		encoder{w: &b}.value(iter.Key(), path+" key", depth+1)
		pairs = append(pairs, pair{b.String(), iter.Value()})
	}
	slices.SortFunc(pairs, func(a, b pair) int { return cmp.Compare(a.key, b.key) })
	e.put("{")
	for _, p := range pairs {
		e.put(p.key + ":")
		e.value(p.value, path+"["+p.key+"]", depth+1)
		e.put(",")
	}
	e.put("}")
}

// pointer writes what a pointer or an interface holds; the latter with the type, which nothing else fixes.
func (e encoder) pointer(v reflect.Value, path string, depth int) {
	if v.IsNil() {
		e.put("null")
		return
	}
	e.put("&")
	if v.Kind() == reflect.Interface { // int 1 and string "1" are two values
		e.put(v.Elem().Type().String())
	}
	e.value(v.Elem(), path, depth+1)
}

// structure writes fields with their names, so that renaming one, which often changes its meaning, changes the key.
func (e encoder) structure(v reflect.Value, path string, depth int) {
	e.put("{")
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() {
			panic(fmt.Sprintf("store.Key: %s.%s is unexported, so it would not count", path, f.Name))
		}
		e.put(f.Name + ":")
		e.value(v.Field(i), path+"."+f.Name, depth+1)
		e.put(",")
	}
	e.put("}")
}
