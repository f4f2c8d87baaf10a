package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/execute"
	"github.com/lithe-build/lithe/internal/pep517"
	"github.com/lithe-build/lithe/internal/project"
	"github.com/lithe-build/lithe/internal/store"
)

// stepFormat changes when a step would see something else, or its outputs be taken otherwise.
const stepFormat = 1

// maxStepFile is the most bytes of one file that a step makes; images of a web site have some hundred megabytes in all.
const maxStepFile = 4 << 30

// steps runs the commands that make files of the image, and adds what they make to the first-party code of every platform. They
// run once, for this machine's platform if it is among those that are built, since what they make is data.
func (b *builder) steps(ctx context.Context, d *decision) error {
	v := d.stepVariant()
	for _, s := range v.entry.Steps {
		made, err := b.step(ctx, d, v, s)
		if err != nil {
			return err
		}
		for _, each := range d.variants {
			each.own.entries = replaced(each.own.entries, made)
		}
	}
	if n := len(v.entry.Steps); n > 0 {
		b.ended("steps", "%s", count(n, "build step"))
	}
	for _, each := range d.variants {
		if err := each.compileCatalogues(); err != nil {
			return err
		}
	}
	return nil
}

// stepVariant is the platform for which steps run.
func (d *decision) stepVariant() *variant {
	if i := slices.IndexFunc(d.variants, func(v *variant) bool { return v.name() == d.host }); i >= 0 {
		return d.variants[i]
	}
	return d.variants[0]
}

// replaced adds entries to others, in the place of those with the same path.
func replaced(all, by []entry.Entry) []entry.Entry {
	paths := make(map[string]bool, len(by))
	for _, e := range by {
		paths[e.Path] = true
	}
	all = slices.DeleteFunc(slices.Clone(all), func(e entry.Entry) bool { return paths[e.Path] })
	return append(all, by...)
}

// stepEnv is what every step gets: a clock that stands, one order of sets, and a home that can be written to.
var stepEnv = []string{"HOME=/tmp", "LANG=C.UTF-8", "PYTHONHASHSEED=0", fmt.Sprintf("SOURCE_DATE_EPOCH=%d", pep517.Epoch)}

// step returns the files that a step makes. They are in the store under the hash of all that it sees.
func (b *builder) step(ctx context.Context, d *decision, v *variant, s project.Step) ([]entry.Entry, error) {
	inputs, err := b.stepInputs(d, v, s)
	if err != nil {
		return nil, err
	}
	place, err := b.stepPlace(ctx, d, v, s)
	if err != nil {
		return nil, err
	}
	key := stepKey{Format: stepFormat, Run: s.Run, Env: place.env, Outputs: s.Outputs, Root: place.id}
	for i := range inputs {
		f, err := fingerprint(&inputs[i], b.opt.sums, b.opt.Trace)
		if err != nil {
			return nil, unreadable(err)
		}
		key.Inputs = append(key.Inputs, f)
	}
	dir, err := b.store.Dir(ctx, "steps", store.Key(key), func(dir string) error { return b.runStep(ctx, v, s, place, inputs, dir) })
	if err != nil {
		return nil, err
	}
	return project.Outputs(dir, project.Step{Outputs: []string{"**"}, Pos: s.Pos})
}

// stepInputs returns the files of /app that a step sees: those that its globs name, and what steps before it have made.
func (b *builder) stepInputs(d *decision, v *variant, s project.Step) ([]entry.Entry, error) {
	inApp := slices.DeleteFunc(slices.Clone(v.own.entries), func(e entry.Entry) bool {
		return e.Type == entry.Dir || !strings.HasPrefix(e.Path, "app/")
	})
	if s.Inputs == nil {
		return inApp, nil
	}
	inputs, err := d.project.Inputs(s)
	if err != nil {
		return nil, err
	}
	original := map[string]bool{}
	for _, e := range d.files.Entries {
		original[e.Path] = true
	}
	before := slices.DeleteFunc(inApp, func(e entry.Entry) bool { return original[e.Path] })
	return replaced(inputs, before), nil
}

// stepPlace is where a step runs.
type stepPlace struct {
	id     string // of the root file system
	root   func(context.Context) (string, error)
	folder string // in it, on which the step's files are mounted
	env    []string
}

// stepPlace returns the image below the first-party code, or with packages what source code is built in.
func (b *builder) stepPlace(ctx context.Context, d *decision, v *variant, s project.Step) (stepPlace, error) {
	if len(s.Packages) > 0 {
		id, err := b.builderID(d, v)
		root := func(ctx context.Context) (string, error) {
			root, _, err := b.builderRoot(ctx, d, v)
			return root, err
		}
		return stepPlace{id: id, root: root, folder: "/build", env: slices.Concat(stepEnv, s.Env, []string{"PATH=/usr/local/bin:/usr/bin:/bin"})}, err
	}
	layers := slices.Concat(v.ground, v.wheels)
	for _, part := range v.parts {
		layers = append(layers, part.layer)
	}
	var key stepRootKey
	var blobs []execute.LayerBlob
	for _, l := range layers {
		key.Layers = append(key.Layers, l.DiffID)
		blobs = append(blobs, execute.LayerBlob{Digest: l.Digest, DiffID: l.DiffID})
	}
	id := store.Key(key)
	root := func(ctx context.Context) (string, error) {
		if err := bring(ctx, b.store, layers); err != nil {
			return "", err
		}
		return execute.MaterializeOn(ctx, b.store, blobs, id, func(dir string) error { return os.Mkdir(filepath.Join(dir, "app"), 0o755) })
	}
	return stepPlace{id: id, root: root, folder: "/app", env: slices.Concat(v.plan.Config.Env, stepEnv, s.Env)}, nil
}

