package base

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/lazyregexp"
	"github.com/lithe-build/lithe/internal/python/version"
)

// Where python-build-standalone is published. The file that tells the newest release is on a branch of the repository,
// and no server of an API needs to be asked.
const (
	standaloneMirror = "https://github.com/astral-sh/python-build-standalone/releases/download"
	standaloneLatest = "https://raw.githubusercontent.com/astral-sh/python-build-standalone/latest-release/latest-release.json"
	latestFile       = "latest-release.json" // on a mirror
	sumsFile         = "SHA256SUMS"
)

// Caps on what tells about releases.
const (
	maxLatest = 64 << 10 // bytes; it has four lines
	maxSums   = 4 << 20  // bytes; one of 2026 has 0.2 MB
)

// maxArchive is in bytes; one has 30 MB without debug symbols, and 100 MB with them.
const maxArchive = 1 << 30

// resolveStandalone picks the packages below a standalone Python, and its archive for each platform.
func resolveStandalone(ctx context.Context, client *fetch.Client, n standaloneName, opt Options, on func(Event)) (*Pins, error) {
	pins, err := resolve(ctx, client, standaloneSuite(), opt, on)
	if err != nil {
		return nil, err
	}
	pins.Name = n.String()
	if opt.Archive != "" { // what the name meant for other platforms
		if n, _, err = parseStandalone(standaloneKind + ":" + opt.Archive); err != nil {
			return nil, err
		}
	}
	found, err := opt.findArchives(ctx, client, n, on)
	if err != nil {
		return nil, err
	}
	for i, a := range found {
		if a.Size, err = client.Size(ctx, opt.standaloneURL(a.Path)); err != nil {
			return nil, err
		}
		if a.Size > maxArchive {
			return nil, fmt.Errorf("%s has %d bytes, more than %d", a.Path, a.Size, maxArchive)
		}
		pins.Platforms[i].Standalone = a
		if _, err := a.facts(pins.Platforms[i].Packages); err != nil {
			return nil, err
		}
	}
	return pins, nil
}

// findArchives returns the archives of all platforms, of one release and one version.
func (o Options) findArchives(ctx context.Context, client *fetch.Client, n standaloneName, on func(Event)) ([]*Archive, error) {
	releases, err := o.releasesFor(ctx, client, n)
	if err != nil {
		return nil, err
	}
	var lacking error
	for _, release := range releases {
		on(Event{Stage: "index", Item: "python-build-standalone " + release})
		all, err := o.readSums(ctx, client, release)
		if err != nil {
			return nil, err
		}
		found, err := pickArchives(all, n, release, o.Platforms)
		if err == nil {
			return found, nil
		}
		if lacking == nil {
			lacking = err
		}
	}
	return nil, lacking
}

// releasesFor returns the releases that may have a Python, the best first: the one that is named, else the newest, else
// the last one of which lithe knows that it has it. A Python that newer releases had no more when lithe was made is not
// looked for in them.
func (o Options) releasesFor(ctx context.Context, client *fetch.Client, n standaloneName) ([]string, error) {
	if n.release != "" {
		return []string{n.release}, nil
	}
	table := standaloneKnown()
	if n.python == "" {
		n.python = Minor(table[0].python)
	}
	k, ok := newestKnown(n.python)
	last, _ := newestKnown(Minor(n.python))
	if ok && (k != last || k.release < table[0].release) {
		return []string{k.release}, nil
	}
	newest, err := o.latestRelease(ctx, client)
	if errors.Is(err, fetch.ErrNotFound) { // a mirror of the releases alone
		newest, err = table[0].release, nil
	}
	if err != nil {
		return nil, err
	}
	releases := []string{newest}
	if ok && k.release != newest {
		releases = append(releases, k.release)
	}
	return releases, nil
}

var releaseTag = lazyregexp.New(`^[0-9]{8}$`)

// latestRelease asks which release is the newest.
func (o Options) latestRelease(ctx context.Context, client *fetch.Client) (string, error) {
	url := standaloneLatest
	if o.StandaloneMirror != "" {
		url = o.standaloneURL(latestFile)
	}
	data, _, _, err := client.Document(ctx, url, nil, maxLatest)
	if err != nil {
		return "", err
	}
	var latest struct {
		Tag string `json:"tag"`
	}
	if err := json.Unmarshal(data, &latest); err != nil || !releaseTag.MatchString(latest.Tag) {
		return "", &diag.Error{Code: "standalone-release", What: fetch.Redact(url) + " does not tell the newest release of python-build-standalone",
			Hint: `name another mirror with --standalone-mirror, or a release as in base = "standalone:3.12+20261021"`}
	}
	return latest.Tag, nil
}

