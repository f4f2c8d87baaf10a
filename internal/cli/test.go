package cli

import (
	"github.com/spf13/cobra"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/plan"
)

const testHelp = `Build the dev target of the project in DIR and run its tests inside.

The image has the sources and tests in /app, and what is locked for development. What runs is the key test, else pytest or
Django's own test runner if the image has them, else unittest. It runs as lithe run runs a program: read-only but for
/tmp, without capabilities, and in a sandbox where no engine answers. Arguments after -- go to the tests. The exit code is
theirs, or 125 when they could not be started.`

func (a *app) testCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "test [DIR] [-- ARGS...]", Short: "build the dev target and run the project's tests in it", Long: testHelp}
	flags := &runFlags{projectFlags: a.addProjectFlags(cmd), choose: testOf}
	a.addBuildFlags(cmd, flags.projectFlags)
	f := cmd.Flags()
	f.BoolVar(&flags.sandbox, "sandbox", false, "use lithe's own sandbox even where an engine answers")
	f.StringArrayVarP(&flags.env, "env", "e", nil, "`NAME=value` for the tests; may be repeated")
	cmd.Args = func(cmd *cobra.Command, args []string) error { return maximumArgs(1)(cmd, args[:before(cmd, args)]) }
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		n := before(cmd, args)
		opt, err := a.options(flags.projectFlags, args[:n])
		if err != nil {
			return err
		}
		if opt.Target == "" {
			opt.Target = "dev"
		}
		return a.run(cmd.Context(), opt, flags, args[n:])
	}
	return cmd
}

// testOf returns what tests the project in an image, and where it starts.
func testOf(p *plan.Plan) (program []string, dir string, err error) {
	if p.Test == nil {
		return nil, "", &diag.Error{Code: "no-tests", What: "nothing says how to test the project, and no test is among its files",
			Hint: "add pytest to the development dependencies, or set `test` in the configuration"}
	}
	return p.Test, "/app", nil
}
