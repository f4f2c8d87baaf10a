package lock

import (
	"fmt"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/marker"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/requirement"
	"github.com/lithe-build/lithe/internal/toml"
)

// edge is a dependency that may be meant for extras only.
type edge struct {
	Dependency
	optional bool
}

// edges reads one dependency in Poetry's notation: a constraint, a table, or an array of either.
// See https://python-poetry.org/docs/dependency-specification/.
func (r *poetryReader) edges(key string, v *toml.Value) []edge {
	switch data := v.Data.(type) {
	case []*toml.Value:
		var out []edge
		for _, element := range data {
			if _, nested := element.Data.([]*toml.Value); !nested {
				out = append(out, r.edges(key, element)...)
			}
		}
		return out
	case *toml.Table:
		return []edge{r.tableEdge(key, v, data)}
	case string:
		e := edge{Dependency: Dependency{Name: name.Normalize(key), Pos: v.Pos}}
		e.To = r.candidates(v.Pos, e.Name, r.constraintOf(v, data), Source{Kind: Registry})
		return []edge{e}
	default:
		r.bad(v.Pos, "the dependency %s is a %s", key, v.Kind())
		return nil
	}
}

// tableEdge reads a dependency with more than a version. `python` and `platform` are Poetry's own ways to write a
// marker; the first stays a constraint, since it is in Poetry's notation.
func (r *poetryReader) tableEdge(key string, v *toml.Value, t *toml.Table) edge {
	e := edge{Dependency: Dependency{Name: name.Normalize(key), Extras: names(t.Strings("extras")), Pos: v.Pos}}
	e.optional, _ = t.Bool("optional")
	e.Marker = r.marker(t, "markers")
	e.Python = r.constraint(t, "python")
	if platform := t.String("platform"); platform != "" {
		e.Marker = e.Marker.And(r.platformMarker(t.Value("platform"), platform))
	}
	source := Source{Kind: Registry}
	for _, kind := range []struct {
		key  string
		kind SourceKind
	}{{"git", Git}, {"url", URL}, {"path", Directory}, {"file", Archive}} {
		if address := t.String(kind.key); address != "" {
			source = Source{Kind: kind.kind, URL: address, Subdirectory: t.String("subdirectory")}
		}
	}
	e.To = r.candidates(v.Pos, e.Name, r.constraintOf(t.Value("version"), t.String("version")), source)
	return e
}

// constraintOf parses a constraint that stands at a value.
func (r *poetryReader) constraintOf(v *toml.Value, text string) Constraint {
	c, err := parseConstraint(text)
	if err != nil {
		r.bad(v.Pos, "%s", err)
	}
	return c
}

// platformMarker writes the key `platform`, a constraint on sys.platform, as a marker.
func (r *poetryReader) platformMarker(v *toml.Value, text string) marker.Marker {
	var alternatives []string
	for alternative := range strings.SplitSeq(strings.ReplaceAll(text, "||", "|"), "|") {
		var terms []string
		for term := range strings.SplitSeq(alternative, ",") {
			operator, value := "==", strings.TrimSpace(term)
			if rest, ok := strings.CutPrefix(value, "!="); ok {
				operator, value = "!=", rest
			}
			value = strings.TrimSpace(strings.TrimLeft(value, "="))
			terms = append(terms, fmt.Sprintf("sys_platform %s '%s'", operator, strings.ReplaceAll(value, "'", "")))
		}
		alternatives = append(alternatives, strings.Join(terms, " and "))
	}
	return r.markerOf(&toml.Value{Pos: v.Pos, Data: strings.Join(alternatives, " or ")})
}

// candidates returns the packages of a name that a constraint admits, the newest first. Where packages of the name
// differ in source, those of the kind asked for count.
func (r *poetryReader) candidates(pos diag.Position, to string, c Constraint, source Source) []int {
	if !r.look(pos, len(r.byName[to])) {
		return nil
	}
	var fit, same []int
	for _, i := range r.byName[to] {
		p := &r.lock.Packages[i]
		if v := r.versions[i]; !v.IsZero() && !c.Contains(v, true) {
			continue
		}
		fit = append(fit, i)
		if sameOrigin(p.Source, source) {
			same = append(same, i)
		}
	}
	if len(same) > 0 {
		return same
	}
	return fit
}

// sameOrigin tells whether a locked source can be the one that a dependency asks for.
func sameOrigin(locked, asked Source) bool {
	if asked.Kind == Registry {
		return locked.Kind == Registry
	}
	if locked.Kind != asked.Kind && !(locked.Local() && asked.Kind == Directory) {
		return false
	}
	return locked.Local() || locked.Subdirectory == asked.Subdirectory && plainAddress(locked.URL) == plainAddress(asked.URL)
}

// plainAddress leaves out what may differ between two ways to write the address of one repository.
func plainAddress(address string) string {
	return strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(address), "/"), ".git")
}

// requirementEdge reads a dependency in the notation of PEP 508.
func (r *poetryReader) requirementEdge(v *toml.Value) (edge, bool) {
	text, ok := v.Str()
	if !ok {
		return edge{}, false
	}
	q, err := requirement.Parse(text)
	if err != nil {
		r.bad(v.Pos, "%s", err)
		return edge{}, false
	}
	e := edge{Dependency: Dependency{Name: name.Normalize(q.Name), Extras: names(q.Extras), Marker: q.Marker, Pos: v.Pos}}
	var c Constraint
	if len(q.Specifiers) > 0 {
		c = Constraint{q.Specifiers}
	}
	e.To = r.candidates(v.Pos, e.Name, c, Source{Kind: requirementKind(q.URL), URL: requirementAddress(q.URL)})
	return e, true
}

// requirementKind tells what the address of "name @ address" leads to.
func requirementKind(address string) SourceKind {
	switch {
	case address == "":
		return Registry
	case strings.HasPrefix(address, "git+"):
		return Git
	case strings.HasPrefix(address, "file:"):
		return Directory
	default:
		return URL
	}
}

// requirementAddress returns the repository of "git+https://host/path@revision#subdirectory=x".
func requirementAddress(address string) string {
	rest, ok := strings.CutPrefix(address, "git+")
	if !ok {
		return address
	}
	rest, _, _ = strings.Cut(rest, "#")
	if at := strings.LastIndexByte(rest, '@'); at > strings.LastIndexByte(rest, '/') {
		rest = rest[:at]
	}
	return rest
}