// readSums returns the archives of a release that can be a base.
func (o Options) readSums(ctx context.Context, client *fetch.Client, release string) ([]listed, error) {
	url := o.standaloneURL(release + "/" + sumsFile)
	data, _, _, err := client.Document(ctx, url, nil, maxSums)
	if errors.Is(err, fetch.ErrNotFound) {
		return nil, &diag.Error{Code: "standalone-release", What: fmt.Sprintf("there is no release %s of python-build-standalone at %s", release, fetch.Redact(url)),
			Hint: "https://github.com/astral-sh/python-build-standalone/releases lists them; --standalone-mirror names another mirror", Err: err}
	}
	if err != nil {
		return nil, err
	}
	return parseSums(data, release), nil
}

// listed is an archive as SHA256SUMS lists it.
type listed struct {
	Archive
	platform string
	stripped bool // of debug symbols
}

// sumsLine is a line of SHA256SUMS about a CPython for any processor of a platform, in the form that is only to be
// installed, as sha256sum(1) writes it. Others (musl, free-threaded, for newer processors, full, previews) are passed over.
var sumsLine = lazyregexp.New(`^([0-9a-f]{64}) [ *](cpython-(3\.[0-9]{1,3}\.[0-9]{1,3})\+([0-9]{8})-(x86_64|aarch64)-unknown-linux-gnu-install_only(_stripped)?\.tar\.gz)$`)

var standalonePlatforms = map[string]string{"x86_64": "linux/amd64", "aarch64": "linux/arm64"}

func parseSums(data []byte, release string) (all []listed) {
	for line := range strings.Lines(string(data)) {
		m := sumsLine.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		if m == nil || m[4] != release {
			continue
		}
		all = append(all, listed{platform: standalonePlatforms[m[5]], stripped: m[6] != "",
			Archive: Archive{Python: m[3], Release: release, Hash: "sha256:" + m[1], Path: release + "/" + m[2]}})
	}
	return all
}

// pickArchives returns an archive for each platform: all of the newest version that fits the name and that every
// platform has. Debug symbols are left out where that is possible.
func pickArchives(all []listed, n standaloneName, release string, platforms []string) ([]*Archive, error) {
	byVersion := map[string]map[string]listed{}
	for _, l := range all {
		if byVersion[l.Python] == nil {
			byVersion[l.Python] = map[string]listed{}
		}
		if old, ok := byVersion[l.Python][l.platform]; !ok || l.stripped && !old.stripped {
			byVersion[l.Python][l.platform] = l
		}
	}
	var whole []string // versions that all platforms have
	for python, on := range byVersion {
		if !slices.ContainsFunc(platforms, func(p string) bool { return on[p].Path == "" }) {
			whole = append(whole, python)
		}
	}
	slices.SortFunc(whole, newerFirst)
	i := slices.IndexFunc(whole, func(python string) bool { return n.python == "" || python == n.python || Minor(python) == n.python })
	if i < 0 {
		return nil, lacksPython(n, release, platforms, whole)
	}
	var found []*Archive
	for _, p := range platforms {
		found = append(found, new(byVersion[whole[i]][p].Archive))
	}
	return found, nil
}

func newerFirst(a, b string) int {
	va, errA := version.Parse(a)
	vb, errB := version.Parse(b)
	if errA != nil || errB != nil { // not of a line that fits the form
		return strings.Compare(b, a)
	}
	return vb.Compare(va)
}

func lacksPython(n standaloneName, release string, platforms, has []string) error {
	list := "none that lithe can use"
	if len(has) > 0 {
		list = strings.Join(has, ", ")
	}
	other := "DATE"
	if k, ok := newestKnown(n.python); ok && k.release != release {
		other = k.release
	}
	return &diag.Error{Code: "standalone-python",
		What: fmt.Sprintf("release %s of python-build-standalone has no Python %s for %s: it has %s", release, n.python, strings.Join(platforms, " and "), list),
		Hint: fmt.Sprintf("name one of these, or a release that has it, as in base = \"standalone:%s+%s\"; "+
			"https://github.com/astral-sh/python-build-standalone/releases lists them", n.python, other)}
}

// standaloneURL is where a file of the releases is. Some servers take a plus for a blank.
func (o Options) standaloneURL(name string) string {
	mirror := o.StandaloneMirror
	if mirror == "" {
		mirror = standaloneMirror
	}
	return strings.TrimRight(mirror, "/") + "/" + strings.ReplaceAll(name, "+", "%2B")
}
