// Package release opens the signed table of contents of a Debian suite, InRelease: who signed it, until when it
// holds, and the SHA256 of every index.
//
// Only text inside the signature is ever read, and a Release exists only if at least one known key signed it. Index
// hashes are SHA256; the MD5Sum and SHA1 sections are not looked at. Time is not read here: [Release.CheckValid]
// takes it, so that an old index can be accepted knowingly.
// See https://wiki.debian.org/DebianRepository/Format#A.22Release.22_files and RFC 9580, section 7.
package release

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/lithe-build/lithe/internal/debian/control"
	"github.com/lithe-build/lithe/internal/debian/packages"
	"github.com/lithe-build/lithe/internal/diag"
)

// Caps. The largest InRelease, of unstable, has under 3 MB and 10,000 rows.
const (
	maxRelease = 32 << 20
	maxRows    = 200_000
	maxIndex   = 16 << 30 // bytes of one listed file; Contents files are the largest
)

// futureSlack is how far our clock may be behind the archive's before its Date is an error.
const futureSlack = 24 * time.Hour

// Release is the contents of a Release file.
type Release struct {
	Origin, Label, Suite, Codename, Version string
	Date                                    time.Time
	ValidUntil                              time.Time // zero: holds for ever, as point releases do
	ByHash                                  bool
	NotAutomatic                            bool // its packages are for who asks for them by version, as those of backports are
	Architectures, Components               []string
	SHA256                                  map[string]File // by path below the suite's folder
	Signers                                 []Signer        // every good signature by a known key; see Open
}

// File is one row of the SHA256 section.
type File struct {
	Hash string // sha256:hex
	Size int64
}

// Index is one form of a Packages file.
type Index struct {
	Path   string // below the suite's folder, "main/binary-amd64/Packages.xz"
	ByHash string // where the same bytes lie under their hash; "" when the archive has no such folder
	File
}

// Parse reads a Release file whose origin is known by other means: its text carries no proof. file is the name for
// messages.
func Parse(data []byte, file string) (*Release, error) {
	p, err := control.One(data, control.Options{File: file, MaxParagraph: maxRelease})
	if err != nil {
		return nil, err
	}
	r := &Release{
		Origin: p.Get("Origin"), Label: p.Get("Label"), Suite: p.Get("Suite"), Codename: p.Get("Codename"),
		Version: p.Get("Version"), ByHash: p.Get("Acquire-By-Hash") == "yes", NotAutomatic: p.Get("NotAutomatic") == "yes",
		Architectures: strings.Fields(p.Get("Architectures")), Components: strings.Fields(p.Get("Components")),
	}
	if r.Date, err = parseTime(p, "Date"); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if r.ValidUntil, err = parseTime(p, "Valid-Until"); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if r.SHA256, err = parseRows(p); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}

// parseTime reads a date as in "Sat, 12 Sep 2026 07:55:41 UTC"; an absent field is the zero time.
func parseTime(p *control.Paragraph, field string) (time.Time, error) {
	s := p.Get(field)
	if s == "" {
		return time.Time{}, nil
	}
	// Other zones are refused as apt does: Go would give an unknown abbreviation the offset 0 in silence.
	day, zone := s, ""
	if i := strings.LastIndexByte(s, ' '); i >= 0 {
		day, zone = s[:i], s[i+1:]
	}
	t, err := time.Parse("Mon, _2 Jan 2006 15:04:05", day)
	if err != nil || zone != "UTC" && zone != "GMT" && zone != "Z" && zone != "+0000" {
		return time.Time{}, fmt.Errorf("%s %q is not a date in UTC", field, s)
	}
	return t, nil
}

// parseRows reads the SHA256 section: "hash size path" on each line.
func parseRows(p *control.Paragraph) (map[string]File, error) {
	rows := map[string]File{}
	for line := range p.Lines("SHA256") {
		columns := strings.Fields(line)
		if len(columns) != 3 {
			return nil, fmt.Errorf("SHA256 row %q has not three columns", line)
		}
		name := columns[2]
		hash, err := packages.ParseSHA256(columns[0])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		size, err := strconv.ParseInt(columns[1], 10, 64)
		if err != nil || size < 0 || size > maxIndex {
			return nil, fmt.Errorf("%s: size %q is not a number that we take", name, columns[1])
		}
		// Names go into URLs below the suite's folder.
		if path.Clean("/"+name) != "/"+name {
			return nil, fmt.Errorf("SHA256 row %q climbs out of the suite", name)
		}
		row := File{Hash: hash, Size: size}
		if old, ok := rows[name]; ok && old != row {
			return nil, fmt.Errorf("%s stands twice in SHA256, with different values", name)
		}
		if rows[name] = row; len(rows) > maxRows {
			return nil, fmt.Errorf("SHA256 has more than %d rows", maxRows)
		}
	}
	return rows, nil
}

