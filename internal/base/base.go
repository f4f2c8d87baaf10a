// Package base assembles the part of an image below the project: a Linux user space with a Python interpreter, made
// of Debian packages without running anything of theirs, with an archive of python-build-standalone in place of Debian's
// interpreter where that is wanted, or taken from an image of a registry as it is.
//
// Resolve reads a suite's signed indexes and picks the packages: Pins. They go into lithe.lock, so that a base is the
// same on any day. Assemble turns Pins into entries: packages are verified, unpacked in memory, pruned by a visible
// table, and completed by the files that maintainer scripts would have made. What it returns is a function of the
// pins alone. Every path is usr-merged: nothing lies below bin, lib, lib64 or sbin, which are links.
//
// See https://wiki.debian.org/DebianRepository/Format and
// https://www.debian.org/doc/debian-policy/ch-relationships.html.
package base

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
	"github.com/lithe-build/lithe/internal/registry"
	"github.com/lithe-build/lithe/internal/store"
)

// Format is a part of the key of every layer made here. It moves when the same pins would give other entries: another
// pruning, another file that is made.
const Format = 1

// Kinds of a Part, which are the kinds of layers that a base has.
const (
	KindBase        = "base"
	KindInterpreter = "interpreter"
	KindSystem      = "system"  // what the project asks for beside the two others
	KindBuilder     = "builder" // no layer: what source code is built with

	KindCertificates = "certificates" // whom the project trusts besides the base; above all of these
)

// Options says which base to make and where its packages come from.
type Options struct {
	Name           string             // "debian" or "debian:SUITE"; "" means "debian"; "standalone:3.12"; or the name of an image
	Python         string             // minor version, where a suite has several; "" means its own choice
	Platforms      []string           // "linux/amd64", "linux/arm64"; Resolve needs one at least
	Mirror         string             // of the suite and its updates; "" means Debian's
	SecurityMirror string             // of the security suite; "" means Debian's
	Snapshot       string             // archive that keeps superseded packages, tried last; "" means none
	Keyring        openpgp.EntityList // who may sign a suite; nil means Debian's archive keys
	Now            time.Time          // what Valid-Until is compared with; Resolve needs it
	AllowExpired   bool               // accept an index past its Valid-Until; the pins say so
	Jobs           int                // packages unpacked at once; 0 means 4

	Dir           string   // of the project, which has the .deb files among its system packages
	System        []Want   // system packages: of all targets for Resolve and Extend, of one target for Assemble
	Build         []Want   // packages that building needs, of all targets
	Sources       []Source // further repositories for both
	AcceptScripts []string // packages of both whose maintainer scripts need not be understood

	Registry *registry.Client // for a base that is an image
	Store    *store.Store     // where its layers go
	// ImageRoot returns a folder with all files of such an image, for system packages above it.
	ImageRoot func(ctx context.Context, pins *Pins, s Selection) (dir string, err error)
	Digest    string // what the name of the image meant before, for one more platform of it; "" asks the registry

	StandaloneMirror string // of the releases of python-build-standalone; "" means its own
	Archive          string // what the name of a standalone base meant before, "3.12.15+20261021", as Digest
}

// Mirrors of Debian itself, behind a content delivery network.
const (
	defaultMirror         = "https://deb.debian.org/debian"
	defaultSecurityMirror = "https://deb.debian.org/debian-security"
)

// defaultJobs keeps several unpackers busy without holding every package of a base in memory at once.
const defaultJobs = 4

// Event is a step of progress. Done and Total are bytes for "fetch", packages for "unpack", 0 where unknown.
type Event struct {
	Stage string // "index", "fetch" or "unpack"
	Item  string // a suite or a package
	Done  int64
	Total int64
}

// Pins is a base as lithe.lock records it. It is plain data, and the same indexes give the same pins.
type Pins struct {
	Name      string      `json:"name"`            // "debian:trixie", "standalone:3.12"
	Image     string      `json:"image,omitempty"` // digest of what Name means, where that is an image
	Created   time.Time   `json:"created"`
	Releases  []Release   `json:"releases"`
	Platforms []Selection `json:"platforms"`        // in the order of Options.Platforms
	System    []string    `json:"system,omitempty"` // what Options.System said, sorted

	BuildPackages []string    `json:"buildPackages,omitempty"` // what Options.Build said, sorted, where there is a builder
	Sources       []SourcePin `json:"sources,omitempty"`       // what Options.Sources said
}

// Release is one suite whose index was read.
type Release struct {
	Suite   string    `json:"suite"` // "trixie-security"
	Date    time.Time `json:"date"`
	Expired bool      `json:"expired,omitempty"` // it was past its Valid-Until, and that was accepted
}

// Selection is what one platform is made of.
type Selection struct {
	Platform string    `json:"platform"`         // "linux/amd64"
	Created  time.Time `json:"created,omitzero"` // of the indexes it comes from, where they are newer than Pins.Created
	Image    *Image    `json:"image,omitempty"`  // nil for a base that is made of packages
	Packages []Pin     `json:"packages"`         // sorted by name

	Standalone *Archive `json:"standalone,omitempty"` // the interpreter, where that is no package
	Builder    *Builder `json:"builder,omitempty"`    // what source code is built in; nil where nothing is

	Libraries []Library `json:"libraries,omitempty"` // which distribution needs which package; sorted
}

