package wheel

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
)

// InstallOptions changes what Install makes. The zero value installs everything.
type InstallOptions struct {
	Drop      []string // paths in the image to leave out, since another distribution owns them (Overlaps)
	DirectURL []byte   // direct_url.json, for distributions from version control or a URL; nil for an index or a path
}

// Installed is a wheel laid out in an image.
type Installed struct {
	Name, Version string
	Entries       []entry.Entry // files, sorted as entry.Compare does; directories are the layer's business
	Sources       []Source      // what to compile
	Scripts       []string      // commands, paths in the image, sorted
	Licence       string        // SPDX expression, "" where METADATA has none (PEP 639)
	Warnings      diag.List     // the wheel's, and those of its scripts

	site    string         // site-packages, relative to the root of the image
	record  string         // path of RECORD in the image
	rows    map[string]row // by path in the image; all but RECORD
	scheme  Scheme
	dropped map[string]bool
}

// Source is a Python file of site-packages, for which the image should have bytecode.
type Source struct {
	Path    string        // in the image, relative to its root
	Digest  string        // "sha256:…" of the contents
	Content entry.Content // the contents
}

// Install lays a wheel out. It reads no contents but the first bytes of scripts.
func Install(w *Wheel, s Scheme, opt InstallOptions) (*Installed, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	in := &Installed{Name: w.Name, Version: w.Version, Licence: w.Metadata.Get("License-Expression"), scheme: s, site: s.Site(), rows: map[string]row{},
		record: s.Site() + "/" + w.distInfo + "/RECORD", dropped: map[string]bool{}, Warnings: slices.Clone(w.Warnings)}
	for _, p := range opt.Drop {
		in.dropped[p] = true
	}
	if err := in.addFiles(w); err != nil {
		return nil, err
	}
	in.addScripts(w)
	in.addBytes(in.site+"/"+w.distInfo+"/INSTALLER", []byte("lithe\n"), false)
	if opt.DirectURL != nil {
		in.addBytes(in.site+"/"+w.distInfo+"/direct_url.json", opt.DirectURL, false)
	}
	in.finish()
	return in, nil
}

// check refuses interpreters that the kernel would not find: a first line ends at the first space, and at 127 bytes
// on old kernels (execve(2)).
func (s Scheme) check() error {
	if !path.IsAbs(s.Interpreter) || strings.ContainsAny(s.Interpreter, " \t\n") || len(s.Interpreter) > 124 {
		return fmt.Errorf("%q cannot stand in the first line of a script", s.Interpreter)
	}
	return nil
}

// ours are the files of .dist-info that the installer writes. What a wheel has under these names speaks of another
// installation; signatures sign a RECORD that is rewritten. REQUESTED is pip's own bookkeeping.
var ours = []string{"RECORD", "RECORD.jws", "RECORD.p7s", "INSTALLER", "REQUESTED", "direct_url.json"}

// addFiles adds the files of the archive.
func (in *Installed) addFiles(w *Wheel) error {
	origin := map[string]string{}
	for _, f := range w.Files {
		if rest, ok := strings.CutPrefix(f.Path, w.distInfo+"/"); ok && slices.Contains(ours, rest) {
			continue
		}
		p, ok := w.place(f.Path)
		if !ok {
			return w.errorf("%s: not in one of the schemes of a .data directory", f.Path)
		}
		target := in.scheme.target(p, w.Name)
		if err := in.checkTarget(w, f.Path, target); err != nil {
			return err
		}
		if old, ok := in.rows[target]; ok && !bytes.Equal(old.hash, f.SHA256[:]) {
			return w.errorf("%s and %s are both installed as /%s", origin[target], f.Path, target)
		} else if ok {
			continue
		}
		origin[target] = f.Path
		if p.scheme == scriptsScheme {
			if err := in.addScript(w, f, target); err != nil {
				return err
			}
			continue
		}
		in.add(entry.Entry{Path: target, Mode: entry.FileMode(f.Executable), Size: f.Size, Content: f.Content}, f.SHA256)
	}
	return checkTree(w, in.rows, origin)
}

