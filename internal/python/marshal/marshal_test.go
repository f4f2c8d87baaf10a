package marshal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// samples returns what interpreters wrote, by file name; testdata/make.py says how.
func samples(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.bin")
	if err != nil || len(paths) == 0 {
		t.Fatal("no samples", err)
	}
	all := map[string][]byte{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(path)] = data
	}
	return all
}

// The interpreter's history must not show. The raw bytes of some samples differ by it, or this would test nothing.
func TestHistory(t *testing.T) {
	differ := map[string]bool{}
	all := samples(t)
	for name, fresh := range all {
		other, ok := strings.CutSuffix(name, "-fresh.bin")
		if !ok {
			continue
		}
		after := all[other+"-after.bin"]
		differ[other] = !bytes.Equal(fresh, after)
		if diff := cmp.Diff(normalize(t, fresh), normalize(t, after)); diff != "" {
			t.Errorf("%s: %s", other, diff)
		}
	}
	for _, name := range []string{"frozenset-311", "frozenset-312", "frozenset-313", "character-311", "character-312"} {
		if !differ[name] {
			t.Errorf("%s: the samples do not differ, so they prove nothing", name)
		}
	}
}

func TestNormalizeKeepsTheValue(t *testing.T) {
	for name, data := range samples(t) {
		checkSame(t, name, data, normalize(t, data))
	}
}

func normalize(t testing.TB, data []byte) []byte {
	t.Helper()
	out, err := Normalize(data)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// checkSame compares the values of two streams, and that normalising the second changes nothing.
func checkSame(t *testing.T, name string, before, after []byte) {
	t.Helper()
	g, root, err := parse(before)
	if err != nil {
		t.Fatal(name, err)
	}
	h, again, err := parse(after)
	if err != nil {
		t.Fatal(name, err)
	}
	if !bytes.Equal(g.digest(root), h.digest(again)) {
		t.Errorf("%s: another value", name)
	}
	if twice := normalize(t, after); !bytes.Equal(after, twice) {
		t.Errorf("%s: not idempotent", name)
	}
}

// code is a code object with these constants, names and name, each one marshalled.
func code(consts, names, name string) string {
	empty := ")\x00"
	return "c" + strings.Repeat("\x00", headNumbers) + "s\x00\x00\x00\x00" + tuple(consts) + tuple(names) + empty +
		"s\x00\x00\x00\x00" + "z\x01f" + name + "z\x01q" + "\x07\x00\x00\x00" + "s\x00\x00\x00\x00" + "s\x00\x00\x00\x00"
}

// tuple is a tuple of one item, or none.
func tuple(item string) string {
	if item == "" {
		return ")\x00"
	}
	return ")\x01" + item
}

func le(n uint32) string { return string(binary.LittleEndian.AppendUint32(nil, n)) }

// What the constant of a code object becomes. Everything else stands in wrap, in canonical form.
func TestCanonicalForm(t *testing.T) {
	// Empty bytes and tuples occur more than once: flagged first, then references. "f" comes after the constants.
	wrap := func(constant string, numbers int) string {
		refs := func(n int) string { return "r" + le(uint32(n)) }
		return "c" + strings.Repeat("\x00", headNumbers) + "\xf3\x00\x00\x00\x00" + ")\x01" + constant +
			"\xa9\x00" + refs(1+numbers) + refs(0) + "Z\x01f" + "Z\x01n" + "Z\x01q" + "\x07\x00\x00\x00" + refs(0) + refs(0)
	}
	tests := []struct {
		name, in, want string
		numbers        int // references that the constant takes
	}{
		{"unused flags go", "\xe9\x01\x00\x00\x00", "i\x01\x00\x00\x00", 0},
		{"equal objects are one", ")\x02i\x09\x00\x00\x00i\x09\x00\x00\x00", ")\x02\xe9\x09\x00\x00\x00r" + le(1), 1},
		{"references are numbered anew", "\xa9\x03\xe9\x01\x00\x00\x00\xe9\x02\x00\x00\x00r" + le(2),
			")\x03i\x01\x00\x00\x00\xe9\x02\x00\x00\x00r" + le(1), 1},
		{"singletons take no number", ")\x04NNTT", ")\x04NNTT", 0},
		{"0.0 is not -0.0", ")\x02g\x00\x00\x00\x00\x00\x00\x00\x00g\x00\x00\x00\x00\x00\x00\x00\x80",
			")\x02g\x00\x00\x00\x00\x00\x00\x00\x00g\x00\x00\x00\x00\x00\x00\x00\x80", 0},
		{"a frozenset is ordered", ">" + le(3) + "z\x01bz\x01ai\x01\x00\x00\x00",
			">" + le(3) + "i\x01\x00\x00\x00Z\x01aZ\x01b", 0},
		{"what looks like a name is interned", "z\x03a_9", "Z\x03a_9", 0},
		{"what does not is not", "Z\x03a-9", "z\x03a-9", 0},
		{"one character is", "z\x01-", "Z\x01-", 0},
		{"one Latin-1 character is", "u\x02\x00\x00\x00é", "t\x02\x00\x00\x00é", 0},
		{"another one is not", "u\x03\x00\x00\x00€", "u\x03\x00\x00\x00€", 0},
		{"an identifier beyond ASCII stays", "t\x03\x00\x00\x00€", "t\x03\x00\x00\x00€", 0},
		{"a short text in a long form", "a\x02\x00\x00\x00a-", "z\x02a-", 0},
		{"a short tuple in a long form", "(\x01\x00\x00\x00N", ")\x01N", 0},
		{"a slice", ":Ni\x01\x00\x00\x00N", ":Ni\x01\x00\x00\x00N", 0},
		{"a long number", "l\xfe\xff\xff\xff\x01\x00\x02\x00", "l\xfe\xff\xff\xff\x01\x00\x02\x00", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := string(normalize(t, []byte(code(test.in, "", "z\x01n"))))
			// The one-item tuple around the constant is new in wrap each time, so it takes no number either.
			if diff := cmp.Diff(wrap(test.want, test.numbers), got); diff != "" {
				t.Error(diff)
			}
			checkSame(t, test.name, []byte(code(test.in, "", "z\x01n")), []byte(got))
		})
	}
}

