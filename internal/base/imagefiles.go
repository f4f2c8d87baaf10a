package base

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/debian/control"
	"github.com/lithe-build/lithe/internal/debian/version"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
)

// Caps on what an image says of itself. The status file of a desktop has 10 MB.
const (
	maxStatus      = 64 << 20 // bytes of one file
	maxStatusFiles = 20_000   // in status.d
	maxInstalled   = 100_000  // packages; Debian has fewer
	maxRelease     = 64 << 10 // bytes of os-release, which has some hundred
)

// statusFile is dpkg's database, which images that it was installed in have. Those that were put together by other means
// have statusDir.
const statusFile = "var/lib/dpkg/status"

// imageGround is what system packages of an image stand on: all its files, and the packages that it has by its own word.
type imageGround struct {
	release  string // os-release
	lower    []entry.Entry
	packages []stanza // sorted by name
	status   []byte   // statusFile, nil where the image has statusDir
	merged   bool     // /lib is a link to usr/lib
	accounts accountFiles
	known    map[string]bool // packages by name
}

// readImageGround reads the folder of an image's root. No link leads out of it.
func readImageGround(dir, arch string) (*imageGround, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	g := &imageGround{known: map[string]bool{}}
	if g.lower, err = entriesOf(dir); err != nil {
		return nil, err
	}
	g.merged = slices.ContainsFunc(g.lower, func(e entry.Entry) bool { return e.Path == "lib" && e.Type == entry.Symlink })
	for name, to := range map[string]*string{"etc/passwd": &g.accounts.passwd, "etc/group": &g.accounts.group} {
		data, err := readIn(root, name, maxStatus)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		*to = string(data)
	}
	if g.release, err = releaseIn(root); err != nil {
		return nil, err
	}
	err = g.readPackages(root, arch)
	slices.SortFunc(g.packages, func(a, b stanza) int { return strings.Compare(a.Name, b.Name) })
	return g, err
}

// ReleaseOf reads the file by which the system in a folder says what it is, "" where there is none.
// See https://www.freedesktop.org/software/systemd/man/latest/os-release.html.
func ReleaseOf(dir string) (string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	return releaseIn(root)
}

func releaseIn(root *os.Root) (string, error) {
	for _, name := range []string{"etc/os-release", "usr/lib/os-release"} {
		f, err := root.Open(name)
		if err != nil {
			continue // a link may lead out of the folder, which is the image's root
		}
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, maxRelease))
		return string(data), err
	}
	return "", nil
}

// entriesOf lists the files, folders and links of a folder, sorted. Contents stay where they are.
func entriesOf(dir string) ([]entry.Entry, error) {
	var out []entry.Entry
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		relative, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		e := entry.Entry{Path: filepath.ToSlash(relative)}
		switch {
		case d.IsDir():
			e.Type = entry.Dir
		case d.Type()&fs.ModeSymlink != 0:
			e.Type = entry.Symlink
			e.Link, err = os.Readlink(name)
		case d.Type().IsRegular():
			info, err := d.Info()
			if err != nil {
				return err
			}
			e.Size, e.Content, e.Mode = info.Size(), entry.Path(name), info.Mode().Perm()
		default:
			return nil
		}
		out = append(out, e)
		return err
	})
	slices.SortFunc(out, entry.Compare)
	return out, err
}

// readPackages reads the database. An image may have both forms: what dpkg installed, and what was put beside it.
func (g *imageGround) readPackages(root *os.Root, arch string) error {
	status, err := readIn(root, statusFile, maxStatus)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(bytes.TrimSpace(status)) > 0 {
		g.status = status
		if err := g.addPackages(status, statusFile, arch); err != nil {
			return err
		}
	}
	files, err := fs.ReadDir(root.FS(), statusDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(files) > maxStatusFiles {
		return badDatabase(statusDir, fmt.Errorf("it has more than %d files", maxStatusFiles))
	}
	left := maxStatus
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".md5sums") || !f.Type().IsRegular() {
			continue
		}
		name := path.Join(statusDir, f.Name())
		data, err := readIn(root, name, int64(left))
		if err != nil {
			return err
		}
		left -= len(data)
		if err := g.addPackages(data, name, arch); err != nil {
			return err
		}
	}
	return nil
}

