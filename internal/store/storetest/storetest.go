// Package storetest helps to test what is stored under keys: a stage's key must change with each of its inputs.
//
// It is imported by tests only. A struct goes in with values in all its lists, maps and pointers, as far as their
// elements are to be tried; each field, all the way down, is changed alone, and the key must change with it.
package storetest

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/lithe-build/lithe/internal/store"
)

// EveryFieldCounts fails the test for each field of sample whose change leaves store.Key as it was.
func EveryFieldCounts(t testing.TB, sample any) {
	t.Helper()
	EveryFieldMoves(t, sample, store.Key)
}

// EveryFieldMoves is EveryFieldCounts for stages that make their key from their options in a way of their own. The
// fields named in except, such as "Options.Jobs", must not change the key, which is checked as well.
func EveryFieldMoves[T any](t testing.TB, sample T, key func(T) string, except ...string) {
	t.Helper()
	// Problems are collected through functions, so that a walk inside a map reports to the same test.
	m := &mutator{tried: map[string]bool{}}
	m.key = func() string { return key(m.root.Interface().(T)) }
	m.check = func(path string, before, after string) {
		m.tried[path] = true
		switch fixed := slices.Contains(except, path); {
		case before == after && !fixed:
			t.Errorf("%s does not count: the key stays the same when it changes", path)
		case before != after && fixed:
			t.Errorf("%s counts, though it should not", path)
		}
	}
	m.unknown = func(path string, typ reflect.Type) { t.Errorf("%s: cannot change a %s", path, typ) }
	m.start(reflect.ValueOf(sample))
	// An exception that names no field would hide that the field was renamed.
	for _, path := range except {
		if !m.tried[path] {
			t.Errorf("%s is no field of %T", path, sample)
		}
	}
}

// mutator walks over one value, changing it in place and back.
type mutator struct {
	root    reflect.Value // what the key is made of
	key     func() string
	check   func(path, before, after string)
	unknown func(path string, typ reflect.Type)
	tried   map[string]bool
}

// start copies the sample to where it can be changed, and walks over the copy.
func (m *mutator) start(sample reflect.Value) {
	m.root = clone(sample)
	value := m.root
	for value.Kind() == reflect.Pointer || value.Kind() == reflect.Interface {
		value = value.Elem()
	}
	if !value.CanSet() { // a plain struct: put it where it can be changed
		settable := reflect.New(value.Type()).Elem()
		settable.Set(value)
		m.root, value = settable, settable
	}
	m.walk(value, value.Type().Name())
}

// walk tries v itself and then what it holds.
func (m *mutator) walk(v reflect.Value, path string) {
	if v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]() {
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() {
				m.unknown(path+"."+f.Name, f.Type)
				continue
			}
			m.walk(v.Field(i), path+"."+f.Name)
		}
		return
	}
	changed, ok := other(v)
	if !ok {
		m.unknown(path, v.Type())
		return
	}
	m.try(v, changed, path)
	switch v.Kind() {
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			m.walk(v.Index(i), fmt.Sprintf("%s[%d]", path, i))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			m.walk(v.Elem(), path)
		}
	case reflect.Map:
		m.walkMap(v, path)
	}
}

// walkMap tries each element; they cannot be changed in place.
func (m *mutator) walkMap(v reflect.Value, path string) {
	for _, k := range v.MapKeys() {
		element := reflect.New(v.Type().Elem()).Elem()
		element.Set(v.MapIndex(k))
		inner := &mutator{root: m.root, unknown: m.unknown, tried: m.tried, check: m.check}
		inner.key = func() string {
			old := reflect.New(element.Type()).Elem()
			old.Set(v.MapIndex(k))
			v.SetMapIndex(k, element)
			defer v.SetMapIndex(k, old)
			return m.key()
		}
		inner.walk(element, fmt.Sprintf("%s[%v]", path, k))
	}
}

// try compares the keys before and after one change, and takes the change back.
func (m *mutator) try(v, changed reflect.Value, path string) {
	before := m.key() // anew each time, since the walk may be inside of a changed map
	old := reflect.New(v.Type()).Elem()
	old.Set(v)
	v.Set(changed)
	after := m.key()
	v.Set(old)
	m.check(path, before, after)
}

// other returns a value that differs from v.
func other(v reflect.Value) (reflect.Value, bool) {
	n := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.Bool:
		n.SetBool(!v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n.SetInt(v.Int() ^ 1)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n.SetUint(v.Uint() ^ 1)
	case reflect.Float32, reflect.Float64:
		n.SetFloat(v.Float() + 1)
	case reflect.String:
		n.SetString(v.String() + "x")
	case reflect.Slice:
		n.Set(reflect.Append(reflect.AppendSlice(n, v), reflect.Zero(v.Type().Elem())))
	case reflect.Array:
		if v.Len() == 0 {
			return n, false
		}
		n.Set(v)
		element, ok := other(v.Index(0))
		n.Index(0).Set(element)
		return n, ok
	case reflect.Pointer:
		if v.IsNil() {
			n.Set(reflect.New(v.Type().Elem()))
		}
	case reflect.Map:
		return otherMap(v)
	case reflect.Struct:
		return otherStruct(v)
	default:
		return n, false
	}
	return n, true
}

// otherMap returns a map with one more key, or without any if it has the zero key already.
func otherMap(v reflect.Value) (reflect.Value, bool) {
	n := reflect.MakeMap(v.Type())
	zero := reflect.Zero(v.Type().Key())
	if v.MapIndex(zero).IsValid() {
		return n, true
	}
	for _, k := range v.MapKeys() {
		n.SetMapIndex(k, v.MapIndex(k))
	}
	n.SetMapIndex(zero, reflect.Zero(v.Type().Elem()))
	return n, true
}

// otherStruct changes a time, or the first field that can be.
func otherStruct(v reflect.Value) (reflect.Value, bool) {
	n := reflect.New(v.Type()).Elem()
	if t, ok := v.Interface().(time.Time); ok {
		n.Set(reflect.ValueOf(t.Add(time.Second)))
		return n, true
	}
	n.Set(v)
	for i := range n.NumField() {
		if !n.Type().Field(i).IsExported() {
			continue
		}
		if field, ok := other(n.Field(i)); ok {
			n.Field(i).Set(field)
			return n, true
		}
	}
	return n, false
}

// clone copies a value with all its lists, maps and pointers, so that the caller's sample stays as it is.
func clone(v reflect.Value) reflect.Value {
	n := reflect.New(v.Type()).Elem()
	n.Set(v)
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			n.Set(reflect.New(v.Type().Elem()))
			n.Elem().Set(clone(v.Elem()))
		}
	case reflect.Slice:
		if !v.IsNil() {
			n.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				n.Index(i).Set(clone(v.Index(i)))
			}
		}
	case reflect.Map:
		if !v.IsNil() {
			n.Set(reflect.MakeMap(v.Type()))
			for _, k := range v.MapKeys() {
				n.SetMapIndex(k, clone(v.MapIndex(k)))
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				n.Field(i).Set(clone(v.Field(i)))
			}
		}
	}
	return n
}
