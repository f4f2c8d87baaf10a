package project

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
)

// The processes with a meaning of their own: what the image runs by itself, and what runs once before a release.
const (
	webProcess     = "web"
	releaseProcess = "release"
)

// addProcesses adds the further programs of the image: those of the configuration, else of the Procfile, else the worker
// of Celery beside something else. An image with a single program has none.
func (in *surroundings) addProcesses(e *EntryPoint, processes []process) {
	all := map[string][]string{}
	add := func(name string, command []string, why ...Evidence) {
		if _, known := all[name]; !known {
			all[name] = command
			e.Evidence = append(e.Evidence, why...)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(in.target.Processes)) {
		if name != webProcess {
			pos, _ := in.target.Position("processes")
			add(name, in.target.Processes[name], evidence("process "+name, in.target.Processes[name], "the configuration says so", pos, "processes."+name)...)
		}
	}
	for _, one := range processes {
		c := in.processCandidate(one, "the Procfile says so")
		if one.name != webProcess && !slices.Equal(c.command, e.Entrypoint) {
			add(one.name, c.command, append(evidence("process "+one.name, c.command, c.reason, c.pos, "processes."+one.name), c.why...)...)
		}
	}
	if found := fromCelery(in); len(found) == 1 && !slices.Equal(found[0].command, e.Entrypoint) && len(processes) == 0 {
		c := found[0]
		add("worker", c.command, evidence("process worker", c.command, c.reason, c.pos, "processes.worker")...)
		if c.root != "" && !in.Package && e.Path == "" {
			e.Path = "/app/" + c.root
		}
	}
	if len(all) == 0 {
		return
	}
	all[webProcess] = slices.Concat(e.Entrypoint, e.Cmd)
	e.Processes = all
}

// addHealthcheck turns a path into a command: images have no curl, but Python.
func (in *surroundings) addHealthcheck(e *EntryPoint) error {
	check := e.Healthcheck
	if in.target.Healthcheck != nil {
		check = in.target.Healthcheck
	}
	if check == nil || check.Path == "" {
		e.Healthcheck = check
		return nil
	}
	port := e.Port
	if port == "" && len(in.target.Ports) > 0 {
		port, _, _ = strings.Cut(in.target.Ports[0], "/")
	}
	if port == "" {
		pos, _ := in.target.Position("healthcheck")
		return &diag.Error{Pos: pos, Code: "healthcheck", What: "nothing says on which port the server listens, so that its health cannot be asked for",
			Hint: "set `ports` in " + in.Config.Place() + ", or give healthcheck a command"}
	}
	done := *check
	done.Path, done.Command = "", httpCheck(port, check.Path)
	e.Healthcheck = &done
	return nil
}

// checkSeconds is how long the check waits for an answer by itself, below Docker's own patience of 30 s.
const checkSeconds = 5

// httpCheck asks for a path on loopback. It goes through no proxy and follows nothing, and starts without what a project may
// have put into site-packages to run at every start.
func httpCheck(port, path string) []string {
	return []string{venvPython, "-I", "-S", "-c", fmt.Sprintf(
		"import http.client as h; c = h.HTTPConnection('127.0.0.1', %s, timeout=%d); c.request('GET', %s); raise SystemExit(c.getresponse().status >= 400)",
		port, checkSeconds, pythonText(path))}
}

// pythonText writes a text as a literal of Python.
func pythonText(s string) string {
	return "'" + strings.ReplaceAll(strings.Trim(strconv.QuoteToASCII(s), `"`), "'", `\'`) + "'"
}
