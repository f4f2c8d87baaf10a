package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/lithe-build/lithe/internal/lithelock"
)

// Ways are the ways in which lithe builds: into an OCI layout or into the engine, with bytecode or without.
func Ways() []string {
	return []string{"layout", "load", "layout-plain", "load-plain"}
}

// lithe is lithe itself, in one way.
type lithe struct {
	runner *runner
	way    string
	load   bool
	plain  bool
	last   metadata
}

// metadata is what is read of --metadata-file.
type metadata struct {
	Digest    string
	Platforms []struct{ Size, UnpackedSize int64 }
}

func newLithe(r *runner, way string) *lithe {
	return &lithe{runner: r, way: way, load: strings.HasPrefix(way, "load"), plain: strings.HasSuffix(way, "-plain")}
}

func (l *lithe) name() string { return "lithe-" + l.way }

func (l *lithe) describe() Contender {
	about := "lithe build -o oci:FOLDER"
	if l.load {
		about = "lithe build --load"
	}
	if l.plain {
		about += "  # bytecode = false"
	}
	// Where an image is pushed, no engine takes part: one way of the two is enough.
	return Contender{Name: l.name(), About: about, Bytecode: !l.plain, Pushes: !l.load}
}

func (l *lithe) tag() string { return l.runner.tag(l.name()) }

func (l *lithe) store() string { return filepath.Join(l.runner.work, "stores", l.way) }

// forget begins with a store that has the base and nothing else, or with none.
func (l *lithe) forget(ctx context.Context, all bool) error {
	if l.load {
		if err := l.runner.engine.forget(ctx); err != nil {
			return err
		}
	}
	if l.load && all {
		if err := l.runner.loseEngine(ctx); err != nil {
			return err
		}
	}
	if err := removeAll(l.store(), l.layout()); err != nil || all {
		return err
	}
	return copyTree(l.runner.baseStore(), l.store())
}

func (l *lithe) layout() string { return filepath.Join(l.runner.work, "layouts", l.way) }

func (l *lithe) loseRunner(context.Context) error { return removeAll(l.store()) }

func (l *lithe) build(ctx context.Context, dir string, push bool) (outcome, error) {
	file := filepath.Join(l.runner.work, l.way+".json")
	args := []string{"build", dir, "--metadata-file", file}
	switch {
	case push:
		args = append(args, "--push", "-t", l.runner.repository+"/"+l.name()+":latest")
		if l.runner.opt.Reuse {
			args = append(args, "--reuse=registry")
		}
	case l.load:
		args = append(args, "--load", "-t", l.tag())
	default:
		args = append(args, "-o", "oci:"+l.layout())
	}
	took, cpu, err := l.runner.lithe(ctx, l.store(), args...)
	if err != nil {
		return outcome{}, err
	}
	if l.load {
		if _, err := l.runner.engine.note(ctx, l.tag()); err != nil {
			return outcome{}, err
		}
	}
	l.last, err = readMetadata(file)
	return outcome{took: took, cpu: cpu, image: l.last.Digest}, err
}

func readMetadata(file string) (m metadata, err error) {
	data, err := readCapped(file)
	if err != nil {
		return m, err
	}
	if m, err = parseMetadata(data); err != nil {
		return m, fmt.Errorf("%s: %w", file, err)
	}
	return m, nil
}

func parseMetadata(data []byte) (m metadata, err error) {
	if err := json.Unmarshal(data, &m); err != nil {
		return m, err
	}
	if m.Digest == "" || len(m.Platforms) == 0 {
		return m, errors.New("there is no digest in it")
	}
	return m, nil
}

func (l *lithe) size(context.Context) (packed, unpacked int64, err error) {
	return l.last.Platforms[0].Size, l.last.Platforms[0].UnpackedSize, nil
}

// loseEngine has the engine forget lithe's base as well.
func (r *runner) loseEngine(ctx context.Context) error {
	if r.loses() {
		return r.engine.lose(ctx)
	}
	return r.engine.remove(ctx, r.engine.grounds...)
}

