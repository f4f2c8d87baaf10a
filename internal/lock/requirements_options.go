package lock

import (
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/name"
)

// option is an option of a requirements file with its value.
type option struct {
	name  string // as the table has it, "--hash"
	value string
	pos   diag.Position
}

// optionRule says what lithe does about an option.
type optionRule struct {
	value bool // whether it takes one
	apply func(r *requirementsReader, o option)
}

// requirementOptions are the options that pip knows in a file, by all their spellings. Another is a mistake, since pip
// refuses it as well. Most of those without effect choose between versions, which a lock leaves no choice of.
func requirementOptions(spelling string) (canonical string, rule optionRule, ok bool) {
	switch spelling {
	case "-r", "--requirement":
		return "-r", optionRule{true, func(r *requirementsReader, o option) { r.include(o, false) }}, true
	case "-c", "--constraint":
		return "-c", optionRule{true, func(r *requirementsReader, o option) { r.include(o, true) }}, true
	case "-e", "--editable":
		return "-e", optionRule{true, func(r *requirementsReader, o option) { r.local(o.value, o.pos, true, nil) }}, true
	case "-i", "--index-url", "--pypi-url":
		return "--index-url", optionRule{true, (*requirementsReader).setIndex}, true
	case "--extra-index-url":
		return spelling, optionRule{true, (*requirementsReader).addIndex}, true
	case "-f", "--find-links":
		return "--find-links", optionRule{true, (*requirementsReader).findLinks}, true
	case "--no-index":
		return spelling, optionRule{false, func(r *requirementsReader, _ option) { r.noIndex = true }}, true
	case "--no-binary":
		return spelling, optionRule{true, func(r *requirementsReader, o option) { r.noBinary.set(o.value, &r.onlyBinary) }}, true
	case "--only-binary":
		return spelling, optionRule{true, func(r *requirementsReader, o option) { r.onlyBinary.set(o.value, &r.noBinary) }}, true
	case "--trusted-host":
		return spelling, optionRule{true, func(r *requirementsReader, o option) { r.trusted = append(r.trusted, o.value) }}, true
	case "--require-hashes", "--pre", "--prefer-binary":
		return spelling, optionRule{apply: func(*requirementsReader, option) {}}, true
	case "--use-feature", "--uploaded-prior-to":
		return spelling, optionRule{true, func(*requirementsReader, option) {}}, true
	case "--no-require-hashes":
		return spelling, optionRule{apply: func(r *requirementsReader, o option) {
			r.warn(o.pos, "hash-missing", "%s: lithe installs nothing without a hash all the same", o.name)
		}}, true
	case "--hash":
		return spelling, optionRule{true, func(r *requirementsReader, o option) {
			r.bad(o.pos, "--hash stands behind a requirement, not on a line of its own")
		}}, true
	case "--config-settings", "--config-setting", "-C", "--global-option", "--install-option":
		return "--config-settings", optionRule{true, func(r *requirementsReader, o option) {
			r.bad(o.pos, "%s stands behind a requirement, not on a line of its own", spelling)
		}}, true
	}
	return "", optionRule{}, false
}

// formatControl is which projects may not come in a form.
type formatControl struct {
	all   bool
	names map[string]bool
}

// set reads a comma-separated list: names, ":all:" for every project, ":none:" to forget what stands before it. A name
// that is in this list is no longer in the other, as the last option wins.
func (f *formatControl) set(list string, other *formatControl) {
	for n := range strings.SplitSeq(list, ",") {
		switch n = strings.TrimSpace(n); n {
		case ":all:":
			*f, *other = formatControl{all: true}, formatControl{}
		case ":none:":
			*f = formatControl{}
		case "":
		default:
			if f.names == nil {
				f.names = map[string]bool{}
			}
			f.names[name.Normalize(n)] = true
			delete(other.names, name.Normalize(n))
		}
	}
}

// has tells whether the project may not come in the form. A name in the other list beats ":all:" in this one.
func (f formatControl) has(project string, other formatControl) bool {
	return f.names[project] || f.all && !other.names[project]
}

// options reads the options at the end of a line, from an offset on, and reports those that nobody knows.
func (r *requirementsReader) options(l logicalLine, from int) []option {
	words, ok := splitWords(l.text, from)
	if !ok {
		r.bad(r.at(l, from), "a quotation mark has no partner")
		return nil
	}
	var out []option
	for i := 0; i < len(words); i++ {
		spelling, value, has := strings.Cut(words[i].text, "=")
		if w := words[i].text; len(w) > 2 && w[0] == '-' && w[1] != '-' { // "-rfile"
			spelling, value, has = w[:2], w[2:], true
		}
		canonical, rule, known := requirementOptions(spelling)
		pos := r.at(l, words[i].offset)
		switch {
		case !known:
			r.report(&diag.Error{Pos: pos, Code: "unknown-option", What: "pip knows no option " + quoted(spelling) + " in a requirements file",
				Hint: "remove it; see https://pip.pypa.io/en/stable/reference/requirements-file-format/"})
			return nil
		case rule.value && !has && i+1 == len(words):
			r.bad(pos, "%s lacks its value", spelling)
			return nil
		case rule.value && !has:
			i++
			value = words[i].text
		case !rule.value && has:
			r.bad(pos, "%s takes no value", spelling)
			return nil
		}
		out = append(out, option{canonical, value, pos})
	}
	return out
}

// quoted shows a word of the file, shortened.
func quoted(s string) string {
	if len(s) > 80 {
		s = s[:80] + "…"
	}
	return `"` + strings.ToValidUTF8(s, "?") + `"`
}

// word is a word of a line, without its quotation marks.
type word struct {
	text   string
	offset int
}

// splitWords splits as a POSIX shell does, false where a quotation mark has no partner.
func splitWords(text string, from int) ([]word, bool) {
	var out []word
	var b strings.Builder
	start, quote := -1, byte(0)
	for i := from; i < len(text); i++ {
		c := text[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == '\'':
			b.WriteByte(c)
		case c == '\\' && i+1 < len(text) && (quote == 0 || text[i+1] == '"' || text[i+1] == '\\'):
			start = orStart(start, i)
			i++
			b.WriteByte(text[i])
		case quote != 0:
			b.WriteByte(c)
		case c == '"' || c == '\'':
			start, quote = orStart(start, i), c
		case c != ' ' && c != '\t':
			start = orStart(start, i)
			b.WriteByte(c)
		case start >= 0:
			out = append(out, word{b.String(), start})
			b.Reset()
			start = -1
		}
	}
	if start >= 0 {
		out = append(out, word{b.String(), start})
	}
	return out, quote == 0
}

// orStart returns where a word begins: here, unless it has begun.
func orStart(start, here int) int {
	if start < 0 {
		return here
	}
	return start
}
