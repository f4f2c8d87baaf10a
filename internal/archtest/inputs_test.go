package archtest

import (
	"go/ast"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// uncapped are the reads without a cap in the same call, with what bounds them.
var uncapped = map[string]string{
	"base/indexcache.go loadIndex":          "a blob of the store that saveIndex wrote",
	"debian/archive/archive.go inMemory":    "the archive's reader ends at the size that Options allow",
	"debian/archive/control.go readControl": "the archive's reader ends at the size that a control archive may have",
	"destination/destination.go bytes":      "configuration and manifest of our own image, which are in memory",
	"docker/host.go readFile":               "the size is looked at first",
	"entry/entry.go Read":                   "contents that a stage made, under that stage's cap",
	"fetch/fetch.go newTransport":           "the size is looked at first",
	"registry/transport.go readCapped":      "the size is looked at first",
	"lock/jsontable.go parseJSON":           "bytes that were read under a cap",
	"artifact/index.go UnmarshalJSON":       "bytes that were read under a cap",
	"catalogue/catalogue.go UnmarshalJSON":  "bytes that were read under a cap",
}

// notFuzzed are packages that decode something and have no fuzz test, with the reason.
var notFuzzed = map[string]string{
	"build":       "reads lithe.lock and hands it to package lithelock, which is fuzzed",
	"bytecode":    "unmarshals records of the store, and answers of our own program in the sandbox",
	"destination": "JSON of engines' commands, and the index of a layout, by the standard library into plain structs",
	"doctor":      "looks whether a file has certificates, by the standard library",
	"store":       "records that this store wrote, by the standard library",
	"entry":       "reads contents as they are",
	"cli":         "hands a keyring to package debian/release, which is fuzzed",
}

// decoders are the calls by which bytes from outside become values.
var decoders = []string{"io.ReadAll", "os.ReadFile", "json.Unmarshal", "json.NewDecoder", "toml.Parse", "zip.NewReader", "tar.NewReader",
	"gzip.NewReader", "zstd.NewReader", "elf.NewFile", "csv.NewReader", "bufio.NewScanner", "textproto.NewReader"}

// TestCaps finds reads of everything that there is. What comes from outside is read up to a named limit.
func TestCaps(t *testing.T) {
	found := map[string]bool{}
	for _, f := range productFiles(t) {
		for _, fn := range f.functions() {
			for _, call := range calls(fn.decl) {
				if !readsAll(call) {
					continue
				}
				name := f.name + " " + fn.decl.Name.Name
				found[name] = true
				if uncapped[name] == "" {
					t.Errorf("internal/%s: %s has no io.LimitReader with a named cap", name, callee(call))
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(uncapped)) {
		if !found[name] {
			t.Errorf("%s reads nothing without a cap: take it out of the list", name)
		}
	}
}

// readsAll reports a call that reads to the end of something with no limit in the call.
func readsAll(call *ast.CallExpr) bool {
	switch callee(call) {
	case "os.ReadFile":
		return true
	case "io.ReadAll", "json.NewDecoder":
		inner, ok := call.Args[0].(*ast.CallExpr)
		return !ok || callee(inner) != "io.LimitReader"
	}
	return false
}

// TestFuzzed wants a fuzz test in every package that decodes something from outside.
func TestFuzzed(t *testing.T) {
	decodes, fuzzed := map[string]bool{}, map[string]bool{}
	for _, f := range productFiles(t) {
		for _, fn := range f.functions() {
			if slices.ContainsFunc(calls(fn.decl), func(c *ast.CallExpr) bool { return slices.Contains(decoders, callee(c)) }) {
				decodes[packageOf(f)] = true
			}
		}
	}
	for _, f := range sourceFiles(t) {
		for _, fn := range f.functions() {
			if f.isTest && strings.HasPrefix(fn.decl.Name.Name, "Fuzz") {
				fuzzed[packageOf(f)] = true
			}
		}
	}
	if len(decodes) < 15 || len(fuzzed) < 25 {
		t.Fatalf("%d packages decode and %d are fuzzed: the search is broken", len(decodes), len(fuzzed))
	}
	for _, pkg := range slices.Sorted(maps.Keys(decodes)) {
		if !fuzzed[pkg] && notFuzzed[pkg] == "" {
			t.Errorf("internal/%s decodes what comes from outside, and has no fuzz test", pkg)
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(notFuzzed)) {
		if fuzzed[pkg] || !decodes[pkg] {
			t.Errorf("internal/%s is fuzzed, or decodes nothing: take it out of the list", pkg)
		}
	}
}

// productFiles are the files of the program itself.
func productFiles(t *testing.T) []*sourceFile {
	t.Helper()
	return slices.DeleteFunc(sourceFiles(t), func(f *sourceFile) bool {
		return f.isTest || isTestSupport(strings.TrimPrefix(filepath.ToSlash(filepath.Dir(f.name)), "./"))
	})
}

func packageOf(f *sourceFile) string { return filepath.ToSlash(filepath.Dir(f.name)) }

// calls returns all calls in a function.
func calls(decl *ast.FuncDecl) (all []*ast.CallExpr) {
	ast.Inspect(decl, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			all = append(all, call)
		}
		return true
	})
	return all
}

// callee is "package.Function" of a call, "" for another form.
func callee(call *ast.CallExpr) string {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	pkg, ok := sel.X.(*ast.Ident)
	if !ok {
		return ""
	}
	return pkg.Name + "." + sel.Sel.Name
}
