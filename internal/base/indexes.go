package base

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"

	"github.com/lithe-build/lithe/internal/debian/compressed"
	"github.com/lithe-build/lithe/internal/debian/packages"
	"github.com/lithe-build/lithe/internal/debian/release"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/fetch"
)

// Caps on what an archive sends before anything of it is verified, or after, should a signer have lost its mind.
const (
	maxInRelease    = 8 << 20   // bytes; unstable's has 2 MB
	maxPackages     = 256 << 20 // bytes, uncompressed; trixie's main has 57 MB
	maxIndexMembers = 1 << 20   // stanzas; trixie's main has 69,000
	maxProvided     = 1 << 21   // names that they provide
)

// component is the part of an archive that is free software, to which alone Debian's security team attends.
const component = "main"

// suiteReader reads the signed indexes of one suite.
type suiteReader struct {
	client *fetch.Client
	opt    Options
	source
	release  *release.Release
	further  *Source // nil for a suite of Debian's own
	outdated bool    // it no longer holds, and that is allowed
}

// open fetches a suite's InRelease and verifies it: signature, name, date.
func (s *suiteReader) open(ctx context.Context) (Release, error) {
	data, _, _, err := s.client.Document(ctx, s.url("InRelease"), nil, maxInRelease)
	if err != nil {
		return Release{}, s.named(err)
	}
	keyring, err := s.keyring()
	if err != nil {
		return Release{}, err
	}
	if s.release, err = release.Open(data, keyring); err != nil {
		return Release{}, s.named(s.broken(err))
	}
	if err := s.checkName(); err != nil {
		return Release{}, err
	}
	if s.release.Date.IsZero() {
		return Release{}, s.named(s.broken(errors.New("InRelease has no Date")))
	}
	s.outdated, err = s.expired()
	return Release{Suite: s.suite, Date: s.release.Date, Expired: s.outdated}, err
}

// keyring returns the keys that may sign the suite.
func (s *suiteReader) keyring() (openpgp.EntityList, error) {
	if s.further != nil && s.further.keyring != nil {
		return s.further.keyring, nil
	}
	if s.opt.Keyring != nil {
		return s.opt.Keyring, nil
	}
	return release.DebianKeys()
}

// checkName refuses another suite than the one that was asked for. A source may give itself no name at all, and a folder is no
// suite.
func (s *suiteReader) checkName() error {
	if s.further == nil {
		return s.release.CheckName(s.suite)
	}
	if r := s.release; s.further.flat() || r.Suite == "" && r.Codename == "" {
		return nil
	}
	if err := s.release.CheckName(s.suite); err != nil {
		return s.named(err)
	}
	return nil
}

// broken makes a problem of what a source serves; Debian's mirrors are trusted to be as they should.
func (s *suiteReader) broken(err error) error {
	if s.further == nil {
		return err
	}
	return s.further.broken(err)
}

// named says which suite an error is about. In a problem it says so inside: what is around a problem is not shown.
func (s *suiteReader) named(err error) error {
	if s.further != nil {
		return s.further.about(err)
	}
	where := "Debian suite " + s.suite
	if problem, ok := errors.AsType[*diag.Error](err); ok {
		inside := *problem
		inside.What = where + ": " + problem.What
		return &inside
	}
	return fmt.Errorf("%s: %w", where, err)
}

// expired reports an index that no longer holds: as an error, unless that is allowed.
func (s *suiteReader) expired() (bool, error) {
	err := s.release.CheckValid(s.opt.Now)
	if problem, ok := errors.AsType[*diag.Error](err); ok && s.opt.AllowExpired &&
		(problem.Code == release.CodeExpired || problem.Code == release.CodeExpiredKey) {
		return true, nil
	}
	if err != nil && s.further != nil {
		err = s.named(err)
	}
	return false, err
}

