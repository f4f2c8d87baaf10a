// Package cargo gives a build of Rust code the crates that it needs, since it has no network.
//
// A source tree and its pyproject.toml go in; the crates that its Cargo.lock names come out, each with its checksum and the
// place where it is named, and the folder in which cargo finds them by source replacement. What cargo could not get from
// there is a problem before anything is downloaded: dependencies of git repositories and of other registries, a Cargo.toml
// without a Cargo.lock. The package downloads nothing, and does not know which crates a platform compiles: cargo wants to see
// all that are locked.
//
// See https://doc.rust-lang.org/cargo/reference/source-replacement.html, and for Cargo.lock
// https://doc.rust-lang.org/cargo/guide/cargo-toml-vs-cargo-lock.html.
package cargo

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/toml"
)

const (
	maxPackages = 10_000 // of one Cargo.lock; the largest known, of whole workspaces, have some 1500
	maxName     = 64     // letters of the name of a crate, as crates.io has it
	maxVersion  = 128    // letters of its version
)

// maxLockVersion is the newest form of Cargo.lock that is known. Those before differ in where checksums stand.
const maxLockVersion = 4

// The names of crates.io in Cargo.lock: cargo writes the first, whichever way it asks for the index.
var cratesIO = []string{"registry+https://github.com/rust-lang/crates.io-index", "sparse+https://index.crates.io/"}

// Crate is one file of crates.io.
type Crate struct {
	Name     string
	Version  string
	Checksum string        // sha256 of the file, in hexadecimal
	Pos      diag.Position // in Cargo.lock
}

// Dir is the name of the folder of a crate, which no other crate has.
func (c Crate) Dir() string { return c.Name + "-" + c.Version }

// ParseLock returns the crates that a Cargo.lock names, sorted by name and version. All that cannot be had is reported
// together. Packages of the source tree itself are passed over.
func ParseLock(file string, data []byte) ([]Crate, error) {
	doc, err := toml.Parse(file, data)
	if err != nil {
		return nil, err
	}
	if v, ok := doc.Int("version"); ok && (v < 1 || v > maxLockVersion) {
		return nil, &diag.Error{Pos: doc.KeyPos("version"), Code: lockCode, What: fmt.Sprintf("version %d of Cargo.lock is not known", v),
			Hint: fmt.Sprintf("write it with a cargo that knows version %d", maxLockVersion)}
	}
	packages := doc.Tables("package")
	if len(packages) > maxPackages {
		return nil, &diag.Error{Pos: diag.Position{File: file}, Code: lockCode, What: fmt.Sprintf("%d packages are more than %d", len(packages), maxPackages)}
	}
	var problems diag.List
	var out []Crate
	for _, p := range packages {
		source := p.String("source")
		if source == "" { // of the tree
			continue
		}
		c := Crate{Name: p.String("name"), Version: p.String("version"), Pos: p.KeyPos("name")}
		c.Checksum = cmp.Or(p.String("checksum"), doc.Table("metadata").String("checksum "+c.Name+" "+c.Version+" ("+source+")"))
		if problem := c.check(source, p); problem != nil {
			problems.Add(problem)
			continue
		}
		out = append(out, c)
	}
	slices.SortFunc(out, compare)
	return out, problems.Err()
}

func compare(a, b Crate) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version))
}

// lockCode is the code of problems of Cargo.lock.
const lockCode = "cargo-lock"

// check says why a package cannot be had, nil where it can.
func (c Crate) check(source string, p *toml.Table) *diag.Error {
	const vendored = "; or vendor it in the source, with a .cargo/config.toml that replaces its source"
	problem := func(key, hint, format string, args ...any) *diag.Error {
		return &diag.Error{Pos: p.KeyPos(key), Code: lockCode, What: fmt.Sprintf(format, args...), Hint: hint}
	}
	switch sum, err := hex.DecodeString(c.Checksum); {
	case !isWord(c.Name, maxName, "_-") || !isWord(c.Version, maxVersion, "_-.+") || !startsWithDigit(c.Version):
		return problem("name", "", "%.80q %.80q are no name and version of a crate", c.Name, c.Version)
	case strings.HasPrefix(source, "git+"):
		return problem("source", "depend on a version of "+c.Name+" that crates.io has"+vendored,
			"crate %s %s is a commit of a git repository, and a build has no network to fetch it: %.200q", c.Name, c.Version, source)
	case !slices.Contains(cratesIO, source):
		return problem("source", "depend on a version of "+c.Name+" that crates.io has"+vendored,
			"crate %s %s is of a registry other than crates.io, which lithe does not ask: %.200q", c.Name, c.Version, source)
	case c.Checksum == "":
		return problem("name", "run `cargo generate-lockfile` in the project, which writes them", "crate %s %s has no checksum", c.Name, c.Version)
	case err != nil || len(sum) != 32 || c.Checksum != strings.ToLower(c.Checksum):
		return problem("checksum", "run `cargo generate-lockfile` in the project, which writes it", "crate %s %s: %.100q is no sha256", c.Name, c.Version, c.Checksum)
	}
	return nil
}

// isWord tells text of letters and digits of ASCII and a few more, of a length that is no attack.
func isWord(s string, limit int, more string) bool {
	return s != "" && len(s) <= limit && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(more, r)
	})
}

func startsWithDigit(s string) bool { return s[0] >= '0' && s[0] <= '9' }
