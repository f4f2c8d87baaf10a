package application

import (
	"strings"

	"github.com/lithe-build/lithe/internal/python/syntax"
)

// module is what a file says at its top level.
type module struct {
	file string
	scope
	lines []syntax.Line
	root  *string // that imports start from, once it was asked for
}

// scope is the names of a module or a function.
type scope struct {
	names   map[string][]binding // in the order of lines; the first of a known kind counts
	stars   []reference          // modules whose names are here, too
	imports []reference          // every module that is imported
	returns []syntax.Statement   // of a function: what it returns
}

// binding is one way in which a name gets its meaning. One of its fields is set.
type binding struct {
	line     int
	value    syntax.Statement // assigned
	imported *reference
	function *function
	bases    []syntax.Statement // of a class
	class    bool
}

// reference is a name of another module, or a module.
type reference struct {
	level  int    // dots before it
	module string // "" behind dots alone
	name   string // "" for a module itself
	line   int
}

// function is a function of a module.
type function struct {
	params  syntax.Statement
	returns syntax.Statement // its annotation
	body    []syntax.Line
	inner   *scope // the names in its body, once they were asked for
}

// callable reports whether the function can be called without arguments.
func (f *function) callable() bool {
	for _, p := range syntax.Split(f.params, ",") {
		if len(p) > 0 && !p[0].Is("*") && !p[0].Is("/") && len(syntax.Split(p, "=")) < 2 {
			return p[0].Is("**")
		}
	}
	return true
}

// scope returns the names in the function.
func (f *function) scope() *scope {
	if f.inner == nil {
		s := newScope(f.body)
		f.inner = &s
	}
	return f.inner
}

func newModule(file string, lines []syntax.Line) *module {
	return &module{file: file, scope: newScope(lines), lines: lines}
}

// newScope reads lines of one block. What is in functions and classes is theirs; what is in other blocks belongs here.
func newScope(lines []syntax.Line) scope {
	s := scope{names: map[string][]binding{}}
	for i := 0; i < len(lines); i++ {
		line := lines[i].Statement
		body := i + 1
		for body < len(lines) && lines[body].Indent > lines[i].Indent {
			body++
		}
		if line[0].Is("async") && len(line) > 1 {
			line = line[1:]
		}
		switch {
		case line[0].Is("def") && len(line) > 3:
			f := newFunction(line, lines[i+1:body])
			s.bind(line[1].Text, binding{line: line[0].Line, function: f})
			i = body - 1
		case line[0].Is("class") && len(line) > 1:
			s.bind(line[1].Text, binding{line: line[0].Line, class: true, bases: arguments(line[2:])})
			i = body - 1
		case isGuard(line): // what only a script does is in no module
			i = body - 1
		default:
			for _, statement := range syntax.Split(line, ";") {
				s.simple(statement)
			}
		}
	}
	return s
}

// isGuard reports `if __name__ == "__main__":`.
func isGuard(line syntax.Statement) bool {
	if !line[0].Is("if") {
		return false
	}
	for _, t := range line {
		if t.Is("__name__") {
			return true
		}
	}
	return false
}

func newFunction(line syntax.Statement, body []syntax.Line) *function {
	f := &function{body: body}
	end := closing(line, 2)
	if end < 0 {
		return f
	}
	f.params = line[3:end]
	if rest := line[end+1:]; len(rest) > 2 && rest[0].Is("->") && rest[len(rest)-1].Is(":") {
		f.returns = rest[1 : len(rest)-1]
	}
	return f
}

// closing returns where the bracket at a place is closed, -1 when none is there.
func closing(s syntax.Statement, open int) int {
	depth := 0
	for i := open; i < len(s); i++ {
		switch {
		case s[i].Kind != 'o':
		case strings.Contains("([{", s[i].Text):
			depth++
		case strings.Contains(")]}", s[i].Text):
			depth--
		}
		if depth == 0 {
			if i == open {
				return -1
			}
			return i
		}
	}
	return -1
}

// arguments returns what stands in the brackets at the beginning, part by part.
func arguments(s syntax.Statement) []syntax.Statement {
	if end := closing(s, 0); end > 0 {
		return syntax.Split(s[1:end], ",")
	}
	return nil
}

func (s *scope) bind(name string, b binding) { s.names[name] = append(s.names[name], b) }

// simple reads a simple statement.
func (s *scope) simple(st syntax.Statement) {
	switch {
	case len(st) == 0:
	case st[0].Is("import"):
		s.importModules(st[1:])
	case st[0].Is("from"):
		s.importNames(st[1:])
	case st[0].Is("return"):
		s.returns = append(s.returns, st[1:])
	default:
		names, value := st.Assignment()
		for _, name := range names {
			s.bind(name, binding{line: st[0].Line, value: value})
		}
	}
}

// importModules reads `import a.b as c, d`.
func (s *scope) importModules(st syntax.Statement) {
	for _, part := range syntax.Split(st, ",") {
		module, rest := dottedName(part)
		if module == "" {
			continue
		}
		line := part[0].Line
		s.imports = append(s.imports, reference{module: module, line: line})
		if len(rest) == 2 && rest[0].Is("as") {
			s.bind(rest[1].Text, binding{line: line, imported: &reference{module: module}})
			continue
		}
		first, _, _ := strings.Cut(module, ".")
		s.bind(first, binding{line: line, imported: &reference{module: first}})
	}
}

// importNames reads `from ..a import b as c, d`, with and without brackets.
func (s *scope) importNames(st syntax.Statement) {
	from := reference{}
	for len(st) > 0 && st[0].Is(".") {
		from.level++
		st = st[1:]
	}
	from.module, st = dottedName(st)
	if len(st) < 2 || !st[0].Is("import") {
		return
	}
	from.line = st[0].Line
	s.imports = append(s.imports, from)
	if st = st[1:]; st[0].Is("*") {
		s.stars = append(s.stars, from)
		return
	}
	parts := syntax.Split(st, ",")
	if st[0].Is("(") {
		parts = arguments(st)
	}
	for _, part := range parts {
		if len(part) == 0 || part[0].Kind != 'n' {
			continue
		}
		r := from
		r.name = part[0].Text
		s.bind(part[len(part)-1].Text, binding{line: part[0].Line, imported: &r})
		if r.module == "" { // a name behind dots alone is mostly a module
			s.imports = append(s.imports, reference{level: r.level, module: r.name, line: part[0].Line})
		}
	}
}

// dottedName reads names with dots between them at the beginning. Longer ones than any module's are none.
func dottedName(st syntax.Statement) (name string, rest syntax.Statement) {
	var parts []string
	size := 0
	for len(st) > 0 && st[0].Kind == 'n' && !st[0].Is("import") {
		if size += len(st[0].Text) + 1; size > maxName {
			return "", nil
		}
		parts = append(parts, st[0].Text)
		if st = st[1:]; len(st) < 2 || !st[0].Is(".") {
			break
		}
		st = st[1:]
	}
	return strings.Join(parts, "."), st
}
