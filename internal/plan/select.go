package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lock"
	"github.com/lithe-build/lithe/internal/python/marker"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/version"
)

// Package is one distribution that was selected for a target.
type Package struct {
	Name     string `json:"name"` // normalised
	Version  string `json:"version,omitempty"`
	Kind     string `json:"kind"`               // one of the Kind constants
	Filename string `json:"filename,omitempty"` // "" for vcs and folders
	Hash     string `json:"hash,omitempty"`     // "sha256:<hex>", as the lock has it
	URL      string `json:"url,omitempty"`      // "" when an index must be asked
	Source   string `json:"source"`             // index, address with commit, or path
	Size     int64  `json:"size,omitempty"`     // bytes; 0 when the lock does not tell
	Index    string `json:"index,omitempty"`    // simple API to ask; "" means the default one
	Path     string `json:"path,omitempty"`     // of a local file or folder, relative to the lock file

	Hashes []string `json:"hashes,omitempty"` // of all files that it may be, where the kind is unknown

	Build *Build `json:"build,omitempty"` // how its wheel is made; nil for what is one

	Origin  lock.Source   `json:"-"` // as the lock has it
	Pos     diag.Position `json:"-"` // in the lock file
	Because []Reason      `json:"-"` // who asked for it, the project first; empty for the project itself
}

// Build is how a wheel is made of sources.
type Build struct {
	Key      string   `json:"key,omitempty"` // of the wheel: a hash of everything that it depends on; "" while the requirements are not locked
	Requires []string `json:"requires"`      // "setuptools 80.9.0", sorted
}

// The kinds of package, by what must be done to get a wheel of it.
const (
	KindWheel = "wheel"
	KindSdist = "sdist"
	KindVCS   = "vcs"
	KindURL   = "url"
	KindLocal = "local"

	// KindUnknown is a package whose lock lists hashes without files, or a version without either. An index tells which is
	// the file for the target; see lock.WithFiles and lock.WithPins.
	KindUnknown = "unknown"
)

// Reason is one edge of the lock that led to a package.
type Reason struct {
	By     string        // the package that requires it
	Extra  string        // of By
	Group  string        // of By
	Marker marker.Marker // under which it is required, which holds for the target
	Pos    diag.Position
}

// String returns "fastapi[standard] if python_version >= '3.9'".
func (r Reason) String() string {
	s := r.By
	if r.Extra != "" {
		s += "[" + r.Extra + "]"
	}
	if r.Group != "" {
		s += ", group " + r.Group
	}
	if !r.Marker.IsZero() {
		s += " if " + r.Marker.String()
	}
	return s
}

// Condition says under what By requires it: "extra standard, if python_version >= '3.9'". It is empty for what By always
// requires.
func (r Reason) Condition() string {
	var parts []string
	if r.Extra != "" {
		parts = append(parts, "extra "+r.Extra)
	}
	if r.Group != "" {
		parts = append(parts, "group "+r.Group)
	}
	if !r.Marker.IsZero() {
		parts = append(parts, "if "+r.Marker.String())
	}
	return strings.Join(parts, ", ")
}

// Select returns the packages of a lock that a target needs, sorted by name, with the file to take of each. The error
// is a diag.List with all problems. Whether the lock is stale is not asked here.
func Select(l *lock.Lock, t Target) ([]Package, error) {
	w, err := walked(l, t)
	if err != nil {
		return nil, err
	}
	tags, err := t.Tags()
	if err != nil {
		return nil, err
	}
	c := chooser{target: t, tags: tags, lock: l}
	var out []Package
	for _, i := range w.selected() {
		if p, ok := c.choose(&l.Packages[i]); ok {
			p.Because = w.reasons[i]
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b Package) int { return strings.Compare(a.Name, b.Name) })
	return out, c.problems.Err()
}

// walked goes along the edges that hold for a target.
func walked(l *lock.Lock, t Target) (*walker, error) {
	python, err := version.Parse(t.Python)
	if err != nil {
		return nil, fmt.Errorf("python: %w", err)
	}
	if !l.RequiresPython.Contains(python, true) {
		return nil, diag.List{{Pos: l.RequiresPythonPos, Code: "python-excluded",
			What: fmt.Sprintf("Python %s is not admitted: requires-python is %s", t.Python, l.RequiresPython),
			Hint: "name a Python that is with the key `python`, or a base that has one"}}
	}
	t.Groups, t.Extras, t.Package = normalized(t.Groups), normalized(t.Extras), name.Normalize(t.Package)
	w := &walker{lock: l, target: t, env: t.Environment(), python: python}
	if w.supported() {
		w.run()
	}
	return w, w.problems.Err()
}

func normalized(written []string) []string {
	out := make([]string, len(written))
	for i, w := range written {
		out[i] = name.Normalize(w)
	}
	return out
}

// supported reports a platform that the lock was not made for.
func (w *walker) supported() bool {
	if len(w.lock.Environments) == 0 || anyHolds(w.lock.Environments, w.env) {
		return true
	}
	var texts []string
	for _, m := range w.lock.Environments {
		texts = append(texts, m.String())
	}
	w.problems.Add(&diag.Error{Pos: w.lock.RequiresPythonPos, Code: "platform-excluded",
		What: fmt.Sprintf("%s does not support %s; it is for: %s", w.lock.Path, w.target.describe(), strings.Join(texts, "; ")),
		Hint: "add the platform to the environments that the file is made for (tool.uv.environments), and lock again"})
	return false
}

// anyHolds tells whether one of the markers holds.
func anyHolds(markers []marker.Marker, env marker.Environment) bool {
	return slices.ContainsFunc(markers, func(m marker.Marker) bool { return m.Eval(env) })
}
