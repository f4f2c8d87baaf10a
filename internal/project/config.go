package project

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/lithe-build/lithe/internal/diag"
)

// Config is [tool.lithe] of pyproject.toml, or lithe.toml where there is no pyproject.toml.
type Config struct {
	Base          string   // "debian", "debian:SUITE"; "" means that the Python version chooses
	Python        string   // "3.13" or "3.13.5"; "" means inferred
	Platforms     []string // "linux/amd64"; nil means the host's Linux equivalent
	Lock          string   // path of the lock file; "" means found
	SourceRoot    string   // folder above the project that holds all code, \"..\"; \"\" means that of the repository
	AllowUnhashed bool     // take pins of a requirements file that have no hash
	Package       string   // workspace member; "" means the root
	Bytecode      bool     // compile .py files; true by default
	Files         FileRules
	Entrypoint    []string // nil means inferred
	Cmd           []string
	Processes     map[string][]string // further programs by name
	Test          []string            // what `lithe test` runs; nil means inferred
	Env           map[string]string
	Labels        map[string]string
	// Annotations go into the manifest, Labels into the configuration.
	Annotations     map[string]string
	Ports           []string // "8000/tcp"
	Volumes         []string // absolute paths
	User            string   // "65532:65532", numeric, never 0
	Workdir         string   // "/app"
	StopSignal      string   // "SIGTERM"; "" means inferred
	Healthcheck     *Healthcheck
	Overlaps        map[string]string // path in the image → normalized name of the distribution that wins
	Reuse           string            // "registry" or "none"; "" where nothing is said
	LayerRepository string            // of a registry, with layers of several projects
	// ConfigSettings are for build backends, by normalized name of the distribution that is built.
	ConfigSettings map[string]map[string]string
	// AcceptMissing are globs of libraries that need not be in the image, although files of it need them.
	AcceptMissing []string

	CACertificates  []Placed // paths of files with certificates
	SystemLibraries bool     // packages of Debian follow from what distributions need; true by default
	SystemPackages  []SystemPackage
	BuildPackages   []SystemPackage
	AptSources      []AptSource // where both may come from beside Debian's own archive

	Build              []Step   // commands that make files
	Collectstatic      bool     // of Django; whether it is set, Position says
	Compilemessages    bool     // likewise
	AcceptUnrunScripts []string // names of Debian packages

	positions map[string]diag.Position // of every value that is set, by key
	place     string                   // "lithe.toml", where it is that
}

// Place says for hints where the keys stand: "[tool.lithe]" or "lithe.toml".
func (c Config) Place() string { return cmp.Or(c.place, "[tool.lithe]") }

// SystemPackage is a Debian package that the program needs.
type SystemPackage struct {
	Want string        // "libpq5" or "libpq5=17.6-0+deb13u1"
	Pos  diag.Position // of the value
}

// Placed is a text of the configuration, with where it stands.
type Placed struct {
	Text string
	Pos  diag.Position
}

// FileRules say which files of the project go into the image, beyond the rules that hold without them.
type FileRules struct {
	Include []Include // files that would stay out
	Exclude []string  // globs of files that stay out whatever else says
}

// Include names files that go into the image although a rule leaves them out.
type Include struct {
	Path string        // glob, relative to the project
	To   string        // where they go: absolute, or relative to /app; "" means where they stand in the project
	Pos  diag.Position // of the value
}

// Healthcheck is the command by which an engine sees whether the program is well.
type Healthcheck struct {
	Command     []string      `json:"command"`
	Path        string        `json:"path,omitempty"`     // what is asked for by HTTP, in place of a command
	Interval    time.Duration `json:"interval,omitempty"` // 0, here and below, means the engine's default
	Timeout     time.Duration `json:"timeout,omitempty"`
	StartPeriod time.Duration `json:"startPeriod,omitempty"`
	Retries     int           `json:"retries,omitempty"`
}

// Target is the configuration of one target of the build.
type Target struct {
	Config
	Name   string
	Groups []string // dependency groups, beside those that the name of the target stands for
	Extras []string // of the project
	Shell  bool     // the image has a shell
	// Sources puts all files of the project into /app, also of a package, and those that configure its tools.
	Sources bool
}

