package pep517

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/python/wheel"
)

// Difference is a file that two wheels do not have alike.
type Difference struct {
	Path          string
	Only          bool   // one of the wheels does not have it
	Mode          bool   // it is executable in one of them, and the same otherwise
	At            int64  // first byte that differs
	First, Second string // what stands there in each
}

// String names the file, and shows where it differs.
func (d Difference) String() string {
	switch {
	case d.Only:
		return d.Path + ": in one of them alone"
	case d.Mode:
		return d.Path + ": executable in one of them alone"
	}
	return fmt.Sprintf("%s: from byte %d on, %q and %q", d.Path, d.At, d.First, d.Second)
}

// Compare returns the files that differ between two wheels, sorted by path. RECORD is left out, since it says of others what they are.
func Compare(a, b *wheel.Wheel) (all []Difference, err error) {
	other := map[string]wheel.File{}
	for _, f := range b.Files {
		other[f.Path] = f
	}
	for _, f := range a.Files {
		g, ok := other[f.Path]
		delete(other, f.Path)
		if strings.HasSuffix(f.Path, ".dist-info/RECORD") {
			continue
		}
		if !ok {
			all = append(all, Difference{Path: f.Path, Only: true})
			continue
		}
		d, same, err := compareFiles(f, g)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Path, err)
		}
		if !same {
			all = append(all, d)
		}
	}
	for _, f := range b.Files {
		if _, left := other[f.Path]; left {
			all = append(all, Difference{Path: f.Path, Only: true})
		}
	}
	slices.SortFunc(all, func(x, y Difference) int { return strings.Compare(x.Path, y.Path) })
	return all, nil
}

// window is how many bytes before and behind the first difference are shown.
const window = 16

// compareFiles reads two files until they differ.
func compareFiles(a, b wheel.File) (d Difference, same bool, err error) {
	d = Difference{Path: a.Path}
	x, err := a.Content.Open()
	if err != nil {
		return d, false, err
	}
	defer x.Close()
	y, err := b.Content.Open()
	if err != nil {
		return d, false, err
	}
	defer y.Close()
	p, q := bufio.NewReader(x), bufio.NewReader(y)
	var before []byte
	for {
		c, errX := p.ReadByte()
		e, errY := q.ReadByte()
		if err := errors.Join(unlessEnd(errX), unlessEnd(errY)); err != nil {
			return d, false, err
		}
		if errX != nil && errY != nil {
			d.Mode = a.Executable != b.Executable
			return d, !d.Mode, nil
		}
		if errX != nil || errY != nil || c != e {
			d.First, d.Second = shownAround(before, c, errX, p), shownAround(before, e, errY, q)
			return d, false, nil
		}
		d.At++
		if before = append(before, c); len(before) > window {
			before = before[1:]
		}
	}
}

func unlessEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// shownAround returns what stands around a byte, or the end of the file.
func shownAround(before []byte, c byte, end error, rest *bufio.Reader) string {
	if end != nil {
		return string(before) + "(end)"
	}
	behind, _ := rest.Peek(window) // fewer at the end
	return string(append(append([]byte{}, before...), append([]byte{c}, behind...)...))
}
