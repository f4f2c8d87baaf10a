package control

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// read returns all paragraphs as lists of name, value, name, value.
func read(r io.Reader, opt Options) ([][]string, error) {
	var all [][]string
	for p, err := range All(r, opt) {
		if err != nil {
			return all, err
		}
		var one []string
		for name, value := range p.Fields() {
			one = append(one, name, string(value))
		}
		all = append(all, one)
	}
	return all, nil
}

func TestRead(t *testing.T) {
	tests := []struct {
		name, in string
		want     [][]string
		err      string // "" means none
	}{
		{name: "empty"},
		{name: "only newlines", in: "\n\n\n"},
		{name: "two", in: "A: 1\nB: 2\n\nA: 3\n", want: [][]string{{"A", "1", "B", "2"}, {"A", "3"}}},
		{name: "many newlines between", in: "\nA: 1\n\n\n\nA: 3\n\n", want: [][]string{{"A", "1"}, {"A", "3"}}},
		{name: "no newline at the end", in: "A: 1", want: [][]string{{"A", "1"}}},
		{name: "continued", in: "A: 1\n 2\n .\n\t3\nB:\n x\n", want: [][]string{{"A", "1\n 2\n .\n\t3", "B", "x"}}},
		{name: "blanks around", in: "A :1\n", err: "test:1: \"A \" is not a field name"},
		{name: "value with colons", in: "A:  b: c  \n", want: [][]string{{"A", "b: c"}}},
		{name: "no field", in: "A: 1\nnothing\n", err: `test:2: "nothing" is not "Field: value"`},
		{name: "no name", in: "\n: 1\n", err: `test:2: ": 1" is not`},
		{name: "twice", in: "\n\nA: 1\nB: 1\na: 2\n", err: "test:5: field a stands twice"},
		{name: "twice in two paragraphs", in: "A: 1\n\nA: 2", want: [][]string{{"A", "1"}, {"A", "2"}}},
		{name: "continuation first", in: "A: 1\n\n b\n", err: "test:3: a continuation line"},
		{name: "blank line inside", in: "A: 1\n  \nB: 2\n", err: "test:2: a line of blanks only"},
		{name: "comment", in: "# A: 1\n", err: "is not a field name"},
		{name: "zero byte", in: "A: \x00\n", err: "test:1: a zero byte"},
		{name: "too many fields", in: manyFields(maxFields + 1), err: "more than 256 fields"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for how, r := range map[string]io.Reader{
				"whole":    strings.NewReader(test.in),
				"one byte": iotest.OneByteReader(strings.NewReader(test.in)),
				"data err": iotest.DataErrReader(strings.NewReader(test.in)),
			} {
				got, err := read(r, Options{File: "test"})
				if test.err != "" {
					if err == nil || !strings.Contains(err.Error(), test.err) {
						t.Errorf("%s: error is %v, want %q", how, err, test.err)
					}
					continue
				}
				if err != nil {
					t.Errorf("%s: %v", how, err)
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("%s: %s", how, diff)
				}
			}
		})
	}
}

func manyFields(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("F" + strings.Repeat("x", i) + ": 1\n")
	}
	return b.String()
}

func TestParagraphCap(t *testing.T) {
	in := "A: " + strings.Repeat("x", 100) + "\n"
	if _, err := read(strings.NewReader(in+"\n"+in), Options{MaxParagraph: 104}); err != nil {
		t.Error(err)
	}
	_, err := read(strings.NewReader(in), Options{MaxParagraph: 50})
	if err == nil || !strings.Contains(err.Error(), "more than 50 bytes") {
		t.Errorf("error is %v", err)
	}
}

func TestReadError(t *testing.T) {
	_, err := read(io.MultiReader(strings.NewReader("A: 1\n"), iotest.ErrReader(io.ErrUnexpectedEOF)), Options{})
	if err == nil || !strings.Contains(err.Error(), "unexpected EOF") {
		t.Errorf("error is %v", err)
	}
}

func TestOne(t *testing.T) {
	p, err := One([]byte("Package: x\nConffiles:\n /etc/a 1\n /etc/b 2\nEmpty:\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range p.Lines("conffiles") {
		lines = append(lines, line)
	}
	if diff := cmp.Diff([]string{"/etc/a 1", "/etc/b 2"}, lines); diff != "" {
		t.Error(diff)
	}
	if p.Get("PACKAGE") != "x" || p.Get("Absent") != "" || p.Has("Absent") || !p.Has("empty") || p.Line != 1 {
		t.Errorf("fields read wrongly: %+v", p)
	}
	for name, in := range map[string]string{"empty": "\n", "second paragraph": "A: 1\n\nB: 2\n"} {
		if _, err := One([]byte(in), Options{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// What parses prints and parses back to the same fields, at any buffer size.
func FuzzRead(f *testing.F) {
	f.Add([]byte("Package: a\nDepends: b (>= 1) | c,\n d\n\nPackage: b\n"))
	f.Add([]byte("A:\n x\n\n\nB: 1"))
	f.Add([]byte("A: 1\n \nB: 2\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		want, err := read(bytes.NewReader(data), Options{})
		if err != nil {
			return
		}
		var printed bytes.Buffer
		for p := range All(iotest.HalfReader(bytes.NewReader(data)), Options{}) {
			printed.WriteString(p.String() + "\n")
		}
		got, err := read(iotest.OneByteReader(&printed), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// A suite's Packages file is about 450 times this.
func BenchmarkRead(b *testing.B) {
	one := "Package: libexample1\nSource: example\nVersion: 1.2.3-4+deb13u1\nInstalled-Size: 1234\n" +
		"Maintainer: A Person <person@example.org>\nArchitecture: amd64\nReplaces: libexample0\n" +
		"Depends: libc6 (>= 2.38), libssl3t64 (>= 3.0.0), zlib1g (>= 1:1.1.4), python3:any | python3-minimal\n" +
		"Description: an example of a paragraph\nHomepage: https://example.org/\n" +
		"Description-md5: 0123456789abcdef0123456789abcdef\nTag: role::shared-lib, implemented-in::c,\n uitoolkit::none\n" +
		"Section: libs\nPriority: optional\nFilename: pool/main/e/example/libexample1_1.2.3-4+deb13u1_amd64.deb\n" +
		"Size: 123456\nMD5sum: 0123456789abcdef0123456789abcdef\n" +
		"SHA256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n\n"
	data := []byte(strings.Repeat(one, 150))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for p, err := range All(bytes.NewReader(data), Options{}) {
			if err != nil {
				b.Fatal(err)
			}
			n += len(p.Bytes("Filename"))
		}
		if n == 0 {
			b.Fatal("nothing read")
		}
	}
}
