package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The limits of the house. Tables of tests may be long; what they test may not.
const (
	maxFileLines     = 500
	maxFunctionLines = 60
)

// mayPanic are the functions that panic, with the reason why no file and no server can make them.
var mayPanic = map[string]string{
	"layer/gzip.go newCompressor":         "the level is a constant",
	"lock/json.go (separators).append":    "what is encoded was decoded from TOML, which has no other types",
	"python/marker/parse.go MustParse":    "for markers that stand in code",
	"python/version/version.go MustParse": "for versions that stand in code",
	"store/key.go Key":                    "keys are types of ours, and a test tries each",
	"store/key.go (encoder).value":        "the same",
	"store/key.go (encoder).text":         "the same",
	"store/key.go (encoder).structure":    "the same",
	"testkit/debmirror/deb.go must":       "a test's own data",
	"testkit/faults/answers.go Hangup":    "how a handler of net/http ends a connection",
	"testkit/faults/answers.go reset":     "the same",
	"testkit/faults/bodies.go Truncate":   "the same",
	"testkit/pyindex/wheel.go must":       "a test's own data",
}

// function is a function of a file, with where it stands.
type function struct {
	name string // "store/key.go Key", "layer/sink.go (sink).write"
	decl *ast.FuncDecl
	file *sourceFile
}

// sourceFile is a parsed file.
type sourceFile struct {
	name   string // relative to internal
	isTest bool
	set    *token.FileSet
	syntax *ast.File
}

func (f *sourceFile) line(pos token.Pos) int { return f.set.Position(pos).Line }

// sourceFiles parses every Go file below internal, in the order of names.
func sourceFiles(t *testing.T) (files []*sourceFile) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(goFiles(t))) {
		set := token.NewFileSet()
		syntax, err := parser.ParseFile(set, filepath.Join("..", name), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, &sourceFile{filepath.ToSlash(name), strings.HasSuffix(name, "_test.go"), set, syntax})
	}
	return files
}

// functions returns the functions of a file.
func (f *sourceFile) functions() (all []function) {
	for _, d := range f.syntax.Decls {
		if decl, ok := d.(*ast.FuncDecl); ok {
			name := f.name + " "
			if r := receiver(decl); r != "" {
				name += "(" + r + ")."
			}
			all = append(all, function{name + decl.Name.Name, decl, f})
		}
	}
	return all
}

// receiver returns the name of a method's type, "" for a function.
func receiver(decl *ast.FuncDecl) string {
	if decl.Recv == nil {
		return ""
	}
	name := ""
	ast.Inspect(decl.Recv.List[0].Type, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && name == "" {
			name = id.Name
		}
		return true
	})
	return name
}

func TestSizes(t *testing.T) {
	for _, f := range sourceFiles(t) {
		if lines := f.line(f.syntax.FileEnd); lines > maxFileLines {
			t.Errorf("internal/%s has %d lines, more than %d: split it", f.name, lines, maxFileLines)
		}
		for _, fn := range f.functions() {
			lines := f.line(fn.decl.End()) - f.line(fn.decl.Pos()) + 1
			if lines > maxFunctionLines && !f.isTest {
				t.Errorf("internal/%s has %d lines, more than %d: name its steps", fn.name, lines, maxFunctionLines)
			}
		}
	}
}

// What a user's file or a server says is never a reason to panic.
func TestPanics(t *testing.T) {
	found := map[string]bool{}
	for _, f := range sourceFiles(t) {
		for _, fn := range f.functions() {
			if !f.isTest && panics(fn.decl) {
				found[fn.name] = true
				if mayPanic[fn.name] == "" {
					t.Errorf("internal/%s panics: return an error", fn.name)
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(mayPanic)) {
		if !found[name] {
			t.Errorf("%s does not panic: take it out of the list", name)
		}
	}
}

func panics(decl *ast.FuncDecl) (does bool) {
	ast.Inspect(decl, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if id, ok := call.Fun.(*ast.Ident); ok && id.Name == "panic" {
				does = true
			}
		}
		return true
	})
	return does
}

// Every exported name says what it is, and every package what it is for.
func TestDocumented(t *testing.T) {
	documented := map[string]bool{}
	for _, f := range sourceFiles(t) {
		if f.isTest {
			continue
		}
		pkg := filepath.ToSlash(filepath.Dir(f.name))
		documented[pkg] = documented[pkg] || f.syntax.Doc != nil
		for _, name := range undocumented(f) {
			t.Errorf("internal/%s: %s has no comment", f.name, name)
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(documented)) {
		if !documented[pkg] {
			t.Errorf("internal/%s: the package has no comment", pkg)
		}
	}
}

// undocumented returns the exported names of a file without a comment. One comment may stand above a group.
func undocumented(f *sourceFile) (names []string) {
	for _, d := range f.syntax.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			r := receiver(d)
			if d.Name.IsExported() && d.Doc == nil && (r == "" || ast.IsExported(r)) {
				names = append(names, d.Name.Name)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				names = append(names, undocumentedSpec(d, s)...)
			}
		}
	}
	return names
}

func undocumentedSpec(d *ast.GenDecl, s ast.Spec) (names []string) {
	switch s := s.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
			names = append(names, s.Name.Name)
		}
	case *ast.ValueSpec:
		for _, n := range s.Names {
			if n.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
				names = append(names, n.Name)
			}
		}
	}
	return names
}
