// Package version reads, compares and matches Python versions and version specifiers (PEP 440).
//
// Text goes in; an ordered Version, or Specifiers that admit versions, come out. Where PEP 440 leaves room, the
// behaviour is that of pypa/packaging 26. What parses prints in normal form, and that parses to an equal value.
// See https://packaging.python.org/en/latest/specifications/version-specifiers/.
package version

import (
	"cmp"
	"strconv"
	"strings"
)

// Version is one version. The zero value is no version: it stands for "absent" and is less than any other.
type Version struct {
	release []int
	local   string // normalized: lower case, separated by dots; "" when absent
	epoch   int
	pre     int
	post    int
	dev     int
	phase   phase
	hasPost bool
	hasDev  bool
}

// phase is the kind of pre-release, in PEP 440's order; a version without one comes after all of them.
type phase uint8

const (
	alpha phase = iota + 1
	beta
	candidate
	final
)

// letters are the normal forms of the phases.
var letters = [...]string{alpha: "a", beta: "b", candidate: "rc", final: ""}

// MustParse is Parse for tables and tests; it panics where Parse refuses.
func MustParse(s string) Version {
	v, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return v
}

// IsZero reports whether v is no version at all.
func (v Version) IsZero() bool { return v.release == nil }

// Epoch returns the number before "!", which is 0 when not written.
func (v Version) Epoch() int { return v.epoch }

// Release returns the numbers between the dots, as many as were written. The caller must not change them.
func (v Version) Release() []int { return v.release }

// Major returns the first number of the release.
func (v Version) Major() int { return v.part(0) }

// Minor returns the second number of the release, 0 when absent.
func (v Version) Minor() int { return v.part(1) }

// Micro returns the third number of the release, 0 when absent.
func (v Version) Micro() int { return v.part(2) }

func (v Version) part(i int) int {
	if i < len(v.release) {
		return v.release[i]
	}
	return 0
}

// Pre returns the pre-release: letter is "a", "b", "rc", or "" when there is none.
func (v Version) Pre() (letter string, number int) {
	return letters[v.phase], v.pre
}

// Post returns the number of the post-release and whether there is one.
func (v Version) Post() (number int, ok bool) { return v.post, v.hasPost }

// Dev returns the number of the development release and whether there is one.
func (v Version) Dev() (number int, ok bool) { return v.dev, v.hasDev }

// Local returns the local label without its "+", normalized; "" when there is none.
func (v Version) Local() string { return v.local }

// IsPrerelease reports whether v is an alpha, beta, candidate or development release.
func (v Version) IsPrerelease() bool { return v.phase < final && v.phase > 0 || v.hasDev }

// IsPostrelease reports whether v is a post-release.
func (v Version) IsPostrelease() bool { return v.hasPost }

// IsDevrelease reports whether v is a development release.
func (v Version) IsDevrelease() bool { return v.hasDev }

// Public returns v without its local label, as text.
func (v Version) Public() string { return v.public().String() }

// Base returns epoch and release, as text.
func (v Version) Base() string {
	return Version{epoch: v.epoch, release: v.release, phase: final}.String()
}

// Canonical returns v as text without trailing zeros in its release, so that equal versions give equal texts.
func (v Version) Canonical() string {
	if v.IsZero() {
		return ""
	}
	v.release = trimmed(v.release)
	if len(v.release) == 0 {
		v.release = []int{0}
	}
	return v.String()
}

// String returns v in normal form, and "" for the zero value.
func (v Version) String() string {
	if v.IsZero() {
		return ""
	}
	return string(v.appendTo(make([]byte, 0, 24)))
}

func (v Version) appendTo(b []byte) []byte {
	if v.epoch != 0 {
		b = append(strconv.AppendInt(b, int64(v.epoch), 10), '!')
	}
	for i, n := range v.release {
		if i > 0 {
			b = append(b, '.')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	if v.phase < final {
		b = strconv.AppendInt(append(b, letters[v.phase]...), int64(v.pre), 10)
	}
	if v.hasPost {
		b = strconv.AppendInt(append(b, ".post"...), int64(v.post), 10)
	}
	if v.hasDev {
		b = strconv.AppendInt(append(b, ".dev"...), int64(v.dev), 10)
	}
	if v.local != "" {
		b = append(append(b, '+'), v.local...)
	}
	return b
}

// MarshalText returns String, so that a Version is a string in JSON.
func (v Version) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText parses what MarshalText returned.
func (v *Version) UnmarshalText(text []byte) (err error) {
	*v = Version{}
	if len(text) > 0 {
		*v, err = Parse(string(text))
	}
	return err
}

// Equal reports whether v and w are the same version, as 1.0 and 1.0.0 are.
func (v Version) Equal(w Version) bool { return v.Compare(w) == 0 }

// Compare orders versions by PEP 440: negative when v comes before w.
func (v Version) Compare(w Version) int {
	if c := cmp.Compare(v.epoch, w.epoch); c != 0 {
		return c
	}
	if c := v.compareRelease(w); c != 0 {
		return c
	}
	return v.compareSuffix(w)
}

// compareRelease compares releases as if the shorter one ended in zeros.
func (v Version) compareRelease(w Version) int {
	if v.IsZero() || w.IsZero() {
		return cmp.Compare(len(v.release), len(w.release))
	}
	for i := range max(len(v.release), len(w.release)) {
		if c := cmp.Compare(v.part(i), w.part(i)); c != 0 {
			return c
		}
	}
	return 0
}

// compareSuffix compares what stands after the release.
func (v Version) compareSuffix(w Version) int {
	return cmp.Or(
		cmp.Compare(v.rank(), w.rank()),
		cmp.Compare(v.pre, w.pre),
		cmp.Compare(present(v.hasPost), present(w.hasPost)),
		cmp.Compare(v.post, w.post),
		cmp.Compare(present(w.hasDev), present(v.hasDev)), // a development release comes before its release
		cmp.Compare(v.dev, w.dev),
		compareLocal(v.local, w.local),
	)
}

// rank is the phase, but a development release of no phase and no post-release comes before every alpha.
func (v Version) rank() phase {
	if v.hasDev && !v.hasPost && v.phase == final {
		return 0
	}
	return v.phase
}

func present(b bool) int {
	if b {
		return 1
	}
	return 0
}

// compareLocal compares normalized labels segment by segment: numbers after words, more segments after fewer.
func compareLocal(a, b string) int {
	for a != "" && b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		if c := compareSegment(x, y); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

func compareSegment(x, y string) int {
	xNumber, yNumber := isNumber(x), isNumber(y)
	if xNumber && yNumber {
		// Normalized numbers have no leading zeros, so the longer is the larger; they may exceed an int (a commit).
		return cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y))
	}
	return cmp.Or(cmp.Compare(present(xNumber), present(yNumber)), strings.Compare(x, y))
}

func isNumber(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// public returns v without its local label.
func (v Version) public() Version {
	v.local = ""
	return v
}

func trimmed(release []int) []int {
	for len(release) > 0 && release[len(release)-1] == 0 {
		release = release[:len(release)-1]
	}
	return release
}
