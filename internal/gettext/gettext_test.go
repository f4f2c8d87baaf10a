package gettext

import (
	"encoding/binary"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// example has every kind of entry.
const example = "\ufeff" + `# A comment.
#, fuzzy
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"
"POT-Creation-Date: 2025-03-19 11:30-0500\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

#: polls/views.py:3
#, python-format
msgid "Hello, %(name)s"
msgstr "Hallo, %(name)s"

#, fuzzy, c-format
#| msgid "old"
msgid "unsure"
msgstr "unsicher"

msgid "untranslated"
msgstr ""
msgctxt "month"
msgid "May"
msgstr "Mai"
msgid "May"
msgstr "darf"

msgid "%d file"
msgid_plural "%d files"
msgstr[0] "%d Datei"
msgstr[1] "%d "
	"Dateien"

msgid   "a\tb\"\\\x41\101" "c\n"
msgstr "Ende\n"

#~ msgid "gone"
#~ msgstr "weg"
`

var exampleTexts = map[string]string{
	"":                    "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=(n != 1);\n",
	"Hello, %(name)s":     "Hallo, %(name)s",
	"month\x04May":        "Mai",
	"May":                 "darf",
	"%d file\x00%d files": "%d Datei\x00%d Dateien",
	"a\tb\"\\AAc\n":       "Ende\n",
}

func TestCompile(t *testing.T) {
	mo, err := Compile("de.po", []byte(example))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(exampleTexts, decode(t, mo)); diff != "" {
		t.Error(diff)
	}
	if again, _ := Compile("de.po", []byte(example)); string(again) != string(mo) {
		t.Error("the same text gives other bytes")
	}
	// As Windows writes it.
	crlf, err := Compile("de.po", []byte(strings.ReplaceAll(example, "\n", "\r\n")))
	if err != nil || string(crlf) != string(mo) {
		t.Errorf("with other line ends it is another catalogue: %v", err)
	}
}

// TestMsgfmt compares with msgfmt itself, of the example and of what LITHE_TEST_PO names.
func TestMsgfmt(t *testing.T) {
	if _, err := exec.LookPath("msgfmt"); err != nil {
		t.Skip("no msgfmt; Debian: gettext")
	}
	plain := filepath.Join(t.TempDir(), "de.po")
	if err := os.WriteFile(plain, []byte(strings.TrimPrefix(example, "\ufeff")), 0o644); err != nil {
		t.Fatal(err)
	}
	files := []string{plain}
	if folder := os.Getenv("LITHE_TEST_PO"); folder != "" {
		more, err := filepath.Glob(filepath.Join(folder, "*/LC_MESSAGES/*.po"))
		if err != nil || len(more) == 0 {
			t.Fatal(folder, err)
		}
		files = append(files, more...)
	}
	for _, file := range files {
		to := filepath.Join(t.TempDir(), "x.mo")
		if out, err := exec.Command("msgfmt", "-o", to, file).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		po, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(to)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Compile(file, po)
		if err != nil {
			t.Error(err)
			continue
		}
		if diff := cmp.Diff(decode(t, want), decode(t, got)); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
	}
}

func TestProblems(t *testing.T) {
	for _, c := range []struct{ po, want string }{
		{"\nmsgid \"a\"\nmsgstr \"b\\n\"\n", "x.po:2: message and translation do not both begin, or both end, with a line break"},
		{"msgid \"a\"\n", "x.po:1: the entry has no msgstr"},
		{"msgid \"a\"\nmsgstr \"b\"\nmsgid \"a\"\nmsgstr \"c\"\n", "x.po:3: the message is in line 1 already"},
		{"\nmsgid \"a\n", "x.po:2: the text has no closing quote"},
		{"msgid \"a\" b\n", "x.po:1: something stands behind the closing quote"},
		{"msgid \"a\\q\"\n", `x.po:1: \q is no escape of a text`},
		{"msgid \"\\xff\"\n", "x.po:1: the text is not UTF-8 with its escapes"},
		{"msgid \"\xff\"\n", "x.po:1: the line is not UTF-8"},
		{"\"a\"\n", "x.po:1: the text belongs to no keyword"},
		{"<<<<<<< HEAD\n", "x.po:1: the text has no closing quote"},
		{"msgstr \"a\"\n", `x.po:1: "msgstr" is not expected here`},
		{"msgid \"a\"\nmsgid_plural \"b\"\nmsgstr[1] \"c\"\n", `x.po:3: "msgstr[1]" is not expected here`},
		{"msgid \"\"\nmsgstr \"Content-Type: text/plain; charset=KOI8-R\\n\"\n", "x.po:1: the catalogue is in KOI8-R: convert it to UTF-8"},
	} {
		_, err := Compile("x.po", []byte(c.po))
		if err == nil || err.Error() != c.want {
			t.Errorf("%q: %v, want %s", c.po, err, c.want)
		}
	}
	if _, err := Compile("x.po", make([]byte, MaxSize+1)); err == nil || !strings.Contains(err.Error(), "too many") {
		t.Error(err)
	}
}

// FuzzCompile compiles anything without panic, to a file whose texts are sorted and all there.
func FuzzCompile(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte("msgid \"\\8\\x\\\"\nmsgstr \"\"\n"))
	f.Fuzz(func(t *testing.T, po []byte) {
		mo, err := Compile("x.po", po)
		if err == nil {
			decode(t, mo)
		}
	})
}

// decode reads a .mo file as gettext does.
func decode(t *testing.T, mo []byte) map[string]string {
	t.Helper()
	at := func(i uint32) uint32 { return binary.LittleEndian.Uint32(mo[i:]) }
	if len(mo) < headerSize || at(0) != magic {
		t.Fatal("no .mo file")
	}
	text := func(table, i uint32) string {
		size, from := at(table+8*i), at(table+8*i+4)
		if mo[from+size] != 0 {
			t.Fatalf("text %d has no end", i)
		}
		return string(mo[from : from+size])
	}
	out, keys := map[string]string{}, []string{}
	for i := range at(8) {
		keys = append(keys, text(at(12), i))
		out[keys[i]] = text(at(16), i)
	}
	if !slices.Equal(keys, slices.Sorted(maps.Keys(out))) {
		t.Fatalf("the messages are not sorted: %q", keys)
	}
	return out
}

// TestLongMessage reads a text of very many lines: a parser that copies the text for each would need minutes, and for the lines
// that a catalogue may have hours.
func TestLongMessage(t *testing.T) {
	const n, width = 1 << 17, 32
	line := `"` + strings.Repeat("a", width) + "\"\n"
	mo, err := Compile("a.po", []byte("msgid \"x\"\nmsgstr \"\"\n"+strings.Repeat(line, n)+"\nmsgid \"y\"\nmsgstr \"z\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if size := len(mo) - headerSize - 2*16; size != len("x\x00y\x00\x00z\x00")+n*width {
		t.Errorf("%d bytes of texts for %d lines", size, n)
	}
}
