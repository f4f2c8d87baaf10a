package toml

import (
	"bytes"
	"sort"

	"github.com/lithe-build/lithe/internal/diag"
)

// lines turns offsets into positions. Offsets are mostly asked for in rising order, so the last line is tried first.
type lines struct {
	file   string
	data   []byte
	starts []int // offset of each line
	last   int   // index of the line found last
}

// newLines finds the beginnings of all lines.
func newLines(file string, data []byte) *lines {
	starts := make([]int, 1, bytes.Count(data, []byte{'\n'})+1)
	for i, c := range data {
		if c == '\n' {
			starts = append(starts, i+1)
		}
	}
	return &lines{file: file, data: data, starts: starts}
}

// at returns the position of an offset.
func (l *lines) at(offset int) diag.Position {
	if !l.holds(l.last, offset) && !l.holds(l.last+1, offset) {
		l.last = sort.SearchInts(l.starts, offset+1) - 1
	} else if l.holds(l.last+1, offset) {
		l.last++
	}
	return diag.Position{File: l.file, Line: l.last + 1, Column: offset - l.starts[l.last] + 1}
}

// holds tells whether line i exists and has the offset.
func (l *lines) holds(i, offset int) bool {
	if i >= len(l.starts) || offset < l.starts[i] {
		return false
	}
	return i+1 == len(l.starts) || offset < l.starts[i+1]
}

// text returns the line that has the position.
func (l *lines) text(pos diag.Position) []byte {
	line, _, _ := bytes.Cut(l.data[l.starts[pos.Line-1]:], []byte{'\n'})
	return line
}
