package project

import (
	"errors"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
)

const (
	fastapiApp = "from fastapi import FastAPI\n\napp = FastAPI()\n"
	flaskApp   = "import flask\n\napp = flask.Flask(__name__)\n"
	manage     = "import os\ndef main():\n    os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'mysite.settings')\n"
	djangoWSGI = "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n"
	djangoASGI = "from django.core.asgi import get_asgi_application\napplication = get_asgi_application()\n"
)

// lockedFrom makes distributions of "name=version" words; a star behind one says that another one requires it.
func lockedFrom(list string) map[string]Locked {
	out := map[string]Locked{}
	for i, word := range strings.Fields(list) {
		word, other := strings.CutSuffix(word, "*")
		name, version, _ := strings.Cut(word, "=")
		out[name] = Locked{Version: version, Direct: !other, Pos: diag.Position{File: "uv.lock", Line: i + 1}}
	}
	return out
}

// runs reads a project of these files and decides what runs.
func runs(t *testing.T, files map[string]string, locked string) (EntryPoint, error) {
	t.Helper()
	p := read(t, files)
	target, err := p.Target("prod")
	if err != nil {
		t.Fatal(err)
	}
	code := Code{Locked: lockedFrom(locked)}
	if p.Package {
		for name, text := range files {
			if name, ok := strings.CutPrefix(name, "src/"); ok {
				code.Modules = append(code.Modules, entry.NewFile(name, []byte(text), false))
			}
		}
		return p.EntryPoint(target, code)
	}
	f, err := p.Files()
	if err != nil {
		t.Fatal(err)
	}
	code.Modules, code.App = f.Entries, f.Entries
	return p.EntryPoint(target, code)
}

