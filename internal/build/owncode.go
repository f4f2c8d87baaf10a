package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/bytecode"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/layer"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/project"
	"github.com/lithe-build/lithe/internal/python/backend"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/wheel"
	"github.com/lithe-build/lithe/internal/store"
	"github.com/lithe-build/lithe/internal/trace"
)

// ownCode is the first-party code of a project: a wheel, and files that are copied.
type ownCode struct {
	wheel     *wheel.Wheel     // nil for a project that is no package
	installed *wheel.Installed // nil likewise
	entries   []entry.Entry    // /app, and what is copied: for a package only what files.include names
}

// makeWheel builds the wheel of a project that is a package. One whose backend finds no module to package becomes a
// project that is copied, and says so.
func (in *inputs) makeWheel() error {
	if !in.project.Package {
		return nil
	}
	w, err := backend.WheelBy(in.sums.sum, in.project.Dir, in.project.Pyproject, in.project.File)
	if errors.Is(err, backend.ErrNoModule) {
		in.project = in.project.WithoutModule(err)
		return nil
	}
	if backend.Beyond(err) {
		in.decisions = append(in.decisions, byBackend(in.project, err))
		in.dynamic, err = readTree(in.project, in.place.path)
		return err
	}
	if err != nil {
		return err
	}
	pinFiles(w, in.trace)
	in.wheel = w
	return nil
}

// byBackend says why the project's own backend makes its wheel.
func byBackend(p *project.Project, cause error) project.Evidence {
	why, _ := diag.Problems(cause)
	return project.Evidence{Decision: "wheel", Value: "made by " + p.Backend.Name, Pos: why[0].Pos, Reason: why[0].What}
}

// isPackage reports that the project is installed as a wheel.
func (in *inputs) isPackage() bool { return in.wheel != nil || in.dynamic != nil }

// pinFiles pins the files of a wheel that was made of a folder, each of which was hashed to make it.
func pinFiles(w *wheel.Wheel, r *trace.Recorder) {
	for i := range w.Files {
		f := &w.Files[i]
		f.Content = pin(f.Content, f.Size, f.SHA256, r)
	}
}

// readCode reads the first-party code.
func (in *inputs) readCode() error {
	if err := in.makeWheel(); err != nil {
		return unreadable(err)
	}
	var err error
	if in.files, err = in.config.Files(in.project); err != nil {
		return unreadable(err)
	}
	return nil
}

// entryPoint decides what runs in the image of a platform: which server there is, its packages say.
func (in *inputs) entryPoint(v *variant) (err error) {
	locked := map[string]project.Locked{}
	for _, p := range slices.Concat(v.packages, v.code) {
		l := project.Locked{Version: p.Version, Pos: p.Pos}
		for _, r := range p.Because {
			l.Direct = l.Direct || name.Normalize(r.By) == in.project.NormalizedName() || r.By == ""
		}
		locked[p.Name] = l
	}
	v.entry, err = in.project.EntryPoint(in.config, project.Code{Modules: in.modules(), App: in.files.Entries, Locked: locked})
	return err
}

// modules returns the files that can be imported in the image, with the paths that importing knows.
func (in *inputs) modules() []entry.Entry {
	if in.dynamic != nil {
		return in.dynamic.modules()
	}
	if in.wheel == nil {
		return in.files.Entries
	}
	modules := make([]entry.Entry, len(in.wheel.Files))
	for i, f := range in.wheel.Files {
		modules[i] = entry.Entry{Path: f.Path, Mode: entry.FileMode(f.Executable), Size: f.Size, Content: f.Content}
	}
	return modules
}

// ownCode lays the first-party code out.
func (b *builder) ownCode(in *inputs, p *plan.Plan, w *wheel.Wheel) (*ownCode, error) {
	own := &ownCode{entries: append(workdirs(p.Config.WorkingDir), in.files.Entries...)}
	if w == nil {
		return own, nil
	}
	own.wheel = w
	installed, err := wheel.Install(w, p.Scheme(), wheel.InstallOptions{})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.project.Name, err)
	}
	b.warn(installed.Warnings)
	own.installed = installed
	return own, nil
}

// odd are the directories of the base that are links or have a mode of their own, so that no layer may bring them again.
var odd = []string{"tmp", "var/tmp", "root", "bin", "sbin", "lib", "lib64"}

// workdirs returns /app and the working directory, where programs start whether or not a file is in it.
func workdirs(dir string) []entry.Entry {
	const app = "app"
	all := []entry.Entry{entry.NewDir(app)}
	if dir = strings.TrimPrefix(dir, "/"); dir != "" && dir != app && !slices.Contains(odd, dir) {
		all = append(all, entry.NewDir(dir))
	}
	return all
}

