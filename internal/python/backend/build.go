package backend

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/python/version"
	"github.com/lithe-build/lithe/internal/python/wheel"
	"github.com/lithe-build/lithe/internal/toml"
)

// build is one wheel in the making: problems are collected, and the first failure to read ends it.
type build struct {
	kind     kind
	tree     *tree
	doc      *toml.Table
	file     string
	problems diag.List
	err      error

	files  []wheel.File
	record bytes.Buffer // in the order in which files were added, as every backend writes it
	eol    string       // of lines in RECORD; "" is a line feed
}

// noModule ends the build with ErrNoModule.
func (b *build) noModule(format string, args ...any) {
	if b.err == nil {
		b.err = &diag.Error{Pos: diag.Position{File: b.file}, Code: "no-module", Err: ErrNoModule,
			What: b.kind.name + ": " + fmt.Sprintf(format, args...)}
	}
}

// fail ends the build: a problem of the project's files, or of reading them.
func (b *build) fail(pos diag.Position, err error) {
	if b.err != nil || err == nil {
		return
	}
	if errors.Is(err, errTree) {
		err = &diag.Error{Pos: pos, Code: "backend-file", What: err.Error(), Err: err}
	}
	b.err = err
}

// problemf adds a problem with the value at a place.
func (b *build) problemf(pos diag.Position, format string, args ...any) {
	b.problems.Addf(pos, "bad-backend-value", format, args...)
}

// refusef adds a problem: a key or a value that the real backend knows and we do not.
func (b *build) refusef(pos diag.Position, format string, args ...any) {
	b.refuse(pos, "unsupported-backend-key", "lithe reproduces static configurations only", format, args...)
}

// refuse adds a problem with what lithe does not do for this backend.
func (b *build) refuse(pos diag.Position, code, hint, format string, args ...any) {
	b.problems.Add(&diag.Error{Pos: pos, Code: code, Hint: hint,
		What: fmt.Sprintf(format, args...) + ", which lithe does not do for " + b.kind.name})
}

// only refuses every key of a table that is neither handled nor without effect on a wheel.
func (b *build) only(t *toml.Table, name string, handled ...string) {
	for _, key := range t.Keys() {
		if !slices.Contains(handled, key) {
			b.refusef(t.KeyPos(key), "%s sets %q", name, key)
		}
	}
}

// checkBuildSystem refuses what would make the build another program.
func (b *build) checkBuildSystem() {
	system := b.doc.Table("build-system")
	b.only(system, "build-system", "requires", "build-backend")
	for i, v := range system.Value("requires").Array() {
		text, _ := v.Str()
		d, err := parseDependency(text)
		if err != nil {
			b.problemf(v.Pos, "build-system.requires: %v", err)
			continue
		}
		switch normal := d.normalName(); {
		case normal == strings.ReplaceAll(b.kind.name, "_", "-"):
			b.chooseRelease(v.Pos, d)
		case !slices.Contains(b.kind.harmless, normal):
			b.refusef(v.Pos, "build-system.requires[%d] names %s, which may be a plugin", i, d.name)
		}
	}
}

// chooseRelease takes the newest reproduced release that the project admits.
func (b *build) chooseRelease(pos diag.Position, d dependency) {
	if !b.kind.exact {
		return
	}
	admitted, err := version.ParseSpecifiers(d.specText())
	for _, generator := range []string{b.kind.generator, b.kind.older} {
		_, release, ok := strings.Cut(generator, " ")
		if ok && err == nil && admitted.ContainsText(release, true) {
			b.kind.generator = generator
			return
		}
	}
	b.problems.Add(&diag.Error{Pos: pos, Code: "unsupported-backend-release",
		What: fmt.Sprintf("the project wants %s %s, and lithe reproduces the wheels of %s", d.name, d.specText(), b.kind.generator),
		Hint: "admit that release in build-system.requires"})
}

// str returns a string value, "" when absent; another type is a problem.
func (b *build) str(t *toml.Table, name, key string) string {
	v := t.Value(key)
	if v == nil {
		return ""
	}
	s, ok := v.Str()
	if !ok {
		b.problemf(v.Pos, "%s.%s is not a string but of type %s", name, key, v.Kind())
	}
	return s
}

