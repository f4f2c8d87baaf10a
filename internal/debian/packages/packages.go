// Package packages reads the Packages file of a Debian suite: one Package a paragraph, with the fields that choosing
// and fetching need.
//
// Every stanza is checked as it is read, so that a Package in hand has a valid name and version, a SHA256, a size,
// and a Filename that stays inside the archive. MD5 and SHA1 are never looked at.
// See https://wiki.debian.org/DebianRepository/Format#A.22Packages.22_Indices.
package packages

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/lithe-build/lithe/internal/debian/control"
	"github.com/lithe-build/lithe/internal/debian/version"
)

// Caps. The largest package of Debian is under 2 GB, the longest stanza under 100 KB.
const (
	maxSize   = 4 << 30
	maxStanza = 4 << 20
)

// Package is one stanza. Relation fields are as written; control.ParseRelations reads them.
type Package struct {
	Name, Version, Architecture string
	Source                      string // "name" or "name (version)"; "" when it is Name
	MultiArch                   string
	Essential                   bool
	Depends, PreDepends         string
	Provides                    string
	Conflicts, Breaks           string
	Filename                    string // path inside the archive, clean and relative
	Hash                        string // sha256:hex
	Size                        int64  // of the .deb
	Line                        int    // in the Packages file
}

// fields is what is read of a stanza; the constants index it.
var fields = [...]string{"Package", "Version", "Architecture", "Source", "Multi-Arch", "Essential", "Depends",
	"Pre-Depends", "Provides", "Conflicts", "Breaks", "Filename", "SHA256", "Size"}

const (
	name = iota
	ver
	arch
	source
	multiArch
	essential
	depends
	preDepends
	provides
	conflicts
	breaks
	filename
	sha256
	size
)

// Read calls each for every stanza of r, in order, and stops at its first error. file is the name for messages.
func Read(r io.Reader, file string, each func(Package) error) error {
	var buf []byte
	for paragraph, err := range control.All(r, control.Options{File: file, MaxParagraph: maxStanza}) {
		if err != nil {
			return err
		}
		var p Package
		if p, buf, err = parse(paragraph, buf[:0]); err != nil {
			return fmt.Errorf("%s:%d: %w", file, paragraph.Line, err)
		}
		if err := each(p); err != nil {
			return err
		}
	}
	return nil
}

// parse copies the wanted fields into one string, which they share: one allocation a stanza instead of fourteen.
func parse(paragraph *control.Paragraph, buf []byte) (Package, []byte, error) {
	var ends [len(fields)]int
	// MaxParagraph bounds buf, too.
	for i, field := range fields {
		buf = append(buf, paragraph.Bytes(field)...)
		ends[i] = len(buf)
	}
	shared := string(buf)
	value := func(i int) string {
		start := 0
		if i > 0 {
			start = ends[i-1]
		}
		return shared[start:ends[i]]
	}
	p := Package{
		Name: value(name), Version: value(ver), Architecture: value(arch), Source: value(source),
		MultiArch: value(multiArch), Essential: value(essential) == "yes", Depends: value(depends),
		PreDepends: value(preDepends), Provides: value(provides), Conflicts: value(conflicts), Breaks: value(breaks),
		Filename: value(filename), Line: paragraph.Line,
	}
	return p, buf, p.check(value(sha256), value(size))
}

// check fills Hash and Size, and refuses what must not be fetched or unpacked.
func (p *Package) check(sum, bytes string) error {
	if err := control.CheckName(p.Name); err != nil {
		return err
	}
	if err := version.Check(p.Version); err != nil {
		return fmt.Errorf("package %s: %w", p.Name, err)
	}
	if err := checkFilename(p.Filename); err != nil {
		return fmt.Errorf("package %s: Filename %q %w", p.Name, p.Filename, err)
	}
	p.Filename = strings.TrimPrefix(p.Filename, "./")
	var err error
	if p.Hash, err = ParseSHA256(sum); err != nil {
		return fmt.Errorf("package %s: %w", p.Name, err)
	}
	if p.Size, err = strconv.ParseInt(bytes, 10, 64); err != nil || p.Size <= 0 || p.Size > maxSize {
		return fmt.Errorf("package %s: Size %q is not between 1 byte and 4 GiB", p.Name, bytes)
	}
	return nil
}

// checkFilename refuses what would leave the mirror's folder, or mean something else in a URL or on a disk.
func checkFilename(s string) error {
	switch {
	case s == "":
		return errors.New("is missing")
	case path.IsAbs(s) || s == ".." || strings.HasPrefix(path.Clean(s), "../") || strings.Contains(s, "/../"):
		return errors.New("climbs out of the archive")
	case len(s) > 1024:
		return errors.New("is too long")
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`\?#`, r) }):
		return errors.New("has a character that is not allowed")
	}
	// "./name.deb" is how small archives without a pool write it.
	if clean := path.Clean(s); clean != strings.TrimPrefix(s, "./") || clean == "." {
		return errors.New("is not a clean path")
	}
	return nil
}

// ParseSHA256 returns the hash of a SHA256 field as sha256:hex.
func ParseSHA256(s string) (string, error) {
	if s == "" {
		return "", errors.New("SHA256 is missing; MD5 and SHA1 are not enough")
	}
	// Debian writes lower case; digests are compared as strings, so others are brought to it.
	if b, err := hex.DecodeString(s); err != nil || len(b) != 32 {
		return "", fmt.Errorf("SHA256 %q is not 64 hexadecimal digits", s[:min(len(s), 80)])
	}
	return "sha256:" + strings.ToLower(s), nil
}