// silenced are the variables by which a user's environment would change what is timed; an empty one counts as unset.
var silenced = []string{"LITHE_OUTPUT", "LITHE_TAG", "LITHE_LOAD", "LITHE_PUSH", "LITHE_METADATA_FILE", "LITHE_TIMINGS", "LITHE_TRACE", "LITHE_REUSE",
	"LITHE_VERBOSE", "LITHE_RUNS", "LITHE_JSON", "LITHE_CHECK", "LITHE_UPGRADE"}

// lithe runs lithe with a store of the benchmark's, and tells how long it took.
func (r *runner) lithe(ctx context.Context, store string, args ...string) (took, cpu time.Duration, err error) {
	cmd := exec.CommandContext(ctx, r.opt.Program, args...)
	cmd.Env = append(os.Environ(), "LITHE_STORE="+store, "LITHE_PROGRESS=plain")
	for _, name := range silenced {
		cmd.Env = append(cmd.Env, name+"=")
	}
	return timed(cmd)
}

// maxSaid is how much of what a build printed is shown where it failed.
const maxSaid = 4 << 10

// timed runs a command and tells how long it took.
func timed(cmd *exec.Cmd) (took, cpu time.Duration, err error) {
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	start := time.Now()
	err = cmd.Run()
	took = time.Since(start)
	if err != nil {
		text := strings.TrimSpace(said.String())
		return 0, 0, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, text[max(0, len(text)-maxSaid):])
	}
	return took, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}

func (r *runner) baseStore() string { return filepath.Join(r.work, "base-store") }

// ground makes lithe.lock as it would be committed, and a store that has the base and nothing else: that of somebody who
// has built another project before. The project that it is made with has no dependencies.
func (r *runner) ground(ctx context.Context) error {
	dir := filepath.Join(r.work, "locked")
	if err := copyTree(r.project.from, dir); err != nil {
		return err
	}
	if _, _, err := r.lithe(ctx, filepath.Join(r.work, "lock-store"), "lock", dir); err != nil {
		return err
	}
	var err error
	if r.project.lock, err = readCapped(filepath.Join(dir, lithelock.Filename)); err != nil {
		return err
	}
	locked, err := lithelock.Parse(lithelock.Filename, r.project.lock)
	if err != nil {
		return err
	}
	r.base = locked.Base.Name
	return r.grounds(ctx)
}

// grounds fills the store with the base, and the engine where it takes part.
func (r *runner) grounds(ctx context.Context) error {
	for _, c := range r.contenders {
		if l, ok := c.(*lithe); ok {
			if err := r.groundFor(ctx, l, r.base); err != nil {
				return err
			}
		}
	}
	return nil
}

// groundFor builds an empty project on the base, with bytecode or without, and loads it where the engine takes part.
func (r *runner) groundFor(ctx context.Context, l *lithe, base string) error {
	dir := filepath.Join(r.work, "ground-"+l.way)
	files := map[string]string{
		"pyproject.toml": "[project]\nname = \"lithe-bench-ground\"\nversion = \"1\"\nrequires-python = \">=3.9\"\n\n[tool.lithe]\nentrypoint = [\"/venv/bin/python\"]\n",
		"uv.lock": "version = 1\nrevision = 3\nrequires-python = \">=3.9\"\n\n[[package]]\nname = \"lithe-bench-ground\"\nversion = \"1\"\n" +
			"source = { virtual = \".\" }\n",
		"ground.py": "print(\"ground\")\n", lithelock.Filename: string(r.project.lock),
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	if l.plain {
		if err := withoutBytecode(dir); err != nil {
			return err
		}
	}
	args := []string{"build", dir, "--base", base}
	if l.load {
		args = append(args, "--load", "-t", r.tag("ground-"+l.way))
	}
	_, _, err := r.lithe(ctx, r.baseStore(), args...)
	return err
}

// removeAll removes folders, whatever rights their folders have.
func removeAll(dirs ...string) error {
	for _, dir := range dirs {
		_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				_ = os.Chmod(path, 0o755)
			}
			return nil
		})
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}