func readIn(root *os.Root, name string, most int64) ([]byte, error) {
	f, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxStatus+1))
	if err == nil && int64(len(data)) > most {
		err = badDatabase(name, fmt.Errorf("it has more than %d bytes", most))
	}
	return data, err
}

// addPackages adds the packages of one file that are installed: dpkg remembers removed ones as well (policy, deb822(5)).
func (g *imageGround) addPackages(data []byte, file, arch string) error {
	for p, err := range control.All(bytes.NewReader(data), control.Options{File: file}) {
		if err != nil {
			return badDatabase(file, err)
		}
		s := stanza{Name: p.Get("Package"), Version: p.Get("Version"), Architecture: p.Get("Architecture"),
			Depends: oneLine.Replace(both(p.Get("Pre-Depends"), p.Get("Depends"))), Provides: oneLine.Replace(p.Get("Provides"))}
		if p.Has("Status") && !strings.HasSuffix(p.Get("Status"), " installed") || s.Architecture != arch && s.Architecture != "all" {
			continue
		}
		if err := errors.Join(control.CheckName(s.Name), version.Check(s.Version)); err != nil {
			return badDatabase(file, fmt.Errorf("line %d: %w", p.Line, err))
		}
		if g.known[s.Name] {
			continue
		}
		if len(g.packages) == maxInstalled {
			return badDatabase(file, fmt.Errorf("it has more than %d packages", maxInstalled))
		}
		g.known[s.Name] = true
		g.packages = append(g.packages, s)
	}
	return nil
}

func badDatabase(file string, err error) error {
	return &diag.Error{Code: "base-packages", What: fmt.Sprintf("its database of packages /%s cannot be read: %v", file, err), Err: err,
		Hint: "choose another image, or one of Debian's suites as base"}
}

// seen are the files as maintainer scripts see them: below /usr, wherever the image has them.
func (g *imageGround) seen() []entry.Entry {
	if g.merged {
		return g.lower
	}
	out := slices.Clone(g.lower)
	for i := range out {
		out[i].Path = mergedPath(out[i].Path)
	}
	return out
}

// records returns what scanners read of packages, in the form that the image has: a file for each beside the others, or
// dpkg's own database with them behind the others.
func (g *imageGround) records(added []*unpacked) ([]entry.Entry, error) {
	var out []entry.Entry
	status := bytes.TrimRight(slices.Clone(g.status), "\n")
	for _, u := range added {
		if g.status == nil {
			files, err := database(u.pin.Name, u.control, u.entries)
			if err != nil {
				return nil, err
			}
			out = append(out, files...)
			continue
		}
		first, rest, _ := strings.Cut(strings.TrimRight(u.control, "\n"), "\n")
		status = fmt.Appendf(status, "\n\n%s\nStatus: install ok installed\n%s", first, rest)
		sums, err := md5sums(u.entries)
		if err != nil {
			return nil, err
		}
		at := path.Join(path.Dir(statusFile), "info", g.infoName(u))
		out = append(out, entry.NewFile(at+".list", listOf(u.entries), false), entry.NewFile(at+".md5sums", sums, false))
	}
	if g.status != nil && len(added) > 0 {
		out = append(out, entry.NewFile(statusFile, append(status, '\n'), false))
	}
	return out, nil
}

// infoName is how dpkg calls the files of a package: with the architecture where several may be installed together.
func (g *imageGround) infoName(u *unpacked) string {
	p, err := control.One([]byte(u.control), control.Options{File: u.pin.Name})
	if err == nil && p.Get("Multi-Arch") == "same" {
		return u.pin.Name + ":" + u.pin.Architecture
	}
	return u.pin.Name
}

// listOf lists the files of a package as dpkg does, folders among them.
func listOf(entries []entry.Entry) []byte {
	var b strings.Builder
	b.WriteString("/.\n")
	for _, e := range slices.SortedFunc(slices.Values(entries), entry.Compare) {
		b.WriteString("/" + e.Path + "\n")
	}
	return []byte(b.String())
}
