package cli

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// flagsFromEnvironment gives every flag that the command line does not set the value of its LITHE_ variable.
func (a *app) flagsFromEnvironment(cmd *cobra.Command) error {
	var failed error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		variable := "LITHE_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value := a.sys.Getenv(variable)
		if f.Changed || value == "" || failed != nil || f.Name == "help" {
			return
		}
		if err := cmd.Flags().Set(f.Name, value); err != nil {
			failed = usagef("%s: %v", variable, err)
		}
	})
	return failed
}

// storeDir is where lithe keeps its cache: $LITHE_STORE, else the user's cache folder.
func (a *app) storeDir() (string, error) {
	if dir := a.sys.Getenv("LITHE_STORE"); dir != "" {
		return dir, nil
	}
	if dir := a.sys.Getenv("XDG_CACHE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "lithe"), nil
	}
	home := a.home()
	if home == "" {
		return "", usagef("no place for the store: neither LITHE_STORE, XDG_CACHE_HOME nor HOME is set")
	}
	return filepath.Join(home, ".cache", "lithe"), nil
}

// home is the user's home folder, or empty.
func (a *app) home() string {
	if home := a.sys.Getenv("HOME"); home != "" {
		return home
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return home
}

// sourceDate reads SOURCE_DATE_EPOCH (https://reproducible-builds.org/specs/source-date-epoch/); zero when unset.
func (a *app) sourceDate() (time.Time, error) {
	s := a.sys.Getenv("SOURCE_DATE_EPOCH")
	if s == "" {
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseInt(s, 10, 64)
	if err != nil || seconds < 0 {
		return time.Time{}, usagef("SOURCE_DATE_EPOCH is %q, not a number of seconds since 1970", s)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// offline reads LITHE_OFFLINE. What it does not understand it refuses: the network must not be used by mistake.
func (a *app) offline() (bool, error) {
	s := a.sys.Getenv("LITHE_OFFLINE")
	if s == "" {
		return false, nil
	}
	on, err := strconv.ParseBool(s)
	if err != nil {
		return false, usagef("LITHE_OFFLINE is %q, neither 1 nor 0", s)
	}
	return on, nil
}

// jobs reads LITHE_JOBS; 0 leaves the choice to each stage.
func (a *app) jobs() (int, error) { return number("LITHE_JOBS", a.sys.Getenv("LITHE_JOBS"), "jobs") }

// attempts reads LITHE_ATTEMPTS; 0 leaves the choice to package fetch.
func (a *app) attempts() (int, error) {
	return number("LITHE_ATTEMPTS", a.sys.Getenv("LITHE_ATTEMPTS"), "attempts")
}

// number reads a variable that counts something, 0 when it is unset.
func number(variable, value, of string) (int, error) {
	if value == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 {
		return 0, usagef("%s is %q, not a number of %s", variable, value, of)
	}
	return n, nil
}

// timeout reads LITHE_TIMEOUT, in seconds unless it names a unit; 0 leaves the choice to package fetch.
func (a *app) timeout() (time.Duration, error) {
	s := a.sys.Getenv("LITHE_TIMEOUT")
	if s == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(s)
	if seconds, plain := strconv.ParseUint(s, 10, 31); plain == nil {
		d, err = time.Duration(seconds)*time.Second, nil
	}
	if err != nil || d <= 0 {
		return 0, usagef("LITHE_TIMEOUT is %q, not a time such as 90s", s)
	}
	return d, nil
}

// terminalWidth returns the columns of the terminal that standard error is, or 0.
func (a *app) terminalWidth() int {
	f, ok := a.sys.Stderr.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || a.sys.Getenv("TERM") == "dumb" {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 80 // a terminal that does not tell
	}
	return width
}

// colour reports whether standard error may have colour (https://no-color.org).
func (a *app) colour() bool { return a.sys.Getenv("NO_COLOR") == "" && a.terminalWidth() > 0 }

// newView returns the view of progress that the flag and the terminal ask for.
func (a *app) newView(mode string) (view, error) {
	return newView(mode, a.sys.Stderr, a.terminalWidth, a.colour())
}

// versionVariables are those by which backends take a version that they would ask version control for, which builds do not see.
var versionVariables = []string{"PDM_BUILD_SCM_VERSION", "POETRY_DYNAMIC_VERSIONING_BYPASS", "SETUPTOOLS_SCM_PRETEND_VERSION",
	"UV_DYNAMIC_VERSIONING_BYPASS"}

// buildEnv returns those of versionVariables that are set, "NAME=value" each.
func (a *app) buildEnv() (env []string) {
	for _, name := range versionVariables {
		if value := a.sys.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}
