package wheeltag

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/lithe-build/lithe/internal/python/version"
)

// maxFilename is longer than the file names that file systems allow.
const maxFilename = 1024

// Filename is what the file name of a wheel says.
type Filename struct {
	Name    string // as written, with "_" where the project's name has "-"
	Version version.Version
	Build   BuildTag
	Tags    []Tag
}

// BuildTag orders wheels that are otherwise the same: the higher one wins. The zero value is none, and the lowest.
type BuildTag struct {
	digits string // without leading zeros, but "0" for zero; "" when there is no build tag
	suffix string
}

// ParseFilename reads the name of a wheel, such as numpy-2.1.0-cp313-cp313-manylinux_2_17_x86_64.whl.
func ParseFilename(s string) (Filename, error) {
	stem, ok := strings.CutSuffix(s, ".whl")
	if !ok {
		return Filename{}, fmt.Errorf("%q is not the file name of a wheel: it does not end in .whl", s)
	}
	if len(s) > maxFilename {
		return Filename{}, fmt.Errorf("the file name of a wheel has %d characters, more than %d", len(s), maxFilename)
	}
	dashes := strings.Count(stem, "-")
	if dashes != 4 && dashes != 5 {
		return Filename{}, fmt.Errorf("%q is not the file name of a wheel: it has %d parts, not 5 or 6", s, dashes+1)
	}
	var f Filename
	var v, build string
	f.Name, stem, _ = strings.Cut(stem, "-")
	v, stem, _ = strings.Cut(stem, "-")
	if dashes == 5 {
		build, stem, _ = strings.Cut(stem, "-")
	}
	if err := f.parse(v, build, stem, dashes == 5); err != nil {
		return Filename{}, fmt.Errorf("%q is not the file name of a wheel: %w", s, err)
	}
	return f, nil
}

func (f *Filename) parse(v, build, tags string, hasBuild bool) (err error) {
	if !validName(f.Name) {
		return fmt.Errorf("%q is not the name of a project", f.Name)
	}
	if f.Version, err = version.Parse(v); err != nil {
		return err
	}
	if hasBuild {
		if f.Build, err = ParseBuildTag(build); err != nil {
			return err
		}
	}
	f.Tags, err = ParseTag(tags)
	return err
}

// validName accepts letters, digits, "_" and "." but no "__", as the specification escapes names.
func validName(s string) bool {
	if s == "" || strings.Contains(s, "__") {
		return false
	}
	for _, r := range s {
		if r != '_' && r != '.' && !unicode.IsLetter(r) && !unicode.IsNumber(r) {
			return false
		}
	}
	return true
}

// ParseBuildTag reads a build tag, which begins with a digit.
func ParseBuildTag(s string) (BuildTag, error) {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	if n == 0 || strings.Contains(s, "\n") {
		return BuildTag{}, fmt.Errorf("%q is not a build tag: it does not begin with a digit", s)
	}
	digits := strings.TrimLeft(s[:n-1], "0") + s[n-1:n]
	return BuildTag{digits, s[n:]}, nil
}

// IsZero reports whether there is no build tag.
func (b BuildTag) IsZero() bool { return b.digits == "" }

// Number returns the leading number, as far as it fits an int.
func (b BuildTag) Number() int {
	n, _ := strconv.Atoi(b.digits)
	return n
}

// Suffix returns what follows the number.
func (b BuildTag) Suffix() string { return b.suffix }

// String returns number and suffix.
func (b BuildTag) String() string { return b.digits + b.suffix }

// Compare orders build tags by number, then by suffix.
func (b BuildTag) Compare(o BuildTag) int {
	return cmp.Or(cmp.Compare(len(b.digits), len(o.digits)), strings.Compare(b.digits, o.digits),
		strings.Compare(b.suffix, o.suffix))
}