// runStep runs a step on copies of its inputs, and puts its outputs into an empty folder.
func (b *builder) runStep(ctx context.Context, v *variant, s project.Step, place stepPlace, inputs []entry.Entry, to string) error {
	defer b.time("steps")()
	if err := execute.CanRun(v.target.Platform.Arch); err != nil {
		return &diag.Error{Pos: s.Pos, Code: "no-emulator", Err: err, What: fmt.Sprintf("%s cannot run for %s here: %v", s.Title(), v.name(), err),
			Hint: "build for this machine's platform as well: what a step makes is in the images of all"}
	}
	executor, err := b.sandbox(ctx)
	if err != nil {
		return err
	}
	root, err := place.root(ctx)
	if err != nil {
		return err
	}
	temp, remove, err := b.store.Temp()
	if err != nil {
		return err
	}
	defer remove()
	work := filepath.Join(temp, "work")
	if err := layOut(work, inputs, 0o222); err != nil {
		return unreadable(err)
	}
	var printed bytes.Buffer
	var log pep517.Log
	code, err := executor.Run(ctx, root, execute.Command{Args: s.Run, Env: lastOfEach(place.env), Dir: place.folder,
		Stdout: io.MultiWriter(&printed, &log), Stderr: &log, Untrusted: true, Binds: []execute.Bind{{Source: work, Target: place.folder, Writable: true}}})
	if limit, ok := errors.AsType[*execute.LimitError](err); ok {
		return stepFailed(s, limit.Error(), log.Tail())
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.Title(), err)
	}
	if code != 0 {
		return stepFailed(s, fmt.Sprintf("it ended with exit code %d", code), log.Tail())
	}
	if s.Outputs == nil {
		if s, err = s.Printed(printed.String()); err != nil {
			return err
		}
	}
	outputs, err := project.Outputs(work, s)
	if err != nil {
		return err
	}
	return layOut(to, outputs, 0)
}

func stepFailed(s project.Step, what, tail string) error {
	hint := "it sees its inputs and the image, or what its packages bring, and neither a network nor secrets"
	if s.Outputs == nil {
		hint = "settings must load without a network, a database and secrets; else set `collectstatic = false`"
	}
	return &diag.Error{Pos: s.Pos, Code: "build-step", What: fmt.Sprintf("the build step %s failed: %s", s.Title(), what), Hint: hint, Detail: tail}
}

// lastOfEach drops settings of variables that a later one replaces.
func lastOfEach(env []string) []string {
	var out []string
	for i, v := range env {
		name, _, _ := strings.Cut(v, "=")
		if !slices.ContainsFunc(env[i+1:], func(o string) bool { return strings.HasPrefix(o, name+"=") }) {
			out = append(out, v)
		}
	}
	return out
}

// layOut writes entries of /app into a folder, with these bits beside their modes. A step runs under a user of its own, which
// may be another one than ours, so all may write where it runs: a folder in one that nobody else can enter.
func layOut(dir string, entries []entry.Entry, more fs.FileMode) error {
	if err := makeFolder(dir, more); err != nil {
		return err
	}
	for _, e := range entries {
		name := filepath.FromSlash(strings.TrimPrefix(e.Path, "app/"))
		if !filepath.IsLocal(name) {
			return fmt.Errorf("%s is no path in /app", e.Path)
		}
		for parent := range parents(name) {
			if err := makeFolder(filepath.Join(dir, parent), more); err != nil {
				return err
			}
		}
		if err := writeEntry(filepath.Join(dir, name), e, more); err != nil {
			return err
		}
	}
	return nil
}

// parents yields the folders above a path, the outermost first.
func parents(name string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for i, c := range name {
			if c == filepath.Separator && !yield(name[:i]) {
				return
			}
		}
	}
}

func makeFolder(dir string, more fs.FileMode) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.Chmod(dir, 0o755|more) // whatever the umask is
}

// writeEntry writes a file or a link. A file appears once, so that a link of the same name leads nowhere.
func writeEntry(path string, e entry.Entry, more fs.FileMode) error {
	if e.Type == entry.Symlink {
		return os.Symlink(filepath.FromSlash(e.Link), path)
	}
	if e.Size > maxStepFile {
		return fmt.Errorf("%s has more than %d bytes", e.Path, int64(maxStepFile))
	}
	r, err := e.Content.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, io.LimitReader(r, maxStepFile))
	return errors.Join(err, f.Close(), os.Chmod(path, e.Mode.Perm()|more))
}
