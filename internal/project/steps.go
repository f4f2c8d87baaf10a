package project

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/toml"
)

// Step is a command that makes files of the image while it is built.
type Step struct {
	Run      []string        // the program and its arguments
	Inputs   []string        // globs of the project's files that it sees; nil for a rule of lithe's own means all of /app
	Outputs  []string        // globs of the files that it makes, relative to the project; nil means the folder that it prints last
	Packages []SystemPackage // Debian packages that it needs; with any, it runs where source code is built, else in the image
	Env      []string        // beside the image's own
	Pos      diag.Position
}

// Title names the step in messages.
func (s Step) Title() string {
	if s.Outputs == nil {
		return "collectstatic"
	}
	return strings.Join(s.Run, " ")
}

// buildStep is an element of build.
type buildStep struct{ to *Step }

func (s buildStep) keys() []key {
	return []key{
		{name: "run", value: command{&s.to.Run}, doc: "The program and its arguments."},
		{name: "inputs", value: texts(&s.to.Inputs, glob), doc: "Globs of the files that it sees, relative to the project; no others."},
		{name: "outputs", value: texts(&s.to.Outputs, glob), doc: "Globs of the files that it makes, relative to the project, which go to /app."},
		{name: "packages", value: array[SystemPackage]{to: &s.to.Packages, one: func(p *SystemPackage) value { return systemPackage{p} }},
			doc: "Debian packages that it needs, such as nodejs. With any, it runs beside a compiler and not in the image."},
	}
}

func (s buildStep) decode(d *decoder, at string, v *toml.Value) {
	s.to.Pos = v.Pos
	in, ok := v.AsTable()
	if !ok {
		d.wrongType(at, v, "a table with run and outputs")
		return
	}
	nested := *d // as for an include
	nested.positions = nil
	table{s.keys()}.decodeTable(&nested, at, in)
	d.list = nested.list
	for _, name := range []string{"run", "outputs"} {
		if !in.Has(name) {
			d.problem(v.Pos, "config-value", fmt.Sprintf("%s has no %s", at, name),
				"write what runs and what it makes: {run = [\"…\"], inputs = [\"…\"], outputs = [\"…\"]}")
		}
	}
	if s.to.Inputs == nil {
		s.to.Inputs = []string{}
	}
}

func (s buildStep) schema() schema {
	in := table{buildStep{new(Step)}.keys()}.schema()
	in.Required = []string{"outputs", "run"}
	return in
}

// addSteps adds the steps of the configuration, and Django's collectstatic behind them.
func (in *surroundings) addSteps(e *EntryPoint) {
	for _, s := range in.target.Build {
		e.Steps = append(e.Steps, s)
		e.Evidence = append(e.Evidence, evidence("build step", s.Run, "the configuration says so", s.Pos, "build")...)
	}
	if s, reason, ok := in.collectstatic(); ok {
		e.Steps = append(e.Steps, s)
		e.Evidence = append(e.Evidence, evidence("build step", []string{"collectstatic"}, reason, s.Pos, "collectstatic")...)
	}
}

// collectScript collects the static files, and prints where they are. A database or a secret is not there for it.
const collectScript = "import os, django; from django.conf import settings; from django.core.management import call_command; " +
	"django.setup(); call_command('collectstatic', interactive=False, verbosity=0); print('\\n' + os.path.relpath(settings.STATIC_ROOT, '/app'))"

// notSecret stands for a secret that settings want to see, and is in no image.
const notSecret = "of-a-build-step-and-no-secret-0123456789-0123456789"

// collectstatic is the step of Django's static files: where the settings say where they go and something serves them, or where
// the configuration asks for it. A package's settings are not beside its files, so there it is the configuration's.
func (in *surroundings) collectstatic() (s Step, reason string, ok bool) {
	d, isDjango := in.findDjango()
	pos, configured := in.target.Position("collectstatic")
	if !isDjango || in.Package || d.manage == "" || configured && !in.target.Collectstatic {
		return s, "", false
	}
	at, line := in.tree.Assigns(d.file, "STATIC_ROOT")
	switch {
	case configured:
		reason = "the configuration says so"
	case line > 0 && in.has("whitenoise"):
		pos, reason = in.position(at, line), "the settings say where static files go, and WhiteNoise serves them"
	default:
		return s, "", false
	}
	env := []string{settingsVariable + "=" + d.settings, "SECRET_KEY=" + notSecret, "DJANGO_SECRET_KEY=" + notSecret}
	if d.root != "" {
		env = append(env, "PYTHONPATH=/app/"+d.root+":/app")
	}
	return Step{Run: []string{venvPython, "-c", collectScript}, Env: env, Pos: pos}, reason, true
}

// Inputs returns the files of the project that a step sees, as they would stand in /app.
func (p *Project) Inputs(s Step) ([]entry.Entry, error) {
	return matching(p, s.Inputs, s.Pos, "build.inputs")
}

// Outputs returns the files that a step has made in a folder. What is none of the globs' is left there.
func Outputs(dir string, s Step) ([]entry.Entry, error) {
	return matching(&Project{Dir: dir}, s.Outputs, s.Pos, "build.outputs")
}

func matching(p *Project, globs []string, pos diag.Position, key string) ([]entry.Entry, error) {
	w := &walker{project: p, from: map[string]string{}}
	for _, g := range globs {
		w.includes = append(w.includes, including{Include: Include{Path: g, Pos: pos}, glob: compileGlob(g)})
	}
	if err := w.dir("", w.start()); err != nil {
		return nil, err
	}
	for i, one := range w.includes {
		if !one.found {
			w.list.Add(&diag.Error{Pos: pos, Code: "no-file", What: fmt.Sprintf("%s: nothing matches %q", key, globs[i]),
				Hint: "globs are relative to the project, and `**` stands for any number of directories"})
		}
	}
	slices.SortFunc(w.out.Entries, entry.Compare)
	return w.out.Entries, w.list.Err()
}

// Printed returns the outputs of a step that printed where they are: a folder inside /app.
func (s Step) Printed(output string) (Step, error) {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	folder := path.Clean(strings.TrimSpace(lines[len(lines)-1]))
	if !glob.allows(folder) || folder == "." {
		return s, &diag.Error{Pos: s.Pos, Code: "build-step", What: fmt.Sprintf("STATIC_ROOT is not a folder of the project: %.200q from /app", folder),
			Hint: "set it to a folder below the project, such as BASE_DIR / \"staticfiles\", or set `collectstatic = false`"}
	}
	s.Outputs = []string{folder + "/**"}
	return s, nil
}
