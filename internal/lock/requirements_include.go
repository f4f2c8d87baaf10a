package lock

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lazyregexp"
)

// include reads another file, whose path is relative to the one that names it.
func (r *requirementsReader) include(o option, constraint bool) {
	problem := &diag.Error{Pos: o.pos, Code: "include"}
	target := path.Join(path.Dir(r.file), cleanPath(o.value))
	switch {
	case addressOf(o.value) != "":
		problem.What = o.name + " " + quoted(o.value) + " is an address: what it says may change any day"
		problem.Hint = "download it into the project"
	case path.IsAbs(cleanPath(o.value)) || Outside(target) && !r.beside(target):
		problem.What = o.name + " " + quoted(o.value) + " leads out of the project"
		problem.Hint = "move the file into the project, and build from the folder that holds both"
	case slices.Contains(r.reading, target):
		problem.What = o.name + " " + quoted(o.value) + " includes a file that is being read: " + strings.Join(append(r.reading, target), " -> ")
		problem.Hint = "remove one of these lines"
	case r.included >= maxIncludes:
		problem.What = o.name + " " + quoted(o.value) + ": too many files"
		problem.Hint = "put them into one"
	default:
		r.readIncluded(o, target, constraint)
		return
	}
	r.report(problem)
}

// beside tells whether a path is below the folder of a lock file that stands outside of the project itself.
func (r *requirementsReader) beside(target string) bool {
	own := path.Dir(r.reading[0])
	return Outside(own) && strings.HasPrefix(target, own+"/")
}

// readIncluded reads a file whose path is harmless.
func (r *requirementsReader) readIncluded(o option, target string, constraint bool) {
	r.included++
	data, err := r.beneath(target)
	if r.bytes += len(data); err == nil && r.bytes > maxLock {
		err = errTooLarge
	}
	if err != nil {
		what := err.Error()
		if errors.Is(err, fs.ErrNotExist) {
			what = "there is no such file"
		}
		r.report(&diag.Error{Pos: o.pos, Code: "include", What: o.name + " " + quoted(o.value) + ": " + what, Err: err,
			Hint: "the path is relative to the file that names it"})
		return
	}
	before := r.constraint
	r.constraint = before || constraint
	r.readText(target, data)
	r.constraint = before
}

// setIndex sets the default index. The last one in the file counts, as in pip.
func (r *requirementsReader) setIndex(o option) { r.indexes[0], r.indexPos[0] = o.value, o.pos }

// addIndex adds an index that is asked for what the default one lacks. Since every file has a hash, it cannot offer
// another file under a known name.
func (r *requirementsReader) addIndex(o option) {
	if len(r.indexes) <= maxIncludes && !slices.Contains(r.indexes, o.value) {
		r.indexes, r.indexPos = append(r.indexes, o.value), append(r.indexPos, o.pos)
	}
}

// findLinks is not followed: the pages and folders that it means have no form that anybody checks.
func (r *requirementsReader) findLinks(o option) {
	r.warn(o.pos, "unsupported-find-links", "%s %s is passed over: lithe asks package indexes", o.name, quoted(o.value))
}

// checkIndexes refuses an index whose answers anybody on the way can change, as pip does, and takes credentials out.
func (r *requirementsReader) checkIndexes() {
	if r.noIndex {
		r.report(&diag.Error{Pos: diag.Position{File: r.path}, Code: "unsupported-no-index",
			What: "--no-index leaves only the folders and pages of --find-links, which lithe does not read",
			Hint: "name a package index with --index-url"})
	}
	for i, written := range r.indexes {
		if written != "" {
			r.indexes[i] = r.knowIndex("", written, r.indexPos[i])
		}
	}
}

// knowIndex checks the address of an index and returns it without credentials, which only the lock's list keeps.
func (s *source) knowIndex(label, written string, pos diag.Position) string {
	plain := written
	scheme, rest, ok := strings.Cut(written, "://")
	authority, after, _ := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		authority = authority[at+1:]
		plain = scheme + "://" + authority
		if after != "" || strings.HasSuffix(rest, "/") {
			plain += "/" + after
		}
	}
	shown := plain
	if !ok || scheme != "https" && scheme != "http" || authority == "" {
		s.report(&diag.Error{Pos: pos, Code: "index-url", What: quoted(shown) + " is not the address of a package index",
			Hint: "an index is such as https://pypi.org/simple"})
		return ""
	}
	if scheme == "http" && !slices.Contains(s.insecure, hostOf(authority)) && !isLoopback(hostOf(authority)) {
		s.report(&diag.Error{Pos: pos, Code: "index-insecure", What: "the index " + quoted(shown) + " is reached by http, which anybody on the way can change",
			Hint: "use https, or name the host with --trusted-host"})
	}
	if len(s.indexes) > maxIndexes {
		s.report(&diag.Error{Pos: pos, Code: "too-large", What: fmt.Sprintf("more than %d package indexes", maxIndexes), Hint: "leave those that the packages are from"})
		return plain
	}
	s.indexes = append(s.indexes, Index{Name: label, URL: written, Pos: pos})
	return plain
}

// variable is an environment variable in an address. It is left there: what it holds is for who opens the address.
var variable = lazyregexp.New(`\$\{[A-Z0-9_]+\}`)

// hostOf returns the host of "host:port".
func hostOf(authority string) string {
	u := url.URL{Host: authority}
	return u.Hostname()
}

// isLoopback tells this machine, to which nobody is on the way.
func isLoopback(host string) bool {
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
}
