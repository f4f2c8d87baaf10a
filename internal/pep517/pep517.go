// Package pep517 is a build frontend: it makes wheels of source trees by their own build backends.
//
// A source tree, its build requirements as wheels, and the root file system of a builder go in; a wheel comes out, as the
// backend made it in a sandbox. The backend sees the tree, its requirements and the builder, all at the same paths
// whatever the host has where; it has no network, no secrets, one user of its own, and a clock that SOURCE_DATE_EPOCH
// stops. Normalise then writes the wheel again, so that equal files are equal bytes, and Check refuses one that is not
// what was asked for.
//
// See https://peps.python.org/pep-0517/ and https://packaging.python.org/en/latest/specifications/pyproject-toml/.
package pep517

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/lithe-build/lithe/internal/execute"
	"github.com/lithe-build/lithe/internal/python/wheel"
	"github.com/lithe-build/lithe/internal/toml"
)

//go:embed hook.py
var hookRunner []byte

// The paths that a build sees. They get into debug information and assertions of what is compiled, so they never change.
const (
	workPath   = "/build"
	sourcePath = workPath + "/src"
	envPath    = workPath + "/env"
	outPath    = workPath + "/out"
)

// Epoch is SOURCE_DATE_EPOCH of all builds, 1980-01-02: zip archives know no earlier year, in any time zone.
const Epoch = 315619200

const (
	maxResult = 1 << 20  // bytes of what a hook returns
	maxLog    = 64 << 20 // bytes of the log that are kept; the longest known, of grpcio, has 20 MB
)

// Options are what the builds of one builder share.
type Options struct {
	Executor execute.Executor // one that isolates
	Root     string           // root file system with compiler and interpreter
	RootKey  string           // names its content, for executors that keep copies; "" means that nobody knows
	Python   string           // path of the interpreter in it
	Minor    string           // "3.13"
	Jobs     int              // processes of one build at once; no result depends on it
	Limits   execute.Limits   // of one hook; the zero value means those of untrusted commands
	Binds    []execute.Bind   // what a build sees of the host beside its own directory
}

// Tree is a source tree that is being built, in a directory of its own.
type Tree struct {
	opt    Options
	dir    string
	System System
	Log    Log
	env    []string

	Pyproject *toml.Table // nil without one
}

// New prepares a build in an empty directory that nobody else can reach. Fill writes the sources.
func New(opt Options, dir string, log io.Writer, fill func(sources string) error) (*Tree, error) {
	t := &Tree{opt: opt, dir: dir, Log: Log{to: log}}
	for _, name := range []string{"src", "env", "out", "home", "tmp"} {
		if err := makeDir(filepath.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	if err := fill(t.Sources()); err != nil {
		return nil, err
	}
	if err := openToAll(t.Sources()); err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // the build's user enters it
		return nil, err
	}
	if err := writeReadable(filepath.Join(dir, "hook.py"), hookRunner); err != nil {
		return nil, err
	}
	var err error
	if t.Pyproject, err = readPyproject(t.Sources()); err != nil {
		return nil, err
	}
	t.System, err = SystemOf(t.Pyproject)
	return t, err
}

// Use sets what New was not told yet: a tree says what its builder must have.
func (t *Tree) Use(opt Options) { t.opt = opt }

// Bring makes one more directory that the build sees, and may write to. Fill writes what is in it; at is where the build
// sees it.
func (t *Tree) Bring(name string, fill func(dir, at string) error) error {
	dir := filepath.Join(t.dir, name)
	if err := makeDir(dir); err != nil {
		return err
	}
	if err := fill(dir, workPath+"/"+name); err != nil {
		return err
	}
	return openToAll(dir)
}

// Sources returns the directory of the sources on the host.
func (t *Tree) Sources() string { return filepath.Join(t.dir, "src") }

// Setenv sets an environment variable for the hooks.
func (t *Tree) Setenv(name, value string) { t.env = append(t.env, name+"="+value) }

// OneJob lets the build start one process at once, whatever the options say.
func (t *Tree) OneJob() { t.opt.Jobs = 1 }

// Install makes the environment of the backend: a virtual environment with these wheels.
func (t *Tree) Install(wheels []*wheel.Wheel) error {
	if err := t.install(wheels); err != nil {
		return err
	}
	return openToRead(filepath.Join(t.dir, "env"))
}

// Requires asks the backend what it needs beside the requirements that pyproject.toml names.
func (t *Tree) Requires(ctx context.Context, settings map[string]string) ([]string, error) {
	var requires []string
	err := t.hook(ctx, "get_requires_for_build_wheel", nil, map[string]any{"config_settings": orNil(settings)}, &requires)
	return requires, err
}

// Wheel builds, and returns the path of the wheel on the host. Nothing is known about that file yet.
func (t *Tree) Wheel(ctx context.Context, settings map[string]string) (string, error) {
	var name string
	if err := t.hook(ctx, "build_wheel", []any{outPath}, map[string]any{"config_settings": orNil(settings)}, &name); err != nil {
		return "", err
	}
	if name != filepath.Base(name) || filepath.Ext(name) != ".whl" {
		return "", &Failure{What: fmt.Sprintf("the build backend says that it made %.200q, which is no file name of a wheel", name)}
	}
	path := filepath.Join(t.dir, "out", name)
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", &Failure{What: fmt.Sprintf("the build backend says that it made %s, and there is no such wheel", name)}
	case err != nil:
		return "", err
	case !info.Mode().IsRegular(): // a link might lead anywhere on the host
		return "", &Failure{What: name + " is no file"}
	}
	return path, nil
}

