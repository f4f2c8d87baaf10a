package base

import (
	_ "embed"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lazyregexp"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
)

// standaloneKind is the base whose interpreter is an archive of python-build-standalone, on Debian's C library.
const standaloneKind = "standalone"

// Archive is an interpreter of python-build-standalone for one platform.
// See https://gregoryszorc.com/docs/python-build-standalone/main/running.html.
type Archive struct {
	Python  string `json:"python"`  // full version, "3.12.15"
	Release string `json:"release"` // its tag, "20261021"
	Hash    string `json:"hash"`    // "sha256:…"
	Size    int64  `json:"size"`
	Path    string `json:"path"` // below the mirror: "20261021/cpython-3.12.15+20261021-….tar.gz"
}

// Version returns what the archive is called among its like: "3.12.15+20261021".
func (a *Archive) Version() string { return a.Python + "+" + a.Release }

// Archive returns the version of the interpreter of a standalone base that is locked, "3.12.15+20261021"; "" for others.
func (p *Pins) Archive() string {
	for _, s := range p.Platforms {
		if s.Standalone != nil {
			return s.Standalone.Version()
		}
	}
	return ""
}

// standaloneName is what stands behind the kind in "standalone:3.12.15+20261021".
type standaloneName struct {
	python  string // "3.12" or "3.12.15"; "" leaves it open
	release string // "" means the newest
}

var standaloneForm = lazyregexp.New(`^(3\.(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2}))?)(?:\+([0-9]{8}))?$`)

// IsStandalone reports whether the full name of a base, as Parse returns it, is that of a standalone Python.
func IsStandalone(name string) bool {
	kind, _, _ := strings.Cut(name, ":")
	return kind == standaloneKind
}

// parseStandalone reads the name of a base. ok is false for names of others.
func parseStandalone(name string) (n standaloneName, ok bool, err error) {
	if !IsStandalone(name) {
		return n, false, nil
	}
	if name == standaloneKind {
		return n, true, nil
	}
	_, argument, _ := strings.Cut(name, ":")
	m := standaloneForm.FindStringSubmatch(argument)
	if m == nil {
		return n, true, &diag.Error{Code: "unknown-base", What: fmt.Sprintf("base %q names no Python and no release", name),
			Hint: `write "standalone:3.12", "standalone:3.12.11", or with a release of python-build-standalone "standalone:3.12+20261021"`}
	}
	n = standaloneName{python: m[1], release: m[2]}
	if number := MinorNumber(n.python); number < OldestPython || number > newestPython {
		return n, true, &diag.Error{Code: "unknown-base", What: fmt.Sprintf("base %q: lithe knows Python 3.%d to 3.%d", name, OldestPython, newestPython),
			Hint: "name one of these"}
	}
	return n, true, nil
}

// String returns the full name.
func (n standaloneName) String() string {
	name := standaloneKind
	if n.python != "" {
		name += ":" + n.python
	}
	if n.release != "" {
		name += "+" + n.release
	}
	return name
}

// WithPython returns the name of a standalone base with a Python that somebody asks for, "3.12" or "3.12.11". The name's
// own stays where it says as much already, or another Python.
func WithPython(name, python string) string {
	n, ok, err := parseStandalone(name)
	if !ok || err != nil || n.python != "" && (n.python == python || n.python != Minor(python)) || !standaloneForm.MatchString(python) {
		return name
	}
	n.python = python
	return n.String()
}

//go:embed standalone.txt
var standaloneTable string

// known is a Python that some release had when this release of lithe was made.
type known struct{ python, release string }

// standaloneKnown returns the table, the newest Python first.
func standaloneKnown() (all []known) {
	for line := range strings.Lines(standaloneTable) {
		if python, release, ok := strings.Cut(strings.TrimSpace(line), " "); ok && python != "#" {
			all = append(all, known{python, release})
		}
	}
	return all
}

// newestKnown returns the last patch release of a minor version, or a patch release itself, as the table has it.
func newestKnown(python string) (known, bool) {
	all := standaloneKnown()
	i := slices.IndexFunc(all, func(k known) bool { return k.python == python || Minor(k.python) == python })
	if i < 0 {
		return known{}, false
	}
	return all[i], true
}

// standalonePythons lists a base for each minor version, the newest first.
func standalonePythons() (all []Python) {
	for _, k := range standaloneKnown() {
		minor := Minor(k.python)
		if len(all) == 0 || all[len(all)-1].Version != minor {
			all = append(all, Python{Version: minor, Base: standaloneKind + ":" + minor})
		}
	}
	return all
}

// standaloneRoots is what programs may count on beside an interpreter that has its own libraries inside: what Debian's
// interpreter would have brought and the manylinux policies let wheels link to (PEP 600), and what the module crypt of
// Python before 3.13 links to.
var standaloneRoots = append(slices.Clone(baseRoots), "libcrypt1", "libexpat1", "zlib1g")

// standaloneSuite is the row of the default suite without its interpreter.
func standaloneSuite() suite {
	s := suites[0]
	s.roots, s.pythons, s.bare = standaloneRoots, nil, true
	return s
}

// expected is what is known of a standalone base before any index was read.
func (n standaloneName) expected() (Facts, error) {
	python := n.python
	if k, ok := newestKnown(python); ok {
		python = k.python
	}
	if python == "" {
		python = standaloneKnown()[0].python
	}
	return standaloneFacts(python, "glibc-"+suites[0].glibc)
}

// facts is what the plan must know of an interpreter on packages of Debian.
func (a *Archive) facts(pins []Pin) (Facts, error) {
	if m := standaloneForm.FindStringSubmatch(a.Version()); m == nil || m[1] == Minor(a.Python) {
		return Facts{}, badPin("%q is no version of an interpreter", a.Version())
	}
	f, err := standaloneFacts(a.Python, "glibc-"+versionOf(pins, suites[0].libc))
	if err != nil {
		return Facts{}, fmt.Errorf("package %s: %w", suites[0].libc, err)
	}
	return f, nil
}

// standalonePrefix is where the archive's files are in an image, as in Python's own images.
const standalonePrefix = "usr/local"

func standaloneFacts(python, libc string) (Facts, error) {
	parsed, err := wheeltag.ParseLibc(libc)
	return Facts{Python: python, ABI: abiOf(python), Libc: parsed,
		Interpreter: "/" + path.Join(standalonePrefix, "bin", "python"+Minor(python))}, err
}
