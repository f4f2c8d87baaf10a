// Package baseimage reads off an image what lithe must know to build on it: the interpreter and its version, the C
// library, the user, the environment. Nothing of the image is run.
//
// Layers and the config go in, Facts come out, or a problem that names what was found in place of a Python. The layers
// are flattened as an engine shows them, whiteouts and all, but only in memory and by name: no file is written, and
// the few that answer a question are read in a second pass. Digests of the layers are verified on the way.
//
// See https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md and config.md beside it.
package baseimage

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
)

// Config is the part of an image's config that matters to what is built on it.
type Config struct {
	User string
	Env  []string
}

// Facts is what an image says of itself, in its files and its config.
type Facts struct {
	Python       string        // full upstream version, "3.13.5"
	ABI          string        // "cp313"
	Libc         wheeltag.Libc // glibc 2.41 or musl 1.2
	Interpreter  string        // path of the program itself, no link: "/usr/local/bin/python3.13"
	User         string        // "65532:65532"; "" where the image's is root, or nobody knows its number
	Env          []string      // "KEY=value", as the config has them
	Certificates string        // path of the bundle of certificates; "" if there is none at the usual places
	Release      string        // the file os-release, by which the system says what it is; "" if there is none
	Unpacked     []int64       // bytes of each layer's tar
}

// Read reads the layers of an image for a platform, the lowest first.
func Read(ctx context.Context, layers []Layer, config Config, platform string) (*Facts, error) {
	t, err := flatten(ctx, layers)
	if err != nil {
		return nil, err
	}
	if err := checkRoom(t); err != nil {
		return nil, err
	}
	f := &Facts{Env: variables(config.Env), Certificates: certificates(t)}
	for _, l := range t.layers {
		f.Unpacked = append(f.Unpacked, l.unpacked)
	}
	found, err := findInterpreter(ctx, t, f.Env)
	if err != nil {
		return nil, err
	}
	if err := f.describe(ctx, t, found, platform); err != nil {
		return nil, err
	}
	if f.Release, err = osRelease(ctx, t); err != nil {
		return nil, err
	}
	f.User, err = user(ctx, t, config.User)
	return f, err
}

// maxRelease is the most bytes of os-release; it has some hundred.
const maxRelease = 64 << 10

// osRelease reads the file os-release from its two places.
// See https://www.freedesktop.org/software/systemd/man/latest/os-release.html.
func osRelease(ctx context.Context, t *tree) (string, error) {
	for _, name := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		if t.has(name) {
			data, err := t.contents(ctx, name, maxRelease)
			return string(data), err
		}
	}
	return "", nil
}

// describe fills in what the interpreter's own files say.
func (f *Facts) describe(ctx context.Context, t *tree, found *program, platform string) (err error) {
	if err := found.checkMachine(platform); err != nil {
		return err
	}
	p, err := readPython(ctx, t, found, f.Env)
	if err != nil {
		return err
	}
	f.Interpreter, f.Python, f.ABI = found.path, p.version, p.abi
	f.Libc, err = readLibc(ctx, t, found)
	return err
}

// own are the directories that lithe's layers write to.
var own = []string{"venv", "app", "tmp"}

// checkRoom refuses an image where a layer of lithe would replace something, or mix with a virtual environment.
func checkRoom(t *tree) error {
	for _, name := range own {
		n := t.root.children[name]
		switch {
		case n == nil:
		case n.kind != directory:
			return inTheWay("/%s is no directory in it, and lithe would put one in its place", name)
		case name == "venv" && len(n.children) > 0:
			return inTheWay("it has files in /venv already, where lithe puts the project's environment")
		}
	}
	return nil
}

func inTheWay(format string, args ...any) *diag.Error {
	return &diag.Error{Code: "base-in-the-way", What: fmt.Sprintf(format, args...),
		Hint: "name the image that this one was made on: a base has an interpreter, and no project yet"}
}

// bundles are where images have all certificates in one file, which OpenSSL and others take from SSL_CERT_FILE.
var bundles = []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"}

func certificates(t *tree) string {
	for _, name := range bundles {
		if _, n, err := t.lookup(name); err == nil && n.kind == file {
			return name
		}
	}
	return ""
}

const (
	maxVariables = 1000     // of an environment; the kernel's limit is in bytes
	maxVariable  = 32 << 10 // bytes; a long PATH has one
)

// variables returns the settings of an environment that have the form of one.
func variables(env []string) []string {
	var kept []string
	for _, v := range env {
		name, _, ok := strings.Cut(v, "=")
		if ok && name != "" && len(v) <= maxVariable && len(kept) < maxVariables && !strings.ContainsFunc(v, isControl) {
			kept = append(kept, v)
		}
	}
	return kept
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// variable returns the value of a setting; the last one counts, as for an engine.
func variable(env []string, name string) string {
	value := ""
	for _, v := range env {
		if key, text, _ := strings.Cut(v, "="); key == name {
			value = text
		}
	}
	return value
}

// problem is one of the image's that its user can do something about: take another image.
func problem(code, format string, args ...any) *diag.Error {
	return &diag.Error{Code: code, What: fmt.Sprintf(format, args...),
		Hint: "name an image that has CPython in it, or one of Debian's suites (`base = \"debian\"`)"}
}

// clean makes an absolute path of a name in a tar.
func clean(name string) string { return path.Clean("/" + name) }
