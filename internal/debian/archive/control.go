package archive

import (
	"archive/tar"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/debian/control"
	"github.com/lithe-build/lithe/internal/debian/version"
)

// readControl reads control.tar: plain files beside each other.
func (p *Package) readControl(r io.Reader) error {
	files := map[string][]byte{}
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(strings.TrimPrefix(h.Name, "./"), "/")
		if h.Typeflag == tar.TypeDir && (name == "" || name == ".") {
			continue
		}
		if h.Typeflag != tar.TypeReg || name == "" || name == ".." || strings.ContainsAny(name, "/\x00\n") {
			return fmt.Errorf("has a member %q that is not a plain file beside the control file", h.Name)
		}
		if _, twice := files[name]; twice {
			return fmt.Errorf("has two members %q", name)
		}
		if files[name], err = io.ReadAll(tr); err != nil {
			return err
		}
	}
	data, ok := files["control"]
	if !ok {
		return fmt.Errorf("has no control file")
	}
	delete(files, "control")
	for name, data := range files {
		p.Scripts = append(p.Scripts, Script{name, data})
	}
	slices.SortFunc(p.Scripts, func(a, b Script) int { return strings.Compare(a.Name, b.Name) })
	return p.parseControl(data)
}

// parseControl checks the three fields by which the package was found; the rest is for others to read.
func (p *Package) parseControl(data []byte) error {
	var err error
	if p.Control, err = control.One(data, control.Options{File: "control"}); err != nil {
		return err
	}
	p.Name, p.Version, p.Architecture = p.Control.Get("Package"), p.Control.Get("Version"), p.Control.Get("Architecture")
	if err := control.CheckName(p.Name); err != nil {
		return err
	}
	if err := version.Check(p.Version); err != nil {
		return err
	}
	if p.Architecture == "" {
		return fmt.Errorf("control has no Architecture")
	}
	return nil
}
