package base

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/lithe-build/lithe/internal/debian/archive"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/fetch"
)

// namedAfter returns the package that bears the name of a library, if there is one and it has the library. It is fetched for
// that, as it will be for an image.
func (c *catalogue) namedAfter(ctx context.Context, client *fetch.Client, opt Options, arch, soname string, asOf time.Time) (string, error) {
	for _, name := range packageNames(soname) {
		s := c.newest[name]
		if s == nil {
			continue
		}
		pin, err := s.pin(KindSystem, "root")
		if err != nil {
			return "", err
		}
		files, err := fetchPackages(ctx, client, []Pin{pin}, func(Pin) time.Time { return asOf }, opt, serialized(nil))
		if err != nil {
			return "", err
		}
		has, err := hasLibrary(files[0], soname, arch)
		if err != nil {
			return "", fmt.Errorf("package %s %s: %w", pin.Name, pin.Version, err)
		}
		if has {
			return name, nil
		}
	}
	return "", nil
}

// packageNames are the names that a package with a library has by policy 8.1: name and version of the soname in lower case,
// a hyphen between two digits; and since the time of 64 bits often with t64 behind it. A few leave the version out.
func packageNames(soname string) []string {
	name, version, ok := strings.Cut(soname, ".so.")
	if !ok || name == "" || version == "" {
		return nil
	}
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	plain := name // libpython3.13 has libpython3.13.so.1.0
	if last := name[len(name)-1]; last >= '0' && last <= '9' {
		name += "-"
	}
	return []string{name + version, name + version + "t64", plain}
}

// inBuilder adds the packages of a builder that have libraries which are not found yet. All of one are looked into that are
// made to be linked with: they are in the store, where something was built, and so much smaller than the index.
func (c *catalogue) inBuilder(ctx context.Context, client *fetch.Client, opt Options, arch string, b *Builder, sonames []string, found map[string]string) error {
	if b == nil || len(found) == len(sonames) {
		return nil
	}
	var pins []Pin
	for _, p := range b.Packages {
		if strings.HasPrefix(p.Name, "lib") && isVariant(p.Name) == 0 && c.newest[p.Name] != nil {
			pins = append(pins, p)
		}
	}
	files, err := fetchPackages(ctx, client, pins, b.asOf, opt, serialized(nil))
	if err != nil {
		return err
	}
	providers := map[string][]string{}
	for i, file := range files {
		libraries, err := librariesOf(file, arch)
		if err != nil {
			return fmt.Errorf("package %s %s: %w", pins[i].Name, pins[i].Version, err)
		}
		for _, name := range libraries {
			providers[name] = append(providers[name], pins[i].Name)
		}
	}
	for _, name := range sonames {
		if found[name] == "" && len(providers[name]) > 0 {
			found[name] = bestProvider(providers[name])
		}
	}
	return nil
}

// hasLibrary reports whether a verified .deb has a library where the loader, or an alternative, finds it.
func hasLibrary(file, soname, arch string) (bool, error) {
	libraries, err := librariesOf(file, arch)
	return slices.Contains(libraries, soname), err
}

// librariesOf returns the names of the libraries that a verified .deb has where the loader, or an alternative, finds them.
func librariesOf(file, arch string) (names []string, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p, err := archive.Read(f, archive.Options{MaxSize: maxUnpacked, Content: func(_ entry.Entry, r io.Reader) (entry.Content, error) {
		_, err := io.Copy(io.Discard, r)
		return entry.Bytes(nil), err
	}})
	if err != nil {
		return nil, err
	}
	for _, e := range p.Entries {
		if name := librarySoname(e.Path, arch); name != "" {
			names = append(names, name)
		}
	}
	return names, nil
}
