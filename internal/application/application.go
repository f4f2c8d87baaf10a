// Package application finds the objects that servers serve in the text of a project's modules: `app = FastAPI()`, functions
// that make one, names imported from another module of the project.
//
// Modules go in by their paths from where imports start; applications come out with framework, module, name and line.
// Nothing is imported or run: names are followed through imports, assignments, functions and classes, as far as their text
// says what they are. What depends on a condition counts as if the condition held.
// See https://docs.python.org/3/reference/import.html and the servers' own notation, "package.module:name".
package application

import (
	"cmp"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/python/syntax"
)

// maxModule is how much of a file is read, in bytes; an application's module is written by hand.
const maxModule = 1 << 20

// maxDepth is how many names are followed until one is known.
const maxDepth = 20

// maxSteps is how many expressions are looked at in one file; names that lead to many others each would multiply.
const maxSteps = 100_000

// maxAllSteps is how many are looked at in all files: a project of 100,000 modules has some millions.
const maxAllSteps = 20_000_000

// maxKept is how much memory read modules may take before they are forgotten, in bytes. A question reads some ten of them.
const maxKept = 256 << 20

const (
	stepBytes  = 50  // of a module that is read in one step
	stepTokens = 100 // tokens of an expression that are looked at in one step
	maxName    = 255 // bytes of a name with its dots; each of its parts may be a module
)

// The frameworks whose applications are found. Django has two kinds, one for each interface.
const (
	FastAPI   = "FastAPI"
	Starlette = "Starlette"
	Litestar  = "Litestar"
	Quart     = "Quart"
	Flask     = "Flask"
	Celery    = "Celery"
	Django    = "Django"
	Channels  = "Django with ASGI"
)

// made is what a call of a class or function of a framework returns.
var made = map[string]string{
	"fastapi.FastAPI": FastAPI, "fastapi.applications.FastAPI": FastAPI,
	"starlette.applications.Starlette": Starlette,
	"litestar.Litestar":                Litestar, "litestar.app.Litestar": Litestar,
	"quart.Quart": Quart, "quart.app.Quart": Quart,
	"flask.Flask": Flask, "flask.app.Flask": Flask,
	"celery.Celery": Celery, "celery.app.Celery": Celery, "celery.app.base.Celery": Celery,
	"django.core.wsgi.get_wsgi_application": Django,
	"django.core.asgi.get_asgi_application": Channels, "channels.routing.ProtocolTypeRouter": Channels,
}

// Application is one object that a server can serve.
type Application struct {
	Framework string
	Module    string // "service.app"
	Name      string // "app"; of a factory, of its function
	Factory   bool   // the function makes the application, and needs no arguments
	Imported  bool   // the module has it from another one
	File      string // path from where imports start
	Line      int
	Root      string // the folder that imports of the module start from, "" for the top
}

// Tree is the modules of a project.
type Tree struct {
	files  map[string]entry.Entry
	parsed map[string]*module
	steps  int // taken for the file that is asked for
	all    int // taken for all files before it
	kept   int // bytes of memory of parsed, about
}

// NewTree takes files by their paths from where imports start.
func NewTree(files map[string]entry.Entry) *Tree {
	return &Tree{files: files, parsed: map[string]*module{}}
}

// begin begins with a question.
func (t *Tree) begin() {
	t.all += t.steps
	t.steps = 0
	if t.kept > maxKept {
		clear(t.parsed)
		t.kept = 0
	}
}

// In returns the applications of a file, those of variables first, each in the order of their lines.
func (t *Tree) In(file string) []Application {
	t.begin()
	m := t.module(file)
	if m == nil || t.all > maxAllSteps {
		return nil
	}
	t.steps = 0
	var all []Application
	for name, bindings := range m.names {
		if a, ok := t.application(m, name, bindings); ok {
			all = append(all, a)
		}
	}
	slices.SortFunc(all, func(a, b Application) int {
		if a.Factory != b.Factory {
			return map[bool]int{true: 1, false: -1}[a.Factory]
		}
		return cmp.Or(cmp.Compare(a.Line, b.Line), strings.Compare(a.Name, b.Name))
	})
	return all
}

func (t *Tree) application(m *module, name string, bindings []binding) (Application, bool) {
	a := Application{Name: name, File: m.file}
	for _, b := range bindings {
		switch framework := t.kind(m, b, maxDepth); {
		case framework != "":
			a.Framework, a.Line, a.Imported = framework, b.line, b.imported != nil
		case b.function != nil && b.function.callable():
			if a.Framework = t.returned(m, b.function, maxDepth); a.Framework != "" {
				a.Factory, a.Line = true, b.line
			}
		}
		if a.Framework != "" {
			a.Root = t.root(m)
			a.Module = dotted(strings.TrimPrefix(m.file, below(a.Root)))
			return a, true
		}
	}
	return a, false
}

// Text returns the string that a module assigns to a name, also by way of `from .base import *`, and the file and line.
func (t *Tree) Text(file, name string) (text, at string, line int) {
	t.begin()
	return t.text(visited{}, t.module(file), name, maxDepth)
}

// visited is the modules that were asked, with how many more names were followed then. To ask one again with no more of them
// tells nothing new, and modules that take all names from one another would be asked without an end.
type visited map[*module]int

