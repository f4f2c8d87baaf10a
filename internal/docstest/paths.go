package docstest

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"
)

// Paths returns the paths of all values that the JSON form of a type can have: "layers[].digest". Below a map stands
// "*". The values of the one that is passed do not count.
func Paths(t testing.TB, v any) []string {
	t.Helper()
	full := reflect.New(reflect.TypeOf(v)).Interface()
	Fill(full)
	data, err := json.Marshal(full)
	if err != nil {
		t.Fatal(err)
	}
	return PathsOf(t, data)
}

// PathsOf returns the paths of all values of a JSON document.
func PathsOf(t testing.TB, document []byte) []string {
	t.Helper()
	var decoded any
	if err := json.Unmarshal(document, &decoded); err != nil {
		t.Fatal(err)
	}
	var paths []string
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, inner := range v {
				if path != "" {
					name = path + "." + name
				}
				walk(name, inner)
			}
		case []any:
			for _, inner := range v {
				walk(path+"[]", inner)
			}
		default:
			paths = append(paths, path)
		}
	}
	walk("", decoded)
	slices.Sort(paths)
	return slices.Compact(paths)
}

// Fill sets every exported field below a pointer to something that is not its zero value.
func Fill(pointer any) { fill(reflect.ValueOf(pointer).Elem()) }

func fill(v reflect.Value) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Unix(1, 0)))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i))
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		one := reflect.New(v.Type().Elem()).Elem()
		fill(one)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("*").Convert(v.Type().Key()), one)
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	default:
		if v.CanInt() {
			v.SetInt(1)
		} else if v.CanFloat() {
			v.SetFloat(1)
		}
	}
}
