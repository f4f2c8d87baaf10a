package baseimage

import (
	"context"
	"path"
	"slices"
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
	glibcBanner  = lazyregexp.New(`GNU C Library [^\n]{1,200}? version (\d{1,2})\.(\d{1,2})`)
	glibcVersion = lazyregexp.New(`\x00GLIBC_(2)\.(\d{1,2})\b`)
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
		found := glibcBanner.Get().FindAllSubmatch(data, -1)
		if len(found) == 0 {
			found = glibcVersion.Get().FindAllSubmatch(data, -1)
		}
		if libc, ok := newest("glibc", found); ok {
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
	muslVersion = lazyregexp.New(`\x00(1)\.(\d{1,2})\.\d{1,2}(?:-git[^\x00]{0,40})?(?:\x00)`)
)

func readMusl(ctx context.Context, t *tree, loader string) (wheeltag.Libc, error) {
	data, err := t.contents(ctx, loader, maxFile)
	if err != nil {
		return wheeltag.Libc{}, err
	}
	if !strings.Contains(string(data), string(muslBanner)) {
		return libc(loader, "musl")
	}
	if v, ok := newest("musl", muslVersion.Get().FindAllSubmatch(data, -1)); ok {
		return v, nil
	}
	return libc(loader, "musl")
}

// newest returns the highest of some matches with major and minor number.
func newest(family string, found [][][]byte) (wheeltag.Libc, bool) {
	var all []wheeltag.Libc
	for _, m := range found {
		major, err1 := strconv.Atoi(string(m[1]))
		minor, err2 := strconv.Atoi(string(m[2]))
		if err1 == nil && err2 == nil {
			all = append(all, wheeltag.Libc{Family: family, Major: major, Minor: minor})
		}
	}
	if len(all) == 0 {
		return wheeltag.Libc{}, false
	}
	return slices.MaxFunc(all, func(a, b wheeltag.Libc) int { return (a.Major-b.Major)*1000 + a.Minor - b.Minor }), true
}
