package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/lithe-build/lithe/internal/build"
	"github.com/lithe-build/lithe/internal/destination"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/execute"
	"github.com/lithe-build/lithe/internal/plan"
)

const runHelp = `Build the project in DIR and run it here.

Docker or Podman runs the image where one of them answers: read-only, without capabilities, ports published on
127.0.0.1. Where none is, or with --sandbox, lithe runs it in namespaces of its own, on the host's network. Arguments
after -- go to the program. The exit code is the program's, or 125 when it could not be started.`

// exitNotStarted is what docker run, and so lithe run, exits with when the program could not be started.
const exitNotStarted = 125

// exitNotRunnable is what engines exit with when they made a container and could not run the program in it.
const exitNotRunnable = 126

// runFlags say how the program is run.
type runFlags struct {
	*projectFlags
	sandbox bool
	process string
	publish []string

	// choose returns the program and the folder it starts in, where these are not what the image says.
	choose  func(*plan.Plan) (program []string, dir string, err error)
	program []string // what choose has returned; nil is the image's
	dir     string
	env     []string
}

func (a *app) runCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "run [DIR] [-- ARGS...]", Short: "build a project and run it here", Long: runHelp}
	flags := &runFlags{projectFlags: a.addProjectFlags(cmd)}
	a.addBuildFlags(cmd, flags.projectFlags)
	f := cmd.Flags()
	f.BoolVar(&flags.sandbox, "sandbox", false, "use lithe's own sandbox even where an engine answers")
	f.StringVar(&flags.process, "process", "", "the `NAME` of another program of the image to run, such as worker")
	f.StringArrayVarP(&flags.publish, "publish", "p", nil, "publish a port of the program, as docker run does; by default the configured ports on 127.0.0.1")
	f.StringArrayVarP(&flags.env, "env", "e", nil, "`NAME=value` for the program; may be repeated")
	cmd.Args = func(cmd *cobra.Command, args []string) error { return maximumArgs(1)(cmd, args[:before(cmd, args)]) }
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		n := before(cmd, args)
		opt, err := a.options(flags.projectFlags, args[:n])
		if err != nil {
			return err
		}
		if flags.process != "" {
			flags.choose = flags.processOf
		}
		return a.run(cmd.Context(), opt, flags, args[n:])
	}
	return cmd
}

// before returns how many arguments stand before the --.
func before(cmd *cobra.Command, args []string) int {
	if dash := cmd.ArgsLenAtDash(); dash >= 0 {
		return dash
	}
	return len(args)
}

// run builds the image, loads it where an engine answers, and runs it.
func (a *app) run(ctx context.Context, opt build.Options, flags *runFlags, args []string) error {
	var engine destination.Engine
	if !flags.sandbox {
		var err error
		if engine, err = destination.FindEngine(ctx, opt.Engine); err != nil && opt.Engine.Host+opt.Engine.Context != "" {
			return err // the user named an engine; do not go behind its back
		}
	}
	opt.Load, opt.One = engine != nil, true
	if engine == nil { // the program runs in what the build has made, however long that takes
		st, err := a.openStore()
		if err != nil {
			return err
		}
		defer st.Close()
		st.Hold()
	}
	result, err := a.build(ctx, opt, flags.progress)
	if err != nil {
		return err
	}
	if flags.choose != nil {
		if flags.program, flags.dir, err = flags.choose(result.Platforms[0].Plan); err != nil {
			return err
		}
	}
	if engine == nil {
		return a.runSandbox(ctx, result, flags, args)
	}
	return a.runEngine(engine, result, flags, args)
}