// A name is interned wherever it stands, also if it does not look like one.
func TestNamesAreInterned(t *testing.T) {
	got := string(normalize(t, []byte(code("z\x03a-b", "z\x03a-b", "z\x08<module>"))))
	if !strings.Contains(got, "Z\x03a-b") || !strings.Contains(got, "Z\x08<module>") {
		t.Errorf("%q", got)
	}
}

func TestRefused(t *testing.T) {
	deep := strings.Repeat(")\x01", maxDepth+1) + "N"
	// Each tuple holds the one before by reference, so the stream is flat and the object is deep.
	var chain strings.Builder
	chain.WriteString("(" + le(maxDepth+1) + "\xa9\x00")
	for i := range uint32(maxDepth) {
		chain.WriteString("\xa9\x01r" + le(i))
	}
	tests := []struct{ name, in, want string }{
		{"nothing", "", "end early"},
		{"not a code object", "N", "not a code object"},
		{"something after it", code("", "", "z\x01n") + "N", "after the object"},
		{"a list", code("[\x00\x00\x00\x00", "", "z\x01n"), "type '['"},
		{"a dictionary", code("{0", "", "z\x01n"), "type '{'"},
		{"no type at all", code("\x01", "", "z\x01n"), "type '\\x01'"},
		{"a reference to nothing", code("r\x63\x00\x00\x00", "", "z\x01n"), "reference 99"},
		{"a negative reference", code("r\xff\xff\xff\xff", "", "z\x01n"), "reference -1"},
		{"an object in itself", code("\xa9\x01r\x00\x00\x00\x00", "", "z\x01n"), "no complete object"},
		{"a text past the end", code("s\xff\xff\xff\x7f", "", "z\x01n"), "end early"},
		{"a negative length", code("s\xff\xff\xff\xff", "", "z\x01n"), "end early"},
		{"a number past the end", code("l\x00\x00\x00\x80", "", "z\x01n"), "end early"},
		{"too deep", code(deep, "", "z\x01n"), "too deep"},
		{"too deep by references", code(chain.String(), "", "z\x01n"), "too deep"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Normalize([]byte(test.in))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, not one about %q", err, test.want)
			}
		})
	}
	if _, err := Normalize([]byte("N")); !errors.Is(err, ErrNotCode) {
		t.Error(err)
	}
	if _, err := Normalize(make([]byte, maxSize+1)); err == nil {
		t.Error("no limit")
	}
}

// Every prefix of a stream is an error, never a panic.
func TestTruncated(t *testing.T) {
	for name, data := range samples(t) {
		for n := range data {
			if _, err := Normalize(data[:n]); err == nil {
				t.Fatalf("%s: the first %d bytes are enough", name, n)
			}
		}
	}
}

// Shared objects whose expansion would not fit into any memory.
func TestSharedObjectsStaySmall(t *testing.T) {
	var b strings.Builder
	const levels = 200
	b.WriteString("(" + le(levels+1) + "\xa9\x00")
	for i := range uint32(levels) {
		b.WriteString("\xa9\x02r" + le(i) + "r" + le(i))
	}
	in := code(b.String(), "", "z\x01n")
	if out := normalize(t, []byte(in)); len(out) > 2*len(in) {
		t.Errorf("%d bytes from %d", len(out), len(in))
	}
	set := code(">"+le(2)+b.String()+"N", "", "z\x01n")
	normalize(t, []byte(set)) // ordering its elements must not walk over every path either
}

func FuzzNormalize(f *testing.F) {
	for _, data := range samples(f) {
		f.Add(data)
	}
	f.Add([]byte(code(":NNN", "Z\x01a", "z\x01n")))
	f.Fuzz(func(t *testing.T, data []byte) {
		out, err := Normalize(data)
		if err != nil {
			return
		}
		checkSame(t, "fuzz", data, out)
	})
}

func BenchmarkNormalize(b *testing.B) {
	data := samples(b)["types-313-fresh.bin"]
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		normalize(b, data)
	}
}
