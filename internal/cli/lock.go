package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lithe-build/lithe/internal/build"
)

const lockHelp = `Write lithe.lock: the base with every Debian package, and what else a build needs so that it gives the same image on
any day. It is written by the first build as well; commit it.

  lithe lock            add what is missing
  lithe lock --upgrade  move the base to today's packages, with their security updates
  lithe lock --check    exit with 1 if something is missing, and change nothing`

func (a *app) lockCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "lock [DIR]", Short: "write lithe.lock", Long: lockHelp, Args: maximumArgs(1)}
	flags := a.addProjectFlags(cmd)
	a.addBuildFlags(cmd, flags)
	upgrade := cmd.Flags().Bool("upgrade", false, "move the base to the newest packages")
	check := cmd.Flags().Bool("check", false, "only look whether lithe.lock is complete")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *upgrade && *check {
			return usagef("--upgrade changes lithe.lock and --check does not: give one of them")
		}
		opt, err := a.options(flags, args)
		if err != nil {
			return err
		}
		v, err := a.newView(flags.progress)
		if err != nil {
			return err
		}
		defer v.close()
		opt.On, opt.Locked = v.show, opt.Locked || *check
		changes, err := build.Lock(cmd.Context(), opt, *upgrade)
		if err != nil {
			return err
		}
		for _, c := range changes {
			if _, err := fmt.Fprintln(a.sys.Stdout, c); err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}