// runEngine hands over to the engine's own command, which has the terminal and gets the signals.
func (a *app) runEngine(engine destination.Engine, result *build.Result, flags *runFlags, args []string) error {
	line := append(engine.Command(), "run", "--rm", "--interactive", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL",
		"--security-opt", "no-new-privileges")
	if a.stdinIsTerminal() {
		line = append(line, "--tty")
	}
	var exposed []string
	if flags.program == nil { // the ports are those of what the image runs by itself
		exposed = result.Platforms[0].Plan.Config.ExposedPorts
	}
	for _, p := range publishedPorts(flags.publish, exposed) {
		line = append(line, "--publish", p)
	}
	for _, e := range flags.env {
		line = append(line, "--env", e)
	}
	if flags.program != nil {
		line = append(line, "--workdir", flags.dir, "--entrypoint", flags.program[0])
		args = slices.Concat(flags.program[1:], args)
	}
	line = append(line, result.Outputs[len(result.Outputs)-1].ID)
	line = append(line, args...)
	cmd := exec.Command(line[0], line[1:]...) // not bound to the context: the signal reaches the engine itself
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.sys.Stdin, a.sys.Stdout, a.sys.Stderr
	signals, stop := forwarded()
	defer stop()
	if err := cmd.Start(); err != nil {
		return a.notStarted(err)
	}
	go func() {
		for s := range signals {
			// A terminal has sent its signal to the engine's command already; a second one would end it harshly.
			if !a.stdinIsTerminal() {
				_ = cmd.Process.Signal(s)
			}
		}
	}()
	err := cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		status := exitStatus(exit)
		if status == exitNotStarted || status == exitNotRunnable {
			fmt.Fprintf(a.sys.Stderr, "hint: if %s could not start the program, `--sandbox` runs it without an engine\n", engine.Name())
		}
		return exitError{status}
	}
	return err
}

// processOf returns the command of a process of an image.
func (f *runFlags) processOf(p *plan.Plan) (program []string, dir string, err error) {
	if command, ok := p.Processes[f.process]; ok {
		return command, p.Config.WorkingDir, nil
	}
	names := slices.Sorted(maps.Keys(p.Processes))
	hint := "name programs in `processes` of the configuration, or in a Procfile"
	if len(names) > 0 {
		hint = "the processes are " + strings.Join(names, ", ")
	}
	return nil, "", &diag.Error{Code: "unknown-process", What: fmt.Sprintf("the image has no process %q", f.process), Hint: hint}
}

// exitStatus is the exit code of a process, 128+n for one that signal n ended.
func exitStatus(exit *exec.ExitError) int {
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return exit.ExitCode()
}

// publishedPorts returns what the engine publishes: what the user asks for, else the image's ports on loopback.
func publishedPorts(asked, exposed []string) []string {
	if len(asked) > 0 {
		return asked
	}
	var out []string
	for _, p := range exposed {
		number, _, _ := strings.Cut(p, "/")
		out = append(out, fmt.Sprintf("127.0.0.1:%s:%s", number, p))
	}
	return out
}

// runSandbox runs the image in namespaces of lithe's own.
func (a *app) runSandbox(ctx context.Context, result *build.Result, flags *runFlags, args []string) error {
	executor, err := execute.Choose(ctx, execute.Need{Name: "namespace", Isolation: true})
	if err != nil {
		return err
	}
	root, err := result.Platforms[0].Materialize(ctx)
	if err != nil {
		return err
	}
	cfg := result.Platforms[0].Plan.Config
	process := execute.Process{Entrypoint: cfg.Entrypoint, Cmd: cfg.Cmd, Env: slices.Concat(cfg.Env, flags.env), User: cfg.User, WorkingDir: cfg.WorkingDir}
	if flags.program != nil {
		process.Entrypoint, process.Cmd, process.WorkingDir = flags.program, nil, flags.dir
	}
	command, err := process.Command(args)
	if err != nil {
		return err
	}
	signals, stop := forwarded()
	defer stop()
	command.Stdin, command.Stdout, command.Stderr = a.sys.Stdin, a.sys.Stdout, a.sys.Stderr
	command.Signals, command.Network, command.TTY = signals, true, a.stdinIsTerminal()
	// The program gets the signals and decides when it ends; ctx would end it at once.
	code, err := executor.Run(context.WithoutCancel(ctx), root, command)
	if err != nil {
		return a.notStarted(explainPlatform(result.Platforms[0].Platform, "linux/"+runtime.GOARCH, explainStart(root, command, err)))
	}
	if code != 0 {
		return exitError{code}
	}
	return nil
}

// notStarted reports why a program did not start.
func (a *app) notStarted(err error) error {
	a.renderError(err)
	return exitError{exitNotStarted}
}

// forwarded returns a channel of the signals that are the program's business, until stop closes it.
func forwarded() (all chan os.Signal, stop func()) {
	signals := make(chan os.Signal, 16) // a burst; further ones are lost, as for any process
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	return signals, func() {
		signal.Stop(signals) // nothing is sent after it
		close(signals)
	}
}

func (a *app) stdinIsTerminal() bool {
	f, ok := a.sys.Stdin.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
