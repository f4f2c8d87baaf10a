package project

import (
	"bufio"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/lazyregexp"
)

// finder answers questions about the Python files of an application or a wheel, by their paths from where imports start.
type finder struct {
	files map[string]entry.Entry
}

// newFinder takes the files of /app, or those of a wheel, whose metadata it leaves out.
func newFinder(entries []entry.Entry, isWheel bool) *finder {
	f := &finder{files: map[string]entry.Entry{}}
	for _, e := range entries {
		name, inApp := strings.CutPrefix(e.Path, "app/")
		if isWheel {
			name, inApp = e.Path, true
		}
		if i := strings.Index(name, "/site-packages/"); i >= 0 {
			name = name[i+len("/site-packages/"):]
		}
		if inApp && e.Type == entry.File && strings.HasSuffix(name, ".py") {
			f.files[name] = e
		}
	}
	return f
}

func (f *finder) has(name string) bool {
	_, ok := f.files[name]
	return ok
}

// besides are directories at the top of a project with Python files that are not the program.
var besides = []string{"tests", "test", "testing", "docs", "doc", "examples", "scripts", "tools", "benchmarks", "migrations"}

// dirs returns the directories at the top that may hold the program, sorted.
func (f *finder) dirs() []string {
	var dirs []string
	for name := range f.files {
		if dir, _, ok := strings.Cut(name, "/"); ok && !slices.Contains(besides, dir) && !strings.HasPrefix(dir, ".") {
			dirs = append(dirs, dir)
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// helpers are files at the top of a project that tools read, not people run.
var helpers = []string{"setup.py", "conftest.py", "noxfile.py", "tasks.py", "fabfile.py", "dodo.py", "__init__.py"}

// scripts returns the files at the top that may be the program, sorted.
func (f *finder) scripts() []string {
	var scripts []string
	for name := range f.files {
		isTest := strings.HasPrefix(name, "test_") || strings.HasSuffix(name, "_test.py")
		if !strings.Contains(name, "/") && !slices.Contains(helpers, name) && !isTest {
			scripts = append(scripts, name)
		}
	}
	slices.Sort(scripts)
	return scripts
}

const maxScript = 4 << 20 // bytes of a file that is searched for its guard

var guardLine = lazyregexp.New(`^if\s*\(?\s*(__name__\s*==\s*["']__main__["']|["']__main__["']\s*==\s*__name__)\s*\)?\s*:`)

// guard returns the line of `if __name__ == "__main__":`, 0 when the file has none or does not exist.
func (f *finder) guard(name string) int {
	e, ok := f.files[path.Clean(name)]
	if !ok {
		return 0
	}
	r, err := e.Content.Open()
	if err != nil {
		return 0
	}
	defer r.Close()
	// Line by line, and no further than the cap: a generated module may have hundreds of megabytes.
	lines := bufio.NewScanner(io.LimitReader(r, maxScript))
	lines.Buffer(nil, maxScript)
	for n := 1; lines.Scan(); n++ {
		if guardLine.Match(lines.Bytes()) {
			return n
		}
	}
	return 0
}
