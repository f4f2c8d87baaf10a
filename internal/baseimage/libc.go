package baseimage

import (
	"bytes"
	"context"
	"iter"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/lithe-build/lithe/internal/lazyregexp"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
)

// readLibc finds out the C library by which the interpreter is started. An image may hold another one beside it.
func readLibc(ctx context.Context, t *tree, p *program) (wheeltag.Libc, error) {
	if p.loader == "" {
		return wheeltag.Libc{}, problem("base-no-libc", "%s is linked statically, so that it cannot load packages with compiled code", p.path)
	}
	real, n, err := t.lookup(p.loader)
	if err != nil || n.kind != file {
		return wheeltag.Libc{}, problem("base-no-libc", "%s needs the dynamic loader %s, which is not in it", p.path, p.loader)
	}
	switch name := path.Base(p.loader); {
	case strings.HasPrefix(name, "ld-linux"):
		return readGlibc(ctx, t, p, real)
	case strings.HasPrefix(name, "ld-musl-"):
		return readMusl(ctx, t, real)
	}
	return wheeltag.Libc{}, problem("base-no-libc", "%s is started by %s, which is of neither glibc nor musl", p.path, p.loader)
}

// glibcBanner is what libc.so.6 prints when it is run, and glibcVersion a version of its symbols. A release without new
// symbols has no version of its own among them.
var (
	glibcBanner  = lazyregexp.New(`^GNU C Library [^\n]{1,200}? version (\d{1,2})\.(\d{1,2})`)
	glibcVersion = lazyregexp.New(`^\x00GLIBC_(2)\.(\d{1,2})\b`)
)

func readGlibc(ctx context.Context, t *tree, p *program, loader string) (wheeltag.Libc, error) {
	for _, dir := range append([]string{path.Dir(loader)}, libraryDirs(p.elf.Machine)...) {
		name := path.Join(dir, "libc.so.6")
		if !t.has(name) {
			continue
		}
		data, err := t.contents(ctx, name, maxFile)
		if err != nil {
			return wheeltag.Libc{}, err
		}
		if libc, ok := newest("glibc", data, "GNU C Library ", glibcBanner.Get()); ok {
			return libc, nil
		}
		if libc, ok := newest("glibc", data, "\x00GLIBC_2.", glibcVersion.Get()); ok {
			return libc, nil
		}
		return libc(name, "glibc")
	}
	return wheeltag.Libc{}, problem("base-no-libc", "%s needs glibc, and there is no libc.so.6 beside %s", p.path, loader)
}

func libc(name, family string) (wheeltag.Libc, error) {
	return wheeltag.Libc{}, problem("base-no-libc", "the version of %s cannot be told from %s", family, name)
}

// musl's loader is musl. It prints a banner with the version, which is a string of its own.
var (
	muslBanner  = []byte("musl libc (")
	muslVersion = lazyregexp.New(`^\x00(1)\.(\d{1,2})\.\d{1,2}(?:-git[^\x00]{0,40})?(?:\x00)`)
)

func readMusl(ctx context.Context, t *tree, loader string) (wheeltag.Libc, error) {
	data, err := t.contents(ctx, loader, maxFile)
	if err != nil {
		return wheeltag.Libc{}, err
	}
	if !strings.Contains(string(data), string(muslBanner)) {
		return libc(loader, "musl")
	}
	if v, ok := newest("musl", data, "\x001.", muslVersion.Get()); ok {
		return v, nil
	}
	return libc(loader, "musl")
}

// newest returns the highest of the versions that a pattern finds, where data has the text that it begins with.
func newest(family string, data []byte, begin string, pattern *regexp.Regexp) (best wheeltag.Libc, ok bool) {
	for window := range windows(data, begin) {
		m := pattern.FindSubmatch(window)
		if m == nil {
			continue
		}
		major, err1 := strconv.Atoi(string(m[1]))
		minor, err2 := strconv.Atoi(string(m[2]))
		if err1 == nil && err2 == nil && (!ok || major*1000+minor > best.Major*1000+best.Minor) {
			best, ok = wheeltag.Libc{Family: family, Major: major, Minor: minor}, true
		}
	}
	return best, ok
}

const (
	maxWindow  = 256     // bytes from the beginning of a text on; the longest that is looked for is a banner
	maxWindows = 1 << 12 // such beginnings; a glibc has some hundred
)

// windows yields what stands where data has the beginning of a text. A pattern that went through all of a hostile file would
// take minutes.
func windows(data []byte, begin string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for range maxWindows {
			i := bytes.Index(data, []byte(begin))
			if i < 0 || !yield(data[i:min(len(data), i+maxWindow)]) {
				return
			}
			data = data[i+1:]
		}
	}
}
