package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/bytecode"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/layer"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/python/backend"
	"github.com/lithe-build/lithe/internal/python/wheel"
	"github.com/lithe-build/lithe/internal/store"
)

// ownCode is the first-party code of a project: installed as a wheel, or copied to /app.
type ownCode struct {
	installed *wheel.Installed // nil for a project that is copied
	entries   []entry.Entry    // of a project that is copied
}

// makeWheel builds the wheel of a project that is a package. One whose backend finds no module to package becomes a
// project that is copied, and says so.
func (in *inputs) makeWheel() error {
	if !in.project.Package {
		return nil
	}
	w, err := backend.Wheel(in.project.Dir, in.project.Pyproject, in.project.File)
	if errors.Is(err, backend.ErrNoModule) {
		in.project = in.project.WithoutModule(err)
		return nil
	}
	in.wheel = w
	return err
}

// ownCode lays the first-party code out.
func (b *builder) ownCode(in *inputs, p *plan.Plan) (*ownCode, error) {
	if in.wheel == nil {
		return nil, errors.New("app files: not yet")
	}
	installed, err := wheel.Install(in.wheel, p.Scheme(), wheel.InstallOptions{})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.project.Name, err)
	}
	b.warn(installed.Warnings)
	return &ownCode{installed: installed}, nil
}

// ownLayer returns the layer of the first-party code. Its files are read to name it, which costs what reading them costs;
// compiling and compressing happen when one of them changed.
func (b *builder) ownLayer(ctx context.Context, p *plan.Plan, own *ownCode, code compile) (made, error) {
	key := projectKey{Format: layer.Format, Python: p.Minor()}
	if code != nil {
		key.Compiler = p.Compiler
	}
	entries := append([]entry.Entry{entry.NewDir("app")}, own.entries...)
	if own.installed != nil {
		entries = append(entries, own.installed.Entries...)
	}
	for _, e := range entries {
		file, err := fingerprint(e)
		if err != nil {
			return made{}, fmt.Errorf("%s: %w", e.Path, err)
		}
		key.Files = append(key.Files, file)
	}
	return b.cached(ctx, store.Key(key), plan.ProjectLayer, func() (layer.Contents, error) {
		contents := layer.Contents{Packages: []string{p.Title()}}
		var err error
		if own.installed != nil {
			err = addBytecode(ctx, own.installed, p.MinorNumber(), code)
			contents.Entries = append(entries[:1:1], own.installed.Entries...)
			contents.Scripts = own.installed.Scripts
		} else {
			contents.Entries, err = withBytecode(ctx, p, entries, code)
		}
		return contents, err
	})
}

// withBytecode adds the .pyc files of copied sources.
func withBytecode(ctx context.Context, p *plan.Plan, entries []entry.Entry, code compile) ([]entry.Entry, error) {
	if code == nil {
		return entries, nil
	}
	var sources []bytecode.Source
	for _, e := range entries {
		if e.Type == entry.File && strings.HasSuffix(e.Path, ".py") {
			sources = append(sources, bytecode.Source{Path: "/" + e.Path, Content: e.Content})
		}
	}
	compiled, err := code(ctx, sources)
	if err != nil {
		return nil, err
	}
	entries = slices.Clone(entries)
	for i, data := range compiled {
		if data != nil {
			entries = append(entries, bytecodeEntry(p, sources[i].Path, data))
		}
	}
	return entries, nil
}

// fingerprint is what the key of the layer knows of a file.
func fingerprint(e entry.Entry) (projectFile, error) {
	f := projectFile{Path: e.Path, Mode: uint32(e.Mode), Link: e.Link}
	if e.Type != entry.File {
		return f, nil
	}
	r, err := e.Content.Open()
	if err != nil {
		return f, err
	}
	defer r.Close()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return f, err
	}
	f.Digest = "sha256:" + hex.EncodeToString(h.Sum(nil))
	return f, nil
}