// packages returns the stanzas of an architecture, of all components one after the other.
func (s *suiteReader) packages(ctx context.Context, arch string) ([]stanza, error) {
	indexes, err := s.indexes(arch)
	if err != nil {
		return nil, err
	}
	var all []stanza
	for _, index := range indexes {
		some, err := s.stanzas(ctx, index, arch)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return s.own(all), nil
}

// stanzas returns those of one Packages file, from the store if they were parsed before.
func (s *suiteReader) stanzas(ctx context.Context, index release.Index, arch string) ([]stanza, error) {
	st := s.client.Store()
	if cached, ok := loadIndex(st, arch, index.Hash); ok {
		return cached, nil
	}
	file, err := s.client.Blob(ctx, s.request(index), nil)
	if err != nil {
		err = changed(fmt.Errorf("file Packages of %s for %s: %w", s.suite, arch, err), s.archive)
		if s.further != nil {
			err = s.named(err)
		}
		return nil, err
	}
	all, err := readPackages(file, s.suite+"/"+index.Path, arch)
	if err != nil && s.further != nil {
		return nil, s.named(s.broken(err))
	} else if err != nil {
		return nil, err
	}
	return all, saveIndex(st, arch, index.Hash, all)
}

// indexes returns a Packages file for each component. A source need not be for every architecture.
func (s *suiteReader) indexes(arch string) (all []release.Index, err error) {
	components := []string{component}
	if s.further != nil {
		components = s.further.Components
		if s.further.flat() {
			components = []string{""}
		} else if known := s.release.Architectures; len(known) > 0 && !slices.Contains(known, arch) {
			return nil, nil
		}
	}
	for _, c := range components {
		forms, err := s.release.Packages(c, arch)
		if err != nil && s.further != nil {
			return nil, s.named(s.broken(err))
		} else if err != nil {
			return nil, err
		}
		all = append(all, fastest(forms))
	}
	return all, nil
}

// fastest picks the form of a Packages file that unpacks fastest: gzip takes a third of the time of xz. The security
// archive has xz alone.
func fastest(forms []release.Index) release.Index {
	if i := slices.IndexFunc(forms, func(f release.Index) bool { return path.Ext(f.Path) == ".gz" }); i >= 0 {
		return forms[i]
	}
	return forms[0]
}

// request asks by hash first: under its name may already lie the next version of the file.
func (s *suiteReader) request(index release.Index) fetch.Request {
	r := fetch.Request{Digest: index.Hash, Size: index.Size, Name: index.Path}
	if index.ByHash != "" {
		r.URLs = append(r.URLs, s.url(index.ByHash))
	}
	r.URLs = append(r.URLs, s.url(index.Path))
	return r
}

func (s *suiteReader) url(name string) string {
	if s.further != nil {
		return s.opt.mirror(s.archive) + s.further.path(name)
	}
	return s.opt.mirror(s.archive) + "/dists/" + s.suite + "/" + name
}

// own marks stanzas as being of this archive.
func (s *suiteReader) own(all []stanza) []stanza {
	for i := range all {
		all[i].archive = s.archive
		all[i].late = s.further != nil && s.release.NotAutomatic
	}
	return all
}

// readPackages parses a verified Packages file. Packages of other architectures are none of ours.
func readPackages(file, name, arch string) ([]stanza, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := compressed.NewReader(f, name, maxPackages)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var all []stanza
	provided := 0
	err = packages.Read(r, name, func(p packages.Package) error {
		if p.Architecture != arch && p.Architecture != "all" {
			return nil
		}
		if len(all) == maxIndexMembers {
			return fmt.Errorf("%s: more than %d packages", name, maxIndexMembers)
		}
		if provided += strings.Count(p.Provides, ","); provided > maxProvided {
			return fmt.Errorf("%s: packages provide more than %d names", name, maxProvided)
		}
		all = append(all, newStanza(p))
		return nil
	})
	return all, err
}

// mirror returns the URL of an archive, without a slash at its end. A source has its own; one that is at Debian's own address
// is at that of Debian's mirror, too, as its further suites are.
func (o Options) mirror(archive string) string {
	url, fallback := "", archive
	switch debianArchive(archive) {
	case archiveMain:
		url, fallback = o.Mirror, defaultMirror
	case archiveSecurity:
		url, fallback = o.SecurityMirror, defaultSecurityMirror
	}
	if url == "" {
		url = fallback
	}
	return strings.TrimRight(url, "/")
}

// debianArchive returns the name that an archive has on Debian's mirrors, "" for one that is not Debian's.
func debianArchive(archive string) string {
	switch strings.Replace(archive, "http://", "https://", 1) {
	case archiveMain, defaultMirror:
		return archiveMain
	case archiveSecurity, defaultSecurityMirror:
		return archiveSecurity
	}
	return ""
}
