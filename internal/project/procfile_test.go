package project

import (
	"fmt"
	"strings"
	"testing"
)

func TestWords(t *testing.T) {
	for line, want := range map[string]string{
		`gunicorn app:app -b 0.0.0.0:$PORT`:   "[gunicorn app:app -b 0.0.0.0:8000]",
		`x ${PORT} "${PORT:-5000}" ${PORT-1}`: "[x 8000 8000 8000]",
		`x 'a b' "c \"d\" \n" e\ f ''`:        `[x a b c "d" \n e f ]`,
		`x '$HOME' create_app()`:              "it has '(' outside of quotes",
		`x 'create_app()' a~b a#b`:            "[x create_app() a~b a#b]",
		`x $HOME`:                             "it has the variable $HOME",
		`x ${WORKERS:-2}`:                     "it has the variable ${WORKERS:-2}",
		`x $PORTS`:                            "it has the variable $PORTS",
		"x `y`":                               "it runs a command for its output",
		`x && y`:                              "it has '&' outside of quotes",
		`x | y`:                               "it has '|' outside of quotes",
		`x *.py`:                              "it has '*' outside of quotes",
		`x 'y`:                                "a quote is not closed",
	} {
		got, _, why := words(line, "8000")
		if s := map[bool]string{true: fmt.Sprint(got), false: why}[why == ""]; s != want {
			t.Errorf("%s: %s, want %s", line, s, want)
		}
	}
}

func TestRunnable(t *testing.T) {
	for line, want := range map[string]string{
		"python3.13 main.py":            "/venv/bin/python main.py",
		"exec gunicorn x":               "/venv/bin/gunicorn x",
		"uv run celery worker":          "/venv/bin/celery worker",
		"uv run --with x celery":        "/venv/bin/uv run --with x celery",
		"bin/serve -v":                  "/app/bin/serve -v",
		"/usr/bin/env x":                "/usr/bin/env x",
		"A=1 gunicorn":                  "it sets the variable A, which belongs to env",
		"bash -c x":                     "it runs bash",
		"./start.sh":                    "it runs ./start.sh",
		"cd x":                          "cd is a command of the shell",
		"poetry run python manage.py x": "/venv/bin/python manage.py x",
	} {
		got, why := runnable(strings.Fields(line))
		if s := map[bool]string{true: strings.Join(got, " "), false: why}[why == ""]; s != want {
			t.Errorf("%s: %s, want %s", line, s, want)
		}
	}
}

func TestProcesses(t *testing.T) {
	const celeryApp = "from celery import Celery\napp = Celery('x')\n"
	for name, tt := range map[string]struct{ config, procfile, want string }{
		"Procfile":       {"", "web: uvicorn main:app\nworker: celery -A tasks worker\nrelease: python manage.py migrate\n", "release=/venv/bin/python manage.py migrate; web=/venv/bin/uvicorn main:app --host 0.0.0.0 --port 8000; worker=/venv/bin/celery -A tasks worker"},
		"Celery":         {"", "", "web=/venv/bin/uvicorn main:app --host 0.0.0.0 --port 8000; worker=/venv/bin/celery --app tasks:app worker --loglevel INFO"},
		"configuration":  {"processes = {worker = ['/x', 'y'], beat = ['/z']}\n", "worker: a && b\n", "beat=/z; web=/venv/bin/uvicorn main:app --host 0.0.0.0 --port 8000; worker=/x y"},
		"configured web": {"processes = {web = ['/w'], worker = ['/x']}\n", "web: a && b\n", "web=/w; worker=/x"},
		"entry point":    {"entrypoint = ['/e']\ncmd = ['-v']\nprocesses = {worker = ['/x']}\n", "", "web=/e -v; worker=/x"},
		"one of several": {"", "web: uvicorn main:app\n", ""},
		"only a worker":  {"", "bot: python main.py\nrelease: x\n", "release=/venv/bin/x; web=/venv/bin/python main.py"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"pyproject.toml": anApplication + "[tool.lithe]\n" + tt.config, "main.py": fastapiApp, "tasks.py": celeryApp}
			if tt.procfile != "" {
				files["Procfile"] = tt.procfile
			}
			got, err := runs(t, files, "fastapi=1 uvicorn=1 celery=5")
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, name := range []string{"beat", "release", "web", "worker"} {
				if c, ok := got.Processes[name]; ok {
					all = append(all, name+"="+strings.Join(c, " "))
				}
			}
			if s := strings.Join(all, "; "); s != tt.want {
				t.Errorf("got  %s\nwant %s", s, tt.want)
			}
		})
	}
}

func TestProcfileProblems(t *testing.T) {
	_, err := runs(t, map[string]string{"pyproject.toml": anApplication, "Procfile": "web: cd x && y\nnonsense\nweb: a\nworker: a\nworker: b\n"}, "")
	want := []string{`Procfile:1: the process web needs a shell, which the image does not have: it has '&' outside of quotes; name program and arguments one by one: entrypoint = ["PROGRAM", "ARGUMENT"] in [tool.lithe]`,
		"Procfile:2: this is no line of a Procfile; write NAME: COMMAND", "Procfile:5: the process worker stands twice"}
	for _, w := range want {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("got  %v\nwant %s", err, w)
		}
	}
}

func TestHealthcheck(t *testing.T) {
	const command = "/venv/bin/python -I -S -c import http.client as h; c = h.HTTPConnection('127.0.0.1', %s, timeout=5); c.request('GET', '%s'); raise SystemExit(c.getresponse().status >= 400)"
	for name, tt := range map[string]struct{ config, want string }{
		"none":             {"", ""},
		"path":             {"healthcheck = '/health?a=b'\n", fmt.Sprintf(command, "8000", "/health?a=b")},
		"table":            {"healthcheck = {path = '/h', interval = '5s'}\nports = [81]\n", fmt.Sprintf(command, "81", "/h")},
		"command":          {"healthcheck = ['/x']\n", "/x"},
		"of a program":     {"entrypoint = ['/x']\nports = ['82/tcp']\nhealthcheck = '/h'\n", fmt.Sprintf(command, "82", "/h")},
		"without any port": {"entrypoint = ['/x']\nhealthcheck = '/h'\n", "pyproject.toml:6: nothing says on which port the server listens"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := runs(t, map[string]string{"pyproject.toml": anApplication + "[tool.lithe]\n" + tt.config, "main.py": fastapiApp}, "fastapi=1 uvicorn=1")
			text := ""
			if err != nil {
				text = err.Error()
			} else if got.Healthcheck != nil {
				text = strings.Join(got.Healthcheck.Command, " ")
			}
			if !strings.HasPrefix(text, tt.want) || tt.want == "" && text != "" {
				t.Errorf("got  %s\nwant %s", text, tt.want)
			}
		})
	}
	got, err := runs(t, map[string]string{"pyproject.toml": anApplication, "app.py": "import streamlit\n"}, "streamlit=1")
	if err != nil || got.Healthcheck == nil || !strings.Contains(got.Healthcheck.Command[4], "'/_stcore/health'") {
		t.Errorf("%+v: %v", got.Healthcheck, err)
	}
}

func FuzzWords(f *testing.F) {
	f.Add(`gunicorn app:app -b 0.0.0.0:${PORT:-5000} "a 'b'" \c $X`)
	f.Fuzz(func(t *testing.T, line string) {
		out, _, why := words(line, "8000")
		if why != "" {
			return
		}
		if len(strings.Join(out, "")) > 4*len(line)+8 {
			t.Errorf("%q became %q", line, out)
		}
		_, _ = runnable(out)
	})
}
