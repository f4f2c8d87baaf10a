// Package script reads the metadata that a Python script carries in a comment (PEP 723, "inline script metadata").
//
// The text of a script goes in; the table of its `script` block comes out, with positions that point into the script. Blocks
// are found by the specification's own regular expression, comment by comment: the script is never parsed as Python, and
// blocks of other types are passed over.
// See https://packaging.python.org/en/latest/specifications/inline-script-metadata/.
package script

import (
	"fmt"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/toml"
)

// MaxSize is the largest script in bytes; programs of one file have some hundred kilobytes at most.
const MaxSize = 8 << 20

const (
	opening = "# /// "
	closing = "# ///"
	kind    = "script" // of the block that says what the script needs
)

// block is one block of metadata: the lines between the two that mark it.
type block struct {
	kind  string
	line  int // of the mark that begins it, from 1
	lines []string
}

// Parse returns the table of the script block. The error is a *diag.Error or a diag.List: there is no such block, or more than
// one, or it is no TOML.
func Parse(file string, source []byte) (*toml.Table, error) {
	if len(source) > MaxSize {
		return nil, &diag.Error{Pos: diag.Position{File: file}, Code: "too-large", What: fmt.Sprintf("the script has more than %d bytes", MaxSize),
			Hint: "make a project of it with `uv init`"}
	}
	lines := strings.Split(newlines.Replace(string(source)), "\n")
	var found *block
	for _, b := range blocks(lines) {
		if b.kind != kind {
			continue
		}
		if found != nil {
			return nil, &diag.Error{Pos: diag.Position{File: file, Line: b.line}, Code: "script-block",
				What: fmt.Sprintf("the script has a second block of metadata; the first begins in line %d", found.line), Hint: "make one of both"}
		}
		found = &b
	}
	if found == nil {
		return nil, none(file, lines)
	}
	return toml.Parse(file, found.text())
}

// newlines are made one kind, as Python does when it reads a text.
var newlines = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// blocks are what the regular expression of the specification finds. A block ends with the last closing line of the comment
// that begins with its opening line, since the expression is greedy; without one it is no block.
func blocks(lines []string) (all []block) {
	for i := 0; i < len(lines); i++ {
		if kindOf(lines[i]) == "" {
			continue
		}
		end, j := 0, i+1
		for ; j < len(lines) && isContent(lines[j]); j++ {
			if lines[j] == closing && j > i+1 {
				end = j
			}
		}
		if end == 0 { // then no line of this comment begins one
			i = j - 1
			continue
		}
		all = append(all, block{kindOf(lines[i]), i + 1, lines[i+1 : end]})
		i = end
	}
	return all
}

// kindOf returns the type that an opening line names, "" for other lines.
func kindOf(line string) string {
	name, ok := strings.CutPrefix(line, opening)
	if !ok || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
		return ""
	}
	return name
}

// isContent tells a line that may stand in a block.
func isContent(line string) bool { return line == "#" || strings.HasPrefix(line, "# ") }

// text is the TOML of the block at the lines where it stands in the script, so that positions are those of the script. Its
// columns are, too, where blanks in place of the comment signs change nothing: not in texts of several lines.
func (b block) text() []byte {
	inside := strings.Join(b.lines, "\n")
	blanks := "  "
	if strings.Contains(inside, `"""`) || strings.Contains(inside, "'''") {
		blanks = ""
	}
	var out strings.Builder
	out.WriteString(strings.Repeat("\n", b.line))
	for _, line := range b.lines {
		if content, ok := strings.CutPrefix(line, "# "); ok {
			out.WriteString(blanks + content)
		}
		out.WriteByte('\n')
	}
	return []byte(out.String())
}

// none is the problem of a script without a block. One that was begun and not ended is none, and easily overlooked.
func none(file string, lines []string) *diag.Error {
	problem := &diag.Error{Pos: diag.Position{File: file}, Code: "no-script-block", What: "the script has no block `# /// script`, which says what it needs",
		Hint: "`uv add --script " + file + " PACKAGE` writes one"}
	for i, line := range lines {
		if kindOf(line) == kind {
			problem.Pos.Line, problem.What = i+1, "the block `# /// script` has no end"
			problem.Hint = "each of its lines begins with \"# \", and the last one is \"# ///\""
			break
		}
	}
	return problem
}
