// Package debmirror makes Debian packages and small signed mirrors for tests, and serves them over loopback.
//
// A Package is described by its control fields and files; the same description gives the same bytes. A Mirror has
// any number of suites (main, updates, security) with signed InRelease, Packages in xz and gz, by-hash folders and a
// pool. Faults break one promise of an archive each, so that a test can show who notices. Everything in a mirror but
// signatures and the key is a function of its description.
// See deb(5) and https://wiki.debian.org/DebianRepository/Format.
package debmirror

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// Package describes a .deb.
type Package struct {
	Name, Version string
	Arch          string            // "" means amd64
	Depends       string            // relation fields as Debian writes them; "" leaves the field out
	PreDepends    string            //
	Provides      string            //
	Essential     bool              //
	Extra         []string          // further fields of the control file, "Multi-Arch: same"
	Scripts       map[string]string // further members of control.tar, "postinst"
	Files         []File            // of data.tar, in this order; missing parent folders are added
	Compression   string            // "xz", "gz", "zst" or "none"; "" means xz
}

// File is a member of data.tar. The zero Mode means 0644 for files, 0755 for folders.
type File struct {
	Path    string // with or without a leading slash
	Content string
	Mode    int64
	Symlink string // makes it a symbolic link with this target
	Link    string // makes it a hard link to this path
	Dir     bool
}

// Deb returns the package's bytes.
func (p Package) Deb() []byte {
	ext := "." + p.compression()
	if ext == ".none" {
		ext = ""
	}
	return Ar(
		Member{"debian-binary", []byte("2.0\n")},
		Member{"control.tar" + ext, Compress(p.compression(), p.controlTar())},
		Member{"data.tar" + ext, Compress(p.compression(), p.dataTar())},
	)
}

// FileName returns the name that Debian gives the package: without the epoch.
func (p Package) FileName() string {
	version := p.Version
	if _, after, ok := strings.Cut(version, ":"); ok {
		version = after
	}
	return p.Name + "_" + version + "_" + p.arch() + ".deb"
}

// Control returns the package's control paragraph.
func (p Package) Control() string {
	var b strings.Builder
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	field("Package", p.Name)
	field("Version", p.Version)
	field("Architecture", p.arch())
	if p.Essential {
		field("Essential", "yes")
	}
	field("Maintainer", "Nobody <nobody@example.org>")
	field("Pre-Depends", p.PreDepends)
	field("Depends", p.Depends)
	field("Provides", p.Provides)
	for _, extra := range p.Extra {
		b.WriteString(extra + "\n")
	}
	field("Description", "a package of a test")
	return b.String()
}

func (p Package) arch() string { return orElse(p.Arch, "amd64") }

func (p Package) compression() string { return orElse(p.Compression, "xz") }

func orElse(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

func (p Package) controlTar() []byte {
	files := []File{{Path: "control", Content: p.Control()}}
	for _, name := range sortedKeys(p.Scripts) {
		files = append(files, File{Path: name, Content: p.Scripts[name], Mode: 0o755})
	}
	return Tar(headers(files))
}

func (p Package) dataTar() []byte { return Tar(headers(p.Files)) }

// TarMember is a member of a tar, for tests that write what no packager would.
type TarMember struct {
	tar.Header
	Content string
}

// TarOf packs files in their order, with the folders above them.
func TarOf(files []File) []byte { return Tar(headers(files)) }

// headers turns files into members, with their folders before them, as dpkg-deb writes them.
func headers(files []File) []TarMember {
	all := []TarMember{{Header: tar.Header{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755}}}
	known := map[string]bool{".": true}
	for _, f := range files {
		clean := path.Clean(strings.TrimPrefix(f.Path, "/"))
		for _, dir := range missing(path.Dir(clean), known) {
			all = append(all, TarMember{Header: tar.Header{Name: "./" + dir + "/", Typeflag: tar.TypeDir, Mode: 0o755}})
		}
		h := tar.Header{Name: "./" + clean, Typeflag: tar.TypeReg, Mode: f.Mode, Size: int64(len(f.Content))}
		switch {
		case f.Dir:
			h.Typeflag, h.Name = tar.TypeDir, h.Name+"/"
			known[clean] = true
		case f.Symlink != "":
			h.Typeflag, h.Linkname, h.Mode = tar.TypeSymlink, f.Symlink, 0o777
		case f.Link != "":
			h.Typeflag, h.Linkname = tar.TypeLink, "./"+strings.TrimPrefix(f.Link, "/")
		}
		if h.Mode == 0 {
			h.Mode = 0o644
			if f.Dir {
				h.Mode = 0o755
			}
		}
		all = append(all, TarMember{h, f.Content})
	}
	return all
}

// missing returns the folders down to dir that are not known yet, and marks them.
func missing(dir string, known map[string]bool) []string {
	if known[dir] {
		return nil
	}
	known[dir] = true
	return append(missing(path.Dir(dir), known), dir)
}

// Tar writes members as they are, in GNU format like dpkg-deb.
func Tar(members []TarMember) []byte {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, m := range members {
		h := m.Header
		h.Format = tar.FormatGNU
		must(w.WriteHeader(&h))
		_, err := io.WriteString(w, m.Content)
		must(err)
	}
	must(w.Close())
	return out.Bytes()
}

// Member is a member of the outer archive.
type Member struct {
	Name string
	Data []byte
}

// Ar writes an ar archive.
func Ar(members ...Member) []byte {
	out := []byte("!<arch>\n")
	for _, m := range members {
		out = fmt.Appendf(out, "%-16s%-12d%-6d%-6d%-8o%-10d`\n", m.Name, 0, 0, 0, 0o100644, len(m.Data))
		out = append(out, m.Data...)
		if len(m.Data)%2 == 1 {
			out = append(out, '\n')
		}
	}
	return out
}

// Compress compresses with "xz", "gz", "zst" or "none".
func Compress(how string, data []byte) []byte {
	var out bytes.Buffer
	var w io.WriteCloser
	var err error
	switch how {
	case "none":
		return data
	case "xz":
		// The default dictionary of 8 MiB takes longer to clear than a test's files to compress.
		w, err = xz.WriterConfig{DictCap: 1 << 18}.NewWriter(&out)
	case "gz":
		w = gzip.NewWriter(&out)
	case "zst":
		w, err = zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1))
	default:
		err = fmt.Errorf("debmirror: compression %q is unknown", how)
	}
	must(err)
	_, err = w.Write(data)
	must(err)
	must(w.Close())
	return out.Bytes()
}

// must panics: only a wrong description in a test can get here.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