// orNil passes no settings as None, as frontends do.
func orNil(settings map[string]string) any {
	if len(settings) == 0 {
		return nil
	}
	return settings
}

// hook calls one hook in the sandbox, and reads what it returns.
func (t *Tree) hook(ctx context.Context, name string, args []any, kwargs map[string]any, to any) error {
	if args == nil {
		args = []any{}
	}
	const request, result = "request.json", "result.json"
	data, err := json.Marshal(map[string]any{"backend": t.System.Backend, "path": t.System.searchPath(), "hook": name,
		"args": args, "kwargs": kwargs, "result": outPath + "/" + result})
	if err != nil {
		return err
	}
	if err := writeReadable(filepath.Join(t.dir, request), data); err != nil {
		return err
	}
	resultFile := filepath.Join(t.dir, "out", result)
	if err := os.RemoveAll(resultFile); err != nil {
		return err
	}
	if err := t.run(ctx, name, envPath+"/bin/python", workPath+"/hook.py", workPath+"/"+request); err != nil {
		return err
	}
	return readResult(resultFile, name, to)
}

// readResult reads the file that hook.py writes. It is the build's own, so it may be anything.
func readResult(file, hook string, to any) error {
	wrong := &Failure{What: hook + " ended without a result"}
	info, err := os.Lstat(file)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxResult { // a link might lead anywhere on the host
		return wrong
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxResult))
	if err != nil {
		return err
	}
	return decodeResult(data, hook, to)
}

func decodeResult(data []byte, hook string, to any) error {
	answer := struct {
		Return any `json:"return"`
	}{to}
	if err := json.Unmarshal(data, &answer); err != nil {
		return &Failure{What: fmt.Sprintf("%s returned something else than PEP 517 says: %v", hook, err)}
	}
	return nil
}

// run runs a program of the builder.
func (t *Tree) run(ctx context.Context, what string, args ...string) error {
	code, err := t.opt.Executor.Run(ctx, t.opt.Root, execute.Command{
		Args: args, Env: append(t.environment(), t.env...), Dir: sourcePath, Stdout: &t.Log, Stderr: &t.Log,
		Untrusted: true, Limits: t.opt.Limits, RootKey: t.opt.RootKey,
		Binds: append([]execute.Bind{{Source: t.dir, Target: workPath, Writable: true},
			{Source: filepath.Join(t.dir, "env"), Target: envPath}}, t.opt.Binds...),
	})
	limit, limited := errors.AsType[*execute.LimitError](err)
	switch {
	case limited:
		return &Failure{What: what + " was ended: " + limit.Error(), Excerpt: t.Log.Tail()}
	case err != nil:
		return err
	case code != 0:
		return t.Log.failure(what, code)
	}
	return nil
}

// environment is the whole environment of a build. Nothing in it knows the host, but for how many processes it may start.
func (t *Tree) environment() []string {
	jobs := strconv.Itoa(max(t.opt.Jobs, 1))
	return []string{
		"PATH=" + envPath + "/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
		"HOME=" + workPath + "/home", "TMPDIR=" + workPath + "/tmp", "VIRTUAL_ENV=" + envPath,
		"LANG=C.UTF-8", "LC_ALL=C.UTF-8", "TZ=UTC",
		"SOURCE_DATE_EPOCH=" + strconv.Itoa(Epoch),
		"PYTHONHASHSEED=0", "PYTHONDONTWRITEBYTECODE=1", "PYTHONNOUSERSITE=1", "PYTHONUNBUFFERED=1",
		// Debian's Python compiles with -g. Setting CFLAGS would take the optimisation from projects that set their own
		// where it is empty, so debug information is left out when the parts are linked.
		"LDFLAGS=-Wl,--strip-debug",
		"MAKEFLAGS=-j" + jobs, "CMAKE_BUILD_PARALLEL_LEVEL=" + jobs, "CARGO_BUILD_JOBS=" + jobs,
		"PIP_NO_INDEX=1", "PIP_DISABLE_PIP_VERSION_CHECK=1",
	}
}
