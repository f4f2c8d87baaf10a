package application

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/entry"
)

// tree makes modules of texts that begin with "== FILE" lines.
func tree(text string) *Tree {
	files := map[string]entry.Entry{}
	for part := range strings.SplitSeq(text, "== ") {
		name, body, ok := strings.Cut(part, "\n")
		if ok {
			files[name] = entry.NewFile("app/"+name, []byte(body), false)
		}
	}
	return NewTree(files)
}

func TestIn(t *testing.T) {
	tests := []struct{ name, in, files, want string }{
		{"plain", "a.py", "== a.py\nfrom fastapi import FastAPI\n\napp = FastAPI(title='x')\n", "FastAPI a:app 3"},
		{"module", "a.py", "== a.py\nimport fastapi\napp = fastapi.FastAPI()\n", "FastAPI a:app 2"},
		{"renamed", "a.py", "== a.py\nimport fastapi as f\nfrom flask import Flask as F\nx = f.FastAPI()\ny = F(__name__)\n", "FastAPI a:x 3, Flask a:y 4"},
		{"annotated", "a.py", "== a.py\nfrom fastapi import FastAPI\napp: FastAPI = FastAPI(\n  a=1,\n)\n", "FastAPI a:app 2"},
		{"chain", "a.py", "== a.py\nfrom flask import Flask\napp = application = Flask('x')\n", "Flask a:app 2, Flask a:application 2"},
		{"not by name alone", "a.py", "== a.py\nfrom mine import FastAPI\napp = FastAPI()\n# from fastapi import FastAPI\ns = 'FastAPI()'\n", ""},
		{"an attribute of one", "a.py", "== a.py\nfrom fastapi import FastAPI\nrouter = FastAPI().router\n", ""},
		{"factory", "a.py", "== a.py\nfrom flask import Flask\ndef create_app(config=None, *args, **kw):\n    app = Flask(__name__)\n    if config:\n        app.x = 1\n    return app\n", "Flask a:create_app() 2"},
		{"factory by annotation", "a.py", "== a.py\nfrom fastapi import FastAPI\nfrom x import build\ndef create_app() -> FastAPI:\n    return build()\n", "FastAPI a:create_app() 3"},
		{"factory with an import inside", "a.py", "== a.py\ndef make():\n    from fastapi import FastAPI\n    return FastAPI()\n", "FastAPI a:make() 1"},
		{"function with an argument", "a.py", "== a.py\nfrom flask import Flask\ndef create_app(config):\n    return Flask('x')\n", ""},
		{"made by a factory", "a.py", "== a.py\nfrom pkg.factory import create_app\napp = create_app({})\n== pkg/__init__.py\n== pkg/factory.py\nfrom flask import Flask\ndef create_app(config):\n    return Flask('x')\n", "Flask a:app 2"},
		{"made by a factory of a module", "pkg/asgi.py", "== pkg/__init__.py\n== pkg/asgi.py\nfrom . import factory\napp = factory.create_app()\n== pkg/factory.py\nimport fastapi\ndef create_app():\n    return fastapi.FastAPI()\n", "FastAPI pkg.asgi:app 2"},
		{"imported", "pkg/__init__.py", "== pkg/__init__.py\nfrom .main import app as application\n== pkg/main.py\nfrom litestar import Litestar\napp = Litestar([])\n", "Litestar pkg:application 1"},
		{"star", "a.py", "== a.py\nfrom b import *\napp = make()\n== b.py\nfrom c import *\n== c.py\nfrom flask import Flask\ndef make():\n    return Flask('c')\n", "Flask a:app 2"},
		{"subclass", "a.py", "== a.py\nfrom starlette.applications import Starlette\nclass Mine(Starlette):\n    x = 1\napp = Mine()\n", "Starlette a:app 4"},
		{"wrapped later", "a.py", "== a.py\nfrom django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\napplication = WhiteNoise(application)\n", "Django a:application 2"},
		{"in blocks", "a.py", "== a.py\ntry:\n    from fastapi import FastAPI\nexcept ImportError:\n    pass\nif True:\n    app = FastAPI()\n", "FastAPI a:app 6"},
		{"only as a script", "a.py", "== a.py\nfrom fastapi import FastAPI\nif __name__ == '__main__':\n    app = FastAPI()\n", ""},
		{"in a function", "a.py", "== a.py\nfrom fastapi import FastAPI\ndef test():\n    app = FastAPI()\n", ""},
		{"in a class", "a.py", "== a.py\nfrom fastapi import FastAPI\nclass T:\n    app = FastAPI()\n", ""},
		{"circular", "a.py", "== a.py\nfrom b import app\n== b.py\nfrom a import app\n", ""},
		{"calls itself", "a.py", "== a.py\ndef f():\n    return f()\napp = f()\nclass C(C): pass\nx = C()\n", ""},
		{"broken", "a.py", "== a.py\nfrom fastapi import FastAPI\napp = FastAPI(\n", ""},
		{"missing", "b.py", "== a.py\n", ""},
		{"src", "src/x/a.py", "== src/x/__init__.py\n== src/x/a.py\nfrom fastapi import FastAPI\napp = FastAPI()\n", "FastAPI x.a:app 2 in src"},
		{"src as a package", "src/a.py", "== src/b.py\n== src/a.py\nfrom fastapi import FastAPI\nfrom src.b import x\napp = FastAPI()\n", "FastAPI src.a:app 3"},
		{"siblings", "app/main.py", "== app/db.py\n== app/main.py\nfrom fastapi import FastAPI\nimport db\napp = FastAPI()\n", "FastAPI main:app 3 in app"},
		{"namespace", "app/main.py", "== app/db.py\n== app/main.py\nfrom fastapi import FastAPI\nimport app.db\napp = FastAPI()\n", "FastAPI app.main:app 3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, a := range tree(tt.files).In(tt.in) {
				s := fmt.Sprintf("%s %s:%s %d", a.Framework, a.Module, a.Name+map[bool]string{true: "()"}[a.Factory], a.Line)
				if a.Root != "" {
					s += " in " + a.Root
				}
				got = append(got, s)
			}
			if s := strings.Join(got, ", "); s != tt.want {
				t.Errorf("got  %s\nwant %s", s, tt.want)
			}
		})
	}
}

