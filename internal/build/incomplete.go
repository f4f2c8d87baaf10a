package build

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/closure"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/plan"
)

// incomplete turns what an image lacks into problems, each with what mends it.
func (b *builder) incomplete(ctx context.Context, d *decision, v *variant, r closure.Result, more *moreLibraries) (problems diag.List) {
	lacks := lackReport{decision: d, variant: v}
	if len(r.Missing) > 0 {
		lacks.ask(ctx, b, r.Missing)
	}
	for _, m := range r.Missing {
		if l, ok := lacks.addable(m); ok {
			more.added[v.name()] = append(more.added[v.name()], l)
			more.problems.Add(lacks.unlocked(m))
			continue
		}
		problems.Add(lacks.missing(m))
	}
	lacks.together(problems)
	for _, n := range r.Versions {
		problems.Add(lacks.versions(n))
	}
	for _, u := range r.Unloadable {
		if p := lacks.unloadable(u); p != nil {
			problems.Add(p)
		}
	}
	return problems
}

// lackReport knows what may be said about an incomplete image.
type lackReport struct {
	*decision
	variant   *variant
	providers map[string]string // Debian packages by soname
	unasked   string            // why they are not known, "" if they are
}

// ask looks in the suite's index of files for the packages that have the libraries. Without an answer the build is as
// incomplete as with one, so that trouble on the way is only told.
func (r *lackReport) ask(ctx context.Context, b *builder, missing []closure.Missing) {
	if !r.onDebian() {
		return
	}
	var names []string
	for _, m := range missing {
		names = append(names, m.Library)
	}
	opt := b.bases
	opt.Name = r.suiteOf(r.variant.name())
	s, _ := r.pins.Selection(r.variant.name())
	var err error
	r.providers, err = base.Providers(ctx, b.client, opt, r.variant.name(), s.Builder, names)
	switch {
	case errors.Is(err, fetch.ErrOffline):
		r.unasked = "which Debian package has it cannot be told offline"
	case err != nil:
		b.opt.Log.Info("no index of files", "error", err)
		r.unasked = "which Debian package has it could not be asked: " + firstLine(err)
	}
}

func (r *lackReport) onDebian() bool { return r.suiteOf(r.variant.name()) != "" }

// unlocked is what --locked says of a library whose package would be added without it.
func (r *lackReport) unlocked(m closure.Missing) *diag.Error {
	pkg := r.providers[m.Library]
	return &diag.Error{Pos: r.pos(m.User), Code: "lithe-lock",
		What: fmt.Sprintf("%s %s, and %s does not have %s for it", r.who(m.User), verb(m.User, m.Library), r.litheLockFile, pkg),
		Hint: "run `lithe build` without --locked, which adds it, and commit the result"}
}

// missing is the problem of a library that is not there.
func (r *lackReport) missing(m closure.Missing) *diag.Error {
	where := "which is not in the image"
	if m.Elsewhere != "" {
		where = "which lies where the loader does not look: in /" + path.Dir(m.Elsewhere)
	}
	return &diag.Error{Pos: r.pos(m.User), Code: "missing-library",
		What: fmt.Sprintf("%s %s, %s", r.who(m.User), verb(m.User, m.Library), where), Hint: r.missingHint(m)}
}

func (r *lackReport) missingHint(m closure.Missing) string {
	pkg, found := r.providers[m.Library]
	accept := fmt.Sprintf("or, if the program does without it, accept-missing-libraries = [%q]", m.Library)
	_, configured := r.config.Position("system-packages")
	switch {
	case strings.Contains(m.Library, "/"):
		return "it was built for another system than " + r.variant.plan.Base + "; " + accept
	case found && configured:
		return fmt.Sprintf("%s has it: add %q to system-packages; %s", pkg, pkg, accept)
	case found:
		return fmt.Sprintf("%s has it: set system-packages = [%q] in %s; %s", pkg, pkg, r.config.Place(), accept)
	case r.unasked != "":
		return r.unasked + ": name it in system-packages; " + accept
	case r.onDebian():
		return fmt.Sprintf("no package of %s has it; %s", r.variant.plan.Base, accept)
	}
	return fmt.Sprintf("add it to %s, or use a Debian base with system-packages; %s", r.variant.plan.Base, accept)
}

