package project

import (
	"strings"
	"testing"
)

func TestTest(t *testing.T) {
	const pytest = "/venv/bin/python -m pytest -o cache_dir=/tmp/.pytest_cache"
	tests := []struct {
		name, config, files, locked string
		want, evidence              string
	}{
		{"pytest", "", "main.py tests/test_a.py", "pytest=9", pytest, "uv.lock:1 pytest is locked"},
		{"configured", "[tool.lithe]\ntest = ['/x', 'y']\n", "main.py", "pytest=9", "/x y", "pyproject.toml:5 the configuration says so"},
		{"Django", "", "manage.py main.py", "django=6 pytest=9", "/venv/bin/python /app/manage.py test", "manage.py:1 manage.py runs the tests of Django"},
		{"Django with pytest", "", "manage.py main.py", "django=6 pytest=9 pytest-django=4", pytest, "uv.lock:2 pytest is locked"},
		{"unittest", "", "main.py tests/test_a.py", "pytest-xdist=1", "/venv/bin/python -m unittest discover --start-directory tests", "tests/test_a.py:1 tests/test_a.py is a test, and pytest is not locked"},
		{"unittest at the top", "", "main.py pkg/test_a.py", "", "/venv/bin/python -m unittest discover --start-directory .", ""},
		{"none", "", "main.py", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			all := names(tt.files)
			all["pyproject.toml"] = anApplication + tt.config
			p := read(t, all)
			target, err := p.Target("dev")
			if err != nil {
				t.Fatal(err)
			}
			f, err := target.Files(p)
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.EntryPoint(target, Code{Modules: f.Entries, App: f.Entries, Locked: lockedFrom(tt.locked)})
			if err != nil || strings.Join(got.Test, " ") != tt.want {
				t.Fatalf("got %q: %v", got.Test, err)
			}
			last := got.Evidence[len(got.Evidence)-1]
			if tt.evidence != "" && (last.Decision != "test" || last.Pos.String()+" "+last.Reason != tt.evidence) {
				t.Errorf("%+v", last)
			}
		})
	}
}

// TestSources holds what of a package is in the image of which target.
func TestSources(t *testing.T) {
	all := names("src/x/__init__.py tests/test_x.py .env uv.lock README.md")
	all["pyproject.toml"] = anApplication + hatchling + "[tool.lithe.targets.debug]\nsources = true\nshell = true\nsystem-packages = ['dash=1.0']\n[tool.lithe.targets.other]\n"
	p := read(t, all)
	for name, want := range map[string]string{"prod": "", "other": "", "dev": "README.md pyproject.toml src/x/__init__.py tests/test_x.py",
		"debug": "README.md pyproject.toml src/x/__init__.py tests/test_x.py"} {
		target, err := p.Target(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := target.Files(p)
		if err != nil {
			t.Fatal(err)
		}
		if got := paths(f.Entries); got != want {
			t.Errorf("%s has %q, want %q", name, got, want)
		}
		var shell []string
		for _, s := range target.SystemPackages {
			shell = append(shell, s.Want)
		}
		if got := strings.Join(shell, " "); got != map[bool]string{true: "dash=1.0 busybox"}[name == "debug"] {
			t.Errorf("%s has the packages %q", name, got)
		}
	}
}
