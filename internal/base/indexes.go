package base

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

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
)

// component is the part of an archive that is free software, to which alone Debian's security team attends.
const component = "main"

// suiteReader reads the signed indexes of one suite.
type suiteReader struct {
	client *fetch.Client
	opt    Options
	source
	release *release.Release
}

// open fetches a suite's InRelease and verifies it: signature, name, date.
func (s *suiteReader) open(ctx context.Context) (Release, error) {
	data, _, _, err := s.client.Document(ctx, s.url("InRelease"), nil, maxInRelease)
	if err != nil {
		return Release{}, s.named(err)
	}
	keyring := s.opt.Keyring
	if keyring == nil {
		if keyring, err = release.DebianKeys(); err != nil {
			return Release{}, err
		}
	}
	if s.release, err = release.Open(data, keyring); err != nil {
		return Release{}, s.named(err)
	}
	if err := s.release.CheckName(s.suite); err != nil {
		return Release{}, err
	}
	if s.release.Date.IsZero() {
		return Release{}, s.named(errors.New("InRelease has no Date"))
	}
	expired, err := s.expired()
	return Release{Suite: s.suite, Date: s.release.Date, Expired: expired}, err
}

// named says which suite an error is about. In a problem it says so inside: what is around a problem is not shown.
func (s *suiteReader) named(err error) error {
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
	return false, err
}

// packages returns the stanzas of an architecture, from the store if they were parsed before.
func (s *suiteReader) packages(ctx context.Context, arch string) ([]stanza, error) {
	index, err := s.index(arch)
	if err != nil {
		return nil, err
	}
	st := s.client.Store()
	if cached, ok := loadIndex(st, arch, index.Hash); ok {
		return s.own(cached), nil
	}
	file, err := s.client.Blob(ctx, s.request(index), nil)
	if err != nil {
		return nil, changed(fmt.Errorf("file Packages of %s for %s: %w", s.suite, arch, err))
	}
	all, err := readPackages(file, s.suite+"/"+index.Path, arch)
	if err != nil {
		return nil, err
	}
	return s.own(all), saveIndex(st, arch, index.Hash, all)
}

// index picks the form of a Packages file that unpacks fastest: gzip takes a third of the time of xz. The security
// archive has xz alone.
func (s *suiteReader) index(arch string) (release.Index, error) {
	forms, err := s.release.Packages(component, arch)
	if err != nil {
		return release.Index{}, err
	}
	if i := slices.IndexFunc(forms, func(f release.Index) bool { return path.Ext(f.Path) == ".gz" }); i >= 0 {
		return forms[i], nil
	}
	return forms[0], nil
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
	return s.opt.mirror(s.archive) + "/dists/" + s.suite + "/" + name
}

// own marks stanzas as being of this archive.
func (s *suiteReader) own(all []stanza) []stanza {
	for i := range all {
		all[i].archive = s.archive
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
	err = packages.Read(r, name, func(p packages.Package) error {
		if p.Architecture != arch && p.Architecture != "all" {
			return nil
		}
		if len(all) == maxIndexMembers {
			return fmt.Errorf("%s: more than %d packages", name, maxIndexMembers)
		}
		all = append(all, newStanza(p))
		return nil
	})
	return all, err
}

// mirror returns the URL of an archive, without a slash at its end.
func (o Options) mirror(archive string) string {
	url, fallback := o.Mirror, defaultMirror
	if archive == archiveSecurity {
		url, fallback = o.SecurityMirror, defaultSecurityMirror
	}
	if url == "" {
		url = fallback
	}
	return strings.TrimRight(url, "/")
}
