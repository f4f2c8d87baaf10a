// Package diag holds the problems that a user can fix: where, what, and what to do about it.
//
// A problem has a position in a file of the user's, a stable code, one sentence, and a hint. Parsers collect
// problems in a List, sorted by place, so that one run reports all of them; builders stop at the first.
// Any other error is ours or the network's, which is how the command line tells exit code 1 from 3.
// The package imports nothing of ours and prints nothing.
package diag

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Position is a place in a file. Line and Column count from 1; 0 means unknown.
type Position struct {
	File   string `json:"file,omitempty"` // as the user would write it: relative to the project where it is inside
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

// String returns file:line, as far as they are known. Columns are for tools, so they stay in JSON.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Error is one problem that the user can fix.
type Error struct {
	Pos  Position `json:"position"`
	Code string   `json:"code"`           // stable, kebab-case, such as "no-wheel"
	What string   `json:"message"`        // lower case, no full stop, names the value
	Hint string   `json:"hint,omitempty"` // what to do; a command stands in backquotes
	// Detail is what another program said, in lines: shown to people below the sentence, and no part of Error.
	Detail string `json:"detail,omitempty"`
	Err    error  `json:"-"` // the cause, where callers may ask for it
}

// Error returns "file:line: what; hint".
func (e *Error) Error() string {
	var b strings.Builder
	if pos := e.Pos.String(); pos != "" {
		b.WriteString(pos + ": ")
	}
	b.WriteString(e.What)
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// List collects problems. The zero value is ready to use.
type List []*Error

// Addf adds a problem without a hint.
func (l *List) Addf(pos Position, code, format string, args ...any) {
	l.Add(&Error{Pos: pos, Code: code, What: fmt.Sprintf(format, args...)})
}

// Add adds a problem.
func (l *List) Add(e *Error) { *l = append(*l, e) }

// Err returns nil for an empty list, else the list sorted by place, without repetitions.
func (l List) Err() error {
	if len(l) == 0 {
		return nil
	}
	sorted := slices.Clone(l)
	slices.SortStableFunc(sorted, func(a, b *Error) int {
		return cmp.Or(strings.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
	return slices.CompactFunc(sorted, func(a, b *Error) bool { return a.Error() == b.Error() })
}

// Error returns one problem a line.
func (l List) Error() string {
	lines := make([]string, len(l))
	for i, e := range l {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Problems returns the problems that err holds, in order, and whether it holds any.
func Problems(err error) ([]*Error, bool) {
	if list, ok := errors.AsType[List](err); ok {
		return list, true
	}
	if one, ok := errors.AsType[*Error](err); ok {
		return []*Error{one}, true
	}
	return nil, false
}
