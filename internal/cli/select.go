package cli

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/lithe-build/lithe/internal/build"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/plan"
	pyversion "github.com/lithe-build/lithe/internal/python/version"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
)

const selectHelp = `Print which distributions of the lock file a target gets. It needs no base and no network. An
index is asked where the lock file lists hashes without files (requirements.txt), and without one these stay hashes.

  lithe select                                what the image gets
  lithe select --target dev --python 3.12.12  what the dev target gets on another Python
  lithe select --json                         for programs; problems come as JSON, too`

func (a *app) selectCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "select [DIR]", Short: "print which distributions a target gets", Long: selectHelp, Args: maximumArgs(1)}
	var opt build.SelectOptions
	f := cmd.Flags()
	f.StringVar(&opt.Target.Name, "target", plan.Prod, "prod (main dependencies) or dev (with the default groups)")
	f.StringVar(&opt.Target.Python, "python", "", "full Python `version`; the default base's if empty")
	platforms := f.StringSlice("platform", []string{"linux/amd64"}, "`platform` of the target; of several, the first")
	libc := f.String("libc", "", "C library of the target, such as glibc-2.36; the default base's if empty")
	f.StringArrayVar(&opt.Target.Groups, "group", nil, "dependency group beside the target's; may be repeated")
	f.StringArrayVar(&opt.Target.Extras, "extra", nil, "extra of the project; may be repeated")
	f.BoolVar(&opt.Target.AllGroups, "all-groups", false, "every dependency group")
	f.BoolVar(&opt.Target.AllExtras, "all-extras", false, "every extra of the project")
	f.StringVar(&opt.Target.Package, "package", "", "member of the workspace")
	f.BoolVar(&opt.Target.AllPackages, "all-packages", false, "every member of the workspace")
	f.StringVar(&opt.Lock, "lock", "", "lock `file` of the project")
	f.BoolVar(&opt.AllowUnhashed, "allow-unhashed", false, "take pins of a requirements file that have no hash; lithe.lock keeps the hashes of the index")
	f.StringVar(&opt.Stale, "stale", "error", "what a lock file that does not fit pyproject.toml is: error or warn")
	asJSON := f.Bool("json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		opt.Index = func() (build.Options, error) {
			return a.options(&projectFlags{opt: build.Options{Stale: opt.Stale}}, args)
		}
		if opt.Dir, opt.Script, err = dirArgument(args); err != nil {
			return err
		}
		if err := completeTarget(&opt, *platforms, *libc); err != nil {
			return err
		}
		target, packages, warnings, err := build.Select(cmd.Context(), opt)
		if *asJSON {
			return a.selectionJSON(target, packages, err)
		}
		for _, w := range warnings {
			a.renderProblem("warning", w)
		}
		if err != nil {
			return err
		}
		return a.printPackages(packages)
	}
	return cmd
}

// completeTarget checks what the flags say of the target, and adds what they say in words.
func completeTarget(opt *build.SelectOptions, platforms []string, libc string) (err error) {
	t := &opt.Target
	if t.Name != plan.Prod && t.Name != plan.Dev {
		return usagef("--target is prod or dev, not %q\nhint: --group adds a dependency group to either", t.Name)
	}
	if opt.Stale != "error" && opt.Stale != "warn" {
		return usagef("--stale is error or warn, not %q", opt.Stale)
	}
	if len(platforms) == 0 {
		return usagef("--platform names none")
	}
	if t.Platform, err = plan.ParsePlatform(platforms[0]); err != nil {
		return usagef("--platform: %v", err)
	}
	if _, err := pyversion.Parse(t.Python); t.Python != "" && err != nil {
		return usagef("--python is %q, not a version such as 3.13.5", t.Python)
	}
	if libc != "" {
		if t.Libc, err = wheeltag.ParseLibc(libc); err != nil {
			return usagef("--libc: %v", err)
		}
	}
	return nil
}

// selectionJSON prints the result or the problems; both are results to a program.
func (a *app) selectionJSON(t plan.Target, packages []plan.Package, err error) error {
	if err == nil {
		if packages == nil {
			packages = []plan.Package{}
		}
		return a.printJSON(map[string]any{"target": t, "packages": packages})
	}
	problems, ok := diag.Problems(err)
	if !ok {
		return err
	}
	if err := a.printJSON(map[string]any{"problems": problems}); err != nil {
		return err
	}
	return exitError{ExitProblem}
}

// printJSON prints one value, indented, keys in a fixed order.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.sys.Stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func (a *app) printPackages(packages []plan.Package) error {
	w := tabwriter.NewWriter(a.sys.Stdout, 0, 0, 2, ' ', 0)
	for _, p := range packages {
		what := p.Filename
		if what == "" {
			what = p.Source
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", p.Name, p.Version, p.Kind, what)
	}
	return w.Flush()
}