// checkTarget refuses places that belong to the environment or to other distributions.
func (in *Installed) checkTarget(w *Wheel, from, target string) error {
	if in.scheme.reserved(target) {
		return w.errorf("%s would replace /%s of the virtual environment", from, target)
	}
	if rest, ok := strings.CutPrefix(target, in.site+"/"); ok {
		dir, _, nested := strings.Cut(rest, "/")
		if nested && strings.HasSuffix(dir, ".dist-info") && dir != w.distInfo {
			return w.errorf("%s would write into the .dist-info directory of another distribution", from)
		}
	}
	return nil
}

// checkTree refuses a file that is also a directory, which the schemes of .data make possible.
func checkTree(w *Wheel, rows map[string]row, origin map[string]string) error {
	seen := map[string]bool{}
	for target := range rows {
		for dir := parent(target); dir != "" && !seen[dir]; dir = parent(dir) {
			if _, ok := rows[dir]; ok {
				return w.errorf("%s is installed as /%s, the directory of another file", origin[dir], dir)
			}
			seen[dir] = true
		}
	}
	return nil
}

// add adds an entry and its row, unless the path is to be dropped; it reports whether it did.
func (in *Installed) add(e entry.Entry, sum [32]byte) bool {
	if in.dropped[e.Path] {
		return false
	}
	in.rows[e.Path] = row{path: e.Path, algorithm: "sha256", hash: sum[:], size: e.Size}
	in.Entries = append(in.Entries, e)
	if strings.HasSuffix(e.Path, ".py") && strings.HasPrefix(e.Path, in.site+"/") {
		in.Sources = append(in.Sources, Source{e.Path, fmt.Sprintf("sha256:%x", sum), e.Content})
	}
	return true
}

// addBytes adds a file that the installer writes.
func (in *Installed) addBytes(path string, data []byte, executable bool) {
	in.add(entry.NewFile(path, data, executable), sha256.Sum256(data))
}

// AddBytecode adds compiled files: path in the image to contents. A source that did not compile simply has none.
// RECORD lists them without a hash, as pip does. A file that the wheel brought under the same name gives way.
func (in *Installed) AddBytecode(files map[string][]byte) error {
	for p := range files {
		if !strings.HasPrefix(p, in.site+"/") || !strings.HasSuffix(p, ".pyc") {
			return fmt.Errorf("%s is no bytecode file of %s", p, in.Name)
		}
	}
	in.Entries = slices.DeleteFunc(in.Entries, func(e entry.Entry) bool {
		_, replaced := files[e.Path]
		return replaced
	})
	for p, data := range files {
		in.Entries = append(in.Entries, entry.NewFile(p, data, false))
		in.rows[p] = row{path: p, size: -1}
	}
	in.finish()
	return nil
}

// finish sorts, and writes RECORD.
func (in *Installed) finish() {
	in.Entries = slices.DeleteFunc(in.Entries, func(e entry.Entry) bool { return e.Path == in.record })
	rows := []row{{path: in.recordPath(in.record), size: -1}}
	for p, r := range in.rows {
		r.path = in.recordPath(p)
		rows = append(rows, r)
	}
	in.Entries = append(in.Entries, entry.NewFile(in.record, formatRecord(rows), false))
	slices.SortFunc(in.Entries, entry.Compare)
	slices.SortFunc(in.Sources, func(a, b Source) int { return entry.ComparePaths(a.Path, b.Path) })
	slices.Sort(in.Scripts)
}

// recordPath returns a path of the image as RECORD has it: relative to site-packages.
func (in *Installed) recordPath(p string) string {
	if rest, ok := strings.CutPrefix(p, in.site+"/"); ok {
		return rest
	}
	// Site is prefix/lib/pythonX.Y/site-packages: three up is the prefix, which every other scheme is in.
	return "../../../" + strings.TrimPrefix(p, in.scheme.Prefix+"/")
}