// devTarget is the target for those who work on the project.
const devTarget = "dev"

// shellPackages are Debian's smallest shell, and the tools that it wants.
var shellPackages = []string{"busybox", "dash"}

// finish adds what keys of the target stand for.
func (t *Target) finish() {
	if !t.Shell {
		return
	}
	pos := t.positions["shell"]
	t.SystemPackages = slices.Clone(t.SystemPackages)
	for _, name := range shellPackages {
		if !slices.ContainsFunc(t.SystemPackages, func(s SystemPackage) bool { want, _, _ := strings.Cut(s.Want, "="); return want == name }) {
			t.SystemPackages = append(t.SystemPackages, SystemPackage{Want: name, Pos: pos})
		}
	}
}

// defaults is what holds without configuration.
func defaults() Config {
	return Config{Bytecode: true, SystemLibraries: true, User: "65532:65532", Workdir: "/app", positions: map[string]diag.Position{}}
}

// Position returns where a key is set, such as "files.include"; ok is false where the default holds.
func (c Config) Position(key string) (pos diag.Position, ok bool) {
	pos, ok = c.positions[key]
	return pos, ok
}

// clone copies what decoding into a target would otherwise change in the configuration that the target starts from.
// Slices are replaced, never written to, so they may be shared.
func (c Config) clone() Config {
	c.Env, c.Labels, c.Annotations = maps.Clone(c.Env), maps.Clone(c.Labels), maps.Clone(c.Annotations)
	c.Processes = maps.Clone(c.Processes)
	c.Overlaps, c.positions = maps.Clone(c.Overlaps), maps.Clone(c.positions)
	if c.Healthcheck != nil {
		h := *c.Healthcheck
		c.Healthcheck = &h
	}
	return c
}

// Target returns the configuration of a target: that of [tool.lithe], with what [tool.lithe.targets.NAME] says instead
// or, in tables, in addition. The targets prod and dev exist without being configured.
func (p *Project) Target(name string) (Target, error) {
	if t, ok := p.targets[name]; ok {
		return t, nil
	}
	if name == "prod" || name == devTarget {
		return Target{Config: p.Config, Name: name, Sources: name == devTarget}, nil
	}
	names := append(slices.Collect(maps.Keys(p.targets)), "prod", devTarget)
	slices.Sort(names)
	names = slices.Compact(names)
	return Target{}, &diag.Error{Pos: diag.Position{File: p.ConfigFile}, Code: "unknown-target",
		What: "there is no target " + quoted(name), Hint: suggestion(name, names, "the targets are ")}
}

// SystemNeeds returns the Debian packages that the program needs.
func (c Config) SystemNeeds() []SystemPackage { return c.SystemPackages }

// BuildNeeds returns the Debian packages that building needs.
func (c Config) BuildNeeds() []SystemPackage {
	all := slices.Clone(c.BuildPackages)
	for _, s := range c.Build {
		all = append(all, s.Packages...)
	}
	return all
}

// MayLack reports whether a library need not be in the image although files of it need it.
func (c Config) MayLack(library string) bool {
	return slices.ContainsFunc(c.AcceptMissing, func(glob string) bool {
		ok, err := path.Match(glob, library)
		return ok && err == nil
	})
}

// MayLack is that of every target.
func (p *Project) MayLack(library string) bool {
	if !p.Config.MayLack(library) {
		return false
	}
	for _, t := range p.targets {
		if !t.MayLack(library) {
			return false
		}
	}
	return true
}

// Packages returns the Debian packages that any target asks for, by one of the keys. lithe.lock has all of them, so that it does not
// depend on which target was built first.
func (p *Project) Packages(needs func(Config) []SystemPackage) []SystemPackage {
	all := slices.Clone(needs(p.Config))
	for _, name := range slices.Sorted(maps.Keys(p.targets)) {
		all = append(all, needs(p.targets[name].Config)...)
	}
	return all
}