// Packages returns the forms of the Packages file for a component ("main") and an architecture, the smallest
// download first; no component is that of a folder without any. None is an error that says what the suite has.
func (r *Release) Packages(component, architecture string) ([]Index, error) {
	var found []Index
	// The uncompressed form is listed by Debian, but not on its mirrors; small archives have nothing else.
	for _, ext := range []string{".xz", ".gz", ""} {
		name := component + "/binary-" + architecture + "/Packages" + ext
		if component == "" { // a folder that has packages side by side
			name = "Packages" + ext
		}
		if row, ok := r.SHA256[name]; ok {
			found = append(found, Index{Path: name, ByHash: r.byHash(name, row), File: row})
		}
	}
	if found != nil {
		return found, nil
	}
	if len(r.SHA256) == 0 {
		return nil, fmt.Errorf("the Release of %s has no SHA256 section; MD5 and SHA1 are not enough", r.Name())
	}
	return nil, &diag.Error{Code: "no-packages-index",
		What: fmt.Sprintf("Debian suite %s has no Packages for component %s on %s", r.Name(), component, architecture),
		Hint: fmt.Sprintf("it has components %s; architectures %s", strings.Join(r.Components, ", "),
			strings.Join(r.Architectures, ", "))}
}

// byHash returns where the file lies whatever the next update does to its name.
func (r *Release) byHash(name string, row File) string {
	if !r.ByHash {
		return ""
	}
	return path.Join(path.Dir(name), "by-hash", "SHA256", strings.TrimPrefix(row.Hash, "sha256:"))
}

// Name returns the codename, or the suite where there is none.
func (r *Release) Name() string { return cmp.Or(r.Codename, r.Suite, "(unnamed)") }

// CheckName refuses the Release of another suite than the one asked for, by codename or suite: a mirror could else
// serve an older suite, well signed, in the place of the newer one.
func (r *Release) CheckName(asked string) error {
	if asked == r.Codename || asked == r.Suite {
		return nil
	}
	return &diag.Error{Code: "wrong-suite",
		What: fmt.Sprintf("the mirror's Release for %s says that it is %s", asked, r.Name()),
		Hint: "check the suite's name and LITHE_DEBIAN_MIRROR"}
}

// Codes of the problems that CheckValid finds.
const (
	CodeExpired    = "expired-index"
	CodeExpiredKey = "expired-key"
	CodeFuture     = "future-index"
)

// CheckValid says why the index does not hold at this time: it is past its Valid-Until, from the future, or none of
// its signers' keys is still valid. A past key passes Open, which asks only whether it was valid when it signed.
func (r *Release) CheckValid(now time.Time) error {
	if !r.ValidUntil.IsZero() && now.After(r.ValidUntil) {
		return &diag.Error{Code: CodeExpired,
			What: fmt.Sprintf("the Debian index of %s is past its Valid-Until, %s", r.Name(), stamp(r.ValidUntil)),
			Hint: "use a mirror that is up to date, or accept it with --allow-expired-index"}
	}
	if r.Date.After(now.Add(futureSlack)) {
		return &diag.Error{Code: CodeFuture,
			What: fmt.Sprintf("the Debian index of %s is from the future: its Date is %s", r.Name(), stamp(r.Date)),
			Hint: "check this machine's clock"}
	}
	last := time.Time{}
	for _, s := range r.Signers {
		if s.Expires.IsZero() || now.Before(s.Expires) {
			return nil
		}
		if s.Expires.After(last) {
			last = s.Expires
		}
	}
	if len(r.Signers) == 0 {
		return errors.New("the Release was not opened from a signed file")
	}
	return &diag.Error{Code: CodeExpiredKey,
		What: fmt.Sprintf("every key that signed the Debian index of %s is expired, the last since %s", r.Name(),
			stamp(last)),
		Hint: "use a newer lithe, which carries newer keys, or accept it with --allow-expired-index"}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
