package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"

	"github.com/lithe-build/lithe/internal/trace"
)

// maxRecord is in bytes. Records list the files of a layer at most; more than this is not one of ours.
const maxRecord = 256 << 20

// envelope is a record on disk. Shape describes the Go type that was written: a program whose type has another field
// must not read an old record with that field empty.
type envelope struct {
	Shape string          `json:"shape"`
	Value json.RawMessage `json:"value"`
}

// Record reads the record of this kind and key into v, a pointer. A record that is missing, unreadable, or was written
// from another type counts as absent, and v stays as it was.
func (s *Store) Record(kind, key string, v any) (ok bool, err error) {
	target := reflect.ValueOf(v)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		return false, fmt.Errorf("record %s: want a pointer, have %T", kind, v)
	}
	data, ok := s.readRecord(s.path("records", kind, key, ".json"))
	if !ok {
		return false, nil
	}
	// Into a new value: JSON that breaks off in the middle, or that is of another type, has filled a part by then.
	value := reflect.New(target.Type().Elem())
	e := struct {
		Shape string `json:"shape"`
		Value any    `json:"value"`
	}{Value: value.Interface()}
	if json.Unmarshal(data, &e) != nil || e.Shape != s.shapes.of(target.Type().Elem()) {
		return false, nil
	}
	target.Elem().Set(value.Elem())
	return true, nil
}

// PutRecord replaces the record of this kind and key.
func (s *Store) PutRecord(kind, key string, v any) error {
	t := reflect.TypeOf(v)
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil {
		return fmt.Errorf("record %s: nothing to write", kind)
	}
	value, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("record %s: %w", kind, err)
	}
	data, err := json.Marshal(envelope{Shape: s.shapes.of(t), Value: value})
	if err != nil {
		return fmt.Errorf("record %s: %w", kind, err)
	}
	return s.replace(s.path("records", kind, key, ".json"), data)
}

// DropRecord removes a record; an absent one is fine.
func (s *Store) DropRecord(kind, key string) error {
	if err := os.Remove(s.path("records", kind, key, ".json")); err != nil && !os.IsNotExist(err) {
		return s.explain(err)
	}
	return nil
}

// readRecord takes any trouble for absence: what a record says can be found out again.
func (s *Store) readRecord(path string) ([]byte, bool) {
	s.live()
	f, err := os.Open(path)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	s.trace.Add(trace.Records, 1)
	info, err := f.Stat()
	if err != nil {
		return nil, false
	}
	var data bytes.Buffer
	data.Grow(int(min(info.Size(), maxRecord)) + bytes.MinRead)
	_, err = data.ReadFrom(io.LimitReader(f, maxRecord+1))
	return data.Bytes(), err == nil && data.Len() <= maxRecord && s.used(path, info.ModTime())
}

// replace writes a whole file and moves it into place.
func (s *Store) replace(path string, data []byte) error {
	run, err := s.runPath()
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(run, "record-*")
	if err != nil {
		return s.explain(err)
	}
	defer os.Remove(f.Name()) // gone after the rename
	if _, err := io.Copy(f, bytes.NewReader(data)); err != nil {
		_ = f.Close()
		return s.explain(err)
	}
	if err := f.Close(); err != nil {
		return s.explain(err)
	}
	return s.rename(f.Name(), path)
}

// path returns the place of a kind and key. Keys made by Key stand as they are; any other is hashed, so that no key
// can name a path.
func (s *Store) path(folder, kind, key, suffix string) string {
	return filepath.Join(s.dir, folder, safe(kind), safe(key)+suffix)
}

// safe returns name if it is short, lower case and plain, else a hash of it that no plain name looks like.
func safe(name string) string {
	plain := name != "" && len(name) <= 100 && name[0] != '.' && name[0] != '-'
	for i := 0; i < len(name) && plain; i++ {
		c := name[i]
		plain = 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.'
	}
	if plain {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return "~" + hex.EncodeToString(sum[:])
}
