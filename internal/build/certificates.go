package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/layer"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/store"
)

// readCertificates reads the files that ca-certificates names. All problems are reported together.
func (in *inputs) readCertificates(opt Options) error {
	var problems diag.List
	var errs []error
	for _, file := range in.config.CACertificates {
		data, err := in.project.ReadNamed(file, base.MaxCertificates)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		c, warnings, err := base.ParseCertificates(file.Text, file.Pos, data, opt.Now)
		if slices.ContainsFunc(in.certificates, func(o base.Certificates) bool { return o.Name == c.Name }) {
			problems.Add(&diag.Error{Pos: file.Pos, Code: "two-certificates", What: fmt.Sprintf("two files become %s in the image", c.Name),
				Hint: "rename one of them"})
		}
		in.notices = append(in.notices, warnings...)
		in.certificates, errs = append(in.certificates, c), append(errs, err)
	}
	return joinProblems(problems, errs...)
}

// certificateFiles are the files on the host that the certificates are read from.
func (in *inputs) certificateFiles() (files []string) {
	for _, file := range in.config.CACertificates {
		files = append(files, filepath.Join(in.project.Dir, filepath.FromSlash(file.Text)))
	}
	return files
}

// certificateNames are the names of these files in the image, sorted.
func (in *inputs) certificateNames() (names []string) {
	for _, c := range in.certificates {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	return names
}

// withCertificates returns the layers of a ground with one above them, in which the bundle has the certificates of the project, too.
// The layers below stay those of every project.
func (b *builder) withCertificates(ctx context.Context, p *plan.Plan, below []made, bundle string, added []base.Certificates) ([]made, error) {
	if len(added) == 0 {
		return below, nil
	}
	key := certificateKey{Format: layer.Format, Bundle: bundle}
	for _, l := range below {
		key.Below = append(key.Below, l.DiffID)
	}
	for _, c := range added {
		sum := sha256.Sum256(c.PEM)
		key.Files = append(key.Files, c.Name+" "+hex.EncodeToString(sum[:]))
	}
	l, err := b.named(ctx, store.Key(key), plan.CertificateLayer, p.Certificates, func() (layer.Contents, error) {
		if err := bring(ctx, b.store, below); err != nil {
			return layer.Contents{}, err
		}
		var files []base.LayerFile
		for _, l := range below {
			path, ok := b.store.Blob(l.Digest)
			if !ok {
				return layer.Contents{}, fmt.Errorf("layer %s is not in the store", l.Digest)
			}
			files = append(files, base.LayerFile{DiffID: l.DiffID, Path: path})
		}
		entries, err := base.AddCertificates(ctx, files, bundle, added)
		return layer.Contents{Entries: entries, Packages: p.Certificates}, err
	})
	return append(slices.Clip(below), l), err
}
