package project

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
)

// EntryPoint is what a container runs.
type EntryPoint struct {
	Entrypoint  []string
	Cmd         []string
	StopSignal  string
	Port        string              // on which the program listens by TCP, as far as it is known; "" else
	Path        string              // a folder of /app that imports start from, beside /app; "" for none
	Healthcheck *Healthcheck        // nil for none
	Processes   map[string][]string // all programs of the image by name, where it has several; "web" is the entry point
	Test        []string            // what tests the project in the image; nil where nothing does
	Steps       []Step              // commands that make files of the image, in order
	Parts       []string            // of distributions, which open libraries of their own and which the settings name: "django.contrib.gis"
	Catalogues  []string            // files of /app, as entries have them, to compile to .mo files beside them
	Evidence    []Evidence          // of all of these
}

const (
	venvBin    = "/venv/bin/"
	venvPython = venvBin + "python"
)

// EntryPoint decides what a container of the target runs. Nothing is imported: names and texts decide.
func (p *Project) EntryPoint(t Target, code Code) (EntryPoint, error) {
	in := p.surroundings(t, code)
	processes, err := p.readProcfile(in.port(server{}), t.Processes)
	if err != nil {
		return EntryPoint{}, err
	}
	e, err := in.command(processes)
	if err != nil {
		return EntryPoint{}, err
	}
	in.addProcesses(&e, processes)
	if err := in.addHealthcheck(&e); err != nil {
		return EntryPoint{}, err
	}
	p.stopSignal(t, &e)
	in.addTest(&e)
	in.addSteps(&e)
	in.addCatalogues(&e)
	in.addParts(&e)
	return e, nil
}

func (in *surroundings) command(processes []process) (EntryPoint, error) {
	t := in.target
	if pos, ok := t.Position("entrypoint"); ok {
		return EntryPoint{Entrypoint: t.Entrypoint, Cmd: t.Cmd,
			Evidence: evidence("entrypoint", t.Entrypoint, "the configuration says so", pos, "entrypoint")}, nil
	}
	if web, ok := t.Processes[webProcess]; ok {
		pos, _ := t.Position("processes")
		return EntryPoint{Entrypoint: web, Cmd: t.Cmd,
			Evidence: evidence("entrypoint", web, "the configuration names the process web", pos, "entrypoint")}, nil
	}
	// Without an entry point, a command that begins with a program is meant as the whole; else it is its arguments.
	if pos, ok := t.Position("cmd"); ok && path.IsAbs(t.Cmd[0]) {
		return EntryPoint{Cmd: t.Cmd, Evidence: evidence("entrypoint", t.Cmd, "the configuration says so", pos, "entrypoint")}, nil
	}
	if in.Script != "" { // which is all there is
		return in.chosen(in.script(in.Script, "it is the script that is built")), nil
	}
	tried := in.fromProcfile(processes)
	if len(tried) == 1 {
		return in.chosen(tried[0]), nil
	}
	for _, infer := range inferences {
		found := infer(in)
		if len(found) == 1 && !in.servesNothing(found[0], tried) {
			return in.chosen(found[0]), nil
		}
		if len(found) == 1 && found[0].script != "" {
			continue // what it defines is among those tried
		}
		tried = append(tried, found...)
	}
	if in.noServer != nil {
		return EntryPoint{}, in.noServer
	}
	return EntryPoint{}, in.noEntryPoint(tried)
}

// servesNothing reports a script that defines an application and does not serve it: it would end at once. Such an application
// has no locked server, or is one of several.
func (in *surroundings) servesNothing(c candidate, tried []candidate) bool {
	if c.script == "" || in.finder.guard(c.script) > 0 {
		return false
	}
	return in.noServer != nil && in.noServer.Pos.File == c.pos.File ||
		slices.ContainsFunc(tried, func(o candidate) bool { return o.script == "" && o.pos.File == c.pos.File })
}

// chosen makes an entry point of what was found.
func (in *surroundings) chosen(c candidate) EntryPoint {
	e := EntryPoint{Entrypoint: c.command, Cmd: in.target.Cmd, Port: c.port,
		Evidence: append(evidence("entrypoint", c.command, c.reason, c.pos, "entrypoint"), c.why...)}
	if c.root != "" && !in.Package {
		e.Path = "/app/" + c.root
		e.Evidence = append(e.Evidence, evidence("import path", []string{e.Path}, "imports of the application start there", c.pos, "env")...)
	}
	if c.port != "" && len(in.target.Ports) == 0 {
		e.Evidence = append(e.Evidence, evidence("ports", []string{c.port}, "the server listens there", c.pos, "ports")...)
	}
	if c.health != "" && in.target.Healthcheck == nil {
		e.Healthcheck = &Healthcheck{Path: c.health}
		e.Evidence = append(e.Evidence, evidence("healthcheck", []string{c.health}, "the server answers there when it is well", c.pos, "healthcheck")...)
	}
	return e
}

// inferences are the ways to find what runs, in order. The first that finds exactly one thing decides.
var inferences = []func(*surroundings) []candidate{fromToolFastAPI, fastAPI.inference, fromDjango, flask.inference,
	starlette.inference, litestar.inference, quart.inference, fromStreamlit, fromUWSGI, fromGunicornConf, fromCelery,
	fromScripts, fromMain, fromFile, fromGuarded, fromOneMain}

func evidence(decision string, value []string, reason string, pos diag.Position, override string) []Evidence {
	return []Evidence{{Decision: decision, Value: strings.Join(value, " "), Reason: reason, Pos: pos, Override: override}}
}

// candidate is one thing that could run.
type candidate struct {
	name    string // how people call it
	command []string
	reason  string
	pos     diag.Position
	why     []Evidence // of parts of the command
	port    string     // on which it listens, "" where that is not known
	root    string     // folder that imports start from, "" for the usual one
	health  string     // path that answers when it is well, "" where nothing says so
	script  string     // the file that runs, if it is one
}

func (in *surroundings) noEntryPoint(tried []candidate) error {
	what, hint := "nothing says what to run", "set `entrypoint` in "+in.Config.Place()+", such as entrypoint = [\"/venv/bin/python\", \"-m\", \"package\"]"
	if len(tried) > 0 {
		var names []string
		for _, c := range tried {
			names = append(names, c.name)
		}
		what = "several things could run: " + strings.Join(names, ", ")
		hint = "choose one: entrypoint = " + execForm(strings.Join(tried[0].command, " ")) + " in " + in.Config.Place()
	}
	// The file to change is the one to name, so another file's line is no help.
	pos := diag.Position{File: in.ConfigFile, Line: 1}
	if len(tried) > 0 && tried[0].pos.File == in.ConfigFile {
		pos = tried[0].pos
	}
	return &diag.Error{Pos: pos, Code: "no-entrypoint", What: what, Hint: hint}
}

// servers are programs that handle SIGTERM themselves, which the kernel would otherwise not deliver to process 1.
var servers = strings.Fields("uvicorn gunicorn hypercorn daphne granian uwsgi fastapi streamlit celery nginx")

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