// flag returns a boolean, the default when absent.
func (b *build) flag(t *toml.Table, name, key string, otherwise bool) bool {
	v := t.Value(key)
	if v == nil {
		return otherwise
	}
	value, ok := v.Bool()
	if !ok {
		b.problemf(v.Pos, "%s.%s is not a boolean but of type %s", name, key, v.Kind())
	}
	return value
}

// text is a string with its place.
type text struct {
	s   string
	pos diag.Position
}

// few reports a list that is not too long.
func (b *build) few(pos diag.Position, name, key string, n int) bool {
	if n > maxItems {
		b.problemf(pos, "%s.%s has %d elements, more than %d", name, key, n, maxItems)
	}
	return n <= maxItems
}

// strs returns an array of non-empty strings, nil when absent.
func (b *build) strs(t *toml.Table, name, key string) []text {
	v := t.Value(key)
	if v == nil {
		return nil
	}
	if v.Kind() != "array" {
		b.problemf(v.Pos, "%s.%s is not an array but of type %s", name, key, v.Kind())
		return nil
	}
	out := []text{}
	if !b.few(v.Pos, name, key, len(v.Array())) {
		return nil
	}
	for i, e := range v.Array() {
		s, ok := e.Str()
		if !ok || s == "" {
			b.problemf(e.Pos, "%s.%s[%d] is not a string with characters in it", name, key, i)
			continue
		}
		out = append(out, text{s, e.Pos})
	}
	return out
}

// pair is a key with its string value.
type pair struct {
	key, value string
	pos        diag.Position
}

// pairs returns a table of strings in the order of the file.
func (b *build) pairs(t *toml.Table, name, key string) []pair {
	v := t.Value(key)
	if v == nil {
		return nil
	}
	inner, ok := v.AsTable()
	if !ok {
		b.problemf(v.Pos, "%s.%s is not a table but of type %s", name, key, v.Kind())
		return nil
	}
	if !b.few(v.Pos, name, key, len(inner.Keys())) {
		return nil
	}
	var out []pair
	for _, k := range inner.Keys() {
		out = append(out, pair{k, b.str(inner, name+"."+key, k), inner.KeyPos(k)})
	}
	return out
}

// sortedPairs returns pairs by key.
func sortedPairs(list []pair) []pair {
	return slices.SortedFunc(slices.Values(list), func(a, b pair) int { return strings.Compare(a.key, b.key) })
}

// addBytes adds a generated file.
func (b *build) addBytes(path string, data []byte, executable bool) {
	sum := sha256.Sum256(data)
	b.files = append(b.files, wheel.File{Path: path, Executable: executable, Size: int64(len(data)),
		Content: entry.Bytes(data), SHA256: sum})
	b.row(path, sum, int64(len(data)))
}

// addFile adds a file of the project.
func (b *build) addFile(path, source string) { b.addCopy(path, source, nil) }

// addCopy adds a file of the project, executable as the file is or as is said.
func (b *build) addCopy(path, source string, executable *bool) {
	if b.err != nil {
		return
	}
	f, err := b.tree.file(source)
	if err != nil {
		b.fail(diag.Position{File: b.file}, err)
		return
	}
	if f.Path = path; executable != nil {
		f.Executable = *executable
	}
	b.files = append(b.files, f)
	b.row(path, f.SHA256, f.Size)
}

// row adds a line to RECORD.
func (b *build) row(path string, sum [32]byte, size int64) {
	b.record.WriteString(quoteCSV(path) + ",sha256=" + base64.RawURLEncoding.EncodeToString(sum[:]) + "," +
		strconv.FormatInt(size, 10) + cmp.Or(b.eol, "\n"))
}

// finish writes RECORD.
func (b *build) finish(distInfo string) {
	path := distInfo + "/RECORD"
	b.record.WriteString(quoteCSV(path) + ",," + cmp.Or(b.eol, "\n"))
	data := b.record.Bytes()
	b.files = append(b.files, wheel.File{Path: path, Size: int64(len(data)), Content: entry.Bytes(data),
		SHA256: sha256.Sum256(data)})
}

// quoteCSV quotes as little as Python's and Rust's csv do, since RECORD has to be theirs byte for byte.
func quoteCSV(s string) string {
	if strings.ContainsAny(s, ",\"\r\n") {
		return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	return s
}
