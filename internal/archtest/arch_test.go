// The table of who may import whom, and which library is behind which wall, as ARCHITECTURE.md draws it.
package archtest

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/lithe-build/lithe/"

// words may be used by every stage: they do no I/O and know no stage.
var words = []string{
	"diag", "entry", "toml", "trace", "python/name", "python/version", "python/marker", "python/requirement",
	"python/wheeltag", "python/sdist", "python/wheel", "python/marshal", "python/script",
}

// anywhere may be imported by every package: it is the standard library's, but for when its work is done.
const anywhere = "lazyregexp"

// allowed is the import table. A package that is absent may import none of ours.
var allowed = map[string][]string{
	// words
	"diag":               nil,
	"entry":              nil,
	anywhere:             nil,
	"toml":               {"diag"},
	"trace":              nil,
	"gitindex":           nil,
	"lithelock":          {"diag", "toml"},
	"python/name":        nil,
	"python/version":     nil,
	"python/marker":      {"python/name", "python/version"},
	"python/syntax":      nil,
	"python/requirement": {"python/name", "python/version", "python/marker"},
	"python/wheeltag":    {"python/name", "python/version"},
	"python/sdist":       {"python/name", "python/version"},
	"python/wheel":       {"diag", "entry", "python/name", "python/version", "python/wheeltag"},
	"python/backend": {"diag", "entry", "toml", "python/name", "python/version", "python/marker",
		"python/requirement", "python/syntax", "python/wheel", "python/wheeltag"},
	"python/marshal":     nil,
	"python/script":      {"diag", "toml"},
	"python/resolver":    {"python/name", "python/version", "python/marker", "python/requirement"},
	"debian/version":     nil,
	"debian/control":     {"debian/version", "diag"},
	"debian/release":     {"debian/control", "debian/packages", "diag"},
	"debian/archive":     {"debian/compressed", "debian/control", "debian/version", "diag", "entry"},
	"debian/compressed":  nil,
	"debian/maintscript": {"debian/version", "entry"},
	"debian/contents":    nil,
	"debian/ldcache":     {"entry"},
	"debian/packages":    {"debian/control", "debian/version", "diag"},

	"gettext":     {"diag"},
	"application": {"entry", "python/syntax"},

	// tools that stages share
	"store":             {"diag", "trace"},
	"fetch":             {"diag", "store", "trace"},
	"registry":          {"diag", "fetch", "registry/keychain", "store", "trace"},
	"registry/keychain": {"fetch"},
	"layerblob":         nil,
	"elffile":           nil,
	"docker":            {"diag", "trace"},
	"execute":           {"diag", "docker", "elffile", "layerblob", "store", "trace"},
	"catalogue":         {"store"},

	"baseimage": {"diag", "elffile", "layerblob", "python/wheeltag"},

	// stages, in the order of the pipeline
	"project": slices.Concat(words, []string{"application", "gitindex"}),
	"lock":    words,
	"base": slices.Concat(words, []string{"store", "fetch", "registry", "elffile", "baseimage", "debian/compressed", "debian/version", "debian/control", "debian/release",
		"debian/archive", "debian/contents", "debian/ldcache", "debian/maintscript", "debian/packages"}),
	"plan":       slices.Concat(words, []string{"project", "lock", "base"}),
	"artifact":   slices.Concat(words, []string{"python/resolver", "lock", "plan", "store", "fetch"}),
	"vcsversion": {"diag", "entry", "toml", "trace", "python/name", "python/version", "python/requirement"},
	"pep517": {"diag", "entry", "toml", "execute", "python/name", "python/version", "python/requirement", "python/sdist",
		"python/wheel", "python/wheeltag"},
	"cargo":       {"diag", "toml"},
	"bytecode":    {"diag", "entry", "store", "execute", "python/marshal", "trace"},
	"layer":       {"diag", "elffile", "entry", "layerblob", "plan", "store", "python/wheel"},
	"closure":     {"layer"},
	"image":       {"diag", "layer", "plan", "project", "store"},
	"destination": {"diag", "docker", "fetch", "registry", "store", "trace"},

	// the order of the stages, and the only package that prints
	"build": slices.Concat(words, []string{"lithelock", "python/backend", "python/resolver", "pep517", "cargo", "vcsversion", "store", "fetch", "execute", "project", "lock",
		"base", "plan", "artifact", "bytecode", "layer", "closure", "image", "destination", "registry", "catalogue", "gettext"}),
	"doctor": {"diag", "store", "fetch", "execute", "base", "artifact", "destination", "registry"},
	"bench":  {"diag", "lithelock"},
	"cli": slices.Concat(words, []string{"bench", "build", "cargo", "plan", "lock", "project", "execute", "destination", "store", "artifact", "registry",
		"doctor"}),
}