func TestServers(t *testing.T) {
	const uvicorn = " --host 0.0.0.0 --port 8000"
	const gunicorn = " --bind 0.0.0.0:8000 --worker-tmp-dir /dev/shm"
	const uwsgi = " --http-socket 0.0.0.0:8000 --master --need-app --die-on-term --home /venv"
	settings := map[string]string{"manage.py": manage, "mysite/__init__.py": "", "mysite/wsgi.py": djangoWSGI, "mysite/asgi.py": djangoASGI,
		"mysite/settings.py": "X = 1\nWSGI_APPLICATION = 'mysite.wsgi.application'\n"}
	with := func(files map[string]string, more ...string) map[string]string {
		all := map[string]string{"pyproject.toml": anApplication}
		for name, text := range files {
			all[name] = text
		}
		for i := 0; i < len(more); i += 2 {
			all[more[i]] = more[i+1]
		}
		return all
	}
	tests := []struct {
		name, locked string
		files        map[string]string
		want         string // the command, without /venv/bin/
		evidence     string
	}{
		{"FastAPI", "fastapi=1 uvicorn=1", with(nil, "main.py", fastapiApp), "uvicorn main:app" + uvicorn, "main.py:3 app is a FastAPI application, and uvicorn is locked"},
		{"its own order", "fastapi=1 uvicorn=1", with(nil, "api.py", fastapiApp, "app/main.py", fastapiApp, "z.py", fastapiApp), "uvicorn api:app" + uvicorn, ""},
		{"package", "fastapi=1 uvicorn=1", map[string]string{"pyproject.toml": anApplication + hatchling, "src/svc/__init__.py": "", "src/svc/app.py": fastapiApp}, "uvicorn svc.app:app" + uvicorn, "src/svc/app.py:3 app is a FastAPI application, and uvicorn is locked"},
		{"tool.fastapi", "fastapi=1 uvicorn=1", with(nil, "pyproject.toml", anApplication+"[tool.fastapi]\nentrypoint = 'svc.x:api'\n", "main.py", fastapiApp), "uvicorn svc.x:api" + uvicorn, "pyproject.toml:5 [tool.fastapi] names it, and uvicorn is locked"},
		{"factory", "fastapi=1 uvicorn=1", with(nil, "svc/web.py", "from fastapi import FastAPI\ndef create_app():\n    return FastAPI()\n"), "uvicorn svc.web:create_app --factory" + uvicorn, "svc/web.py:2 create_app() returns a FastAPI application, and uvicorn is locked"},
		{"hypercorn", "fastapi=1 hypercorn=1", with(nil, "main.py", fastapiApp), "hypercorn main:app --bind 0.0.0.0:8000", ""},
		{"granian", "fastapi=1 granian=1", with(nil, "main.py", fastapiApp), "granian --interface asgi main:app" + uvicorn, ""},
		{"daphne", "fastapi=1 daphne=1", with(nil, "main.py", fastapiApp), "daphne main:app -b 0.0.0.0 -p 8000", ""},
		{"the one asked for", "fastapi=1 uvicorn=1* hypercorn=1", with(nil, "main.py", fastapiApp), "hypercorn main:app --bind 0.0.0.0:8000", ""},
		{"port", "fastapi=1 uvicorn=1", with(nil, "pyproject.toml", anApplication+"[tool.lithe]\nports = ['53/udp', 8080]\n", "main.py", fastapiApp), "uvicorn main:app --host 0.0.0.0 --port 8080", ""},
		{"gunicorn with uvicorn's worker", "fastapi=1 gunicorn=23 uvicorn=1* uvicorn-worker=1", with(nil, "main.py", fastapiApp), "gunicorn main:app --worker-class uvicorn_worker.UvicornWorker" + gunicorn, "main.py:3 app is a FastAPI application, and gunicorn is locked"},
		{"its factory", "starlette=1 gunicorn=25.1 uvicorn=1 uvicorn-worker=1", with(nil, "svc/web.py", "from starlette.applications import Starlette\ndef create_app():\n    return Starlette()\n"), "gunicorn svc.web:create_app() --worker-class uvicorn_worker.UvicornWorker" + gunicorn + " --no-control-socket", ""},
		{"its file", "fastapi=1 gunicorn=23 uvicorn=1 uvicorn-worker=1", with(nil, "main.py", fastapiApp, "gunicorn.conf.py", "worker_class = 'a.B'\n"), "gunicorn main:app" + gunicorn, ""},
		{"worker without gunicorn", "fastapi=1 uvicorn=1 uvicorn-worker=1", with(nil, "main.py", fastapiApp), "uvicorn main:app" + uvicorn, ""},
		{"gunicorn beside uvicorn", "fastapi=1 gunicorn=27 uvicorn=1*", with(nil, "main.py", fastapiApp), "uvicorn main:app" + uvicorn, ""},
		{"gunicorn alone", "fastapi=1 gunicorn=27", with(nil, "main.py", fastapiApp), "gunicorn main:app --worker-class asgi" + gunicorn + " --no-control-socket", "main.py:3 app is a FastAPI application, and gunicorn is locked"},
		{"Flask beside uvicorn's worker", "flask=3 gunicorn=23 uvicorn=1 uvicorn-worker=1", with(nil, "app.py", flaskApp), "gunicorn app:app" + gunicorn, ""},
		{"Flask", "flask=3 gunicorn=23.0.0", with(nil, "app.py", flaskApp), "gunicorn app:app" + gunicorn, "app.py:3 app is a Flask application, and gunicorn is locked"},
		{"control socket", "flask=3 gunicorn=25.1.0", with(nil, "app.py", flaskApp), "gunicorn app:app" + gunicorn + " --no-control-socket", ""},
		{"gunicorn.conf.py", "flask=3 gunicorn=27", with(nil, "app.py", flaskApp, "gunicorn.conf.py", "bind = '0.0.0.0:9000'\ncontrol_socket_disable = True\n"), "gunicorn app:app --worker-tmp-dir /dev/shm", ""},
		{"gunicorn.conf.py alone", "gunicorn=23", with(nil, "gunicorn.conf.py", "import os\nbind = f'0.0.0.0:{os.environ[\"P\"]}'\nwsgi_app = 'x:y'\n"), "gunicorn --worker-tmp-dir /dev/shm", "gunicorn.conf.py:3 wsgi_app says what gunicorn serves, with gunicorn.conf.py"},
		{"factory of Flask", "flask=3 gunicorn=23", with(nil, "web/__init__.py", "from flask import Flask\ndef create_app(x=1):\n    return Flask('x')\n"), "gunicorn web:create_app()" + gunicorn, ""},
		{"waitress", "flask=3 waitress=3", with(nil, "app.py", flaskApp), "waitress-serve --listen=0.0.0.0:8000 app:app", ""},
		{"uWSGI", "flask=3 uwsgi=2", with(nil, "app.py", flaskApp), "uwsgi --module app:app" + uwsgi, ""},
		{"uwsgi.ini", "flask=3 pyuwsgi=2", with(nil, "app.py", flaskApp, "uwsgi.ini", "[uwsgi]\nhttp = :9000\nmodule = app:app\nmaster = true\n; x\n[other]\nhome = /x\n"), "uwsgi --ini /app/uwsgi.ini --need-app --die-on-term --home /venv", ""},
		{"uwsgi.ini alone", "uwsgi=2", with(nil, "uwsgi.ini", "[uwsgi]\nwsgi-file = x.py\n"), "uwsgi --ini /app/uwsgi.ini" + uwsgi, "uwsgi.ini:2 it names what uWSGI serves, with uwsgi.ini"},
		{"Django", "django=5 gunicorn=23", with(settings), "gunicorn mysite.wsgi:application" + gunicorn, "mysite/settings.py:2 WSGI_APPLICATION is mysite.wsgi.application, and gunicorn is locked"},
		{"Django with ASGI", "django=5 uvicorn=1", with(settings), "uvicorn mysite.asgi:application" + uvicorn, "mysite/asgi.py:2 application is an application of Django, and uvicorn is locked"},
		{"Django with both", "django=5 uvicorn=1 gunicorn=23", with(settings), "gunicorn mysite.wsgi:application" + gunicorn, ""},
		{"Django with uvicorn's worker", "django=5 uvicorn=1 gunicorn=23 uvicorn-worker=1", with(settings), "gunicorn mysite.asgi:application --worker-class uvicorn_worker.UvicornWorker" + gunicorn, ""},
		{"Django with Channels", "django=5 daphne=1 gunicorn=23", with(settings, "mysite/settings.py", "WSGI_APPLICATION = 'mysite.wsgi.application'\nASGI_APPLICATION = 'mysite.asgi.application'\n"), "daphne mysite.asgi:application -b 0.0.0.0 -p 8000", ""},
		{"Django below", "django=5 gunicorn=23", map[string]string{"pyproject.toml": anApplication, "web/manage.py": manage, "web/mysite/__init__.py": "", "web/mysite/settings.py": "", "web/mysite/wsgi.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'mysite.settings')\n" + djangoWSGI}, "gunicorn mysite.wsgi:application" + gunicorn, ""},
		{"Starlette", "starlette=1 uvicorn=1", with(nil, "main.py", "from starlette.applications import Starlette\napp = Starlette()\n"), "uvicorn main:app" + uvicorn, ""},
		{"Litestar", "litestar=1 uvicorn=1", with(nil, "asgi.py", "from litestar import Litestar\napp = Litestar([])\n"), "uvicorn asgi:app" + uvicorn, ""},
		{"Streamlit", "streamlit=1", with(nil, "helpers.py", "import streamlit\n", "app.py", "import streamlit as st\n"), "streamlit run /app/app.py --server.address 0.0.0.0 --server.port 8501 --server.headless true", "app.py:1 app.py is a script of Streamlit"},
		{"Streamlit's file", "streamlit=1", with(nil, "x.py", "import streamlit as st\n", ".streamlit/config.toml", "[server]\nport = 80\nheadless = true\n"), "streamlit run /app/x.py --server.address 0.0.0.0", ""},
		{"Celery", "celery=5", with(nil, "tasks.py", "from celery import Celery\napp = Celery('x')\n"), "celery --app tasks:app worker --loglevel INFO", "tasks.py:2 app is a Celery application"},
		{"Procfile", "gunicorn=27 flask=3", with(nil, "app.py", flaskApp, "Procfile", "# all\nweb: gunicorn app:app --bind \"0.0.0.0:${PORT:-5000}\" -w 2\n"), "gunicorn app:app --bind 0.0.0.0:8000 -w 2 --worker-tmp-dir /dev/shm --no-control-socket", "Procfile:2 the process web of the Procfile"},
		{"exact names", "fastapi-utils=1 uvicorn-worker=1 my-fastapi=1", with(nil, "main.py", fastapiApp), "python /app/main.py", "main.py:1 it has the name of a script"},
		{"a script that serves itself", "fastapi=1", with(nil, "main.py", fastapiApp+"if __name__ == '__main__':\n    run(app)\n"), "python /app/main.py", "main.py:1 it has the name of a script"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := runs(t, tt.files, tt.locked)
			if err != nil {
				t.Fatal(err)
			}
			if s := strings.ReplaceAll(strings.Join(got.Entrypoint, " "), "/venv/bin/", ""); s != tt.want {
				t.Errorf("got  %s\nwant %s", s, tt.want)
			}
			if e := got.Evidence[0]; tt.evidence != "" && e.Pos.String()+" "+e.Reason != tt.evidence {
				t.Errorf("got  %s %s\nwant %s", e.Pos, e.Reason, tt.evidence)
			}
			wantSignal := "SIGTERM"
			if strings.HasPrefix(tt.want, "python") || strings.HasPrefix(tt.want, "waitress") { // neither has a handler for SIGTERM
				wantSignal = "SIGINT"
			}
			if got.StopSignal != wantSignal {
				t.Errorf("stops by %s", got.StopSignal)
			}
		})
	}
}

