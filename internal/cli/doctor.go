package cli

import (
	"fmt"
	"os/exec"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/lithe-build/lithe/internal/artifact"
	"github.com/lithe-build/lithe/internal/doctor"
)

const doctorHelp = `Look at what this machine offers: the store, what can run an image's interpreter, engines, package index, Debian
mirrors, registries. What is missing is told with the reason and what mends it.

Registries are those that there is a login for, or the ones that are named. The exit code is 0 where ` + "`lithe build`" + ` has
what it needs and every registry that was named answers, else 1.`

// debianSnapshot is where a build looks for superseded packages of Debian's own mirrors.
const debianSnapshot = "https://snapshot.debian.org/archive"

func (a *app) doctorCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "doctor [REGISTRY...]", Short: "say what this machine offers and lacks", Long: doctorHelp}
	opt := doctor.Options{Look: exec.LookPath}
	f := cmd.Flags()
	f.StringVar(&opt.Mirrors.Debian, "debian-mirror", "", "`URL` of a Debian mirror")
	f.StringVar(&opt.Mirrors.Security, "debian-security-mirror", "", "`URL` of a mirror of Debian's security archive")
	f.StringVar(&opt.Mirrors.Snapshot, "debian-snapshot", "", "`URL` of an archive that keeps superseded packages; with Debian's own mirrors, Debian's")
	f.BoolVar(&opt.Mirrors.AllowExpired, "allow-expired-index", false, "accept Debian indexes past their Valid-Until")
	keyring := f.String("debian-keyring", "", "`file` with the keys that may sign the mirror's suites, in place of Debian's")
	insecure := f.StringSlice("insecure-registry", nil, "`host` of a registry that may speak plain HTTP or have a certificate nobody vouches for; may be repeated")
	asJSON := f.Bool("json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		opt.Registries = args
		var err error
		if opt.Registry, err = a.registryOptions(*insecure); err != nil {
			return err
		}
		if err := a.completeDoctor(&opt, *keyring); err != nil {
			return err
		}
		report, err := doctor.Run(cmd.Context(), opt)
		if err != nil {
			return err
		}
		if *asJSON {
			err = a.printJSON(report)
		} else {
			err = a.printReport(report)
		}
		if err == nil && !report.OK {
			return exitError{ExitProblem}
		}
		return err
	}
	return cmd
}

// completeDoctor adds what the environment says.
func (a *app) completeDoctor(opt *doctor.Options, keyring string) (err error) {
	if opt.Store, err = a.storeDir(); err != nil {
		return err
	}
	if opt.Offline, err = a.offline(); err != nil {
		return err
	}
	if keyring != "" {
		if opt.Mirrors.Keyring, err = readKeyring(keyring); err != nil {
			return err
		}
	}
	if opt.Mirrors.Snapshot == "" && opt.Mirrors.Debian+opt.Mirrors.Security == "" {
		opt.Mirrors.Snapshot = debianSnapshot
	}
	if opt.Index, err = artifact.Settings(a.sys.Getenv, a.home()); err != nil {
		return err
	}
	opt.Env, opt.Engine, opt.Now = a.sys.Getenv, a.engineOptions(), time.Now()
	return nil
}

// printReport prints a line for each finding, and below a lack what mends it.
func (a *app) printReport(report *doctor.Report) error {
	w := tabwriter.NewWriter(a.sys.Stdout, 0, 0, 2, ' ', 0)
	lacks := 0
	for _, f := range report.Findings {
		what := strings.ReplaceAll(printable(f.What), "\n", "\n\t\t") // a list of logins has a line for each
		fmt.Fprintf(w, "%s\t%s\t%s\n", f.Status, f.Check, what)
		if f.Fix != "" {
			fmt.Fprintf(w, "\t\tfix: %s\n", printable(f.Fix))
		}
		if f.Needed && f.Status == doctor.Lack {
			lacks++
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	verdict := "lithe build has what it needs"
	if lacks > 0 {
		verdict = fmt.Sprintf("%d needed and missing", lacks)
	}
	_, err := fmt.Fprintln(a.sys.Stdout, verdict)
	return err
}