func TestText(t *testing.T) {
	files := tree("== s/__init__.py\n== s/base.py\nROOT = 'a'\nSTATIC_ROOT = BASE / 'x'\n== s/prod.py\nfrom .base import *\nROOT = 'b'\n" +
		"== manage.py\nimport os\ndef main():\n    os.environ.setdefault('DJANGO_SETTINGS_MODULE', 's.prod')\n== w.py\nfrom os import environ\nenviron['X'] = 'y'\n")
	if text, at, line := files.Text("s/prod.py", "ROOT"); text != "b" || at != "s/prod.py" || line != 2 {
		t.Errorf("%q %s:%d", text, at, line)
	}
	if at, line := files.Assigns("s/prod.py", "STATIC_ROOT"); at != "s/base.py" || line != 2 {
		t.Errorf("%s:%d", at, line)
	}
	if text, _, line := files.Text("s/prod.py", "STATIC_ROOT"); text != "" || line != 0 {
		t.Errorf("an expression is no text: %q", text)
	}
	if at, line := files.Says("s/prod.py", "b"); at != "s/prod.py" || line != 2 {
		t.Errorf("%s:%d", at, line)
	}
	if at, line := files.Says("s/prod.py", "x"); at != "s/base.py" || line != 2 {
		t.Errorf("%s:%d", at, line)
	}
	if at, line := files.Says("manage.py", "s"); at != "manage.py" || line != 3 { // of s.prod
		t.Errorf("%s:%d", at, line)
	}
	if at, line := files.Says("manage.py", "s.p"); line != 0 {
		t.Errorf("the half of a name was found: %s:%d", at, line)
	}
	if value, line := files.Default("manage.py", "DJANGO_SETTINGS_MODULE"); value != "s.prod" || line != 3 {
		t.Errorf("%q:%d", value, line)
	}
	if value, line := files.Default("w.py", "X"); value != "y" || line != 2 {
		t.Errorf("%q:%d", value, line)
	}
	if line := files.Imports("manage.py", "os"); line != 1 {
		t.Errorf("line %d", line)
	}
}

func FuzzIn(f *testing.F) {
	f.Add("from fastapi import (FastAPI as F, x)\napp: F = F()\ndef f(a, *, b=1) -> F:\n    return app\nclass C(F, m=1): pass\n")
	f.Add("from . import a\nfrom .a import *\nx = a.f().y\nimport os.environ\nos.environ['X'] = 'y'")
	f.Fuzz(func(t *testing.T, text string) {
		files := map[string]entry.Entry{"p/a.py": entry.NewFile("a", []byte(text), false), "p/b.py": entry.NewFile("b", []byte("from .a import *\n"), false)}
		tr := NewTree(files)
		for _, file := range []string{"p/a.py", "p/b.py"} {
			for _, a := range tr.In(file) {
				if a.Framework == "" || a.Line < 1 || a.Module == "" {
					t.Errorf("%+v", a)
				}
			}
			tr.Text(file, "x")
			tr.Assigns(file, "x")
			tr.Says(file, "x")
			tr.Default(file, "X")
			tr.Imports(file, "os")
		}
	})
}