// without installs the project's wheel again if files of it belong to another distribution.
func (o *ownCode) without(p *plan.Plan, dropped map[string][]string) error {
	if o.installed == nil {
		return nil
	}
	drop := dropped[name.Normalize(o.installed.Name)]
	if len(drop) == 0 {
		return nil
	}
	installed, err := wheel.Install(o.wheel, p.Scheme(), wheel.InstallOptions{Drop: drop})
	o.installed = installed
	return err
}

// ownLayer returns the layer of the first-party code. Its files are read to name it, which costs what reading them costs;
// compiling and compressing happen when one of them changed.
func (b *builder) ownLayer(ctx context.Context, p *plan.Plan, own *ownCode, code compile) (made, error) {
	return b.codeLayer(ctx, p, own, plan.Layer{Kind: plan.ProjectLayer, Packages: []string{p.Title()}}, code)
}

// codeLayer returns a layer of source code that is on this machine.
func (b *builder) codeLayer(ctx context.Context, p *plan.Plan, own *ownCode, l plan.Layer, code compile) (made, error) {
	key := projectKey{Format: layer.Format, Python: p.Minor()}
	if code != nil {
		key.Compiler = p.Compiler
	}
	for _, part := range own.parts() {
		for i := range part {
			file, err := fingerprint(&part[i], b.opt.sums, b.opt.Trace)
			if err != nil {
				return made{}, unreadable(fmt.Errorf("%s: %w", part[i].Path, err))
			}
			key.Files = append(key.Files, file)
		}
	}
	return b.named(ctx, store.Key(key), l.Kind, l.Packages, func() (layer.Contents, error) {
		contents := layer.Contents{Packages: l.Packages}
		if own.installed != nil {
			if err := addBytecode(ctx, own.installed, p.MinorNumber(), code); err != nil {
				return contents, err
			}
			contents.Scripts = own.installed.Scripts
		}
		copied, err := bytecodeOf(ctx, p, own.entries, code)
		contents.Entries = append(slices.Concat(own.parts()...), copied...)
		return contents, err
	})
}

// parts returns all entries, without the bytecode of what is copied.
func (o *ownCode) parts() [][]entry.Entry {
	if o.installed == nil {
		return [][]entry.Entry{o.entries}
	}
	return [][]entry.Entry{o.entries, o.installed.Entries}
}

// bytecodeOf returns the .pyc files of copied sources.
func bytecodeOf(ctx context.Context, p *plan.Plan, entries []entry.Entry, code compile) ([]entry.Entry, error) {
	var sources []bytecode.Source
	for _, e := range entries {
		if e.Type == entry.File && strings.HasSuffix(e.Path, ".py") {
			sources = append(sources, bytecode.Source{Path: "/" + e.Path, Content: e.Content})
		}
	}
	if code == nil || len(sources) == 0 {
		return nil, nil
	}
	compiled, err := code(ctx, "files of "+p.Project(), sources)
	if err != nil {
		return nil, err
	}
	var out []entry.Entry
	for i, data := range compiled {
		if data != nil {
			out = append(out, bytecodeEntry(p.MinorNumber(), sources[i].Path, data))
		}
	}
	return out, nil
}

// unreadable makes a problem to mend of a file of the project that lithe may not read.
func unreadable(err error) error {
	path, ok := errors.AsType[*fs.PathError](err)
	if !ok || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return &diag.Error{Pos: diag.Position{File: filepath.ToSlash(path.Path)}, Code: "unreadable", What: "permission to read it is denied",
		Hint: "change its mode, or leave it out by files.exclude", Err: err}
}

// fingerprint is what the key of the layer knows of a file. From here on the file must stay as it is.
func fingerprint(e *entry.Entry, sums *fingerprints, rec *trace.Recorder) (projectFile, error) {
	f := projectFile{Path: e.Path, Mode: uint32(e.Mode), Link: e.Link}
	if e.Type != entry.File {
		return f, nil
	}
	sum, err := sumOf(e.Content, sums)
	if err != nil {
		return f, err
	}
	f.Digest = "sha256:" + hex.EncodeToString(sum[:])
	e.Content = pin(e.Content, e.Size, sum, rec)
	return f, nil
}

// sumOf returns the hash of contents, which are read if it is not known.
func sumOf(c entry.Content, sums *fingerprints) (sum [sha256.Size]byte, err error) {
	switch c := c.(type) {
	case unchanged:
		return c.sum, nil
	case entry.Path:
		_, sum, err = sums.sum(string(c))
		return sum, err
	}
	r, err := c.Open()
	if err != nil {
		return sum, err
	}
	defer r.Close()
	h := sha256.New()
	_, err = io.Copy(h, r)
	return [sha256.Size]byte(h.Sum(nil)), err
}
