package application

import (
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/python/syntax"
)

// kind returns the framework of an application that a name is bound to, "" for anything else.
func (t *Tree) kind(m *module, b binding, depth int) string {
	switch {
	case depth == 0:
		return ""
	case b.value != nil:
		return t.value(m, nil, b.value, depth-1)
	case b.imported != nil && b.imported.name != "":
		if file := t.find(m, reference{level: b.imported.level, module: b.imported.module}); file != "" {
			return t.named(t.module(file), b.imported.name, depth-1)
		}
	}
	return ""
}

// named returns the framework of the application that a module has under a name.
func (t *Tree) named(m *module, name string, depth int) string {
	if t.steps++; m == nil || depth <= 0 || t.steps > maxSteps {
		return ""
	}
	for _, b := range m.names[name] {
		if kind := t.kind(m, b, depth-1); kind != "" {
			return kind
		}
	}
	for _, from := range m.stars {
		if kind := t.named(t.module(t.find(m, from)), name, depth-1); kind != "" {
			return kind
		}
	}
	return ""
}

// value returns the framework of an expression: a call of what makes one, or the name of one. Inside is the function that
// the expression stands in, if it does.
func (t *Tree) value(m *module, inside *scope, value syntax.Statement, depth int) string {
	// A long expression counts for more.
	if t.steps += 1 + len(value)/stepTokens; depth <= 0 || t.steps > maxSteps {
		return ""
	}
	name, rest := dottedName(value)
	if name == "" {
		return ""
	}
	parts := strings.Split(name, ".")
	if len(rest) == 0 {
		return t.variable(m, inside, parts, depth-1)
	}
	if rest[0].Is("(") && closing(rest, 0) == len(rest)-1 {
		return t.called(m, inside, parts, depth-1)
	}
	return ""
}

// variable returns the framework of an application that an expression names.
func (t *Tree) variable(m *module, inside *scope, parts []string, depth int) string {
	if inside != nil && len(parts) == 1 {
		for _, b := range inside.names[parts[0]] {
			if b.value != nil {
				if kind := t.value(m, inside, b.value, depth-1); kind != "" {
					return kind
				}
			}
		}
	}
	if len(parts) == 1 {
		return t.named(m, parts[0], depth-1)
	}
	if of := t.module(t.moduleOf(m, inside, parts[:len(parts)-1])); of != nil {
		return t.named(of, parts[len(parts)-1], depth-1)
	}
	return ""
}

// called returns the framework of what a call returns.
func (t *Tree) called(m *module, inside *scope, parts []string, depth int) string {
	if t.steps++; depth <= 0 || m == nil || t.steps > maxSteps {
		return ""
	}
	for _, b := range bindings(m, inside, parts[0]) {
		kind := ""
		switch {
		case b.imported != nil:
			kind = t.calledElsewhere(m, *b.imported, parts[1:], depth-1)
		case len(parts) > 1:
		case b.function != nil:
			kind = t.returned(m, b.function, depth-1)
		case b.class:
			for _, base := range b.bases {
				if name, rest := dottedName(base); name != "" && len(rest) == 0 && kind == "" {
					kind = t.called(m, inside, strings.Split(name, "."), depth-1)
				}
			}
		}
		if kind != "" {
			return kind
		}
	}
	for _, from := range m.stars {
		if kind := t.called(t.module(t.find(m, from)), nil, parts, depth-1); kind != "" {
			return kind
		}
	}
	return ""
}

// calledElsewhere is called for a name of another module, which is the project's or a distribution's.
func (t *Tree) calledElsewhere(m *module, r reference, rest []string, depth int) string {
	parts := rest
	if r.name != "" {
		parts = append([]string{r.name}, rest...)
	}
	// What follows may name modules inside it.
	for n := len(parts) - 1; n >= 0; n-- {
		inner := r
		inner.name = ""
		inner.module = strings.TrimPrefix(strings.Join(append([]string{r.module}, parts[:n]...), "."), ".")
		if file := t.find(m, inner); file != "" {
			return t.called(t.module(file), nil, parts[n:], depth-1)
		}
	}
	if r.level > 0 {
		return ""
	}
	return made[strings.Join(append([]string{r.module}, parts...), ".")]
}

// returned returns the framework of what a function returns, by its text, else by its annotation.
func (t *Tree) returned(m *module, f *function, depth int) string {
	if depth <= 0 {
		return ""
	}
	for _, r := range f.scope().returns {
		if kind := t.value(m, f.scope(), r, depth-1); kind != "" {
			return kind
		}
	}
	if name, rest := dottedName(f.returns); name != "" && len(rest) == 0 {
		return t.called(m, f.scope(), strings.Split(name, "."), depth-1)
	}
	return ""
}

// bindings returns what a name means: in the function, else in the module.
func bindings(m *module, inside *scope, name string) []binding {
	if inside != nil {
		if b := inside.names[name]; len(b) > 0 {
			return b
		}
	}
	return m.names[name]
}

// moduleOf returns the file of the module that an expression names.
func (t *Tree) moduleOf(m *module, inside *scope, parts []string) string {
	for _, b := range bindings(m, inside, parts[0]) {
		if r := b.imported; r != nil {
			all := slices.DeleteFunc(append([]string{r.module, r.name}, parts[1:]...), func(s string) bool { return s == "" })
			return t.find(m, reference{level: r.level, module: strings.Join(all, ".")})
		}
	}
	return ""
}

// find returns the file of a module as another one imports it, "" for one that is not the project's.
func (t *Tree) find(m *module, r reference) string {
	if r.level > 0 {
		dir := path.Dir(m.file)
		for i := 1; i < r.level && dir != "."; i++ {
			dir = path.Dir(dir)
		}
		if r.module == "" {
			return t.Find(dir, "__init__")
		}
		return t.Find(dir, r.module)
	}
	for _, root := range t.roots(m.file) {
		if file := t.Find(root, r.module); file != "" {
			return file
		}
	}
	return ""
}

// roots returns the folders from which the imports of a file may start: those above it that are no packages.
func (t *Tree) roots(file string) []string {
	roots := []string{""}
	for dir := path.Dir(file); dir != "."; dir = path.Dir(dir) {
		if !t.Has(dir + "/__init__.py") {
			roots = append(roots, dir)
		}
	}
	return roots
}

// root returns the folder from which the imports of a module really start: the one in which most of what it imports is
// found; a folder called src, or else the top, where that does not tell.
func (t *Tree) root(m *module) string {
	if m.root == nil {
		root := t.findRoot(m)
		m.root = &root
	}
	return *m.root
}

func (t *Tree) findRoot(m *module) string {
	best, most := "", -1
	for _, root := range t.roots(m.file) {
		n := 0
		for _, i := range m.imports {
			if i.level == 0 && t.Find(root, i.module) != "" {
				n += 2
			}
		}
		if settings, _ := t.Default(m.file, "DJANGO_SETTINGS_MODULE"); settings != "" && t.Find(root, settings) != "" {
			n += 2
		}
		if path.Base(root) == "src" {
			n++
		}
		if n > most {
			best, most = root, n
		}
	}
	return best
}
