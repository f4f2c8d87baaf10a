package wheel

import (
	"archive/zip"
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCleanPath(t *testing.T) {
	good := []string{"a", "a/b.py", "a b/c", "é", "...", "a..b", ".hidden", "c:d"[1:], "ab:c"}
	bad := []string{"", "/a", "a//b", "a/", "./a", "a/.", "..", "a/../b", `a\b`, "a\x00", "a\nb", "c:/x", "\xff", "\u007f",
		strings.Repeat("x", 256), strings.Repeat("x/", 2000) + "x"}
	for _, p := range good {
		if err := cleanPath(p); err != nil {
			t.Errorf("%q: %v", p, err)
		}
	}
	for _, p := range bad {
		if err := cleanPath(p); err == nil {
			t.Errorf("%q is accepted", p)
		}
	}
}

// TestZipOneReading changes single bytes where two readers could come to differ.
func TestZipOneReading(t *testing.T) {
	data, err := os.ReadFile(pack(t, packed{name: "demo/a.py", data: "a = 1\n"}))
	if err != nil {
		t.Fatal(err)
	}
	central := bytes.Index(data, []byte("PK\x01\x02"))
	tests := []struct {
		name  string
		spoil func([]byte) []byte
	}{
		{"something in front", func(b []byte) []byte { return append([]byte("x"), b...) }},
		{"something behind", func(b []byte) []byte { return append(b, 'x') }},
		{"two archives", func(b []byte) []byte { return append(bytes.Clone(b), b...) }},
		{"cut off", func(b []byte) []byte { return b[:len(b)-1] }},
		{"local name differs", func(b []byte) []byte { b[30] = 'x'; return b }},
		{"local method differs", func(b []byte) []byte { b[8] = 0; return b }},
		{"encrypted", func(b []byte) []byte { b[central+8] |= 1; return b }},
		{"header outside", func(b []byte) []byte { b[central+44] = 9; return b }},
		{"data outside", func(b []byte) []byte { b[central+23] = 0x7f; return b }},
		{"count differs", func(b []byte) []byte { b[len(b)-12]++; b[len(b)-14]++; return b }},
		{"second disk", func(b []byte) []byte { b[len(b)-18] = 1; return b }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := tt.spoil(bytes.Clone(data))
			if m, err := readDirectory(bytes.NewReader(b), int64(len(b))); err == nil {
				t.Errorf("accepted: %+v", m)
			}
		})
	}
}

func TestHashMember(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	f, err := z.Create("a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	members, err := readDirectory(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	d, err := hashMember(bytes.NewReader(b.Bytes()), members[0], "sha512", &inflaters{})
	if err != nil || len(d.sha512) != 64 || !bytes.Equal(d.sha256, digestsOf("hello").sha256) {
		t.Errorf("%+v %v", d, err)
	}
	for name, spoil := range map[string]func(*member){
		"longer than declared":  func(m *member) { m.size-- },
		"shorter than declared": func(m *member) { m.size++ },
		"another checksum":      func(m *member) { m.crc++ },
		"bytes after the end":   func(m *member) { m.packed++ },
	} {
		m := members[0]
		spoil(&m)
		if _, err := hashMember(bytes.NewReader(b.Bytes()), m, "", &inflaters{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestCaps(t *testing.T) {
	for name, m := range map[string]member{
		"ratio":  {method: methodDeflate, packed: 100_000, size: 100 << 20},
		"size":   {method: methodDeflate, packed: 8 << 30, size: maxFile + 1},
		"method": {method: 12},
		"stored": {packed: 1, size: 2},
	} {
		if err := m.checkCaps(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := checkOverlap([]member{{size: maxFile}, {size: maxFile}, {size: 1}}); err == nil {
		t.Error("total: accepted")
	}
}

// FuzzZip holds that what we read, archive/zip reads the same way.
func FuzzZip(f *testing.F) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range []string{"a/b.py", "c/"} {
		if _, err := z.Create(name); err != nil {
			f.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, data []byte) {
		members, err := readDirectory(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Skip() // archive/zip is stricter in places, such as extra fields
		}
		var ours, theirs []string
		for _, m := range members {
			ours = append(ours, m.name)
			if m.packed < 1<<20 && m.size < 1<<20 {
				_, _ = hashMember(bytes.NewReader(data), m, "sha384", &inflaters{})
			}
		}
		for _, f := range r.File {
			theirs = append(theirs, f.Name)
		}
		if diff := cmp.Diff(theirs, ours); diff != "" {
			t.Error(diff)
		}
	})
}

// FuzzRecord holds that what parses prints and parses back to the same rows.
func FuzzRecord(f *testing.F) {
	f.Add([]byte("a/b.py,sha256=mHUu4o1UhL3CgU-3CttqCy-zH2qbjueugf0vyc8wCzs,4\n\"a,\"\"b\",,\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, err := parseRecord(data)
		if err != nil {
			return
		}
		first := formatRecord(rows)
		again, err := parseRecord(first)
		if err != nil {
			t.Fatalf("%q: %v", first, err)
		}
		if second := formatRecord(again); !bytes.Equal(first, second) {
			t.Errorf("%q\n%q", first, second)
		}
	})
}

// FuzzEntryPoints holds that a command can neither leave bin nor bring code of its own.
func FuzzEntryPoints(f *testing.F) {
	f.Add([]byte("[console_scripts]\na = b.c:d.e [x]\n# c\n[gui_scripts]\nf=g:h\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := parseEntryPoints(data)
		if err != nil {
			return
		}
		for _, e := range list {
			if cleanPath(e.Name) != nil || strings.Contains(e.Name, "/") {
				t.Errorf("command %q", e.Name)
			}
			if strings.ContainsAny(e.Module+e.Attr, " ;()\n\t#:'\"") || strings.Count(string(e.script("/p")), "\n") != 5 {
				t.Errorf("script %q", e.script("/p"))
			}
		}
	})
}

func FuzzMetadata(f *testing.F) {
	f.Add([]byte(metadata))
	f.Add([]byte("A: b\r\n c\nD:\n\nE: f"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, field := range parseHeaders(data) {
			if strings.Contains(field.Key, ":") || strings.Contains(field.Key, "\n") {
				t.Errorf("%q", field)
			}
		}
	})
}
