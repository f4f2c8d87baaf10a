package lock

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/requirement"
)

// A requirements file with hashes is a lock: pip installs what is listed and nothing else. It names no files, only the
// hashes of all that may be installed, so that an index must tell which of them is which. It says nothing about groups
// or extras of the project. See https://pip.pypa.io/en/stable/reference/requirements-file-format/ and
// https://pip.pypa.io/en/stable/topics/secure-installs/.
var requirementsFormat = format{name: "requirements", file: "requirements.txt", decode: undecoded,
	also: []string{"*.txt", "*requirements*.lock"}, lock: "uv pip compile --generate-hashes requirements.in -o requirements.txt",
	parse: parseRequirements}

const (
	// maxIncludes is how many files a requirements file may draw in; it also ends what includes itself by other names.
	maxIncludes = 200
	// maxEntries is how many requirements there are in all. The largest known files have some hundreds.
	maxEntries = 50000
)

// requirementsReader reads one requirements file with those that it includes.
type requirementsReader struct {
	*source
	lock        *Lock
	file        string   // that is being read, as shown
	reading     []string // with those that include it
	constraint  bool     // the file only limits what others ask for
	included    int
	bytes       int
	entries     []entry
	constraints map[string][]entry // by name
	limits      int                // how many there are
	byName      map[string][]int   // packages

	indexes              []string // the default one first
	indexPos             []diag.Position
	noIndex              bool
	trusted              []string
	noBinary, onlyBinary formatControl
}

// entry is one requirement of a file.
type entry struct {
	requirement.Requirement
	pos    diag.Position
	hashes []string // "sha256:<hex>", sorted
	text   string   // as written, without options
	local  string   // path of a file or folder, relative to the project's folder
	edit   bool     // editable
	broken bool     // something behind it is reported already
}

// parseRequirements reads a whole requirements file. What a line means depends on options that may stand further down,
// so packages are made after all files are read.
func parseRequirements(s *source) *Lock {
	r := &requirementsReader{source: s, lock: &Lock{Flat: true}, constraints: map[string][]entry{}, byName: map[string][]int{}, indexes: []string{""}, indexPos: make([]diag.Position, 1)}
	r.readText(filepath.ToSlash(s.path), s.data)
	root := r.rootPackage()
	if len(s.problems) == 0 {
		r.checkHashes()
	}
	r.insecure = r.trusted
	r.checkIndexes()
	for i := range r.entries {
		r.addEntry(&root, &r.entries[i])
	}
	r.finish(root)
	return r.lock
}

// finish adds the project as the last package, and compares what it asks for with what is locked.
func (r *requirementsReader) finish(root Package) {
	r.lock.Root = len(r.lock.Packages)
	r.lock.Members = []int{r.lock.Root}
	r.lock.Packages = append(r.lock.Packages, root)
	r.lock.ExtraIndexes = r.indexes[1:]
	if len(r.problems) == 0 {
		r.checkStatic(r.lock, staticAll)
	}
}

// readText reads a file that is in memory.
func (r *requirementsReader) readText(file string, data []byte) {
	before := r.file
	r.file, r.reading = file, append(r.reading, file)
	defer func() { r.file, r.reading = before, r.reading[:len(r.reading)-1] }()
	text, err := decodeText(data)
	if err != nil {
		r.report(&diag.Error{Pos: diag.Position{File: file, Line: 1}, Code: "unreadable", What: err.Error(),
			Hint: "save it as UTF-8"})
		return
	}
	for l := range logicalLines(text) {
		r.readLine(l)
	}
}

// at is the position of an offset of a line in the file that is being read.
func (r *requirementsReader) at(l logicalLine, offset int) diag.Position { return l.at(r.file, offset) }

// readLine reads a requirement with its options, or the options of a line without one.
func (r *requirementsReader) readLine(l logicalLine) {
	start := len(l.text) - len(strings.TrimLeft(l.text, " \t"))
	end, before := optionsBegin(l.text, start), len(r.problems)
	options := r.options(l, end)
	text := strings.TrimRight(l.text[start:end], " \t")
	if text == "" {
		for _, o := range options {
			_, rule, _ := requirementOptions(o.name)
			rule.apply(r, o)
		}
		return
	}
	e := entry{text: text, pos: r.at(l, start)}
	for _, o := range options {
		switch o.name {
		case "--hash":
			r.addHash(&e, o)
		case "--config-settings":
			r.warn(o.pos, "ignored-option", "%s: what the build of a source distribution is told is not passed on", text)
		default:
			r.bad(o.pos, "%s stands on a line of its own, not behind a requirement", o.name)
		}
	}
	e.broken = len(r.problems) > before
	slices.Sort(e.hashes)
	e.hashes = slices.Compact(e.hashes)
	r.addRequirement(e)
}

// optionsBegin returns where the first word stands that begins with a dash.
func optionsBegin(text string, from int) int {
	for i := from; i < len(text); i++ {
		if text[i] == '-' && (i == from || text[i-1] == ' ' || text[i-1] == '\t') {
			return i
		}
	}
	return len(text)
}

