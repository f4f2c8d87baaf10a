package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lithe-build/lithe/internal/bench"
	"github.com/lithe-build/lithe/internal/store"
)

const benchHelp = `Time builds of the project in DIR, beside Dockerfiles where some are given: cold, unchanged, a changed source, a changed
dependency, and on a fresh runner that only the registry remembers.

The project is copied, and nothing of yours is touched: lithe has stores of its own, images in the engine bear names of
their own, and what the run put there goes at the end. Each contender is timed in turn, as a command from start to end; who
goes first changes from run to run. A build after a change must give another image, or it is an error and no time.

  lithe bench                                        lithe alone
  lithe bench --against Dockerfile                   beside a Dockerfile, by the Docker engine's BuildKit
  lithe bench --change main=../more --change dev=../mypy
                                                     with folders whose pyproject.toml and lock replace the project's
  lithe bench --json > result.json                   for later
  lithe bench --from result.json --svg chart.svg     a chart of it`

// benchFlags are the flags of lithe bench.
type benchFlags struct {
	opt                     bench.Options
	changes                 []string
	json, markdown          bool
	svg, from               string
	against, only, ways, df []string
}

func (a *app) benchCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "bench [DIR]", Short: "time builds of a project, beside Dockerfiles", Long: benchHelp, Args: maximumArgs(1)}
	b := &benchFlags{}
	f := cmd.Flags()
	f.StringArrayVar(&b.against, "against", nil, "`Dockerfile` to time as well, called after its file; may be repeated")
	f.IntVar(&b.opt.Runs, "runs", 0, "`number` of runs; by default 5")
	f.StringSliceVar(&b.only, "scenario", nil, "`names` of the scenarios to time: "+strings.Join(bench.ScenarioNames(), ", "))
	f.StringSliceVar(&b.ways, "way", nil, "`ways` in which lithe builds: "+strings.Join(bench.Ways(), ", "))
	f.StringArrayVar(&b.changes, "change", nil, "`NAME=FOLDER` with files that replace the project's for the scenario main or dev; may be repeated")
	f.StringVar(&b.opt.Source, "source", "", "`file` of the project to change; by default the first Python file nearest to the top")
	f.StringVar(&b.opt.Registry, "registry", "", "`repository` to push below, such as registry.example/bench; by default a registry of its own on the loopback")
	f.BoolVar(&b.opt.First, "first", false, "time the very first build, too, which downloads the whole base each time")
	f.BoolVar(&b.opt.Disposable, "disposable-engine", false, "the engine is for this benchmark alone: remove its build cache, and with --first its images")
	f.StringArrayVar(&b.df, "docker-flag", nil, "further `flag` of docker build, such as --network=host; may be repeated")
	f.StringVar(&b.opt.Title, "title", "", "`title` of the result; by default the name of the folder")
	f.BoolVar(&b.json, "json", false, "print JSON")
	f.BoolVar(&b.markdown, "markdown", false, "print Markdown")
	f.StringVar(&b.svg, "svg", "", "write a bar chart to a `file`")
	f.StringVar(&b.from, "from", "", "time nothing, and show the result in a `file` that --json printed")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if b.json && b.markdown {
			return usagef("--json and --markdown are two forms of one output: give one of them")
		}
		if err := checkFile(b.svg, "svg"); err != nil {
			return err
		}
		result, err := a.benchResult(cmd, b, args)
		if err != nil {
			return err
		}
		return a.showBench(b, result)
	}
	return cmd
}

// benchResult times, or reads what was timed before.
func (a *app) benchResult(cmd *cobra.Command, b *benchFlags, args []string) (*bench.Result, error) {
	if b.from != "" {
		f, err := os.Open(b.from)
		if err != nil {
			return nil, usagef("--from: %v", err)
		}
		defer f.Close()
		result, err := bench.Read(f)
		if err != nil {
			return nil, usagef("--from: %s is no result of lithe bench --json: %v", b.from, err)
		}
		return result, nil
	}
	opt, err := a.benchOptions(cmd, b, args)
	if err != nil {
		return nil, err
	}
	return bench.Run(cmd.Context(), opt)
}

func (a *app) benchOptions(cmd *cobra.Command, b *benchFlags, args []string) (bench.Options, error) {
	opt := b.opt
	var script string
	var err error
	if opt.Dir, script, err = dirArgument(args); err != nil {
		return opt, err
	}
	if script != "" {
		return opt, usagef("a script alone cannot be timed: give the folder of a project")
	}
	if opt.Program, err = os.Executable(); err != nil {
		return opt, err
	}
	if opt.Runs < 0 {
		return opt, usagef("--runs is a number of runs, not %d", opt.Runs)
	}
	opt.Changes = map[string]string{}
	for _, change := range b.changes {
		name, folder, ok := strings.Cut(change, "=")
		if !ok || folder == "" {
			return opt, usagef("--change is NAME=FOLDER, not %q", change)
		}
		opt.Changes[name] = folder
	}
	opt.Against, opt.Only, opt.Ways, opt.DockerFlags, opt.Now = b.against, b.only, b.ways, b.df, time.Now()
	opt.Reuse = slices.ContainsFunc(cmd.Root().Commands(), func(c *cobra.Command) bool { return c.Name() == "build" && c.Flags().Lookup("reuse") != nil })
	opt.Log = func(format string, args ...any) { fmt.Fprintf(a.sys.Stderr, format+"\n", args...) }
	return opt, asUsage(opt.Check())
}

// showBench prints a result in the form that was asked for.
func (a *app) showBench(b *benchFlags, result *bench.Result) error {
	if b.svg != "" {
		var chart bytes.Buffer
		if err := bench.WriteSVG(&chart, result); err != nil {
			return err
		}
		if err := store.Replace(b.svg, &chart); err != nil {
			return unwritable(b.svg, "svg", err)
		}
	}
	var write func(io.Writer, *bench.Result) error
	switch {
	case b.json:
		return a.printJSON(result)
	case b.markdown:
		write = bench.WriteMarkdown
	case b.svg != "" && b.from != "":
		return nil // the chart is what was asked for
	default:
		write = bench.WriteText
	}
	return write(a.sys.Stdout, result)
}
