package store_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type record struct {
	Name  string
	Files []string
	Size  int64
	When  time.Time
	Next  *record `json:",omitempty"`
}

func TestRecord(t *testing.T) {
	s := open(t)
	want := record{Name: "a", Files: []string{"x", "y"}, Size: 3, When: time.Unix(5, 0).UTC(), Next: &record{Name: "b"}}
	if err := s.PutRecord("layer", "k", &want); err != nil {
		t.Fatal(err)
	}
	var got record
	if ok, err := s.Record("layer", "k", &got); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, key := range []string{"other", "K", "../k", ""} {
		if ok, err := s.Record("layer", key, &got); ok || err != nil {
			t.Errorf("%q: %v, %v", key, ok, err)
		}
	}
	if err := s.DropRecord("layer", "k"); err != nil {
		t.Fatal(err)
	}
	if ok, _ := s.Record("layer", "k", &got); ok {
		t.Error("dropped record is there")
	}
	if err := s.DropRecord("layer", "k"); err != nil {
		t.Error(err)
	}
}

func TestRecordKeysNameNoPath(t *testing.T) {
	s := open(t)
	keys := []string{"../../escape", "/abs", "a/b", "A", "a", ".", "..", "", "~a", "https://x/?q=1", strings.Repeat("k", 5000), "nul\x00"}
	for i, key := range keys {
		if err := s.PutRecord("../kind", key, &record{Size: int64(i)}); err != nil {
			t.Fatal(key, err)
		}
	}
	for i, key := range keys {
		var got record
		if ok, err := s.Record("../kind", key, &got); !ok || err != nil || got.Size != int64(i) {
			t.Errorf("%.40q: %v %v %d", key, ok, err, got.Size)
		}
	}
	for _, f := range files(t, s.Path()) {
		if !strings.HasPrefix(f, "records/~") {
			t.Errorf("a record stands at %s", f)
		}
	}
}

func TestDamagedRecordIsAbsent(t *testing.T) {
	type wider struct {
		Name  string
		Files []string
		Size  int64
		When  time.Time
		Next  *record `json:",omitempty"`
		New   string
	}
	s := open(t)
	path := filepath.Join(s.Path(), "records", "layer", "k.json")
	if err := s.PutRecord("layer", "k", record{Name: "a"}); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{"empty": "", "cut": string(whole[:len(whole)/2]), "zeros": strings.Repeat("\x00", len(whole)),
		"not ours": `{"Name":"a"}`, "other types": strings.Replace(string(whole), `"Size":0`, `"Size":"0"`, 1)} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
				t.Fatal(err)
			}
			got := record{Name: "before"}
			if ok, err := s.Record("layer", "k", &got); ok || err != nil || got.Name != "before" {
				t.Errorf("%v, %v, %q", ok, err, got.Name)
			}
		})
	}
	if err := os.WriteFile(path, whole, 0o644); err != nil {
		t.Fatal(err)
	}
	if ok, _ := s.Record("layer", "k", &wider{}); ok {
		t.Error("a record of an older type is read with an empty field")
	}
	if ok, _ := s.Record("layer", "k", &record{}); !ok {
		t.Error("the undamaged record is not read")
	}
}

func TestRecordWantsAPointer(t *testing.T) {
	s := open(t)
	if _, err := s.Record("layer", "k", record{}); err == nil {
		t.Error("no error")
	}
	if err := s.PutRecord("layer", "k", nil); err == nil {
		t.Error("no error for nil")
	}
	if err := s.PutRecord("layer", "k", struct{ F func() }{}); err == nil {
		t.Error("no error for a function")
	}
}
