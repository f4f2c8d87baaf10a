package build

import (
	"cmp"
	"log/slog"
	"runtime"
	"time"

	"github.com/lithe-build/lithe/internal/artifact"
	"github.com/lithe-build/lithe/internal/cargo"
	"github.com/lithe-build/lithe/internal/destination"
	"github.com/lithe-build/lithe/internal/execute"
	"github.com/lithe-build/lithe/internal/lithelock"
	"github.com/lithe-build/lithe/internal/registry"
	"github.com/lithe-build/lithe/internal/trace"
)

// Options says what to build and from where. The zero value of a field is its default.
type Options struct {
	Dir           string // the project's folder
	Script        string // a script in it that is built alone, with its own lock; "" for a project
	Lock          string // lock file; "" means the configuration's, else the one that is found
	AllowUnhashed bool   // take pins of a requirements file without hashes; false means what the configuration says

	Target    string   // "prod" or "dev" or one of the configuration's; "" means "prod"
	Platforms []string // "linux/amd64", "linux/arm64"; nil means the configuration's, else that of this machine
	One       bool     // of several platforms, build only this machine's, else the first
	Package   string   // workspace member; "" means the configuration's, else the root
	Groups    []string // dependency groups beside the target's
	Extras    []string // extras beside the target's
	Base      string   // "" means the configuration's, else chosen by the Python version
	Python    string   // "3.13" or "3.13.5"; "" means what the project names, else what its lock allows

	Locked       bool      // change no lithe.lock, and refuse where it would have to change or a file is not tracked
	AllowExpired bool      // accept Debian indexes past their Valid-Until
	Stale        string    // "warn" goes on with a lock that does not fit pyproject.toml
	Created      time.Time // SOURCE_DATE_EPOCH; zero means lithe.lock's

	BuildEnv []string // "NAME=value", of the project's own build backend: versions that version control would tell

	Tags    []string // names for the image at its destinations
	Outputs []string // "oci:DIR", "docker-archive:FILE"
	Load    bool     // into the engine that answers
	Push    bool     // to the registries that the tags name

	Reuse           string // ReuseRegistry takes layers from where the image is pushed to; "" means the configuration's, "none" not at all
	LayerRepository string // that has layers of all projects; "" means the configuration's
	VerifyBuilds    bool   // build from source twice, and compare
	VerifyLayers    string // VerifyAll or VerifySample make reused layers, too, and compare

	Store                string // folder
	Offline              bool
	Timeout              time.Duration // how long a server may say nothing; 0 means a minute
	Attempts             int           // for each request; 0 means 5
	Jobs                 int           // things at once; 0 means the number of processors
	Index                artifact.IndexOptions
	DebianMirror         string
	DebianSecurityMirror string
	DebianSnapshot       string       // archive that keeps superseded packages; "" means Debian's own, with Debian's own mirrors
	StandaloneMirror     string       // of the releases of python-build-standalone; "" means its own
	Crates               cargo.Mirror // of crates.io
	DebianKeyring        []byte       // OpenPGP keys that may sign the suites, armoured or binary; nil means Debian's own
	Now                  time.Time    // what Valid-Until is compared with
	Executor             string       // of programs of the image; "" means the best that works
	Engine               destination.EngineOptions
	Registry             registry.Options

	Readings *Readings // that builds of members share, one after the other; nil means that this is the only one

	Log *slog.Logger // nil means silent
	On  func(Event)  // progress; nil means nobody looks
	// Trace records where the time goes; it is for one run. Nil means one that only counts for the result.
	Trace *trace.Recorder

	inside   string           // the folder that was given, where that is a member of a workspace: its path from Dir
	describe bool             // nothing is built, nor is any build backend asked
	lockOnly bool             // only lithe.lock is wanted, in which no file of the project is
	sums     *fingerprints    // of the project's files; nil where nothing is built
	isolated execute.Executor // runs what is not trusted in place of one that works here: tests need no compiler
	host     string           // platform of this machine; "" means that of the running program
	later    time.Duration    // what the clock that files are looked at by is ahead
}

// litheLock is the name of lithe.lock: a script has one of its own, since others may stand beside it.
func (o Options) litheLock() string {
	if o.Script != "" {
		return o.Script + "." + lithelock.Filename
	}
	return lithelock.Filename
}

// debianSnapshot is where Debian keeps every package that it ever published.
const debianSnapshot = "https://snapshot.debian.org/archive"

// snapshot leaves Debian's servers alone where the user named other mirrors.
func (o Options) snapshot() string {
	if o.DebianSnapshot == "" && o.DebianMirror == "" && o.DebianSecurityMirror == "" {
		return debianSnapshot
	}
	return o.DebianSnapshot
}

// registry completes the options of the registries' client.
func (o Options) registry() registry.Options {
	r := o.Registry
	r.Offline, r.Jobs, r.Stall, r.Attempts, r.Log, r.Trace = o.Offline, o.Jobs, o.Timeout, o.Attempts, o.Log, o.Trace
	return r
}

func (o Options) readings() *Readings { return cmp.Or(o.Readings, &Readings{}) }

func (o Options) jobs() int {
	if o.Jobs > 0 {
		return o.Jobs
	}
	return runtime.GOMAXPROCS(0)
}

// maxLayers bounds memory on machines with many processors. A layer that is made takes some 35 MB for its compressors, of
// which it has several, so that four layers keep all processors busy: 16 of them took 565 MB, and 4 took 189 MB.
const maxLayers = 4

// layersAtOnce is how many layers are made side by side.
func (o Options) layersAtOnce() int { return min(o.jobs(), maxLayers) }

// maxBuilds bounds memory: a compiler of C++ takes some 500 MB, and each build starts as many as there are processors.
const maxBuilds = 4

// buildsAtOnce is how many sources are built side by side.
func (o Options) buildsAtOnce() int { return min(o.jobs(), maxBuilds) }

func (o Options) on(e Event) {
	if o.On != nil {
		o.On(e)
	}
}
