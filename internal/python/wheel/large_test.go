package wheel

import (
	"fmt"
	"strings"
	"testing"
)

// TestLongMetadata reads a field of as many lines as METADATA may have: a parser that copies the value for each would need hours.
func TestLongMetadata(t *testing.T) {
	m, err := ParseMetadata([]byte("Metadata-Version: 2.1\nName: demo\nVersion: 1\nSummary: a\n" + strings.Repeat(" \n", maxMetadata/2-50) + "Keywords: b\n"))
	if err != nil {
		t.Fatal(err)
	}
	if summary := m.Get("Summary"); len(summary) != 1+maxMetadata-100 || m.Get("Keywords") != "b" {
		t.Errorf("%d bytes, then %q", len(summary), m.Get("Keywords"))
	}
}

// TestLongRecord refuses a RECORD that speaks of more files than a wheel may have.
func TestLongRecord(t *testing.T) {
	for name, line := range map[string]string{"rows": "a,,\n", "nothing": "\n"} {
		t.Run(name, func(t *testing.T) {
			_, err := openDemo(t, pack(t, packed{name: "demo-1.0.dist-info/RECORD", data: strings.Repeat(line, maxRows+1)}))
			if err == nil || !strings.Contains(err.Error(), "RECORD has 600001 lines, more than 600000") {
				t.Error(err)
			}
		})
	}
}

// TestManyDirectories refuses paths that imply more directories than a wheel has files, however short the archive is.
func TestManyDirectories(t *testing.T) {
	w := &Wheel{}
	for i := range maxDirs/100 + 1 {
		w.Files = append(w.Files, File{Path: fmt.Sprintf("%d%s/f", i, strings.Repeat("/a", 99))})
	}
	if err := w.checkPaths(); err == nil || !strings.Contains(err.Error(), "more than 200000 directories") {
		t.Error(err)
	}
	w.Files = w.Files[:len(w.Files)-1]
	if err := w.checkPaths(); err != nil {
		t.Error(err)
	}
}

// TestManyScripts has a script of the older kind for each of many entry points, and every one of them is replaced.
func TestManyScripts(t *testing.T) {
	const many = 60_000
	in := &Installed{scheme: scheme, rows: map[string]row{}}
	w := &Wheel{}
	for i := range many {
		e := EntryPoint{Name: fmt.Sprint("c", i), Module: "m", Attr: "f"}
		w.Scripts = append(w.Scripts, e)
		in.addProgram("venv/bin/"+e.Name, nil)
	}
	in.addScripts(w)
	if len(in.Entries) != many || len(in.Scripts) != many || len(in.rows) != many || in.Entries[0].Size == 0 {
		t.Errorf("%d entries, %d scripts, %d rows", len(in.Entries), len(in.Scripts), len(in.rows))
	}
}