// walls says which packages may import a library, or anything below it.
var walls = map[string][]string{
	"github.com/pelletier/go-toml":           {"toml"},
	"github.com/google/go-containerregistry": {"base", "layer", "image", "destination", "registry", "catalogue", "build", "bench"},
	"github.com/spf13/cobra":                 {"cli"},
	"github.com/ProtonMail/go-crypto":        {"debian/release", "base"},
	"github.com/therootcompany/xz":           {"debian/compressed"},
	"github.com/moby/patternmatcher":         {"project"},
	"github.com/gofrs/flock":                 {"store", "destination"},
	"github.com/santhosh-tekuri/jsonschema":  {},
	"github.com/ulikunitz/xz":                {},
	"github.com/google/go-cmp":               {},
	"github.com/rogpeppe/go-internal":        {},
	"golang.org/x/term":                      {"cli", "execute"},
}

func TestImports(t *testing.T) {
	seen := 0
	for file := range goFiles(t) {
		from := filepath.ToSlash(filepath.Dir(file))
		if strings.HasSuffix(file, "_test.go") || isTestSupport(from) {
			continue
		}
		seen++
		for _, path := range imports(t, filepath.Join("..", file)) {
			checkArrow(t, file, from, path)
			checkWall(t, file, from, path)
		}
	}
	if seen < 20 {
		t.Fatalf("only %d files read: the walk is broken", seen)
	}
}

// isTestSupport reports packages that only tests import; they may import what they like.
func isTestSupport(pkg string) bool {
	return pkg == "archtest" || strings.HasPrefix(pkg, "testkit") || strings.HasSuffix(pkg, "test")
}

func checkArrow(t *testing.T, file, from, path string) {
	t.Helper()
	to, ours := strings.CutPrefix(path, module+"internal/")
	if !ours {
		return
	}
	if _, known := allowed[from]; !known {
		t.Errorf("internal/%s: package %s is not in the import table", file, from)
	}
	if !slices.Contains(allowed[from], to) && from != to && to != anywhere {
		t.Errorf("internal/%s: %s must not import %s", file, from, to)
	}
}

func checkWall(t *testing.T, file, from, path string) {
	t.Helper()
	for library, inside := range walls {
		if path != library && !strings.HasPrefix(path, library+"/") {
			continue
		}
		if !slices.Contains(inside, from) {
			t.Errorf("internal/%s: %s is behind a wall: only %q may import it", file, path, inside)
		}
	}
}

// TestTableHasNoDeadRows keeps the table honest: a package that is gone leaves it.
func TestTableHasNoDeadRows(t *testing.T) {
	present := map[string]bool{}
	for file := range goFiles(t) {
		present[filepath.ToSlash(filepath.Dir(file))] = true
	}
	for _, pkg := range slices.Sorted(maps.Keys(allowed)) {
		if !present[pkg] {
			t.Errorf("the import table names %s, which has no Go file", pkg)
		}
	}
}

// goFiles yields the Go files below internal, relative to it.
func goFiles(t *testing.T) map[string]bool {
	t.Helper()
	files := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.Name() == "testdata" {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, ".go") {
			rel, err := filepath.Rel("..", path)
			if err != nil {
				return err
			}
			files[rel] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func imports(t *testing.T, path string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, spec := range f.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, p)
	}
	return paths
}
