package lock

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/version"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
)

// What a lock file must not say.
//
// A lock file comes with a pull request as easily as code does, so what it says is checked before anything acts on it.

// maxFileName is the longest file name in bytes that file systems take.
const maxFileName = 255

// sdistSuffixes are the archives that source distributions come in, the preferred one first.
var sdistSuffixes = []string{".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz", ".tar.Z", ".tar"}

// addFile checks a file and adds it to the package. A file that is neither wheel nor source distribution (an
// installer for another system) is left out.
func (s *source) addFile(p *Package, f File) {
	if what := unsafeName(f.Name); what != "" {
		s.tampered(f.Pos, "%s %s: the file name %q %s", p.Name, p.Version, f.Name, what)
		return
	}
	suffix := sdistSuffix(f.Name)
	if strings.HasSuffix(f.Name, ".whl") {
		var err error
		if f.Wheel, err = wheeltag.ParseFilename(f.Name); err != nil {
			s.warn(f.Pos, "unreadable-wheel-name", "%s %s: %s; the file is not used", p.Name, p.Version, err)
			return
		}
	} else if suffix == "" {
		return
	}
	if f.URL != "" {
		if what := unsafeURL(f.URL); what != "" {
			s.tampered(f.Pos, "%s %s: the address %q %s", p.Name, p.Version, f.URL, what)
			return
		}
	}
	if f.Hash == emptyFile {
		s.tampered(f.Pos, "%s %s: %s has the hash of no bytes at all, which is no zip archive and no tar", p.Name, p.Version, f.Name)
		return
	}
	if what := foreign(p, f, suffix); what != "" {
		s.tampered(f.Pos, "%s", what)
		return
	}
	p.Files = append(p.Files, f)
}

// emptyFile is the hash of no bytes. Servers that do not know a size say 0, so only the lock can tell.
const emptyFile = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// tampered reports what no tool writes.
func (s *source) tampered(pos diag.Position, format string, args ...any) {
	s.report(&diag.Error{Pos: pos, Code: "lock-unsafe", What: fmt.Sprintf(format, args...),
		Hint: fmt.Sprintf("look how this came into the file, then run `%s`", s.format.lock)})
}

// warn reports what the user should know, though it stops nothing.
func (s *source) warn(pos diag.Position, code, format string, args ...any) {
	if len(s.warnings) < maxProblems {
		s.warnings.Addf(pos, code, format, args...)
	}
}

// sdistSuffix returns the suffix of a source distribution, "" for other files.
func sdistSuffix(file string) string {
	for _, suffix := range sdistSuffixes {
		if strings.HasSuffix(file, suffix) {
			return suffix
		}
	}
	return ""
}

