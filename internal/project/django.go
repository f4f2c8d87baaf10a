package project

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/application"
	"github.com/lithe-build/lithe/internal/diag"
)

// django is what is known of a project of Django without running it.
type django struct {
	manage   string // manage.py, from where imports start; "" where the image has none
	root     string // the folder that imports start from
	settings string // the module, "mysite.settings"
	file     string // of the settings, "" for those of a distribution
	pos      diag.Position
}

const settingsVariable = "DJANGO_SETTINGS_MODULE"

// findDjango finds the settings: the configuration's variable, else what manage.py says.
func (in *surroundings) findDjango() (d django, ok bool) {
	if !in.has("django") {
		return d, false
	}
	for _, file := range in.finder.programs() {
		if path.Base(file) == "manage.py" && strings.Count(file, "/") <= 2 {
			if value, line := in.tree.Default(file, settingsVariable); value != "" {
				d = django{manage: file, root: strings.TrimPrefix(path.Dir(file), "."), settings: value, pos: in.position(file, line)}
				break
			}
		}
	}
	if value, ok := in.target.Env[settingsVariable]; ok {
		d.settings = value
		d.pos, _ = in.target.Position("env")
	}
	if d.settings != "" {
		d.file = in.tree.Find(d.root, d.settings)
	}
	return d, true
}

// parts are parts of Django that open libraries, which no other project needs.
var parts = []string{"django.contrib.gis"}

// addParts adds the parts that the settings name, as applications or as the engine of a database.
func (in *surroundings) addParts(e *EntryPoint) {
	d, ok := in.findDjango()
	if !ok {
		return
	}
	for _, part := range parts {
		if _, line := in.tree.Says(d.file, part); line > 0 {
			e.Parts = append(e.Parts, part)
		}
	}
}

// fromDjango finds the WSGI or ASGI application of a project of Django, by its settings or else by its files. Which of
// the two runs, the locked server says: with ASGI_APPLICATION in the settings, or uvicorn-worker, one of ASGI, else one of WSGI
// first.
func fromDjango(in *surroundings) []candidate {
	d, ok := in.findDjango()
	if !ok {
		return nil
	}
	wsgi := in.djangoApplications(d, application.Django, "WSGI_APPLICATION", "wsgi.py")
	asgi := in.djangoApplications(d, application.Channels, "ASGI_APPLICATION", "asgi.py")
	order := [][]candidate{wsgi, asgi}
	if _, line := in.tree.Assigns(d.file, "ASGI_APPLICATION"); line > 0 || in.has(uvicornWorker) {
		slices.Reverse(order)
	}
	for _, found := range order {
		if len(found) > 0 {
			in.noServer = nil
			return found
		}
	}
	return nil
}

// djangoApplications returns the applications of one interface that a locked server can serve.
func (in *surroundings) djangoApplications(d django, framework, setting, file string) (all []candidate) {
	if text, at, line := in.tree.Text(d.file, setting); line > 0 {
		if i := strings.LastIndexByte(text, '.'); i > 0 {
			a := application.Application{Framework: framework, Module: text[:i], Name: text[i+1:], Root: d.root}
			if c, ok := in.serve(a, fmt.Sprintf("%s is %s", setting, text), in.position(at, line)); ok {
				return []candidate{c}
			}
		}
		return nil
	}
	for _, name := range in.finder.programs() {
		if path.Base(name) != file {
			continue
		}
		for _, a := range in.tree.In(name) {
			if a.Framework != framework || a.Name != "application" && a.Name != "app" {
				continue
			}
			if c, ok := in.serve(a, fmt.Sprintf("%s is an application of Django", a.Name), in.position(a.File, a.Line)); ok {
				all = append(all, c)
			}
		}
	}
	return all
}
