package pep517_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/pep517"
	"github.com/lithe-build/lithe/internal/python/wheel"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
	"github.com/lithe-build/lithe/internal/testkit/pyindex"
)

// opened is a wheel with these files beside those that every wheel has.
func opened(t *testing.T, files map[string]string) *wheel.Wheel {
	t.Helper()
	w := pyindex.Wheel{Name: "one", Version: "1.0", Files: files}
	path := filepath.Join(t.TempDir(), w.Filename())
	if err := os.WriteFile(path, w.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	name, err := wheeltag.ParseFilename(w.Filename())
	if err != nil {
		t.Fatal(err)
	}
	opened, err := wheel.Open(path, name)
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

func TestCompare(t *testing.T) {
	a := opened(t, map[string]string{"one/same": "x", "one/gone": "x", "one/clock": "a line of text, built 23:49:10 here", "one/longer": "ab", "one/binary": "\x00\x01"})
	b := opened(t, map[string]string{"one/same": "x", "one/new": "x", "one/clock": "a line of text, built 23:49:12 here", "one/longer": "abc", "one/binary": "\x00\x02"})
	all, err := pep517.Compare(a, b)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range all {
		got = append(got, d.String())
	}
	want := []string{
		`one/binary: from byte 1 on, "\x00\x01" and "\x00\x02"`,
		`one/clock: from byte 29 on, "t, built 23:49:10 here" and "t, built 23:49:12 here"`,
		"one/gone: in one of them alone",
		`one/longer: from byte 2 on, "ab(end)" and "abc"`,
		"one/new: in one of them alone",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if all, err := pep517.Compare(a, a); len(all) > 0 || err != nil {
		t.Errorf("a wheel differs from itself: %v, %v", all, err)
	}
}
