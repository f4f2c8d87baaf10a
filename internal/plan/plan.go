// Package plan decides what an image holds and how it runs.
//
// Project, lock, facts of the base and target go in; a Plan comes out: the selected distributions with the file of each,
// the layers that they go into, the image's configuration, and for every decision who made it. The package is pure: no
// file is opened and no server is asked, so that a plan, and with it a digest, cannot depend on a cache or a day. Select
// answers for a target as the tool that wrote the lock would, and reports everything that stands against it at once.
//
// See https://packaging.python.org/en/latest/specifications/dependency-specifiers/ and
// https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/ for what is selected, and
// https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md for the configuration.
package plan

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/project"
	"github.com/lithe-build/lithe/internal/python/wheel"
)

// Input is everything that a plan depends on.
type Input struct {
	Project   *project.Project
	Config    project.Target // of Target
	Entry     project.EntryPoint
	Decisions []project.Evidence // of what stands above the project
	Packages  []Package          // selected for Target, with sizes, sorted by name
	Code      []Package          // selected as source code: of folders, and of repositories
	Target    Target
	Base      string // "debian:trixie"
	Facts     base.Facts
	Image     *base.Image // the base, where it is an image of a registry
	Compiler  string      // id of the bytecode compiler: the version of the interpreter
	Created   time.Time   // of the image
	System    []string    // Debian packages that the project asks for, sorted

	Certificates []string // names of files with certificates that the project adds, sorted

	Wheel     bool     // the project is installed as a wheel; else its files are copied
	Untracked []string // first-party files that version control does not know
}

// Plan is what will be built: pure data, a function of Input.
type Plan struct {
	Target       Target
	Base         string
	Python       string // "3.13.5"
	Interpreter  string // path in the image
	ABI          string // "cp313"
	Compiler     string
	Bytecode     bool      // of the standard library and dependencies
	OwnCode      bool      // bytecode of first-party code, too
	Packages     []Package // wheels
	Code         []Package // source code of folders and repositories, a layer each, sorted by name
	System       []string  // Debian packages that the project asks for, sorted
	Certificates []string  // as in Input
	Layers       []Layer   // of the wheels
	Overlaps     map[string]string
	Config       Config
	Processes    map[string][]string // the programs of the image by name, where it has several
	Test         []string            // what tests the project in the image; nil where nothing does
	Decisions    []project.Evidence
	Untracked    []string // for people to be told: the image does not depend on version control
}

// New plans an image.
func New(in Input) *Plan {
	cfg := in.Config
	return &Plan{
		Target: in.Target, Base: in.Base, Python: in.Facts.Python, Interpreter: in.Facts.Interpreter, ABI: in.Facts.ABI, Compiler: in.Compiler,
		Bytecode: cfg.Bytecode, OwnCode: cfg.Bytecode && in.Target.Name != "dev",
		Packages: in.Packages, Code: in.Code, System: in.System, Certificates: in.Certificates, Layers: split(in.Packages), Overlaps: cfg.Overlaps, Decisions: slices.Concat(in.Decisions, in.Project.Evidence, in.Entry.Evidence),
		Untracked: in.Untracked, Config: newConfig(in), Processes: in.Entry.Processes, Test: in.Entry.Test,
	}
}

// Minor returns the Python version without its last number, "3.13".
func (p *Plan) Minor() string { return base.Minor(p.Python) }

// MinorNumber returns 13 for Python 3.13.5.
func (p *Plan) MinorNumber() int { return base.MinorNumber(p.Python) }

// Project returns the name of the project.
func (p *Plan) Project() string { return p.Config.Labels[labelTitle] }

// Title names the project as its image does.
func (p *Plan) Title() string {
	if v := p.Config.Labels[labelVersion]; v != "" {
		return p.Project() + " " + v
	}
	return p.Project()
}

// CompilerID returns the id of the bytecode compiler, "" where dependencies get no bytecode.
func (p *Plan) CompilerID() string {
	if !p.Bytecode {
		return ""
	}
	return p.Compiler
}

// Scheme returns where the virtual environment of the image has its parts. It is the same for all projects, so that
// they can share layers.
func (p *Plan) Scheme() wheel.Scheme {
	return wheel.Scheme{Prefix: "venv", Python: "python" + p.Minor(), Interpreter: "/venv/bin/python"}
}

// MarshalJSON writes the plan as `lithe explain --json` shows it.
func (p *Plan) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Target     Target              `json:"target"`
		Base       string              `json:"base"`
		Python     string              `json:"python"`
		Entrypoint []string            `json:"entrypoint"`
		Processes  map[string][]string `json:"processes,omitempty"`
		Packages   []Package           `json:"packages"`
		RequiredBy []Required          `json:"requiredBy"`
		Layers     []Layer             `json:"layers"`
		Config     Config              `json:"config"`
		Decisions  []project.Evidence  `json:"decisions"`
		Untracked  []string            `json:"untracked,omitempty"`
	}{p.Target, p.Base, p.Python, p.Config.Entrypoint, p.Processes, p.All(), RequiredBy(p.All()), p.AllLayers(), p.Config, p.Decisions, p.Untracked})
}

// All returns the wheels and the source code, sorted by name.
func (p *Plan) All() []Package {
	if len(p.Code) == 0 {
		return p.Packages
	}
	all := slices.Concat(p.Packages, p.Code)
	slices.SortStableFunc(all, func(a, b Package) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// CodeLayer names the layer of source code.
func CodeLayer(pkg Package) Layer {
	l := Layer{Kind: ProjectLayer, Packages: []string{strings.TrimSpace(pkg.Name + " " + pkg.Version)}}
	if pkg.Kind == KindVCS { // somebody else's, and the same for every project
		l.Kind = WheelLayer
	}
	return l
}

// AllLayers returns every layer of the image in order.
func (p *Plan) AllLayers() []Layer {
	layers := []Layer{{Kind: BaseLayer, Packages: []string{p.Base}}, {Kind: InterpreterLayer, Packages: []string{"python " + p.Python}}}
	if len(p.System) > 0 {
		layers = append(layers, Layer{Kind: SystemLayer, Packages: p.System})
	}
	if len(p.Certificates) > 0 {
		layers = append(layers, Layer{Kind: CertificateLayer, Packages: p.Certificates})
	}
	layers = append(layers, p.Layers...)
	for _, pkg := range p.Code {
		layers = append(layers, CodeLayer(pkg))
	}
	return append(layers, Layer{Kind: ProjectLayer, Packages: []string{p.Title()}})
}
