package base

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/debian/archive"
	"github.com/lithe-build/lithe/internal/debian/control"
	"github.com/lithe-build/lithe/internal/debian/maintscript"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
)

// scripted is the scripts of a package that run when it is installed, with debconf's defaults.
func scripted(p *archive.Package) []maintscript.Script {
	var out []maintscript.Script
	templates, _ := p.Script("templates")
	answers := defaults(templates)
	for _, s := range []maintscript.Script{{Name: "preinst", Args: []string{"install"}}, {Name: "postinst", Args: []string{"configure", ""}}} {
		if data, ok := p.Script(s.Name); ok {
			s.Package, s.Data, s.Answers = p.Name, data, answers
			out = append(out, s)
		}
	}
	return out
}

// defaults reads the questions that a package asks through debconf. What cannot be read has no default, so that a
// script which asks for it is not understood.
func defaults(templates []byte) map[string]string {
	answers := map[string]string{}
	for p, err := range control.All(strings.NewReader(string(templates)), control.Options{File: "templates"}) {
		if err != nil {
			return answers
		}
		answers[p.Get("Template")] = p.Get("Default")
	}
	return answers
}

// followScripts tells what the maintainer scripts of system packages would do in an image. A script that is not
// understood is a problem, unless its package is accepted; then nothing of what it would do is done.
func followScripts(packages []*unpacked, image *imageFiles, accepted []string) ([]maintscript.Effects, error) {
	var problems diag.List
	var all []maintscript.Effects
	for _, u := range packages {
		for _, s := range u.scripts {
			result := maintscript.Evaluate(s, image)
			switch {
			case result.Unknown == nil:
				all = append(all, result.Effects)
			case slices.Contains(accepted, u.pin.Name):
			default:
				problems.Add(refusedScript(u.pin, s.Name, result.Unknown))
			}
		}
	}
	return all, problems.Err()
}

func refusedScript(p Pin, script string, unknown *maintscript.Unknown) *diag.Error {
	what := fmt.Sprintf("the %s of %s %s runs `%s` in line %d, and %s", script, p.Name, p.Version, unknown.Command, unknown.Line, unknown.Why)
	if p.Reason != "root" {
		what += "; " + p.Reason
	}
	return &diag.Error{Code: "unknown-script", What: what,
		Hint: fmt.Sprintf("if the program works without it, set `accept-unrun-scripts = [%q]` in [tool.lithe]", p.Name)}
}

// imageFiles is what a maintainer script can look at: the files of the whole image, usr-merged.
type imageFiles struct {
	entries  map[string]entry.Entry
	dirs     map[string]bool     // that only the paths in them tell of
	names    map[string][]string // in folders, sorted; nil until somebody asks
	packages map[string]bool
	accounts accountFiles
}

func newImageFiles(entries []entry.Entry) *imageFiles {
	f := &imageFiles{entries: map[string]entry.Entry{}, dirs: map[string]bool{"usr": true}, packages: map[string]bool{}, accounts: accountFiles{passwd, group}}
	for _, e := range entries {
		f.entries[e.Path] = e
		markParents(f.dirs, e.Path)
		if dir, name := path.Split(e.Path); dir == statusDir+"/" {
			f.packages[name] = true
		}
	}
	return f
}

// Names returns the names in a folder.
func (f *imageFiles) Names(dir string) []string {
	at, ok := f.Lookup(dir, true)
	if !ok {
		return nil
	}
	if f.names == nil {
		f.names = map[string][]string{}
		hung := map[string]bool{}
		for p := range f.entries {
			for ; p != "." && !hung[p]; p = path.Dir(p) {
				hung[p] = true
				f.names[path.Dir(p)] = append(f.names[path.Dir(p)], path.Base(p))
			}
		}
		for _, names := range f.names {
			slices.Sort(names)
		}
	}
	return slices.Clone(f.names[at.Path])
}

// Installed reports a package of the image.
func (f *imageFiles) Installed(name string) bool { return f.packages[name] }

// maxLinks is how many links Linux follows on one path.
const maxLinks = 40

// Lookup returns what is at a path. Links on the way are followed, and one at its end if follow is set.
func (f *imageFiles) Lookup(name string, follow bool) (entry.Entry, bool) {
	rest, real := strings.Split(strings.Trim(name, "/"), "/"), ""
	for links := 0; len(rest) > 0; {
		next := path.Join(real, rest[0])
		if slices.Contains(moved, next) {
			next = "usr/" + next
		}
		e, ok := f.entries[next]
		rest = rest[1:]
		switch {
		case !ok && !f.dirs[next]:
			return entry.Entry{}, false
		case ok && e.Type == entry.Symlink && (len(rest) > 0 || follow):
			if links++; links > maxLinks {
				return entry.Entry{}, false
			}
			target := e.Link
			if !path.IsAbs(target) {
				target = path.Join("/", path.Dir(next), target)
			}
			rest = append(strings.Split(strings.Trim(path.Clean(target), "/"), "/"), rest...)
			real = ""
		default:
			real = next
		}
	}
	if e, ok := f.entries[real]; ok {
		return e, true
	}
	return entry.NewDir(real), true
}

// User reports the users of the base.
func (f *imageFiles) User(name string) bool { return hasLine(f.accounts.passwd, name) }

// Group reports the groups of the base.
func (f *imageFiles) Group(name string) bool { return hasLine(f.accounts.group, name) }

func hasLine(file, name string) bool {
	return strings.HasPrefix(file, name+":") || strings.Contains(file, "\n"+name+":")
}
