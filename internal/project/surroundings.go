package project

import (
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/application"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
)

// Code is what an image has that may run, for EntryPoint to choose from.
type Code struct {
	Modules []entry.Entry     // files that can be imported: of a package, those of its wheel; else those of Files
	App     []entry.Entry     // files of /app
	Locked  map[string]Locked // the distributions of the image, by normalized name
}

// Locked is a distribution of the image.
type Locked struct {
	Version string
	Direct  bool          // the project itself requires it
	Pos     diag.Position // in the lock
}

// surroundings are all that decides what runs.
type surroundings struct {
	*Project
	Code
	target   Target
	finder   *finder
	tree     *application.Tree
	noServer *diag.Error // of an application that no locked server can serve
}

func (p *Project) surroundings(t Target, code Code) *surroundings {
	f := newFinder(code.Modules, p.Package)
	return &surroundings{Project: p, Code: code, target: t, finder: f, tree: application.NewTree(f.files)}
}

// has reports whether the image has a distribution of exactly this normalized name.
func (in *surroundings) has(distribution string) bool {
	_, ok := in.Locked[distribution]
	return ok
}

const (
	defaultPort   = "8000"
	streamlitPort = "8501" // the one that its own documentation has everywhere
)

// port returns the port on which a server listens when nothing else says so: the first that the configuration exposes.
func (in *surroundings) port(of server) string {
	for _, p := range in.target.Ports {
		number, protocol, _ := strings.Cut(p, "/")
		if protocol == "" || protocol == "tcp" {
			return number
		}
	}
	if of.program == "streamlit" {
		return streamlitPort
	}
	return defaultPort
}

// position returns where a file of the finder stands, as positions show it.
func (in *surroundings) position(file string, line int) diag.Position {
	return diag.Position{File: in.name(in.source(file)), Line: line}
}

// source returns the path of a module in the project: that of a wheel may stand below src there.
func (in *surroundings) source(file string) string {
	if in.Package && !exists(path.Join(in.Dir, file)) && exists(path.Join(in.Dir, "src", file)) {
		return "src/" + file
	}
	return file
}

// places are the folders of a project that may hold its application: those at the top, and those in src.
func (f *finder) places() []string {
	places := f.dirs()
	for name := range f.files {
		if rest, ok := strings.CutPrefix(name, "src/"); ok {
			if dir, _, ok := strings.Cut(rest, "/"); ok {
				places = append(places, "src/"+dir)
			}
		}
	}
	slices.Sort(places)
	return slices.Compact(places)
}

// programs returns every file that may belong to the program, sorted: tests and what stands beside it do not.
func (f *finder) programs() []string {
	var all []string
	for name := range f.files {
		parts := strings.Split(name, "/")
		base := parts[len(parts)-1]
		isTest := strings.HasPrefix(base, "test_") || strings.HasSuffix(base, "_test.py") || slices.Contains(helpers[:len(helpers)-1], base)
		aside := slices.ContainsFunc(parts[:len(parts)-1], func(dir string) bool {
			return slices.Contains(besides, dir) || strings.HasPrefix(dir, ".")
		})
		if !isTest && !aside {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}
