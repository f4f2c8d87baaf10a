package project

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCollectstatic(t *testing.T) {
	settings := "from pathlib import Path\nSTATIC_ROOT = Path('x') / 'static'\n"
	for name, tt := range map[string]struct{ config, locked, settings, want string }{
		"by rule":           {"", "django=6 whitenoise=6", settings, "mysite/settings.py:2 the settings say where static files go, and WhiteNoise serves them; collectstatic"},
		"no WhiteNoise":     {"", "django=6", settings, ""},
		"no STATIC_ROOT":    {"", "django=6 whitenoise=6", "STATIC_URL = '/'\n", ""},
		"no Django":         {"", "whitenoise=6", settings, ""},
		"switched off":      {"collectstatic = false\n", "django=6 whitenoise=6", settings, ""},
		"switched on":       {"collectstatic = true\n", "django=6", settings, "pyproject.toml:5 the configuration says so; collectstatic"},
		"with another step": {"build = [{run = ['/x', 'y'], outputs = ['z']}]\n", "django=6", settings, "pyproject.toml:5 the configuration says so; build"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := runs(t, map[string]string{"pyproject.toml": anApplication + "[tool.lithe]\n" + tt.config, "manage.py": manage,
				"main.py": "", "mysite/__init__.py": "", "mysite/settings.py": tt.settings}, tt.locked)
			if err != nil {
				t.Fatal(err)
			}
			text := ""
			for _, e := range got.Evidence {
				if e.Decision == "build step" {
					text = e.Pos.String() + " " + e.Reason + "; " + e.Override
				}
			}
			if text != tt.want || (len(got.Steps) == 1) != (tt.want != "") {
				t.Errorf("got  %s, %d steps\nwant %s", text, len(got.Steps), tt.want)
			}
		})
	}
}

func TestInputsAndOutputs(t *testing.T) {
	all := names("a/x.json a/y.txt main.py .env node_modules/m.js")
	all["pyproject.toml"] = anApplication
	all[".gitignore"] = "a\n"
	p := read(t, all)
	got, err := p.Inputs(Step{Inputs: []string{"a/*.json", "main.py"}})
	if err != nil || paths(got) != "a/x.json main.py" {
		t.Errorf("inputs %s, %v", paths(got), err)
	}
	if got, err = p.Inputs(Step{Inputs: []string{"node_modules/**"}}); err != nil || paths(got) != "node_modules/m.js" {
		t.Errorf("inputs %s, %v", paths(got), err)
	}
	if _, err := p.Inputs(Step{Inputs: []string{"nope/**"}}); err == nil || !strings.Contains(err.Error(), `build.inputs: nothing matches "nope/**"`) {
		t.Error(err)
	}
	dir := tree(t, names("out/a out/b/c other"))
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "leads-out")); err != nil {
		t.Fatal(err)
	}
	if got, err = Outputs(dir, Step{Outputs: []string{"out/**"}}); err != nil || paths(got) != "out/a out/b/c" {
		t.Errorf("outputs %s, %v", paths(got), err)
	}
	if _, err = Outputs(dir, Step{Outputs: []string{"leads-out"}}); err == nil || !strings.Contains(err.Error(), "outside the project") {
		t.Error(err)
	}
}

func TestPrinted(t *testing.T) {
	for output, want := range map[string]string{"noise\n\nstatic\n": "static/**", "a/b/": "a/b/**", "../x": "", "": "", "/etc": "", ".": ""} {
		s, err := Step{}.Printed(output)
		if got := strings.Join(s.Outputs, " "); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", output, got, err)
		}
	}
}
