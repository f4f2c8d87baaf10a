package wheel

import (
	"strings"

	"github.com/lithe-build/lithe/internal/lazyregexp"
)

// Scheme says where a virtual environment has its parts.
type Scheme struct {
	Prefix      string // of the environment, relative to the root of the image: "venv"
	Python      string // "python3.13", the directory below lib
	Interpreter string // absolute, for the first line of scripts: "/venv/bin/python"
}

// Site returns the site-packages directory, relative to the root of the image.
func (s Scheme) Site() string { return s.Prefix + "/lib/" + s.Python + "/site-packages" }

// The schemes of an installation. purelib and platlib are one directory in an image.
const (
	siteScheme    = "site"
	scriptsScheme = "scripts"
	headersScheme = "headers"
	dataScheme    = "data"
)

// placed is where a file of a wheel goes: a scheme, and the path below it.
type placed struct{ scheme, rest string }

// place reads the .data directory; false means an unknown scheme, or a file directly in .data.
func (w *Wheel) place(path string) (placed, bool) {
	inside, ok := strings.CutPrefix(path, w.dataDir+"/")
	if !ok {
		return placed{siteScheme, path}, true
	}
	scheme, rest, ok := strings.Cut(inside, "/")
	switch scheme {
	case "purelib", "platlib":
		scheme = siteScheme
	case scriptsScheme, headersScheme, dataScheme:
	default:
		ok = false
	}
	return placed{scheme, rest}, ok
}

// target returns where a file goes in the image.
func (s Scheme) target(p placed, distribution string) string {
	switch p.scheme {
	case scriptsScheme:
		return s.Prefix + "/bin/" + p.rest
	case headersScheme:
		return s.Prefix + "/include/site/" + s.Python + "/" + distribution + "/" + p.rest
	case dataScheme:
		return s.Prefix + "/" + p.rest
	default:
		return s.Site() + "/" + p.rest
	}
}

// reservedName matches what a virtual environment has in bin before anything is installed: the interpreter under all
// its names, and what activates it.
var reservedName = lazyregexp.New(`^(?:pythonw?[0-9.]*t?(?:-config)?|pypy[0-9.]*|activate|activate_this\.py|activate\.[a-z0-9]+|Activate\.ps1|deactivate(?:\.[a-z]+)?)$`)

// reservedCommand reports names in bin that no distribution may take.
func reservedCommand(name string) bool { return reservedName.MatchString(name) }

// reserved reports paths of the image that belong to the virtual environment itself.
func (s Scheme) reserved(path string) bool {
	rest, ok := strings.CutPrefix(path, s.Prefix+"/")
	if !ok {
		return false
	}
	command, ok := strings.CutPrefix(rest, "bin/")
	return ok && reservedCommand(command) || rest == "pyvenv.cfg" || rest == "bin" || rest == "lib" ||
		rest == "include" || rest == "lib64" || strings.HasPrefix(rest, "lib64/")
}
