package plan

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lock"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
)

// chooser picks the file of each package, and collects what is wrong with any.
type chooser struct {
	target   Target
	tags     wheeltag.Set
	lock     *lock.Lock
	problems diag.List
}

// choose returns the selected package, false for a project that is not installed and for one with a problem.
func (c *chooser) choose(p *lock.Package) (Package, bool) {
	out := Package{Name: p.Name, Version: p.Version, Pos: p.Pos, Source: SourceText(p.Source), Origin: p.Source}
	if p.Source.Path != "" && c.lock.Outside(p.Source.Path) {
		c.problems.Add(&diag.Error{Pos: p.Source.Pos, Code: "outside-project",
			What: fmt.Sprintf("%s comes from %s, which is outside the project", p.Name, p.Source.Path),
			Hint: OutsideHint})
		return Package{}, false
	}
	switch p.Source.Kind {
	case lock.Virtual:
		return Package{}, false
	case lock.Git:
		out.Kind, out.URL = KindVCS, p.Source.URL
		return out, true
	case lock.Directory, lock.Editable:
		out.Kind, out.Path = KindLocal, p.Source.Path
		return out, true
	}
	return out, c.takeFile(p, &out)
}

// OutsideHint is what to do about code that stands elsewhere than the project.
const OutsideHint = "keep both in one git repository that tracks the project, or name the folder that holds both with the key `source-root`"

// SourceText writes a source as text.
func SourceText(s lock.Source) string {
	text := cmp.Or(s.URL, s.Path, "default index")
	if s.Kind == lock.Git {
		text = "git+" + s.URL + "@" + s.Commit
	}
	if s.Subdirectory != "" {
		text += "#subdirectory=" + s.Subdirectory
	}
	return text
}

// takeFile fills in the best file. An address or path is of one file, but that may still be a wheel that does not run
// on the target, so these are chosen among, too.
func (c *chooser) takeFile(p *lock.Package, out *Package) bool {
	if len(p.Files) == 0 && p.Unhashed {
		out.Kind, out.Index = KindUnknown, p.Source.URL
		return true
	}
	if len(p.Files) == 0 && len(p.Hashes) > 0 && p.Source.Kind == lock.Registry {
		out.Kind, out.Hashes, out.Index = KindUnknown, p.Hashes, p.Source.URL
		return c.checkHash(p, lock.File{Name: "a file", Hash: p.Hashes[0], Pos: p.Pos})
	}
	f, ok := c.best(p.Files)
	if !ok {
		c.noFile(p)
		return false
	}
	out.Kind, out.Filename, out.Hash, out.URL, out.Size, out.Path = KindSdist, f.Name, f.Hash, f.URL, f.Size, f.Path
	if f.IsWheel() {
		out.Kind = KindWheel
	}
	switch p.Source.Kind {
	case lock.URL:
		out.Kind = KindURL
	case lock.Archive:
		out.Kind = KindLocal
	default:
		out.Index = p.Source.URL
	}
	if f.Path != "" && c.lock.Outside(f.Path) {
		c.problems.Add(&diag.Error{Pos: f.Pos, Code: "outside-project",
			What: fmt.Sprintf("%s %s comes from %s, which is outside the project", p.Name, p.Version, f.Path),
			Hint: "move it into the project"})
		return false
	}
	return c.checkHash(p, f)
}

// best follows pip: a wheel that runs on the target before any source distribution, and among wheels the order of the
// target's tags. It returns the wheel with the best tag, of several the one with the highest build tag; else the best sdist.
func (c *chooser) best(files []lock.File) (lock.File, bool) {
	chosen, bestRank := -1, 0
	for i, f := range files {
		rank, ok := c.tags.Rank(f.Wheel.Tags)
		if !ok {
			continue
		}
		if chosen < 0 || rank < bestRank || rank == bestRank && f.Wheel.Build.Compare(files[chosen].Wheel.Build) > 0 {
			chosen, bestRank = i, rank
		}
	}
	if chosen >= 0 {
		return files[chosen], true
	}
	// Projects that publish two kinds of archive have the same in both; .tar.gz is the standard's.
	sdists := slices.DeleteFunc(slices.Clone(files), lock.File.IsWheel)
	for _, f := range sdists {
		if strings.HasSuffix(f.Name, ".tar.gz") {
			return f, true
		}
	}
	if len(sdists) > 0 {
		return sdists[0], true
	}
	return lock.File{}, false
}

// noFile reports a package without any file, or without one for the target.
func (c *chooser) noFile(p *lock.Package) {
	if len(p.Files) == 0 {
		c.problems.Add(&diag.Error{Pos: p.Pos, Code: "no-files",
			What: fmt.Sprintf("%s %s has no files in %s", p.Name, p.Version, c.lock.Path),
			Hint: "write the lock file again; lithe installs only what the lock names with a hash"})
		return
	}
	c.problems.Add(&diag.Error{Pos: p.Pos, Code: "no-wheel",
		What: fmt.Sprintf("%s %s has no wheel for %s and no source distribution; it has wheels for %s",
			p.Name, p.Version, c.target.describe(), Coverage(p.Files, c.target.Libc)),
		Hint: "choose a Python or base that has one, or a version that does, and write the lock file again"})
}

// hashLengths are the digits of the hashes that verify a file. Weaker ones can be forged.
var hashLengths = map[string]int{"sha256": 64, "sha384": 96, "sha512": 128}

// checkHash reports a file that cannot be verified.
func (c *chooser) checkHash(p *lock.Package, f lock.File) bool {
	algorithm, digest, _ := strings.Cut(f.Hash, ":")
	e := &diag.Error{Pos: f.Pos, Code: "hash-weak", Hint: "write the lock file again with an index that has sha256"}
	switch n, known := hashLengths[algorithm]; {
	case f.Hash == "":
		e.Code, e.What = "hash-missing", fmt.Sprintf("%s %s: %s has no hash", p.Name, p.Version, f.Name)
	case !known:
		e.What = fmt.Sprintf("%s %s: %s has only %s, which does not verify a file", p.Name, p.Version, f.Name, algorithm)
	default:
		if _, err := hex.DecodeString(digest); err == nil && len(digest) == n && digest == strings.ToLower(digest) {
			return true
		}
		e.Code, e.What = "hash-malformed", fmt.Sprintf("%s %s: %q is not a hash", p.Name, p.Version, f.Hash)
	}
	c.problems.Add(e)
	return false
}