// together adds to the last problem what mends all: nobody wants to collect it from a page of hints.
func (r *lackReport) together(problems diag.List) {
	packages := slices.Compact(slices.Sorted(maps.Values(r.providers)))
	sorted, ok := diag.Problems(problems.Err())
	if len(packages) < 2 || !ok {
		return
	}
	quoted := make([]string, len(packages))
	for i, p := range packages {
		quoted[i] = strconv.Quote(p)
	}
	sorted[len(sorted)-1].Hint += "; all together: system-packages = [" + strings.Join(quoted, ", ") + "]"
}

// versions is the problem of a library that is too old.
func (r *lackReport) versions(n closure.Versions) *diag.Error {
	has := "does not have it"
	if n.Has != "" && closure.Compare(n.Has, n.Needs[0]) < 0 {
		has = "ends at " + n.Has
	}
	return &diag.Error{Pos: r.pos(n.User), Code: "missing-symbol-version",
		What: fmt.Sprintf("%s %s of %s, and that of the image %s", r.who(n.User), verb(n.User, strings.Join(n.Needs, " and ")),
			n.Library, has),
		Hint: r.newerBase(n.Needs)}
}

// newerBase names a base whose C library has versions that this one does not.
func (r *lackReport) newerBase(needs []string) string {
	for _, p := range base.Pythons() {
		facts, err := base.Expected(p.Base, p.Version)
		if err != nil || facts.Libc.Minor <= r.variant.facts.Libc.Minor { // glibc 2 has no end
			continue
		}
		glibc := fmt.Sprintf("GLIBC_%d.%d", facts.Libc.Major, facts.Libc.Minor)
		if slices.ContainsFunc(needs, func(v string) bool { return !strings.HasPrefix(v, "GLIBC_") || closure.Compare(v, glibc) > 0 }) {
			continue
		}
		return fmt.Sprintf("base %q has %s, with Python %s", p.Base, glibc, p.Version)
	}
	return "choose a version of it that was built for an older system"
}

// unloadable is the problem of a wheel whose files are all for others, nil where its name says that it runs anywhere:
// then it has them to hand out.
func (r *lackReport) unloadable(u closure.Unloadable) *diag.Error {
	i := slices.IndexFunc(r.variant.plan.Packages, func(p plan.Package) bool { return p.Name == u.Package })
	if i < 0 || strings.HasSuffix(r.variant.plan.Packages[i].Filename, "-any.whl") {
		return nil
	}
	pkg := r.variant.plan.Packages[i]
	made := u.For
	if name, ok := strings.CutPrefix(u.For, "EM_"); ok {
		made = "the machine " + strings.ToLower(name)
	}
	return &diag.Error{Pos: pkg.Pos, Code: "foreign-wheel",
		What: fmt.Sprintf("%s%s %s: all of %s is for %s, such as %s, and the image is for %s with %s", r.mark(r.variant), pkg.Name,
			pkg.Version, pkg.Filename, made, path.Base(u.Object), r.variant.name(), r.variant.facts.Libc.Family),
		Hint: "the wheel is not what its name says: choose another version"}
}

// pos is where the lock file has a distribution.
func (r *lackReport) pos(u closure.User) diag.Position {
	for _, p := range r.variant.plan.Packages {
		if p.Name == u.Package {
			return p.Pos
		}
	}
	return diag.Position{}
}

// who names a file: "psycopg2 2.9.10: _psycopg.so", or by its path where it belongs to no distribution.
func (r *lackReport) who(u closure.User) string {
	files := path.Base(u.Object)
	if u.More > 0 {
		files += " and " + count(u.More, "more file")
	}
	for _, p := range r.variant.plan.Packages {
		if p.Name == u.Package {
			return fmt.Sprintf("%s%s %s: %s", r.mark(r.variant), p.Name, p.Version, files)
		}
	}
	return r.mark(r.variant) + "/" + strings.TrimSuffix(u.Object, path.Base(u.Object)) + files
}

// verb says that one or several files need something.
func verb(u closure.User, what string) string {
	if u.More > 0 {
		return "need " + what
	}
	return "needs " + what
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
