package project

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/python/name"
)

// EntryPoint is what a container runs.
type EntryPoint struct {
	Entrypoint []string
	Cmd        []string
	StopSignal string
	Evidence   []Evidence // of entry point and stop signal
}

const (
	venvBin    = "/venv/bin/"
	venvPython = venvBin + "python"
)

// EntryPoint decides what a container of the target runs. Modules are the files that can be imported: of a package, those
// of its wheel; else those of Files. Nothing is imported: names and texts decide.
func (p *Project) EntryPoint(t Target, modules []entry.Entry) (EntryPoint, error) {
	e, err := p.command(t, modules)
	if err != nil {
		return EntryPoint{}, err
	}
	p.stopSignal(t, &e)
	return e, nil
}

func (p *Project) command(t Target, modules []entry.Entry) (EntryPoint, error) {
	if pos, ok := t.Position("entrypoint"); ok {
		return EntryPoint{Entrypoint: t.Entrypoint, Cmd: t.Cmd,
			Evidence: evidence("entrypoint", t.Entrypoint, "the configuration says so", pos, "entrypoint")}, nil
	}
	// Without an entry point, a command that begins with a program is meant as the whole; else it is its arguments.
	if pos, ok := t.Position("cmd"); ok && path.IsAbs(t.Cmd[0]) {
		return EntryPoint{Cmd: t.Cmd, Evidence: evidence("entrypoint", t.Cmd, "the configuration says so", pos, "entrypoint")}, nil
	}
	f := newFinder(modules, p.Package)
	var tried []candidate
	for _, infer := range inferences {
		found := infer(p, f)
		if len(found) == 1 {
			c := found[0]
			return EntryPoint{Entrypoint: c.command, Cmd: t.Cmd,
				Evidence: evidence("entrypoint", c.command, c.reason, c.pos, "entrypoint")}, nil
		}
		tried = append(tried, found...)
	}
	return EntryPoint{}, p.noEntryPoint(tried)
}

// inferences are the ways to find what runs, in order. The first that finds exactly one thing decides.
var inferences = []func(*Project, *finder) []candidate{fromScripts, fromMain, fromFile, fromGuarded, fromOneMain}

func evidence(decision string, value []string, reason string, pos diag.Position, override string) []Evidence {
	return []Evidence{{Decision: decision, Value: strings.Join(value, " "), Reason: reason, Pos: pos, Override: override}}
}

// candidate is one thing that could run.
type candidate struct {
	name    string // how people call it
	command []string
	reason  string
	pos     diag.Position
}

func (p *Project) noEntryPoint(tried []candidate) error {
	what, hint := "nothing says what to run", "set `entrypoint` in "+p.Config.Place()+", such as entrypoint = [\"/venv/bin/python\", \"-m\", \"package\"]"
	if len(tried) > 0 {
		var names []string
		for _, c := range tried {
			names = append(names, c.name)
		}
		what = "several things could run: " + strings.Join(names, ", ")
		hint = "choose one: entrypoint = " + execForm(strings.Join(tried[0].command, " ")) + " in " + p.Config.Place()
	}
	// The file to change is the one to name, so another file's line is no help.
	pos := diag.Position{File: p.ConfigFile, Line: 1}
	if len(tried) > 0 && tried[0].pos.File == p.ConfigFile {
		pos = tried[0].pos
	}
	return &diag.Error{Pos: pos, Code: "no-entrypoint", What: what, Hint: hint}
}

// fromScripts finds the console script: the only one, or the one that is called as the project. What is no package has
// none, since nothing installs it.
func fromScripts(p *Project, _ *finder) []candidate {
	if !p.Package {
		return nil
	}
	var all []candidate
	for _, s := range p.Scripts {
		c := candidate{s.Name, []string{venvBin + s.Name}, "it is the only script of the project", s.Pos}
		if len(p.Scripts) > 1 && name.Normalize(s.Name) == p.NormalizedName() {
			c.reason = "the script is called as the project"
			return []candidate{c}
		}
		all = append(all, c)
	}
	return all
}