// addHash adds the value of --hash. Digits may be in any case, as in pip.
func (r *requirementsReader) addHash(e *entry, o option) {
	algorithm, digits, _ := strings.Cut(o.value, ":")
	length, strong := strongHashes[algorithm]
	digits = strings.ToLower(digits)
	switch {
	case !strong:
		r.report(&diag.Error{Pos: o.pos, Code: "hash-weak", Hint: "run `" + r.format.lock + "`, which writes sha256",
			What: fmt.Sprintf("%s: %s is no hash that verifies a file; those are sha256, sha384 and sha512", e.text, quoted(algorithm))})
	case len(digits) != length || strings.Trim(digits, "0123456789abcdef") != "":
		r.report(&diag.Error{Pos: o.pos, Code: "hash-malformed", Hint: "run `" + r.format.lock + "` to write the file again",
			What: fmt.Sprintf("%s: %s is not a %s hash, which has %d hexadecimal digits", e.text, quoted(digits), algorithm, length)})
	default:
		e.hashes = append(e.hashes, algorithm+":"+digits)
	}
}

// strongHashes are the hashes that pip takes, and how many digits they have.
var strongHashes = map[string]int{"sha256": 64, "sha384": 96, "sha512": 128}

// addRequirement reads what stands before the options: a requirement, an address, or a path.
func (r *requirementsReader) addRequirement(e entry) {
	var err error
	switch {
	case isPath(e.text):
		r.local(e.text, e.pos, false, e.hashes)
		return
	case addressOf(e.text) != "":
		e.Requirement, err = nameless(e.text)
	default:
		e.Requirement, err = requirement.Parse(e.text)
	}
	if err != nil {
		what := err.Error()
		if strings.Contains(e.text, ";") && !strings.Contains(what, "marker") {
			what = "marker: " + what
		}
		r.report(&diag.Error{Pos: e.pos, Code: "requirement", What: what,
			Hint: "see https://packaging.python.org/en/latest/specifications/dependency-specifiers/"})
		return
	}
	r.add(e)
}

// add keeps an entry, apart if its file only limits others.
func (r *requirementsReader) add(e entry) {
	if len(r.entries)+r.limits >= maxEntries {
		r.bad(e.pos, "more than %d requirements", maxEntries)
		return
	}
	if n := name.Normalize(e.Name); r.constraint {
		r.limits++
		if len(r.constraints[n]) < maxVersions {
			r.constraints[n] = append(r.constraints[n], e)
		}
		return
	}
	r.entries = append(r.entries, e)
}

// isPath tells a path from a requirement and an address.
func isPath(text string) bool {
	text, _, _ = strings.Cut(text, ";")
	text = strings.TrimSpace(text)
	if strings.Contains(text, "@") || strings.Contains(text, "://") {
		return strings.HasPrefix(text, "./") || strings.HasPrefix(text, "../") || strings.HasPrefix(text, "/")
	}
	return strings.HasPrefix(text, ".") || strings.ContainsAny(text, `/\`) || strings.HasPrefix(text, "file:") ||
		strings.HasSuffix(text, ".whl") || sdistSuffix(text) != "" && !strings.ContainsAny(text, "<>=!~ ")
}

// addressOf returns the address that a text begins with, "" when it is none.
func addressOf(text string) string {
	address, _, _ := strings.Cut(text, " ")
	scheme, _, ok := strings.Cut(address, "://")
	if !ok || strings.Trim(strings.ToLower(scheme), "abcdefghijklmnopqrstuvwxyz+.-0123456789") != "" {
		return ""
	}
	return address
}

// nameless reads an address without a name before it: the name is its file's, or behind "#egg=".
func nameless(text string) (requirement.Requirement, error) {
	address := addressOf(text)
	named := fragmentOf(address, "egg")
	if base, _, ok := strings.Cut(named, "["); ok {
		named = base
	}
	if named == "" {
		named, _ = fileProject(urlFile(address))
	}
	if !name.Valid(named) {
		return requirement.Requirement{}, fmt.Errorf("%s does not say of which project it is; write \"NAME @ %s\"", quoted(address), address)
	}
	return requirement.Parse(named + " @ " + text)
}

// fragmentOf returns a value behind the "#" of an address: "egg=x&subdirectory=y".
func fragmentOf(address, key string) string {
	_, fragment, _ := strings.Cut(address, "#")
	for pair := range strings.SplitSeq(fragment, "&") {
		if value, ok := strings.CutPrefix(pair, key+"="); ok {
			return value
		}
	}
	return ""
}

// local adds a file or a folder of the project. The project's own folder is no dependency: lithe installs it anyway.
func (r *requirementsReader) local(written string, pos diag.Position, edit bool, hashes []string) {
	if addressOf(written) != "" && !strings.HasPrefix(written, "file:") {
		q, err := nameless(written)
		if err != nil {
			r.report(&diag.Error{Pos: pos, Code: "requirement", What: "-e: " + err.Error(), Hint: "add \"#egg=NAME\" to it"})
			return
		}
		r.add(entry{Requirement: q, pos: pos, text: written, edit: edit, hashes: hashes})
		return
	}
	text, marked, _ := strings.Cut(written, ";")
	text, _, _ = strings.Cut(strings.TrimSpace(text), "[")
	text = strings.TrimPrefix(strings.TrimPrefix(text, "file://"), "file:")
	e := entry{pos: pos, text: written, edit: edit, hashes: hashes, local: cleanPath(text)} // as pip: relative to where it runs
	if marked != "" {
		q, err := requirement.Parse("x;" + marked)
		if err != nil {
			r.report(&diag.Error{Pos: pos, Code: "requirement", What: err.Error(), Hint: "correct the marker"})
			return
		}
		e.Marker = q.Marker
	}
	r.add(e)
}
