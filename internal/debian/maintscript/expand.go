package maintscript

import (
	"path"
	"strconv"
	"strings"
)

// expand returns the one string that a word stands for.
func (m *machine) expand(w word) value {
	var b strings.Builder
	all := true
	for _, p := range w {
		v := m.piece(p)
		all = all && v.known
		b.WriteString(v.text)
	}
	if !all {
		return value{}
	}
	return known(b.String())
}

// fields returns the arguments that words stand for; ok is false where their number is not known. A word of which
// nothing is known counts as one argument if it is quoted.
func (m *machine) fields(words []word) (all []value, ok bool) {
	ok = true
	for _, w := range words {
		values, sure := m.split(w)
		all = append(all, values...)
		ok = ok && sure
	}
	return all, ok
}

// split returns the fields of one word. What is quoted stays whole; the rest falls apart at spaces.
func (m *machine) split(w word) ([]value, bool) {
	if len(w) == 1 && w[0].kind == variable && w[0].text == "@" && w[0].op == "" {
		return m.args, m.spendArgs()
	}
	var fields []*field
	sure, open := true, false // open: the last field may go on
	add := func(text string, isKnown bool) {
		if !open {
			fields = append(fields, &field{known: true})
			open = true
		}
		last := fields[len(fields)-1]
		last.text.WriteString(text)
		last.known = last.known && isKnown
	}
	for _, p := range w {
		v := m.piece(p)
		switch {
		case p.quoted || p.kind == literal:
			add(v.text, v.known)
			// A file pattern stands for the files that it matches, which are not looked for.
			if !p.quoted && hasPattern(p.text) && !m.matchesNothing(w) {
				fields[len(fields)-1].known = false
				sure = false
			}
		case !v.known:
			add("", false)
			sure = false
		default:
			parts := strings.FieldsFunc(v.text, isSpace)
			m.spend(perPart * len(parts))
			for i, part := range parts {
				open = open && i == 0 && !isSpace(rune(v.text[0]))
				add(part, true)
			}
			if n := len(v.text); n > 0 && isSpace(rune(v.text[n-1])) {
				open = false
			}
		}
	}
	values := make([]value, len(fields))
	for i, f := range fields {
		values[i] = value{f.text.String(), f.known}
	}
	return values, sure
}

// field is a value that is put together.
type field struct {
	text  strings.Builder
	known bool
}

// spendArgs counts the text of all arguments.
func (m *machine) spendArgs() bool {
	n := 0
	for _, a := range m.args {
		n += perPart + len(a.text)
	}
	return m.spend(n)
}

// matchesNothing reports a file pattern in a folder that is not there. The shell leaves such a pattern as it is.
func (m *machine) matchesNothing(w word) bool {
	var plain strings.Builder
	for _, p := range w {
		if p.kind == literal && !p.quoted && hasPattern(p.text) {
			plain.WriteString(p.text[:strings.IndexAny(p.text, "*?[")])
			break
		}
		v := m.piece(p)
		if !v.known {
			return false
		}
		plain.WriteString(v.text)
	}
	dir := path.Dir(plain.String() + "x")
	_, there := m.lookup(dir, true)
	return path.IsAbs(dir) && !there
}

// hasPattern reports what the shell would look for as names of files; a lone bracket is the command of that name.
func hasPattern(s string) bool {
	return strings.ContainsAny(s, "*?") || strings.Contains(s, "[") && strings.Contains(s, "]")
}

func isSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\n' }

// piece returns what a piece of a word stands for.
func (m *machine) piece(p piece) (v value) {
	switch p.kind {
	case literal:
		v = known(p.text)
	case variable:
		v = m.variable(p)
	case substitution:
		v = m.substitute(p.body)
	}
	if !m.spend(perPart + len(v.text)) {
		return value{}
	}
	return v
}

// variable returns a variable's value, or what its operator makes of it.
func (m *machine) variable(p piece) value {
	v, set := m.parameter(p.text)
	empty := v.known && v.text == ""
	if p.op != "" && !m.spend(len(v.text)) {
		return value{}
	}
	switch p.op {
	case "":
		return v
	case ":-", ":=", "-", "=":
		if !v.known {
			return value{}
		}
		if !set || strings.HasPrefix(p.op, ":") && empty {
			v = m.expand(p.arg)
			if strings.HasSuffix(p.op, "=") {
				m.vars[p.text] = v
			}
		}
		return v
	case ":+", "+":
		if !v.known {
			return value{}
		}
		if !set || p.op == ":+" && empty {
			return known("")
		}
		return m.expand(p.arg)
	case ":?", "?":
		return v
	}
	return m.trimmed(v, p)
}