// fromMain finds the package that `python -m` can run, where there is one package only.
func fromMain(p *Project, f *finder) []candidate {
	packages := 0
	for _, dir := range f.dirs() {
		if f.has(dir+"/__init__.py") || f.has(dir+"/__main__.py") {
			packages++
		}
	}
	if packages != 1 {
		return nil
	}
	return mains(p, f, "it is the only package, and has a __main__")
}

// fromOneMain finds the package that `python -m` can run among several.
func fromOneMain(p *Project, f *finder) []candidate {
	return mains(p, f, "it is the only package with a __main__")
}

func mains(p *Project, f *finder, reason string) (all []candidate) {
	for _, dir := range f.dirs() {
		if f.has(dir + "/__main__.py") {
			all = append(all, candidate{"python -m " + dir,
				[]string{venvPython, "-m", dir}, reason, p.filePosition(dir + "/__main__.py")})
		}
	}
	return all
}

// A file runs by its path: /app is then on the path of imports, and a package next to it is found.

// scriptNames are what people call the file to run, in order of preference.
var scriptNames = []string{"main.py", "app.py"}

// fromFile finds the script at the top of a project that is no package.
func fromFile(p *Project, f *finder) []candidate {
	if p.Package {
		return nil
	}
	scripts := f.scripts()
	for _, s := range scriptNames {
		if slices.Contains(scripts, s) {
			return []candidate{p.script(s, "it has the name of a script")}
		}
	}
	var all []candidate
	for _, s := range scripts {
		all = append(all, p.script(s, "it is the only script"))
	}
	return all
}

// fromGuarded finds a main.py or app.py one directory down, which runs when it is not imported.
func fromGuarded(p *Project, f *finder) []candidate {
	if p.Package {
		return nil
	}
	var all []candidate
	for _, dir := range f.dirs() {
		for _, s := range scriptNames {
			if line := f.guard(dir + "/" + s); line > 0 {
				c := p.script(dir+"/"+s, "it is the only one that says `if __name__ == \"__main__\"`")
				c.pos.Line = line
				all = append(all, c)
			}
		}
	}
	return all
}

func (p *Project) script(file, reason string) candidate {
	return candidate{file, []string{venvPython, "/app/" + file}, reason, p.filePosition(file)}
}

func (p *Project) filePosition(file string) diag.Position {
	return diag.Position{File: p.name(file), Line: 1}
}

// servers are programs that handle SIGTERM themselves, which the kernel would otherwise not deliver to process 1.
var servers = strings.Fields("uvicorn gunicorn hypercorn daphne granian uwsgi waitress-serve fastapi streamlit celery gradio nginx")

// stopSignal decides how the program is asked to stop. Python has a handler for SIGINT, so a plain script stops by that;
// process 1 without a handler for SIGTERM would be killed only when the engine's patience ends.
func (p *Project) stopSignal(t Target, e *EntryPoint) {
	if pos, ok := t.Position("stop-signal"); ok {
		e.StopSignal = t.StopSignal
		e.Evidence = append(e.Evidence, evidence("stop-signal",
			[]string{t.StopSignal}, "the configuration says so", pos, "stop-signal")...)
		return
	}
	reason := "a Python program has a handler for it"
	e.StopSignal = "SIGINT"
	if program := program(append(slices.Clone(e.Entrypoint), e.Cmd...)); slices.Contains(servers, program) {
		e.StopSignal, reason = "SIGTERM", fmt.Sprintf("%s is a server, which has a handler for it", program)
	}
	e.Evidence = append(e.Evidence, evidence("stop-signal",
		[]string{e.StopSignal}, reason, e.Evidence[0].Pos, "stop-signal")...)
}

// program returns what a command really runs: behind `python -m`, the module.
func program(command []string) string {
	for i, arg := range command {
		base := path.Base(arg)
		if i == 0 && strings.HasPrefix(base, "python") {
			continue
		}
		if i == 0 || i > 1 && command[i-1] == "-m" {
			return base
		}
	}
	return ""
}
