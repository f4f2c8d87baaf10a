package base

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"

	"github.com/lithe-build/lithe/internal/debian/release"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/fetch"
)

// Source is a repository of Debian packages that a project names beside Debian's own archive. Its packages may be system
// packages and what building needs. Base, interpreter and compiler never come from it.
type Source struct {
	URL        string   // without credentials, and without a slash at its end
	Suite      string   // "trixie"; one that ends with a slash is a folder without components
	Components []string // none in such a folder
	Key        string   // "sha256:…" of the file with its keys; "" means Debian's keys
	Pos        diag.Position

	keyring openpgp.EntityList // nil means that of the Options
}

// SourcePin is a Source as lithe.lock has it.
type SourcePin struct {
	URL        string    `json:"url"`
	Suite      string    `json:"suite"`
	Components []string  `json:"components,omitempty"`
	Key        string    `json:"key,omitempty"`
	Date       time.Time `json:"date,omitzero"` // of its index; zero while nothing was asked of it
	Expired    bool      `json:"expired,omitempty"`
}

// MaxKeyring is the largest file of keys in bytes.
const MaxKeyring = maxKeyring

// Sign says which keys may sign the source: those of a file, which the name is for messages about.
func (s *Source) Sign(name string, data []byte) error {
	keys, err := parseKeys(data)
	if err != nil {
		return &diag.Error{Pos: s.Pos, Code: "keyring", What: fmt.Sprintf("%s %v", name, err), Err: err,
			Hint: "put the public key there that the repository is signed with, as its owner gives it or `gpg --export --armor` writes it"}
	}
	sum := sha256.Sum256(data)
	s.keyring, s.Key = keys, "sha256:"+hex.EncodeToString(sum[:])
	return nil
}

// String names the source as a line of sources.list does.
func (s Source) String() string { return s.pin().String() }

// String names the source as a line of sources.list does.
func (s SourcePin) String() string {
	return strings.Join(append([]string{s.URL, s.Suite}, s.Components...), " ")
}

func (s Source) pin() SourcePin {
	return SourcePin{URL: s.URL, Suite: s.Suite, Components: s.Components, Key: s.Key}
}

// is reports that both are the same repository, signed by the same keys, on whatever day.
func (s SourcePin) is(o SourcePin) bool {
	return s.URL == o.URL && s.Suite == o.Suite && s.Key == o.Key && slices.Equal(s.Components, o.Components)
}

// pinSources returns sources as they are locked before anything is asked of them. What was known of one stays.
func pinSources(sources []Source, known []SourcePin) (pins []SourcePin) {
	for _, s := range sources {
		p := s.pin()
		if i := slices.IndexFunc(known, p.is); i >= 0 {
			p = known[i]
		}
		pins = append(pins, p)
	}
	return pins
}

// noteSources returns sources with what their indexes said.
func noteSources(archives []*suiteReader) (pins []SourcePin) {
	for _, a := range archives {
		if a.further != nil {
			p := a.further.pin()
			p.Date, p.Expired = a.release.Date, a.outdated
			pins = append(pins, p)
		}
	}
	return pins
}

// SourcesDiffer says in what the locked sources are not those of the project; nil if they are.
func (p *Pins) SourcesDiffer(sources []Source) *diag.Error {
	for _, s := range sources {
		if slices.ContainsFunc(p.Sources, s.pin().is) {
			continue
		}
		e := &diag.Error{Pos: s.Pos, Code: "lithe-lock", What: fmt.Sprintf("lithe.lock does not have the source %s", s)}
		for _, l := range p.Sources {
			if l.URL == s.URL && l.Suite == s.Suite {
				e.What = fmt.Sprintf("lithe.lock has the source %s with another key", s)
				if l.Key == s.Key {
					e.What = fmt.Sprintf("lithe.lock has the source %s with components %s", s, strings.Join(l.Components, " "))
				}
			}
		}
		return e
	}
	for _, l := range p.Sources {
		if !slices.ContainsFunc(sources, func(s Source) bool { return s.pin().is(l) }) {
			return &diag.Error{Code: "lithe-lock", What: fmt.Sprintf("lithe.lock has a source that the project does not name: %s", l)}
		}
	}
	if !slices.EqualFunc(sources, p.Sources, func(s Source, l SourcePin) bool { return s.pin().is(l) }) {
		return &diag.Error{Code: "lithe-lock", What: "lithe.lock has the sources in another order"}
	}
	return nil
}

// sourceHints are what helps with the problems of a source, which Debian's mirrors do not have.
var sourceHints = map[string]string{
	"bad-signature":        "signed-by must be the key that this repository is signed with: get it from the repository's owner, over a way that you trust",
	"wrong-suite":          "write the suite as the repository calls it; if that is right, the server mixes its suites up",
	release.CodeExpired:    "the repository's owner lets it lapse: tell them, or accept it with --allow-expired-index",
	release.CodeExpiredKey: "get the repository's new key from its owner, or accept it with --allow-expired-index",
	"hash-mismatch":        "the repository, or something on the way, changed the file: try again later, and find out why if that does not help",
}

// about says of which source an error is, and where it is named. Trouble with the network stays what it is.
func (s *Source) about(err error) error {
	if problem, ok := errors.AsType[*diag.Error](err); ok {
		inside := *problem
		inside.Pos, inside.What = s.Pos, s.String()+": "+problem.What
		if hint := sourceHints[problem.Code]; hint != "" {
			inside.Hint = hint
		}
		return &inside
	}
	if errors.Is(err, fetch.ErrNotFound) {
		return &diag.Error{Pos: s.Pos, Code: "no-suite", What: fmt.Sprintf("%s: there is no InRelease file for this suite", s), Err: err,
			Hint: "check url and suite: " + s.where("InRelease") + " is what is asked for"}
	}
	return fmt.Errorf("%s: %w", s, err)
}

// broken is a problem of what a source serves.
func (s *Source) broken(err error) error {
	if _, ok := errors.AsType[*diag.Error](err); ok {
		return err
	}
	return &diag.Error{Code: "apt-source", What: err.Error(), Err: err, Hint: "tell the repository's owner"}
}

// flat reports a folder without components.
func (s *Source) flat() bool { return strings.HasSuffix(s.Suite, "/") }

// where returns the address of a file of the suite.
func (s *Source) where(name string) string { return s.URL + s.path(name) }

// path leads from the repository to a file of the suite.
func (s *Source) path(name string) string {
	if !s.flat() {
		return "/dists/" + s.Suite + "/" + name
	}
	if folder := strings.Trim(strings.TrimPrefix(s.Suite, "."), "/"); folder != "" {
		return "/" + folder + "/" + name
	}
	return "/" + name
}

// changedHint is that of a file of an archive that is not what is locked.
func changedHint(archive string) string {
	if isSource(archive) {
		return sourceHints["hash-mismatch"]
	}
	return "the mirror, or something on the way, changed the file: find out why, or name another mirror with --debian-mirror"
}

// isSource reports an archive that is a source.
func isSource(archive string) bool { return strings.Contains(archive, "://") }
