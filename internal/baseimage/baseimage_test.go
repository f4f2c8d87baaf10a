package baseimage

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
	"github.com/lithe-build/lithe/internal/testkit/tinyelf"
)

var (
	glibc241 = wheeltag.Libc{Family: "glibc", Major: 2, Minor: 41}
	musl12   = wheeltag.Libc{Family: "musl", Major: 1, Minor: 2}
	slimEnv  = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "PYTHON_VERSION=3.13.5"}
)

func TestRead(t *testing.T) {
	slim := Facts{Python: "3.13.5", ABI: "cp313", Libc: glibc241, Interpreter: "/usr/local/bin/python3.13", Env: slimEnv,
		Certificates: "/etc/ssl/certs/ca-certificates.crt"}
	user := func(f Facts, u string) Facts { f.User = u; return f }
	at := func(f Facts, version, interpreter string) Facts {
		f.Python, f.Interpreter = version, interpreter
		return f
	}
	alpine := Facts{Python: "3.12.9", ABI: "cp312", Libc: musl12, Interpreter: "/usr/bin/python3.12"}
	venv := files{"opt/venv/pyvenv.cfg": "home = /usr/local/bin\nversion = 3.13.5\n"}
	onVenv := Config{Env: []string{"PATH=/opt/venv/bin:/usr/local/bin"}}
	facts := func(f Facts, env ...string) Facts { f.Env = env; return f }

	for name, test := range map[string]struct {
		layers []files // the lowest first
		config Config
		want   Facts
	}{
		"slim":             {[]files{onGlibc()}, Config{Env: slimEnv}, slim},
		"alpine":           {[]files{onMusl()}, Config{}, alpine},
		"no PATH":          {[]files{onGlibc()}, Config{}, facts(slim)},
		"root":             {[]files{onGlibc()}, Config{Env: slimEnv, User: "root"}, slim},
		"root by number":   {[]files{onGlibc()}, Config{Env: slimEnv, User: "0:33"}, slim},
		"user by name":     {[]files{onGlibc()}, Config{Env: slimEnv, User: "app"}, user(slim, "1000:1001")},
		"user and group":   {[]files{onGlibc()}, Config{Env: slimEnv, User: "app:web"}, user(slim, "1000:33")},
		"user by number":   {[]files{onGlibc()}, Config{Env: slimEnv, User: "65532"}, user(slim, "65532:0")},
		"number in passwd": {[]files{onGlibc()}, Config{Env: slimEnv, User: "1000"}, user(slim, "1000:1001")},
		"numbers":          {[]files{onMusl()}, Config{User: "7:8"}, user(alpine, "7:8")},
		"unknown user":     {[]files{onGlibc()}, Config{Env: slimEnv, User: "who"}, slim},
		"unknown group":    {[]files{onGlibc()}, Config{Env: slimEnv, User: "app:what"}, slim},
		"absurd user":      {[]files{onGlibc()}, Config{Env: slimEnv, User: "99999999999"}, slim},
		"odd variables": {[]files{onMusl()}, Config{Env: []string{"A=1", "=2", "B", "C=\n", "D="}},
			facts(alpine, "A=1", "D=")},
		"venv of links": {[]files{onGlibc(), venv.with(files{"opt/venv/bin/python3": "-> /usr/local/bin/python3"})}, onVenv,
			facts(slim, onVenv.Env...)},
		"venv of copies": {[]files{onGlibc(), venv.with(files{"opt/venv/bin/python3": pythonFile(ldLinux, 0x030a00f0, "")})}, onVenv,
			facts(slim, onVenv.Env...)},
		"pyenv": {[]files{onGlibc().without("usr/local/bin/python3"), {"p/shims/python3": "#!/bin/sh\n", "p/version": "3.13.5\n",
			"p/versions/3.13.5/bin/python3": "-> python3.13", "p/versions/3.13.5/lib/python3.13/os.py": "",
			"p/versions/3.13.5/bin/python3.13": pythonFile(ldLinux, hex3135, "")}}, Config{Env: []string{"PATH=/p/shims"}},
			facts(at(slim, "3.13.5", "/p/versions/3.13.5/bin/python3.13"), "PATH=/p/shims")},
		"PATH before the usual places": {[]files{onGlibc(), {"opt/x/bin/python3": pythonFile(ldLinux, 0x030c01f0, ""),
			"opt/x/lib/python3.12/os.py": ""}}, Config{Env: []string{"PATH=/opt/x/bin"}},
			Facts{Python: "3.12.1", ABI: "cp312", Libc: glibc241, Interpreter: "/opt/x/bin/python3", Env: []string{"PATH=/opt/x/bin"},
				Certificates: slim.Certificates}},
		"only a version in the name": {[]files{onGlibc().without("usr/local/bin/python3")}, Config{}, facts(slim)},
		"release candidate": {[]files{onMusl().with(files{"usr/bin/python3.12": pythonFile(ldMusl, 0x030c00c2, "")})}, Config{},
			at(alpine, "3.12.0rc2", "/usr/bin/python3.12")},
		"version from the variable": {[]files{onMusl().with(files{"usr/bin/python3.12": pythonFile(ldMusl, 0, "3.12.1\x003.12.9")})},
			Config{Env: []string{"PYTHON_VERSION=3.12.4"}}, facts(at(alpine, "3.12.4", "/usr/bin/python3.12"), "PYTHON_VERSION=3.12.4")},
		"variable of another Python": {[]files{onMusl()}, Config{Env: []string{"PYTHON_VERSION=2.7.18"}}, facts(alpine, "PYTHON_VERSION=2.7.18")},
		"no banner in libc":          {[]files{onGlibc().with(files{"usr/lib/x86_64-linux-gnu/libc.so.6": "\x00GLIBC_2.9\x00GLIBC_2.36\x00GLIBC_2.4\x00"})}, Config{Env: slimEnv}, withLibc(slim, 36)},
		"upper layer replaces": {[]files{onMusl(), {"usr/bin/python3.12": pythonFile(ldMusl, 0x030c0bf0, "")}}, Config{},
			at(alpine, "3.12.11", "/usr/bin/python3.12")},
		"whiteout": {[]files{onMusl().with(files{"usr/local/bin/python3": "#!/bin/sh"}), {"usr/local/bin/.wh.python3": ""}}, Config{}, alpine},
		"opaque":   {[]files{onMusl().with(files{"usr/local/bin/python3": "#!/bin/sh"}), {"usr/local/bin/": "", "usr/local/bin/.wh..wh..opq": ""}}, Config{}, alpine},
		"whiteout beside its own": {[]files{onMusl(), {"usr/bin/.wh..wh..opq": "", "usr/bin/python3": "-> /opt/p",
			"opt/p": pythonFile(ldMusl, 0x030c0bf0, ""), "lib/python3.12/os.py": ""}}, Config{}, at(alpine, "3.12.11", "/opt/p")},
		"second name": {[]files{onMusl().with(files{"usr/bin/a": pythonFile(ldMusl, 0x030c01f0, ""), "usr/bin/python3.12": "=> usr/bin/a"})}, Config{},
			at(alpine, "3.12.1", "/usr/bin/python3.12")},
		"devices":    {[]files{onMusl().with(files{"dev/null": "device"})}, Config{}, alpine},
		"empty venv": {[]files{onMusl().with(files{"venv/": ""})}, Config{}, alpine},
	} {
		t.Run(name, func(t *testing.T) {
			var layers []Layer
			for i, f := range test.layers {
				layers = append(layers, []func(testing.TB, files) Layer{gzipped, zstandard, plain}[i](t, f))
			}
			got, err := Read(t.Context(), layers, test.config, "linux/amd64")
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Unpacked) != len(layers) || got.Unpacked[0] == 0 || got.Unpacked[0]%512 != 0 {
				t.Errorf("unpacked sizes are %d", got.Unpacked)
			}
			got.Unpacked = nil
			if diff := cmp.Diff(test.want, *got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func withLibc(f Facts, minor int) Facts {
	f.Libc.Minor = minor
	return f
}

func TestReadRefuses(t *testing.T) {
	arm := string(tinyelf.Object{Machine: 183, Interp: ldLinux}.Bytes())
	for name, test := range map[string]struct {
		files files
		code  string
		text  string // part of the message
	}{
		"no Python":          {files{"etc/os-release": "x"}, "base-no-python", "neither python3 nor python is in /usr/local/bin, /usr/bin"},
		"a script":           {files{"usr/bin/python3": "#!/bin/sh\n"}, "base-no-python", "/usr/bin/python3 is no program but a script"},
		"a loop of links":    {files{"usr/bin/python3": "-> python", "usr/bin/python": "-> python3"}, "base-no-python", "neither"},
		"link out":           {files{"usr/bin/python3": "-> ../../../../../etc/x", "etc/y": ""}, "base-no-python", "neither"},
		"PyPy":               {files{"usr/bin/python3": "-> pypy3", "usr/bin/pypy3": pythonFile(ldLinux, 0, "")}, "base-no-python", "/usr/bin/pypy3 has no standard library of CPython"},
		"no library":         {onGlibc().without("usr/local/lib/libpython3.13.so.1.0"), "base-no-python", "needs libpython3.13.so.1.0, which is not beside it"},
		"no version":         {onMusl().with(files{"usr/bin/python3.12": pythonFile(ldMusl, 0, "")}), "base-python", "the version of /usr/bin/python3.12 cannot be told"},
		"two versions":       {onMusl().with(files{"usr/bin/python3.12": pythonFile(ldMusl, hex3135, "")}), "base-python", "is Python 3.13.5, but its standard library is /usr/lib/python3.12"},
		"too old":            {onMusl().with(files{"usr/bin/python3.12": pythonFile(ldMusl, 0x030806f0, ""), "usr/lib/python3.8/os.py": ""}), "base-python", "is Python 3.8.6, and lithe builds for 3.9"},
		"free-threaded":      {onMusl().with(files{"usr/bin/python3.12": pythonFile(ldMusl, hex3135, ""), "usr/lib/python3.13t/os.py": ""}), "base-python", "free-threaded"},
		"static":             {onMusl().with(files{"usr/bin/python3.12": pythonFile("", 0x030c01f0, "")}), "base-no-libc", "linked statically"},
		"no loader":          {onGlibc().without("lib64"), "base-no-libc", "needs the dynamic loader /lib64/ld-linux-x86-64.so.2, which is not in it"},
		"no libc":            {onGlibc().without("usr/lib/x86_64-linux-gnu/libc.so.6"), "base-no-libc", "there is no libc.so.6"},
		"no version of libc": {onGlibc().with(files{"usr/lib/x86_64-linux-gnu/libc.so.6": "x"}), "base-no-libc", "the version of glibc cannot be told"},
		"no version of musl": {onMusl().with(files{"lib/ld-musl-x86_64.so.1": "musl libc ("}), "base-no-libc", "the version of musl cannot be told"},
		"not musl":           {onMusl().with(files{"lib/ld-musl-x86_64.so.1": "\x001.2.5\x00"}), "base-no-libc", "the version of musl cannot be told"},
		"another libc":       {files{"usr/bin/python3": pythonFile("/lib/ld-uClibc.so.0", hex3135, ""), "usr/lib/python3.13/os.py": "", "lib/ld-uClibc.so.0": "x"}, "base-no-libc", "neither glibc nor musl"},
		"another machine":    {onMusl().with(files{"usr/bin/python3.12": arm}), "base-platform", "is for EM_AARCH64, and the image says that it is for linux/amd64"},
		"damaged":            {onMusl().with(files{"usr/bin/python3.12": "\x7fELF and no more"}), "base-file", "/usr/bin/python3.12 is a damaged program"},
		"venv in the way":    {onMusl().with(files{"venv/bin/python": "x"}), "base-in-the-way", "it has files in /venv already"},
		"app in the way":     {onMusl().with(files{"app": "-> srv"}), "base-in-the-way", "/app is no directory"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(t.Context(), []Layer{plain(t, test.files)}, Config{}, "linux/amd64")
			problems, ok := diag.Problems(err)
			if !ok || len(problems) != 1 {
				t.Fatalf("error is %v", err)
			}
			if problems[0].Code != test.code || !strings.Contains(problems[0].What, test.text) {
				t.Errorf("problem %s: %s; want %s: … %s …", problems[0].Code, problems[0].What, test.code, test.text)
			}
		})
	}
}
