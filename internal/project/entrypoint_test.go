package project

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/entry"
)

const guarded = "import x\n\nif __name__ == '__main__':\n    x.run()\n"

func TestEntryPoint(t *testing.T) {
	scripts := func(list string) string { return anApplication + hatchling + "[project.scripts]\n" + list }
	tests := []struct {
		name, pyproject, files string
		contents               map[string]string
		want, signal, evidence string
	}{
		{"configured", anApplication + "[tool.lithe]\nentrypoint = ['/venv/bin/gunicorn', 'x:y']\ncmd = ['-w', '2']\n", "main.py", nil,
			"/venv/bin/gunicorn x:y | -w 2", "SIGTERM", "pyproject.toml:5 the configuration says so"},
		{"configured module", anApplication + "[tool.lithe]\nentrypoint = ['/venv/bin/python', '-u', '-m', 'uvicorn', 'x:y']\n", "", nil,
			"/venv/bin/python -u -m uvicorn x:y |", "SIGTERM", "pyproject.toml:5 the configuration says so"},
		{"configured script", anApplication + "[tool.lithe]\nentrypoint = ['/venv/bin/python', 'uvicorn']\n", "", nil,
			"/venv/bin/python uvicorn |", "SIGINT", "pyproject.toml:5 the configuration says so"},
		{"command alone", anApplication + "[tool.lithe]\ncmd = ['/venv/bin/x', '-v']\n", "main.py", nil,
			"| /venv/bin/x -v", "SIGINT", "pyproject.toml:5 the configuration says so"},
		{"arguments alone", anApplication + "[tool.lithe]\ncmd = ['-v']\n", "main.py", nil,
			"/venv/bin/python /app/main.py | -v", "SIGINT", "main.py:1 it has the name of a script"},
		{"stop signal", anApplication + "[tool.lithe]\nstop-signal = 'SIGQUIT'\n", "main.py", nil,
			"/venv/bin/python /app/main.py |", "SIGQUIT", "main.py:1 it has the name of a script"},
		{"one script", scripts("serve = 'x:y'\n"), "x/__main__.py", nil, "/venv/bin/serve |", "SIGINT", "pyproject.toml:8 it is the only script of the project"},
		{"script of the project's name", scripts("a = 'x:y'\nX = 'x:y'\n"), "", nil, "/venv/bin/X |", "SIGINT", "pyproject.toml:9 the script is called as the project"},
		{"several scripts and a main", scripts("a = 'x:y'\nb = 'x:y'\n"), "x/__init__.py x/__main__.py", nil, "/venv/bin/python -m x |", "SIGINT", "x/__main__.py:1 it is the only package, and has a __main__"},
		{"scripts of what is no package", anApplication + "[project.scripts]\nserve = 'x:y'\n", "main.py", nil, "/venv/bin/python /app/main.py |", "SIGINT", "main.py:1 it has the name of a script"},
		{"sole package", anApplication, "x/__init__.py x/__main__.py tests/__init__.py main.py", nil, "/venv/bin/python -m x |", "SIGINT", "x/__main__.py:1 it is the only package, and has a __main__"},
		{"script before one main of several", anApplication, "x/__main__.py y/__init__.py app.py", nil, "/venv/bin/python /app/app.py |", "SIGINT", "app.py:1 it has the name of a script"},
		{"one main of several", anApplication, "x/__main__.py y/__init__.py", nil, "/venv/bin/python -m x |", "SIGINT", "x/__main__.py:1 it is the only package with a __main__"},
		{"main before app", anApplication, "app.py main.py", nil, "/venv/bin/python /app/main.py |", "SIGINT", "main.py:1 it has the name of a script"},
		{"sole file", anApplication, "bot.py setup.py conftest.py test_bot.py docs/conf.py", nil, "/venv/bin/python /app/bot.py |", "SIGINT", "bot.py:1 it is the only script"},
		{"guarded file", anApplication, "x/__init__.py y/app.py tests/main.py", map[string]string{"x/main.py": guarded, "tests/main.py": guarded},
			"/venv/bin/python /app/x/main.py |", "SIGINT", "x/main.py:3 it is the only one that says `if __name__ == \"__main__\"`"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := entryPoint(t, tt.pyproject, tt.files, tt.contents)
			if err != nil {
				t.Fatal(err)
			}
			if s := strings.TrimSpace(strings.Join(got.Entrypoint, " ") + " | " + strings.Join(got.Cmd, " ")); s != tt.want {
				t.Errorf("got %s, want %s", s, tt.want)
			}
			e := got.Evidence[0]
			if s := e.Pos.String() + " " + e.Reason; s != tt.evidence || e.Decision != "entrypoint" || e.Override != "entrypoint" {
				t.Errorf("evidence %+v", e)
			}
			if got.StopSignal != tt.signal || got.Evidence[1].Decision != "stop-signal" || got.Evidence[1].Value != tt.signal {
				t.Errorf("signal %s, %+v", got.StopSignal, got.Evidence)
			}
		})
	}
}