// unsafeName says why a file name is none, "" when it is one.
func unsafeName(file string) string {
	switch {
	case file == "":
		return "is empty"
	case len(file) > maxFileName:
		return "is too long"
	case file == "." || file == ".." || strings.ContainsAny(file, `/\`):
		return "is a path"
	case strings.ContainsFunc(file, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "holds control characters"
	}
	return ""
}

// unsafeURL says why an address cannot be one to download from, "" when it can.
func unsafeURL(address string) string {
	if plainURL(address) {
		return ""
	}
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return "cannot be read"
	case u.Scheme != "https" && u.Scheme != "http":
		return fmt.Sprintf("is for %s:, not https:", u.Scheme)
	case u.Host == "":
		return "names no host"
	}
	return ""
}

// plainURL tells an address of https in which nothing is encoded and nothing can be wrong. Nearly all are, and a lock has thousands.
func plainURL(address string) bool {
	rest, ok := strings.CutPrefix(address, "https://")
	host, path, _ := strings.Cut(rest, "/")
	return ok && host != "" && isPlain(host, ".-") && isPlain(path, "/.-_+")
}

// isPlain tells a text of ASCII letters, digits and some other characters.
func isPlain(s, others string) bool {
	for i := range len(s) {
		if c := s[i]; (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && strings.IndexByte(others, c) < 0 {
			return false
		}
	}
	return true
}

// urlFile returns the file name at the end of an address, decoded.
func urlFile(address string) string {
	address, _, _ = strings.Cut(address, "#")
	address, _, _ = strings.Cut(address, "?")
	file := address[strings.LastIndexByte(address, '/')+1:]
	if strings.IndexByte(file, '%') < 0 {
		return file
	}
	if decoded, err := url.PathUnescape(file); err == nil {
		return decoded
	}
	return file
}

// foreign says why a file cannot be of the package, "" when it can.
func foreign(p *Package, f File, suffix string) string {
	want, err := version.Parse(p.Version)
	known := err == nil
	if f.IsWheel() {
		if got := name.Normalize(f.Wheel.Name); got != p.Name {
			return fmt.Sprintf("the file %s is of %s, not of %s", f.Name, got, p.Name)
		}
		if known && !sameVersion(f.Wheel.Version, want) {
			return fmt.Sprintf("the file %s has version %s, but %s is locked at %s", f.Name, f.Wheel.Version, p.Name, p.Version)
		}
		return ""
	}
	rest, ok := sdistVersion(strings.TrimSuffix(f.Name, suffix), p.Name)
	if !ok {
		return fmt.Sprintf("the file %s is not of %s", f.Name, p.Name)
	}
	if got, err := version.Parse(rest); err == nil && known && !sameVersion(got, want) {
		return fmt.Sprintf("the file %s has version %s, but %s is locked at %s", f.Name, got, p.Name, p.Version)
	}
	return ""
}

// sameVersion compares a file's version with the locked one. File names may leave the local part out, as uv allows.
func sameVersion(file, locked version.Version) bool {
	if file.Compare(locked) == 0 {
		return true
	}
	return file.Local() == "" && locked.Local() != "" && file.String() == locked.Public()
}

// sdistVersion returns what follows the project's name in the name of a source distribution. Old ones have dashes in
// names, so the dash that ends the name is the one that the project's own name tells.
func sdistVersion(stem, project string) (string, bool) {
	for i := range len(stem) {
		if stem[i] == '-' && name.Normalize(stem[:i]) == project {
			return stem[i+1:], true
		}
	}
	return "", false
}

// cleanPath returns a path relative to the lock file, clean and with slashes.
func cleanPath(written string) string {
	return path.Clean(strings.ReplaceAll(written, `\`, "/"))
}

// Outside tells whether a path of a Source or File leads out of the lock file's folder.
func Outside(p string) bool {
	return path.IsAbs(p) || p == ".." || strings.HasPrefix(p, "../") || len(p) > 1 && p[1] == ':'
}

// Outside tells whether a path of a Source or File of the lock leads out of the folder that all code stands in.
func (l *Lock) Outside(p string) bool {
	return Outside(p) && (path.IsAbs(p) || p[0] != '.' || steps(p) > steps(l.Top))
}

// steps is how many folders a path goes up before it goes down.
func steps(p string) (n int) {
	for part := range strings.SplitSeq(p, "/") {
		if part != ".." {
			break
		}
		n++
	}
	return n
}

// LeadsOut tells whether any path of the lock leads out of the lock's own folder.
func (l *Lock) LeadsOut() bool {
	return slices.ContainsFunc(l.Packages, func(p Package) bool {
		return p.Source.Path != "" && Outside(p.Source.Path) || slices.ContainsFunc(p.Files, func(f File) bool { return f.Path != "" && Outside(f.Path) })
	})
}

// shortCommit and longCommit are the lengths of SHA-1 and SHA-256 in hexadecimal digits.
const shortCommit, longCommit = 40, 64

// checkGit reports a Git source that does not say what will be built, or that runs commands.
func (s *source) checkGit(p *Package) {
	u, err := url.Parse(p.Source.URL)
	switch {
	case err != nil || u.Scheme == "" && !scpLike(p.Source.URL):
		s.tampered(p.Source.Pos, "%s: %q is not the address of a git repository", p.Name, p.Source.URL)
		return
	case err == nil && u.Scheme != "" && u.Scheme != "https" && u.Scheme != "http" && u.Scheme != "ssh" && u.Scheme != "git" &&
		u.Scheme != "file" || strings.Contains(p.Source.URL, "::") || strings.HasPrefix(p.Source.URL, "-"):
		s.tampered(p.Source.Pos, "%s: the git address %q is not for https or ssh", p.Name, p.Source.URL)
		return
	}
	if n := len(p.Source.Commit); n != shortCommit && n != longCommit || strings.Trim(p.Source.Commit, "0123456789abcdef") != "" {
		s.tampered(p.Source.Pos, "%s: the git source has no full commit", p.Name)
	}
}

// scpLike tells "git@host:path", which is no URL.
func scpLike(address string) bool {
	host, rest, ok := strings.Cut(address, ":")
	return ok && rest != "" && strings.Contains(host, "@") && !strings.ContainsAny(host, "/ ")
}
