// Package docstest reads the documentation, so that tests can hold it against the program.
//
// A page of Markdown goes in; its code blocks and the first columns of its tables come out, with their lines. Beside it
// stands Paths, which says what a JSON document of ours can hold. Only tests import the package.
// Markdown is what https://github.github.com/gfm/ says, as far as our pages use it.
package docstest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Root is the repository's root, as seen from a package directly below internal.
const Root = "../.."

// Pages returns every page of the repository, relative to its root, sorted.
func Pages(t testing.TB) []string {
	t.Helper()
	var pages []string
	err := filepath.WalkDir(Root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "testdata"):
			return fs.SkipDir
		case !strings.HasSuffix(path, ".md"):
			return nil
		}
		rel, err := filepath.Rel(Root, path)
		pages = append(pages, filepath.ToSlash(rel))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(pages) < 10 {
		t.Fatalf("only %d pages: the walk is broken", len(pages))
	}
	slices.Sort(pages)
	return pages
}

// Read returns the text of a page.
func Read(t testing.TB, page string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(Root, filepath.FromSlash(page)))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Block is a fenced code block.
type Block struct {
	Page     string
	Line     int    // of its first line of code
	Language string // what stands behind the fence: "console"
	Code     string
}

// Blocks returns the fenced code blocks of a page. One that is never closed ends the test.
func Blocks(t testing.TB, page string) []Block {
	t.Helper()
	var blocks []Block
	var open *Block
	for i, line := range strings.Split(Read(t, page), "\n") {
		language, fence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case fence && open == nil:
			open = &Block{Page: page, Line: i + 2, Language: strings.TrimSpace(language)}
		case fence:
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.Code += line + "\n"
		}
	}
	if open != nil {
		t.Fatalf("%s:%d: the code block has no end", page, open.Line-1)
	}
	return blocks
}

// codeBlock is a fenced block, and codeSpan is code in a line.
var (
	codeBlock = regexp.MustCompile("(?ms)^[ \t]*```.*?^[ \t]*```")
	codeSpan  = regexp.MustCompile("`([^`\n]+)`")
)

// Prose returns the text of a page with its code blocks made empty, so that lines keep their numbers.
func Prose(t testing.TB, page string) string {
	t.Helper()
	return codeBlock.ReplaceAllStringFunc(Read(t, page), func(block string) string {
		return strings.Repeat("\n", strings.Count(block, "\n"))
	})
}

// Spans returns the code spans in a text.
func Spans(text string) []string {
	var spans []string
	for _, m := range codeSpan.FindAllStringSubmatch(text, -1) {
		spans = append(spans, m[1])
	}
	return spans
}

// FirstColumn returns the code spans in the first column of the tables of a page below a heading, up to the next one of
// any level; "" takes the whole page.
func FirstColumn(t testing.TB, page, heading string) []string {
	t.Helper()
	var names []string
	inside := heading == ""
	for line := range strings.Lines(Prose(t, page)) {
		if heading != "" && strings.HasPrefix(line, "#") {
			inside = strings.TrimSpace(strings.TrimLeft(line, "#")) == heading
		}
		cell, ok := strings.CutPrefix(line, "| ")
		if !inside || !ok {
			continue
		}
		cell, _, _ = strings.Cut(cell, " |")
		names = append(names, Spans(cell)...)
	}
	if len(names) == 0 {
		t.Fatalf("%s: no table below %q", page, heading)
	}
	return names
}

// Sources returns the program's own Go files, as paths from the package that asks.
func Sources(t testing.TB) []string {
	t.Helper()
	var files []string
	for _, pattern := range []string{"cmd/*/*.go", "internal/*/*.go", "internal/*/*/*.go"} {
		matches, err := filepath.Glob(filepath.Join(Root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, matches...)
	}
	return slices.DeleteFunc(files, func(f string) bool {
		return strings.HasSuffix(f, "_test.go") || strings.Contains(filepath.ToSlash(f), "/testkit/")
	})
}
