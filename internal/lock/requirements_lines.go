package lock

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lazyregexp"
)

// How pip makes lines of a requirements file: decode, join what ends in a backslash, and only then cut comments off,
// so that a comment line between two halves does not end the first. See pip/_internal/req/req_file.py.

// logicalLine is one line after joining, and where its parts stand in the file.
type logicalLine struct {
	text  string
	parts []linePart
}

// linePart says that from an offset on the text is that of a physical line, from a column on.
type linePart struct{ offset, line, column int }

// at returns the position of an offset in the text.
func (l logicalLine) at(file string, offset int) diag.Position {
	i, found := slices.BinarySearchFunc(l.parts, offset, func(p linePart, offset int) int { return cmp.Compare(p.offset, offset) })
	if !found {
		i--
	}
	for i+1 < len(l.parts) && l.parts[i+1].offset <= offset { // empty parts begin at the same offset
		i++
	}
	p := l.parts[max(i, 0)]
	return diag.Position{File: file, Line: p.line, Column: p.column + offset - p.offset}
}

// logicalLines joins and cuts, and leaves empty lines out. Joining keeps what indents the next line, as pip does. One line is
// held at a time: a file of short ones has millions.
func logicalLines(text string) iter.Seq[logicalLine] {
	return func(yield func(logicalLine) bool) {
		var joined strings.Builder
		var parts []linePart
		flush := func() bool {
			line, ok := withoutComment(logicalLine{joined.String(), parts})
			joined.Reset()
			parts = nil
			return !ok || yield(line)
		}
		number := 0
		for physical := range physicalLines(text) {
			number++
			comment := isComment(physical)
			column := 1
			if comment { // so that it is cut off later, whatever stands before it
				physical, column = " "+physical, 0
			}
			parts = append(parts, linePart{joined.Len(), number, column})
			if strings.HasSuffix(physical, `\`) && !comment {
				joined.WriteString(strings.TrimRight(physical, `\`))
				continue
			}
			joined.WriteString(physical)
			if !flush() {
				return
			}
		}
		if len(parts) > 0 {
			flush()
		}
	}
}

// isComment tells a line that holds nothing else.
func isComment(line string) bool { return strings.HasPrefix(strings.TrimLeft(line, " \t"), "#") }

// withoutComment cuts the comment off, and tells whether anything is left.
func withoutComment(line logicalLine) (logicalLine, bool) {
	for i := range len(line.text) {
		if line.text[i] == '#' && (i == 0 || line.text[i-1] == ' ' || line.text[i-1] == '\t') {
			line.text = line.text[:i]
			break
		}
	}
	line.text = strings.TrimRight(line.text, " \t")
	return line, strings.TrimSpace(line.text) != ""
}

// physicalLines splits where Python's str.splitlines does.
func physicalLines(text string) iter.Seq[string] {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return strings.SplitSeq(strings.Map(func(r rune) rune {
		switch r {
		case '\r', '\v', '\f', '\x1c', '\x1d', '\x1e', '\u0085', '\u2028', '\u2029':
			return '\n'
		}
		return r
	}, text), "\n")
}

// codingLine is a comment that names the encoding of a file (PEP 263).
var codingLine = lazyregexp.New(`^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)`)

// maxHead is how many bytes the two lines have that may name the encoding.
const maxHead = 1024

var errNotText = errors.New("the file is no UTF-8")

// decodeText makes UTF-8 of a file, whose encoding a byte order mark or one of its first two lines may name.
func decodeText(data []byte) (string, error) {
	switch {
	case strings.HasPrefix(string(data), "\xef\xbb\xbf"):
		data = data[3:]
	case strings.HasPrefix(string(data), "\xff\xfe"):
		return decode16(data[2:], func(a, b byte) uint16 { return uint16(b)<<8 | uint16(a) })
	case strings.HasPrefix(string(data), "\xfe\xff"):
		return decode16(data[2:], func(a, b byte) uint16 { return uint16(a)<<8 | uint16(b) })
	}
	head := strings.SplitN(string(data[:min(len(data), maxHead)]), "\n", 3)
	for _, line := range head[:min(len(head), 2)] {
		if m := codingLine.FindStringSubmatch(line); m != nil {
			return decodeNamed(data, m[1])
		}
	}
	if !utf8.Valid(data) {
		return "", errNotText
	}
	return string(data), nil
}

// decodeNamed decodes by the name that a file gives its encoding. Whoever needs another than these can write UTF-8.
func decodeNamed(data []byte, encoding string) (string, error) {
	switch strings.ReplaceAll(strings.ToLower(encoding), "_", "-") {
	case "utf-8", "utf8", "ascii", "us-ascii":
		if !utf8.Valid(data) {
			return "", errNotText
		}
		return string(data), nil
	case "latin-1", "latin1", "iso-8859-1", "iso8859-1":
		runes := make([]rune, len(data))
		for i, b := range data {
			runes[i] = rune(b)
		}
		return string(runes), nil
	}
	return "", fmt.Errorf("the file says that it is in %q, which lithe does not read; write it in UTF-8", encoding)
}

// decode16 decodes UTF-16 in a byte order.
func decode16(data []byte, join func(a, b byte) uint16) (string, error) {
	if len(data)%2 != 0 {
		return "", errNotText
	}
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = join(data[2*i], data[2*i+1])
	}
	return string(utf16.Decode(units)), nil
}
