package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/lithe-build/lithe/internal/build"
	"github.com/lithe-build/lithe/internal/plan"
)

const explainHelp = `Print what will be built and why: each decision with the file and line it comes from and the key that overrides it,
the selected distributions as a tree of who requires which under which marker, and the layers. What a distribution
requires stands below its first place; (*) says so at the others. Of several platforms it explains this machine's if it is
among them, else the first; --platform names another.`

func (a *app) explainCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "explain [DIR]", Short: "print what will be built, and why", Long: explainHelp, Args: maximumArgs(1)}
	flags := a.addProjectFlags(cmd)
	a.addBuildFlags(cmd, flags)
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		opt, err := a.options(flags, args)
		if err != nil {
			return err
		}
		v, err := a.newView(flags.progress)
		if err != nil {
			return err
		}
		opt.On = v.show
		p, err := build.Explain(cmd.Context(), opt)
		v.close()
		if err != nil {
			return err
		}
		if *asJSON {
			return a.printJSON(p)
		}
		return printPlan(a.sys.Stdout, p)
	}
	return cmd
}

// printPlan prints a plan for a person.
func printPlan(out io.Writer, p *plan.Plan) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "target\t%s\t\n", p.Target.Name)
	for _, d := range p.Decisions {
		why := d.Reason
		if pos := d.Pos.String(); pos != "" {
			why = strings.TrimSpace(pos + " " + why)
		}
		fmt.Fprintf(w, "%s\t%s\t%s", d.Decision, d.Value, why)
		if d.Override != "" {
			fmt.Fprintf(w, "; override with %s", d.Override)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "\npackages\t%d\t\n", len(p.All()))
	for _, line := range treeLines(p.All()) {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", line[0], line[1], line[2])
	}
	printBuilds(w, p.All())
	fmt.Fprintf(w, "\nlayers\t%d\t\n", len(p.AllLayers()))
	for _, l := range p.AllLayers() {
		fmt.Fprintf(w, "  %s\t%d\t%s\n", l.Kind, len(l.Packages), strings.Join(l.Packages, ", "))
	}
	if len(p.Untracked) > 0 {
		fmt.Fprintf(w, "\nuntracked\t%d\tin the image, but not in git\n", len(p.Untracked))
	}
	for _, name := range p.Untracked {
		fmt.Fprintf(w, "  %s\t\t\n", printable(name))
	}
	return w.Flush()
}

// printBuilds tells what is built from source, and with what.
func printBuilds(w io.Writer, packages []plan.Package) {
	built := slices.DeleteFunc(slices.Clone(packages), func(p plan.Package) bool { return p.Build == nil })
	if len(built) == 0 {
		return
	}
	fmt.Fprintf(w, "\nfrom source\t%d\t\n", len(built))
	for _, p := range built {
		with := "with what `lithe lock` will choose"
		if p.Build.Requires != nil {
			with = strings.TrimSuffix("with "+strings.Join(p.Build.Requires, ", "), "with ")
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\n", printable(p.Name), printable(p.Version), printable(with))
	}
}

// treeLines draws the selection as a tree, with the version and the reason beside each line.
func treeLines(packages []plan.Package) [][3]string {
	var lines [][3]string
	var ends []bool // for each depth, whether nothing more hangs from it
	for _, b := range plan.Tree(packages) {
		ends = append(ends[:max(b.Depth-1, 0)], b.Last)
		name := printable(b.Name)
		if b.Depth > 0 {
			name = branchPrefix(ends) + name
		}
		if b.Seen {
			name += " (*)"
		}
		var why []string
		for _, r := range b.Because {
			if text := r.Condition(); text != "" {
				why = append(why, text)
			}
		}
		lines = append(lines, [3]string{name, printable(b.Version), printable(strings.Join(why, "; "))})
	}
	return lines
}

// branchPrefix draws what stands before a name.
func branchPrefix(ends []bool) string {
	var out strings.Builder
	for _, end := range ends[:len(ends)-1] {
		if end {
			out.WriteString("   ")
		} else {
			out.WriteString("│  ")
		}
	}
	if ends[len(ends)-1] {
		out.WriteString("└─ ")
	} else {
		out.WriteString("├─ ")
	}
	return out.String()
}