// skips reports that a module need not be asked, and remembers that it is.
func (v visited) skips(m *module, depth int) bool {
	if m == nil || v[m] >= depth {
		return true
	}
	v[m] = depth
	return false
}

func (t *Tree) text(v visited, m *module, name string, depth int) (text, at string, line int) {
	if v.skips(m, depth) {
		return "", "", 0
	}
	for _, b := range slices.Backward(m.names[name]) {
		if value := syntax.Literal(b.value); value.Kind == 's' {
			return value.Text, m.file, b.line
		}
	}
	for _, from := range m.stars {
		if text, at, line = t.text(v, t.module(t.find(m, from)), name, depth-1); line > 0 {
			return text, at, line
		}
	}
	return "", "", 0
}

// Assigns reports whether a module assigns anything to a name, and where.
func (t *Tree) Assigns(file, name string) (at string, line int) {
	t.begin()
	return t.assigns(visited{}, t.module(file), name, maxDepth)
}

func (t *Tree) assigns(v visited, m *module, name string, depth int) (at string, line int) {
	if v.skips(m, depth) {
		return "", 0
	}
	if b := m.names[name]; len(b) > 0 {
		return m.file, b[len(b)-1].line
	}
	for _, from := range m.stars {
		if at, line = t.assigns(v, t.module(t.find(m, from)), name, depth-1); line > 0 {
			return at, line
		}
	}
	return "", 0
}

// Says reports whether a module has a string, or one that goes on behind it with a dot, also by way of `from .base import *`,
// and where.
func (t *Tree) Says(file, text string) (at string, line int) {
	t.begin()
	return t.says(visited{}, t.module(file), text, maxDepth)
}

func (t *Tree) says(v visited, m *module, text string, depth int) (at string, line int) {
	if v.skips(m, depth) {
		return "", 0
	}
	for _, l := range m.lines {
		for _, token := range l.Statement {
			if token.Kind == 's' && token.Plain && strings.HasPrefix(token.Text+".", text+".") {
				return m.file, token.Line
			}
		}
	}
	for _, from := range m.stars {
		if at, line = t.says(v, t.module(t.find(m, from)), text, depth-1); line > 0 {
			return at, line
		}
	}
	return "", 0
}

// Default returns what a file gives an environment variable by os.environ.setdefault, or by an assignment to os.environ.
func (t *Tree) Default(file, variable string) (value string, line int) {
	m := t.module(file)
	if m == nil {
		return "", 0
	}
	for _, l := range m.lines {
		s := l.Statement
		for i := range s {
			if !s[i].Is("environ") || i+3 >= len(s) {
				continue
			}
			rest := s[i+1:]
			if rest[0].Is(".") && rest[1].Is("setdefault") {
				rest = rest[2:]
			}
			// ( NAME , VALUE   or   [ NAME ] = VALUE
			if len(rest) >= 4 && rest[1].Kind == 's' && rest[1].Text == variable {
				if last := rest[len(rest)-1]; rest[0].Is("[") && last.Kind == 's' && last.Plain {
					return last.Text, last.Line
				} else if rest[0].Is("(") && rest[3].Kind == 's' && rest[3].Plain {
					return rest[3].Text, rest[3].Line
				}
			}
		}
	}
	return "", 0
}

// Imports reports whether a file imports a distribution's package at its top level, and in which line.
func (t *Tree) Imports(file, name string) (line int) {
	t.begin()
	if m := t.module(file); m != nil {
		for _, i := range m.imports {
			if i.module == name || strings.HasPrefix(i.module, name+".") {
				return i.line
			}
		}
	}
	return 0
}

// Find returns the file of a module that is imported as this from a folder, "" where there is none.
func (t *Tree) Find(dir, module string) string {
	file := path.Join(dir, strings.ReplaceAll(module, ".", "/"))
	for _, name := range []string{file + ".py", file + "/__init__.py"} {
		if _, ok := t.files[name]; ok {
			return name
		}
	}
	return ""
}

// Has reports whether there is a file.
func (t *Tree) Has(file string) bool {
	_, ok := t.files[file]
	return ok
}

// module reads a file; nil when it does not exist, or is no Python that can be read.
func (t *Tree) module(file string) *module {
	if m, ok := t.parsed[file]; ok {
		return m
	}
	if t.steps > maxSteps {
		return nil
	}
	t.parsed[file] = nil
	e, ok := t.files[file]
	if !ok || e.Type != entry.File || e.Size > maxModule {
		return nil
	}
	r, err := e.Content.Open()
	if err != nil {
		return nil
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, maxModule))
	if err != nil {
		return nil
	}
	t.steps += len(text) / stepBytes
	source := syntax.Read(string(text))
	if !source.OK {
		return nil
	}
	m := newModule(file, source.Lines)
	t.parsed[file] = m
	for _, l := range m.lines {
		t.kept += 200 + 50*len(l.Statement) // a line, and its tokens
	}
	return m
}

// dotted returns the name of a file's module.
func dotted(file string) string {
	file = strings.TrimSuffix(strings.TrimSuffix(file, ".py"), "/__init__")
	return strings.ReplaceAll(file, "/", ".")
}

func below(dir string) string {
	if dir == "" {
		return ""
	}
	return dir + "/"
}