// Pin is one Debian package.
type Pin struct {
	Name         string `json:"name"`
	Version      string `json:"version"`
	Architecture string `json:"architecture"` // "amd64", "arm64" or "all"
	Hash         string `json:"hash"`         // "sha256:…" of the .deb
	Size         int64  `json:"size"`
	Archive      string `json:"archive"` // "debian" or "debian-security": which mirror has it; "local"; or the URL of a source
	Path         string `json:"path"`    // below the mirror: "pool/main/z/zlib/zlib1g_1.3_amd64.deb"
	Part         string `json:"part"`    // KindBase, KindInterpreter or KindSystem
	Reason       string `json:"reason"`  // "root", or who needs it

	For []string `json:"for,omitempty"` // in KindSystem: the names that the project asked for and that need it, sorted

	InsteadOf string `json:"insteadOf,omitempty"` // of a source's package: the version that Debian itself has
}

// Base is an assembled base for one platform.
type Base struct {
	Name     string // "debian:trixie"
	Suite    string // "trixie"
	Platform string // "linux/amd64"
	Facts
	Parts         []Part   // base, interpreter, and system where the options ask for packages
	StdlibSources []string // paths of the .py files that get bytecode, sorted; all are entries of the interpreter part
}

// Part is what goes into one layer. Its entries are sorted, and no path is in two parts.
type Part struct {
	Kind     string
	Packages []string // "zlib1g=1:1.3.dfsg+really1.3.1-1+b1", sorted
	Entries  []entry.Entry
}

// Facts is what the plan must know about a base. Pins alone tell it, so planning downloads nothing.
type Facts struct {
	Python      string        // full upstream version, "3.13.5"
	ABI         string        // "cp313"
	Libc        wheeltag.Libc // glibc 2.41
	Interpreter string        // path in the image, "/usr/bin/python3.13"
}

// Library returns the directory of the standard library in the image, "/usr/lib/python3.13".
func (f Facts) Library() string {
	return path.Join(path.Dir(f.Interpreter), "../lib/python"+f.Minor())
}

// Minor returns "3.13" for Python 3.13.5.
func (f Facts) Minor() string { return Minor(f.Python) }

// Minor returns "3.13" for Python 3.13.5 and for 3.13.
func Minor(python string) string {
	major, rest, _ := strings.Cut(python, ".")
	minor, _, _ := strings.Cut(rest, ".")
	return major + "." + minor
}

// MinorNumber returns 13 for Python 3.13.5, and 0 for what is no version.
func MinorNumber(python string) int {
	_, minor, _ := strings.Cut(Minor(python), ".")
	n, err := strconv.Atoi(minor)
	if err != nil {
		return 0
	}
	return n
}

// Selection returns the packages of a platform.
func (p *Pins) Selection(platform string) (Selection, bool) {
	i := slices.IndexFunc(p.Platforms, func(s Selection) bool { return s.Platform == platform })
	if i < 0 {
		return Selection{}, false
	}
	return p.Platforms[i], true
}

// Has reports whether a platform is locked.
func (p *Pins) Has(platform string) bool {
	_, ok := p.Selection(platform)
	return ok
}

// Facts returns what the pins say about a platform's interpreter and C library.
func (p *Pins) Facts(platform string) (Facts, error) {
	sel, ok := p.Selection(platform)
	if !ok {
		return Facts{}, fmt.Errorf("%s is not locked for %s", p.Name, platform)
	}
	if sel.Image != nil {
		return sel.Image.facts()
	}
	su, err := suiteOf(p.Name)
	if err != nil {
		return Facts{}, err
	}
	return su.factsOf(sel)
}

// factsOf reads the facts off what one platform is made of.
func (s suite) factsOf(sel Selection) (Facts, error) {
	switch {
	case sel.Standalone != nil:
		return sel.Standalone.facts(sel.Packages)
	case s.bare:
		return Facts{}, badPin("no interpreter is locked for %s", sel.Platform)
	}
	return facts(s, sel.Packages)
}

// facts reads versions off the packages that the suite's row names.
func facts(su suite, pins []Pin) (Facts, error) {
	su = su.of(pins)
	python, libc := versionOf(pins, su.interpreter()), versionOf(pins, su.libc)
	if !strings.HasPrefix(python, su.python+".") {
		return Facts{}, badPin("%s: package %s has version %q, which is no Python %s", su.name, su.interpreter(), python,
			su.python)
	}
	f, err := su.facts(python, "glibc-"+libc)
	if err != nil {
		return Facts{}, fmt.Errorf("%s: package %s: %w", su.name, su.libc, err)
	}
	return f, nil
}

// versionOf returns the upstream version of a package, "" if it is not there.
func versionOf(pins []Pin, name string) string {
	i := slices.IndexFunc(pins, func(p Pin) bool { return p.Name == name })
	if i < 0 {
		return ""
	}
	return upstream(pins[i].Version)
}

func (s suite) facts(python, libc string) (Facts, error) {
	parsed, err := wheeltag.ParseLibc(libc)
	return Facts{Python: python, ABI: "cp" + strings.ReplaceAll(s.python, ".", ""), Libc: parsed,
		Interpreter: "/usr/bin/" + s.interpreter()}, err
}

// upstream returns the numbers that a Debian version begins with: "2.41" for "2.41-12+deb13u4". Epoch, revision, and
// what Debian adds to an upstream version ("+dfsg", "~rc1") say nothing about compatibility.
func upstream(v string) string {
	if _, rest, ok := strings.Cut(v, ":"); ok {
		v = rest
	}
	end := strings.IndexFunc(v, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if end >= 0 {
		v = v[:end]
	}
	return strings.TrimRight(v, ".")
}
