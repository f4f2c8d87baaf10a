package project

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/application"
	"github.com/lithe-build/lithe/internal/diag"
)

// framework says where the applications of a framework are looked for, as its own command does.
type framework struct {
	name         string
	distribution string   // which the image must have
	files        []string // the first that has one decides
	names        []string // of the variable, in order of preference
}

// The frameworks with applications that say what they are. Django's are found by its settings, see django.go.
var (
	// https://github.com/fastapi/fastapi-cli: discover.py
	fastAPI = framework{application.FastAPI, "fastapi",
		strings.Fields("main.py app.py api.py app/main.py app/app.py app/api.py"), []string{"app", "api"}}
	// https://flask.palletsprojects.com/en/stable/cli/#application-discovery
	flask     = framework{application.Flask, "flask", []string{"wsgi.py", "app.py"}, []string{"app", "application"}}
	quart     = framework{application.Quart, "quart", []string{"app.py"}, []string{"app", "application"}}
	starlette = framework{application.Starlette, "starlette", []string{"main.py", "app.py", "asgi.py"}, []string{"app", "application"}}
	// https://docs.litestar.dev/latest/usage/cli.html#autodiscovery
	litestar = framework{application.Litestar, "litestar", []string{"app.py", "application.py", "asgi.py", "main.py"}, []string{"app", "application"}}
	celery   = framework{application.Celery, "celery", []string{"celery.py", "celery_app.py", "worker.py", "tasks.py"}, []string{"app", "celery", "celery_app"}}
)

// modules are the files in a package that mostly hold its application, in order of preference.
var moduleNames = strings.Fields("main.py app.py api.py application.py wsgi.py asgi.py server.py celery.py __init__.py")

// factories are what functions that make an application are called.
var factories = strings.Fields("create_app make_app build_app get_app create_application get_application app_factory")

// inference returns the rule that finds a framework's application and its server.
func (fw framework) inference(in *surroundings) []candidate {
	if !in.has(fw.distribution) {
		return nil
	}
	var all []candidate
	for _, a := range in.applications(fw) {
		reason := fmt.Sprintf("%s is a %s application", a.Name, a.Framework)
		if a.Factory {
			reason = fmt.Sprintf("%s() returns a %s application", a.Name, a.Framework)
		}
		if c, ok := in.serve(a, reason, in.position(a.File, a.Line)); ok {
			all = append(all, c)
		}
	}
	return all
}

// applications returns those of a framework that people may mean: of the files where its own command looks, the first that
// has one; else of each package; else of all modules.
func (in *surroundings) applications(fw framework) []application.Application {
	for _, file := range fw.files {
		if found := fw.pick(in.tree.In(file)); len(found) > 0 {
			return found
		}
	}
	var found []application.Application
	for _, dir := range in.finder.places() {
		for _, name := range moduleNames {
			if here := fw.pick(in.tree.In(dir + "/" + name)); len(here) > 0 {
				found = append(found, here...)
				break
			}
		}
	}
	if found = originals(found); len(found) > 0 {
		return found
	}
	for _, file := range in.finder.programs() {
		found = append(found, fw.pick(in.tree.In(file))...)
	}
	return originals(found)
}

// pick chooses among the applications of one file: by the names that people expect, else all variables, else a factory.
func (fw framework) pick(all []application.Application) (out []application.Application) {
	mine := slices.DeleteFunc(slices.Clone(all), func(a application.Application) bool { return a.Framework != fw.name })
	for _, name := range fw.names {
		for _, a := range mine {
			if !a.Factory && a.Name == name {
				return []application.Application{a}
			}
		}
	}
	for _, a := range mine {
		if !a.Factory {
			out = append(out, a)
		}
	}
	for _, name := range factories {
		for _, a := range mine {
			if len(out) == 0 && a.Factory && a.Name == name {
				return []application.Application{a}
			}
		}
	}
	return out
}

// originals drops applications that a module only imports, where it is known which one defines them.
func originals(all []application.Application) []application.Application {
	imported := func(a application.Application) bool { return a.Imported }
	if defined := slices.DeleteFunc(slices.Clone(all), imported); len(defined) > 0 {
		return defined
	}
	return all
}

// serve returns the command of the first locked server that can serve an application.
func (in *surroundings) serve(a application.Application, reason string, pos diag.Position) (candidate, bool) {
	for _, s := range serversFor(a.Framework, in) {
		args := s.call(a)
		if args == nil {
			continue
		}
		return in.served(s, a, args, fmt.Sprintf("%s, and %s is locked", reason, s.program), pos), true
	}
	in.noServer = &diag.Error{Pos: pos, Code: "no-server", What: fmt.Sprintf("%s, and no server that can serve it is locked", reason),
		Hint: fmt.Sprintf("add one, such as %s, to the dependencies and lock them, or set `entrypoint` in %s",
			map[bool]string{true: "uvicorn", false: "gunicorn"}[isASGI(a.Framework)], in.Config.Place())}
	return candidate{}, false
}