func TestPorts(t *testing.T) {
	for name, tt := range map[string]struct{ locked, file, text, port, path string }{
		"server":         {"fastapi=1 uvicorn=1", "main.py", fastapiApp, "8000", ""},
		"folder":         {"fastapi=1 uvicorn=1", "src/svc/main.py", "from svc import x\n" + fastapiApp, "8000", "/app/src"},
		"own file":       {"flask=3 gunicorn=27", "gunicorn.conf.py", "bind = '[::]:9000'\nwsgi_app = 'x:y'\n", "9000", ""},
		"unknown":        {"flask=3 gunicorn=27", "gunicorn.conf.py", "bind = x()\nwsgi_app = 'x:y'\n", "", ""},
		"loopback":       {"flask=3 gunicorn=27", "Procfile", "web: gunicorn x:y -b 127.0.0.1:80", "", ""},
		"socket":         {"flask=3 gunicorn=27", "Procfile", "web: gunicorn x:y --bind=unix:/tmp/x", "", ""},
		"short":          {"flask=3 gunicorn=27", "Procfile", "web: gunicorn x:y -b:81", "81", ""},
		"another server": {"", "Procfile", "web: serve $PORT", "8000", ""},
		"no server":      {"", "Procfile", "web: serve", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := runs(t, map[string]string{"pyproject.toml": anApplication, tt.file: tt.text, "src/svc/x.py": ""}, tt.locked)
			if err != nil || got.Port != tt.port || got.Path != tt.path {
				t.Errorf("port %q, path %q, %v: %v", got.Port, got.Path, got.Entrypoint, err)
			}
		})
	}
}

func TestNoServer(t *testing.T) {
	for name, tt := range map[string]struct {
		files  map[string]string
		locked string
		want   string
	}{
		"no server": {map[string]string{"main.py": fastapiApp}, "fastapi=1 gunicorn=1", "main.py:3: app is a FastAPI application, and no server that can serve it is locked; add one, such as uvicorn"},
		"several":   {map[string]string{"a/main.py": fastapiApp, "b/main.py": fastapiApp}, "fastapi=1 uvicorn=1", `pyproject.toml:1: several things could run: a.main:app, b.main:app; choose one: entrypoint = ["/venv/bin/uvicorn", "a.main:app", "--host", "0.0.0.0", "--port", "8000"] in [tool.lithe]`},
		"two in one file": {map[string]string{"web.py": "from flask import Flask\nx = Flask('x')\ny = Flask('y')\n"}, "flask=1 gunicorn=1",
			"several things could run: web:x, web:y"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.files["pyproject.toml"] = anApplication
			_, err := runs(t, tt.files, tt.locked)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !errors.As(err, new(*diag.Error)) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}