// entryPoint reads a project and decides what runs. A package's files stand for those of its wheel.
func entryPoint(t *testing.T, pyproject, files string, contents map[string]string) (EntryPoint, error) {
	t.Helper()
	all := names(files)
	maps.Copy(all, contents)
	var wheel []entry.Entry
	for name, content := range all {
		wheel = append(wheel, entry.NewFile("venv/lib/python3.13/site-packages/"+name, []byte(content), false))
	}
	all["pyproject.toml"] = pyproject
	p := read(t, all)
	target, err := p.Target("prod")
	if err != nil {
		t.Fatal(err)
	}
	if !p.Package {
		f, err := p.Files()
		if err != nil {
			t.Fatal(err)
		}
		wheel = f.Entries
	}
	return p.EntryPoint(target, Code{Modules: wheel, App: wheel})
}

func TestNoEntryPoint(t *testing.T) {
	tests := []struct {
		name, pyproject, files string
		contents               map[string]string
		want                   string
	}{
		{"nothing", anApplication, "README.md lib/__init__.py", nil,
			"pyproject.toml:1: nothing says what to run; set `entrypoint` in [tool.lithe]"},
		{"two files", anApplication, "b.py a.py", nil,
			`several things could run: a.py, b.py; choose one: entrypoint = ["/venv/bin/python", "/app/a.py"] in [tool.lithe]`},
		{"two guarded", anApplication, "", map[string]string{"x/main.py": guarded, "y/app.py": guarded}, "several things could run: x/main.py, y/app.py"},
		{"two mains", anApplication, "x/__main__.py y/__main__.py", nil, "several things could run: python -m x, python -m y"},
		{"two scripts", anApplication + hatchling + "[project.scripts]\nb = 'x:y'\na = 'x:y'\n", "x/__init__.py main.py", nil,
			`pyproject.toml:9: several things could run: a, b; choose one: entrypoint = ["/venv/bin/a"]`},
		{"a package does not run by its files", anApplication + hatchling, "main.py", nil, "nothing says what to run"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := entryPoint(t, tt.pyproject, tt.files, tt.contents)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestGuard(t *testing.T) {
	for text, want := range map[string]int{
		"if __name__ == '__main__':\n":                1,
		"x = 1\nif __name__==\"__main__\" : main()\n": 2,
		"if (__name__ == '__main__'):\n":              1,
		"if '__main__' == __name__:\n":                1,
		"  if __name__ == '__main__':\n":              0,
		"# if __name__ == '__main__':\n":              0,
		"":                                            0,
		strings.Repeat("x", maxScript+10) + "\nif __name__ == '__main__':\n": 0,
	} {
		f := newFinder([]entry.Entry{entry.NewFile("app/x.py", []byte(text), false)}, false)
		if got := f.guard("x.py"); got != want {
			t.Errorf("%.40q has its guard at line %d, want %d", text, got, want)
		}
	}
}

// The examples are what users see first.
func TestExamples(t *testing.T) {
	for name, want := range map[string]string{
		"hello-world":     "/venv/bin/hello-world",
		"hello-script":    "/venv/bin/python /app/hello_world/main.py",
		"fastapi-service": "/venv/bin/uvicorn fastapi_service.app:app --host 0.0.0.0 --port 8000",
	} {
		p, err := Read("../../examples/"+name, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !p.Package {
			t.Errorf("%s is no package", name)
		}
		if name == "hello-script" { // its backend finds no module
			p = p.WithoutModule(errors.New("no module"))
		}
		files, err := p.Files()
		if err != nil {
			t.Fatal(err)
		}
		target, err := p.Target("prod")
		if err != nil {
			t.Fatal(err)
		}
		modules := files.Entries
		if name == "fastapi-service" {
			modules = []entry.Entry{{Path: "fastapi_service/app.py", Content: entry.Path("../../examples/fastapi-service/src/fastapi_service/app.py")}}
		}
		got, err := p.EntryPoint(target, Code{Modules: modules, App: files.Entries, Locked: lockedFrom("fastapi=0 uvicorn=0")})
		if err != nil || strings.Join(got.Entrypoint, " ") != want {
			t.Errorf("%s runs %v, %v", name, got.Entrypoint, err)
		}
	}
}