// served returns the command of a server for an application. A file of the server's own in the image may name it already.
func (in *surroundings) served(s server, a application.Application, args []string, reason string, pos diag.Position) candidate {
	own := in.settings(s.program)
	switch s.program {
	case "uwsgi":
		if key, _ := own.first(uwsgiApplications...); key != "" {
			args = nil
		}
		if own.file != "" {
			args = append([]string{"--ini", "/app/" + own.file}, args...)
			reason += ", with " + own.file
		}
	case "gunicorn":
		if _, ok := own.values["wsgi_app"]; ok {
			args = nil
		}
		if own.file != "" {
			reason += ", with " + own.file
		}
	}
	line, port, why := s.complete(args, in)
	return candidate{name: cmp.Or(a.Module+":"+a.Name, s.program), command: append([]string{venvBin + s.program}, line...),
		reason: reason, pos: pos, port: port, why: why, root: a.Root}
}

// uwsgiApplications are the settings of uWSGI that name what it serves.
var uwsgiApplications = strings.Fields("module wsgi wsgi-file file mount manage-script-name pyrun eval callable paste")

// fromToolFastAPI takes the application that [tool.fastapi] names, as FastAPI's own command does.
func fromToolFastAPI(in *surroundings) []candidate {
	v := in.Pyproject.Table("tool", "fastapi").Value("entrypoint")
	text, _ := v.Str()
	module, name, ok := strings.Cut(text, ":")
	if v == nil || !ok {
		return nil
	}
	a := application.Application{Framework: application.FastAPI, Module: module, Name: name}
	for _, dir := range []string{"", "src"} {
		if file := in.tree.Find(dir, module); file != "" {
			a.Root = dir
			break
		}
	}
	c, ok := in.serve(a, "[tool.fastapi] names it", v.Pos)
	if !ok {
		return nil
	}
	return []candidate{c}
}

// streamlitNames are what people call the script of Streamlit, in order of preference.
var streamlitNames = strings.Fields("streamlit_app.py app.py main.py Home.py home.py")

// fromStreamlit finds the script that Streamlit runs. A package has none in the image.
func fromStreamlit(in *surroundings) []candidate {
	if in.Package || !in.has("streamlit") {
		return nil
	}
	var all []candidate
	scripts := in.finder.scripts()
	slices.SortStableFunc(scripts, func(a, b string) int { return cmp.Compare(streamlitRank(a), streamlitRank(b)) })
	for _, file := range scripts {
		line := in.tree.Imports(file, "streamlit")
		if line == 0 {
			continue
		}
		s, _ := serverCalled("streamlit")
		args, port, why := s.complete([]string{"run", "/app/" + file}, in)
		c := candidate{name: file, command: append([]string{venvBin + "streamlit"}, args...), reason: file + " is a script of Streamlit",
			pos: in.position(file, line), port: port, why: why, health: "/_stcore/health"}
		if streamlitRank(file) < len(streamlitNames) {
			return []candidate{c}
		}
		all = append(all, c)
	}
	return all
}

func streamlitRank(file string) int {
	if i := slices.Index(streamlitNames, file); i >= 0 {
		return i
	}
	return len(streamlitNames)
}

// fromCelery finds the worker of Celery.
func fromCelery(in *surroundings) []candidate {
	if !in.has(celery.distribution) {
		return nil
	}
	var all []candidate
	for _, a := range in.applications(celery) {
		if a.Factory {
			continue
		}
		all = append(all, candidate{name: "celery worker of " + a.Module, root: a.Root,
			command: []string{venvBin + "celery", "--app", a.Module + ":" + a.Name, "worker", "--loglevel", "INFO"},
			reason:  fmt.Sprintf("%s is a Celery application", a.Name), pos: in.position(a.File, a.Line)})
	}
	return all
}

// fromUWSGI takes a uwsgi.ini in the image that says what uWSGI serves.
func fromUWSGI(in *surroundings) []candidate {
	s, _ := serverCalled("uwsgi")
	own := in.settings(s.program)
	key, _ := own.first(uwsgiApplications...)
	if _, ok := s.locked(in); !ok || key == "" {
		return nil
	}
	return []candidate{in.served(s, application.Application{}, nil, "it names what uWSGI serves", in.appPosition(own.file, own.lines[key]))}
}

// fromGunicornConf takes a gunicorn.conf.py in the image that says what gunicorn serves.
func fromGunicornConf(in *surroundings) []candidate {
	s, _ := serverCalled("gunicorn")
	own := in.settings(s.program)
	_, names := own.values["wsgi_app"]
	if _, ok := s.locked(in); !ok || !names {
		return nil
	}
	return []candidate{in.served(s, application.Application{}, nil, "wsgi_app says what gunicorn serves", in.appPosition(own.file, own.lines["wsgi_app"]))}
}

// appPosition returns where a file of /app stands.
func (in *surroundings) appPosition(file string, line int) diag.Position {
	return diag.Position{File: in.name(path.Clean(file)), Line: line}
}