// trimmed removes a plain beginning or end; of patterns nothing is known.
func (m *machine) trimmed(v value, p piece) value {
	part, ok := m.pattern(p.arg)
	if !ok || !v.known {
		return value{}
	}
	switch {
	case !strings.ContainsAny(part, `*?[\`) && strings.HasPrefix(p.op, "#"):
		return known(strings.TrimPrefix(v.text, part))
	case !strings.ContainsAny(part, `*?[\`):
		return known(strings.TrimSuffix(v.text, part))
	case p.op == "##" && part == "*/":
		return known(path.Base(v.text))
	case p.op == "%" && part == "/*" && strings.Contains(v.text, "/"):
		return known(v.text[:strings.LastIndexByte(v.text, '/')])
	}
	return value{}
}

// parameter returns a variable or an argument. What is not set is empty: dpkg gives scripts next to no environment.
func (m *machine) parameter(name string) (v value, set bool) {
	switch name {
	case "#":
		return known(strconv.Itoa(len(m.args))), true
	case "0":
		return known("/var/lib/dpkg/info/" + m.script.Package + "." + m.script.Name), true
	case "@", "*":
		if !m.spendArgs() {
			return value{}, true
		}
		var texts []string
		for _, a := range m.args {
			if !a.known {
				return value{}, true
			}
			texts = append(texts, a.text)
		}
		return known(strings.Join(texts, " ")), len(texts) > 0
	case "?", "$", "!", "-":
		return value{}, true
	}
	if n, err := strconv.Atoi(name); err == nil {
		if n > len(m.args) {
			return known(""), false
		}
		return m.args[n-1], true
	}
	if v, set = m.vars[name]; !set {
		return known(""), false
	}
	return v, true
}

// substitute returns what a command would print. It is followed as well, since a script may change things there.
func (m *machine) substitute(body list) value {
	out := value{}
	m.isolated(func() {
		if len(body) == 1 {
			if s, ok := orTrue(body[0]).(simple); ok && len(s.words) > 0 && m.printsOnly(s) {
				if args, sure := m.fields(s.words); sure {
					out = m.printed(args)
					return
				}
			}
		}
		m.perhaps(func() { m.list(body) })
	})
	return out
}

// orTrue returns the command of "command || true".
func orTrue(n node) node {
	a, ok := n.(andOr)
	if !ok || len(a.rest) != 1 || a.rest[0].and {
		return n
	}
	if s, ok := a.rest[0].node.(simple); ok && (s.text == "true" || s.text == ":") {
		return a.first
	}
	return n
}

// printsOnly reports a command of the table of those whose output is known.
func (m *machine) printsOnly(s simple) bool {
	name := m.expand(s.words[0])
	_, ok := outputs[name.text]
	return name.known && ok && m.functions[name.text] == nil
}

// printed returns the output of a command without its last newlines.
func (m *machine) printed(args []value) value {
	texts := make([]string, len(args))
	for i, a := range args {
		if !a.known {
			return value{}
		}
		texts[i] = a.text
	}
	return outputs[texts[0]](m, texts[1:])
}

// outputs is the commands whose output is known.
var outputs = map[string]func(m *machine, args []string) value{
	"basename": func(_ *machine, args []string) value {
		if len(args) == 1 {
			return known(path.Base(args[0]))
		}
		return value{}
	},
	"dirname": func(_ *machine, args []string) value {
		if len(args) == 1 {
			return known(path.Dir(args[0]))
		}
		return value{}
	},
	"command": func(m *machine, args []string) value {
		if len(args) == 2 && args[0] == "-v" {
			return known(m.program(args[1]))
		}
		return value{}
	},
	"which": func(m *machine, args []string) value {
		if len(args) == 1 {
			return known(m.program(args[0]))
		}
		return value{}
	},
	"echo": func(_ *machine, args []string) value {
		if text := strings.Join(args, " "); !strings.HasPrefix(text, "-") {
			return known(strings.TrimRight(text, "\n"))
		}
		return value{}
	},
	"dpkg-query": func(m *machine, args []string) value {
		for n, a := range args {
			if strings.HasPrefix(a, "-") || n > 0 && (args[n-1] == "-f" || args[n-1] == "--showformat") {
				continue
			}
			if name, _, _ := strings.Cut(a, ":"); !m.system.Installed(name) {
				return known("")
			}
			break
		}
		return value{}
	},
	"dpkg-divert": func(_ *machine, args []string) value {
		if len(args) == 2 && args[0] == "--truename" { // nothing is diverted
			return known(args[1])
		}
		if len(args) == 2 && args[0] == "--listpackage" {
			return known("")
		}
		return value{}
	},
}
