// Package cli is the command line: flags, environment, working directory and clock go in as values, results go to
// standard output, everything else to standard error. It is the only package that prints, and the only one that knows
// exit codes. One file per command.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/lithe-build/lithe/internal/diag"
)

// Exit codes, as --help tells them.
const (
	ExitOK      = iota
	ExitProblem // something in the user's project to mend
	ExitUsage   // wrong flags or arguments
	ExitFailure // the network, this machine, or lithe itself
)

// System is what the operating system gives a program.
type System struct {
	Getenv func(string) string
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
}

// Main runs lithe and returns its exit code.
func Main(ctx context.Context, args []string, sys System) int {
	app := &app{sys: sys}
	root := app.root()
	root.SetArgs(args)
	root.SetOut(sys.Stdout)
	root.SetErr(sys.Stderr)
	err := root.ExecuteContext(ctx)
	var exit exitError
	if errors.As(err, &exit) {
		return exit.code
	}
	if err != nil && ctx.Err() != nil && errors.Is(err, context.Canceled) {
		fmt.Fprint(sys.Stderr, "error: interrupted\nhint: what is finished is in the store, and the next run goes on from there\n")
		return ExitFailure
	}
	if err != nil {
		app.renderError(err)
	}
	return exitCode(err)
}

// app carries what all commands share.
type app struct {
	sys     System
	verbose bool
}

const longHelp = `lithe turns a Python project into a small, reproducible container image that runs as a
plain user on a read-only file system. It needs no Dockerfile, no Docker and no Python.

Exit codes: 0 done, 1 something in the project to mend, 2 wrong usage, 3 network or internal failure.
Every flag can also be given as an environment variable: --debian-mirror as LITHE_DEBIAN_MIRROR.`

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use: "lithe", Short: "the container image your Python project deserves", Long: longHelp,
		SilenceErrors: true, SilenceUsage: true, SuggestionsMinimumDistance: 2,
		Args: knownCommand, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return a.flagsFromEnvironment(cmd) },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%v\nhint: `%s --help` lists the flags", err, cmd.CommandPath())
	})
	root.PersistentFlags().BoolVarP(&a.verbose, "verbose", "v", false, "say more about what happens")
	root.AddCommand(a.buildCommand(), a.runCommand(), a.testCommand(), a.lockCommand(), a.selectCommand(), a.explainCommand(),
		a.cacheCommand(), a.doctorCommand(), a.benchCommand(), a.versionCommand())
	return root
}

// knownCommand refuses what is no command of a command that has others below it, and names the one that was meant.
func knownCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	path := root.CommandPath()
	hint := "`" + path + " --help` lists the commands"
	if near := root.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "did you mean `" + path + " " + near[0] + "`?"
	}
	return usagef("there is no command %q\nhint: %s", args[0], hint)
}

// usageError is a mistake on the command line.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// asUsage turns problems with what stands on the command line into wrong usage; nil stays nil.
func asUsage(err error) error {
	problems, ok := diag.Problems(err)
	if !ok {
		return err
	}
	lines := make([]string, len(problems))
	for i, p := range problems {
		lines[i] = p.What
		if p.Hint != "" {
			lines[i] += "\nhint: " + p.Hint
		}
	}
	return usageError{strings.Join(lines, "\nerror: ")}
}

// exitError carries a code whose message has been printed, such as that of a program lithe ran.
type exitError struct{ code int }

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// ofMachine are problems that come with a hint but are this machine's: no change of the project mends them.
var ofMachine = []string{"store-full", "store-unwritable", "no-executor"}

// exitCode tells the user's problems from wrong usage and from failures of ours.
func exitCode(err error) int {
	var usage usageError
	problems, isProblem := diag.Problems(err)
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &usage):
		return ExitUsage
	case isProblem && !slices.ContainsFunc(problems, func(p *diag.Error) bool { return slices.Contains(ofMachine, p.Code) }):
		return ExitProblem
	default:
		return ExitFailure
	}
}

// renderError prints problems one by one, each with its hint on a line of its own.
func (a *app) renderError(err error) {
	problems, ok := diag.Problems(err)
	if !ok {
		fmt.Fprintf(a.sys.Stderr, "error: %s\n", printable(err.Error()))
		return
	}
	for _, p := range problems {
		a.renderProblem("error", p)
	}
	if len(problems) > 1 {
		fmt.Fprintf(a.sys.Stderr, "%d problems found\n", len(problems))
	}
}

func (a *app) renderProblem(level string, p *diag.Error) {
	where := ""
	if pos := p.Pos.String(); pos != "" {
		where = pos + ": "
	}
	fmt.Fprintf(a.sys.Stderr, "%s: %s%s\n", level, printable(where), printable(p.What))
	for line := range strings.Lines(p.Detail) {
		fmt.Fprintf(a.sys.Stderr, "  | %s\n", printable(strings.TrimSuffix(line, "\n")))
	}
	if p.Hint != "" {
		fmt.Fprintf(a.sys.Stderr, "hint: %s\n", printable(p.Hint))
	}
}

// printable takes the teeth out of text that quotes names of files and packages: what a terminal obeys may be in them.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// dirArgument returns the project's folder: the only argument, else the working directory. A script is in its folder, and is
// then the whole project.
func dirArgument(args []string) (dir, script string, err error) {
	dir = "."
	if len(args) > 0 {
		dir = args[0]
	}
	info, err := os.Stat(dir)
	if err != nil {
		return "", "", &diag.Error{Code: "no-project", What: fmt.Sprintf("no folder %q", dir),
			Hint: "give the folder that holds pyproject.toml and the lock file", Err: err}
	}
	if info.Mode().IsRegular() && strings.HasSuffix(dir, ".py") {
		return filepath.Dir(dir), filepath.Base(dir), nil
	}
	if !info.IsDir() {
		return "", "", &diag.Error{Code: "no-project", What: fmt.Sprintf("%q is neither a folder nor a script (.py)", dir),
			Hint: "give the folder that holds pyproject.toml and the lock file"}
	}
	return dir, "", nil
}
