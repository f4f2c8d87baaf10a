// Package bench times builds: lithe's own beside hand-written Dockerfiles, on one project, in one run, interleaved.
//
// A folder and options go in, a Result comes out, with the least, the median and the most of each scenario and contender. It
// always holds that nothing of the user's is touched: the project is copied, lithe has stores of its own, images bear names
// of their own, and what a run put into the Docker engine is removed from it afterwards. A build that did not do its work
// is an error and no time: after a change the image must be another one, after none it must be the same.
//
// Contenders are timed as processes, from the start of the command to its end, as a user waits for them.
package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/lithe-build/lithe/internal/diag"
)

// Options say what is timed. Dir, Program and Log are required.
type Options struct {
	Dir     string   // the project
	Program string   // lithe itself, which is started for each build
	Title   string   // of the result; "" means the folder's name
	Against []string // Dockerfiles of peers
	Ways    []string // of lithe: see Ways; nil means all that work here
	Only    []string // names of scenarios; nil means all that are possible
	Runs    int      // of each; 0 means 5

	Changes map[string]string // by scenario: a folder whose files replace those of the project
	Source  string            // file that is changed, relative to Dir; "" means one that is found
	First   bool              // time the very first build as well, which downloads the whole base each time

	Registry    string   // repository that images are pushed below; "" means a registry of its own on the loopback
	Reuse       bool     // the program knows --reuse=registry
	Disposable  bool     // the engine is for this benchmark alone: everything in it but base images may be removed
	DockerFlags []string // further flags of `docker build`

	Now time.Time
	Log func(format string, args ...any) // what goes on
}

// defaultRuns is enough for a median, and for seeing what does not repeat.
const defaultRuns = 5

// Run times everything and returns the result.
func Run(ctx context.Context, opt Options) (result *Result, err error) {
	if opt.Runs <= 0 {
		opt.Runs = defaultRuns
	}
	work, err := os.MkdirTemp("", "lithe-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	r := &runner{opt: opt, work: work, times: map[string]map[string][]float64{}}
	if err := r.prepare(ctx); err != nil {
		return nil, errors.Join(err, r.close())
	}
	err = r.all(ctx)
	if err == nil {
		result = r.result(ctx)
	}
	return result, errors.Join(err, r.close())
}

// runner is one benchmark under way.
type runner struct {
	opt        Options
	work       string // folder for everything
	project    *project
	engine     *engine // nil where no contender needs one
	registry   *ownRegistry
	repository string // below which images are pushed; "" where no scenario needs it
	contenders []contender
	scenarios  []scenario
	left       []Omission
	base       string    // "debian:trixie"
	emptied    bool      // the engine has lost its base images
	loads      []float64 // of the machine, before each run

	times map[string]map[string][]float64 // by scenario and contender: seconds, or bytes
	cpu   map[string]map[string][]float64 // seconds of the process, where it tells something
}

// contender builds images.
type contender interface {
	name() string
	describe() Contender
	// forget removes what earlier rounds left; what a base is made of stays. With all it goes as well.
	forget(ctx context.Context, all bool) error
	// build builds the project in dir, and pushes it where that is wanted.
	build(ctx context.Context, dir string, push bool) (outcome, error)
	// loseRunner brings the contender to a machine that never built: only the registry remembers.
	loseRunner(ctx context.Context) error
	// size returns the bytes of the image that was built last.
	size(ctx context.Context) (packed, unpacked int64, err error)
}

// outcome is one build.
type outcome struct {
	took  time.Duration
	cpu   time.Duration // of the process; 0 where somebody else does the work
	image string        // what tells images apart
}

// all does every run. Who goes first changes from run to run.
func (r *runner) all(ctx context.Context) error {
	order := slices.Clone(r.contenders)
	for run := range r.opt.Runs {
		for _, c := range order {
			r.loads = append(r.loads, loadAverage())
			r.opt.Log("run %d of %d: %s", run+1, r.opt.Runs, c.name())
			if err := r.round(ctx, run, c); err != nil {
				return fmt.Errorf("%s: %w", c.name(), err)
			}
		}
		order = append(order[1:], order[0])
	}
	return nil
}

// round does all scenarios of one contender, each from the state that the one before left.
func (r *runner) round(ctx context.Context, run int, c contender) error {
	dir := filepath.Join(r.work, "copies", c.name())
	s := &state{runner: r, contender: c, dir: dir, run: run}
	if r.scenarios[0].Name != cold { // which begins so
		if err := s.reset(ctx); err != nil {
			return err
		}
	}
	for _, sc := range r.scenarios {
		if sc.push && !c.describe().Pushes || sc.Name == first && c.describe().Peer && !r.loses() {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.time(ctx, sc); err != nil {
			return fmt.Errorf("%s: %w", sc.Name, err)
		}
	}
	return nil
}

// note keeps a value of a scenario.
func (r *runner) note(scenario, contender string, value float64) {
	if r.times[scenario] == nil {
		r.times[scenario] = map[string][]float64{}
	}
	r.times[scenario][contender] = append(r.times[scenario][contender], value)
}

// noteCPU keeps the processor time of a build.
func (r *runner) noteCPU(scenario, contender string, cpu time.Duration) {
	if r.cpu == nil {
		r.cpu = map[string]map[string][]float64{}
	}
	if r.cpu[scenario] == nil {
		r.cpu[scenario] = map[string][]float64{}
	}
	r.cpu[scenario][contender] = append(r.cpu[scenario][contender], cpu.Seconds())
}

// close removes what the run put anywhere but into its folder.
func (r *runner) close() error {
	ctx := context.Background() // of an interrupted run, too
	var errs []error
	if r.engine != nil {
		errs = append(errs, r.engine.tidy(ctx))
	}
	if r.registry != nil {
		errs = append(errs, r.registry.close())
	}
	return errors.Join(errs...)
}

// problem is something that the user can mend.
func problem(code, hint, format string, args ...any) error {
	return &diag.Error{Code: code, What: fmt.Sprintf(format, args...), Hint: hint}
}
