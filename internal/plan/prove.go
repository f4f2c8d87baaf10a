package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lock"
	"github.com/lithe-build/lithe/internal/python/marker"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/requirement"
	"github.com/lithe-build/lithe/internal/python/version"
)

// Requirements are what the METADATA of a distribution asks for.
type Requirements struct {
	RequiresPython string   // as written; "" means any
	RequiresDist   []string // as written, with markers
}

// Prove checks that a selection is whole: whatever a package requires on the target is among the packages, in a version that
// it admits. A list of versions that nobody resolved cannot promise that. The packages come back with who requires them; the
// error is a diag.List of all that is missing. What is known of no package is not asked for.
func Prove(l *lock.Lock, t Target, packages []Package, known map[string]Requirements) ([]Package, error) {
	p := prover{lock: l, target: t, packages: slices.Clone(packages), byName: map[string]int{}, seen: map[wanted]bool{}, read: map[int][]parsed{}}
	for i := range p.packages {
		p.packages[i].Because = slices.Clone(p.packages[i].Because)
		p.byName[p.packages[i].Name] = i
	}
	for i := range p.packages {
		p.visit(wanted{i, ""})
	}
	p.roots()
	for len(p.queue) > 0 {
		next := p.queue[0]
		p.queue = p.queue[1:]
		p.expand(next, known[p.packages[next.pkg].Name])
	}
	return p.packages, p.problems.Err()
}

// wanted is a package, or one of its extras.
type wanted struct {
	pkg   int
	extra string
}

// prover walks from each package, and from each extra that somebody asks for, along what is required.
type prover struct {
	lock     *lock.Lock
	target   Target
	packages []Package
	byName   map[string]int
	seen     map[wanted]bool
	queue    []wanted
	read     map[int][]parsed // by package
	effort   int              // of reading
	problems diag.List
}

func (p *prover) visit(w wanted) {
	if !p.seen[w] {
		p.seen[w] = true
		p.queue = append(p.queue, w)
	}
}

// roots adds the extras that the file itself asks for.
func (p *prover) roots() {
	if p.lock.Root < 0 {
		return
	}
	env := p.target.Environment()
	for _, d := range p.lock.Packages[p.lock.Root].Dependencies {
		i, ok := p.byName[d.Name]
		if !ok || !d.Marker.Eval(env) {
			continue
		}
		for _, extra := range d.Extras {
			p.visit(wanted{i, extra})
		}
	}
}

// expand looks at the requirements of a package, or at those that one of its extras adds.
func (p *prover) expand(w wanted, known Requirements) {
	pkg := &p.packages[w.pkg]
	if w.extra == "" {
		p.checkPython(pkg, known.RequiresPython)
	}
	env := p.target.Environment()
	if w.extra != "" {
		env.Extras = []string{w.extra}
	}
	for _, q := range p.requirements(w, known.RequiresDist) {
		if q.Marker.Eval(env) && (w.extra == "" || q.ofExtra) {
			p.follow(pkg, q.Requirement)
		}
	}
}

// parsed is a requirement that was read, and whether it may be one of an extra.
type parsed struct {
	requirement.Requirement
	ofExtra bool
}

// maxEffort is how much may be read again for extras, in units of one short requirement. Real packages have a hundred
// requirements and ten extras.
const maxEffort = 20_000_000

// requirements reads those of a package once, and reports what cannot be read. It returns none where extras are asked for
// without an end.
func (p *prover) requirements(w wanted, texts []string) []parsed {
	pkg := &p.packages[w.pkg]
	if p.effort > maxEffort {
		return nil
	}
	for _, text := range texts {
		p.effort += 1 + len(text)/32
	}
	if p.effort > maxEffort {
		p.report(pkg, "requirement", "of it, and of packages before it, too many extras are asked for", "choose other versions")
		return nil
	}
	if all, ok := p.read[w.pkg]; ok {
		return all
	}
	var all []parsed
	for _, text := range texts {
		q, err := requirement.Parse(text)
		if err != nil {
			p.report(pkg, "requirement", fmt.Sprintf("its metadata has a requirement that cannot be read: %v", err), "choose another version of it")
			continue
		}
		all = append(all, parsed{q, asksExtra(q.Marker)})
	}
	p.read[w.pkg] = all
	return all
}

// asksExtra tells whether a marker speaks of extras; what does not belongs to the package without any.
func asksExtra(m marker.Marker) bool { return strings.Contains(m.String(), "extra") }

// checkPython reports a package that is not for the target's Python, which no installer would take.
func (p *prover) checkPython(pkg *Package, requires string) {
	specifiers, err := version.ParseSpecifiers(requires)
	python, ok := version.Parse(p.target.Python)
	if requires == "" || err != nil || ok != nil || specifiers.Contains(python, true) {
		return
	}
	p.report(pkg, "python-excluded", fmt.Sprintf("it is for Python %s, and the target has %s", requires, p.target.Python),
		"name a Python that it admits with the key `python`, or choose another version of it")
}

// follow looks for what a package requires.
func (p *prover) follow(pkg *Package, q requirement.Requirement) {
	i, ok := p.byName[name.Normalize(q.Name)]
	if !ok {
		if name.Normalize(q.Name) == p.own() {
			return
		}
		hint := "the file must list all that is installed: write it with `uv pip compile --generate-hashes`, or with `pip freeze` in an environment that works"
		if slices.Contains(unfrozen, name.Normalize(q.Name)) {
			hint = "add it with its version; `pip freeze --all` lists it"
		}
		p.report(pkg, "requirement-missing", fmt.Sprintf("it requires %s, and %s does not list it", described(q), p.lock.Path), hint)
		return
	}
	to := &p.packages[i]
	if v, err := version.Parse(to.Version); q.URL == "" && err == nil && !q.Specifiers.Contains(v, true) {
		p.report(pkg, "requirement-missing", fmt.Sprintf("it requires %s, and %s has %s %s", described(q), p.lock.Path, to.Name, to.Version),
			"pin versions that go together: write the file with `uv pip compile --generate-hashes`")
		return
	}
	to.Because = append(to.Because, Reason{By: pkg.Name, Marker: q.Marker, Pos: pkg.Pos})
	for _, extra := range q.Extras {
		p.visit(wanted{i, name.Normalize(extra)})
	}
}

// unfrozen are what pip freeze leaves out unless told otherwise.
var unfrozen = []string{"distribute", "pip", "setuptools", "wheel"}

// own is the name of the project that is built, which stands in no such file.
func (p *prover) own() string {
	if p.lock.Root < 0 {
		return ""
	}
	return p.lock.Packages[p.lock.Root].Name
}

// described is a requirement without its marker, which holds.
func described(q requirement.Requirement) string {
	q.Marker = marker.Marker{}
	return q.String()
}

func (p *prover) report(pkg *Package, code, what, hint string) {
	p.problems.Add(&diag.Error{Pos: pkg.Pos, Code: code, What: fmt.Sprintf("%s %s: %s", pkg.Name, pkg.Version, what), Hint: hint})
}
