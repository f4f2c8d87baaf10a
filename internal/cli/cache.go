package cli

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/lithe-build/lithe/internal/store"
)

const cacheHelp = `Look at the store, in which lithe keeps what it downloaded and made, and make it smaller. Nothing in it is needed:
what is gone is fetched or made again.

  lithe cache ls                      what is in it
  lithe cache prune                   remove what was not used for 30 days
  lithe cache prune --max-size 10GB   keep the most recently used 10 GB`

const pruneHelp = `Remove what was not used for long, or the least recently used above a size. Without a flag that says what goes, it is
what was not used for 30 days. Builds may run meanwhile: nothing goes that one of them relies on.

  lithe cache prune --older-than 30d                  what was not used for 30 days; 12h and 2w are ages, too
  lithe cache prune --max-size 10GB                   the least recently used, until 10 GB are left
  lithe cache prune --older-than 7d --max-size 10GB   both
  lithe cache prune --all                             everything`

// defaultUnused is for those who say nothing: longer than a holiday, shorter than most branches live.
const defaultUnused = "30d"

func (a *app) cacheCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "cache", Short: "look at the store, or make it smaller", Long: cacheHelp, SuggestionsMinimumDistance: 2,
		Args: knownCommand, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.cacheListCommand(), a.cachePruneCommand(), a.cacheDirCommand())
	return cmd
}

func (a *app) cacheDirCommand() *cobra.Command {
	return &cobra.Command{
		Use: "dir", Short: "print the folder of the store", Args: maximumArgs(0),
		RunE: func(*cobra.Command, []string) error {
			dir, err := a.storeDir()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.sys.Stdout, dir)
			return err
		},
	}
}

// openStore opens the store of the environment.
func (a *app) openStore() (*store.Store, error) {
	dir, err := a.storeDir()
	if err != nil {
		return nil, err
	}
	return store.Open(dir)
}

// cacheList is what `lithe cache ls --json` prints.
type cacheList struct {
	Store string            `json:"store"` // folder
	Size  int64             `json:"size"`  // bytes
	Kinds []store.KindUsage `json:"kinds"`
}

func (a *app) cacheListCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "ls", Short: "print what is in the store", Args: maximumArgs(0)}
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		st, err := a.openStore()
		if err != nil {
			return err
		}
		usage, err := st.Usage(cmd.Context())
		if err != nil {
			return err
		}
		list := cacheList{Store: st.Path(), Size: usage.Size, Kinds: store.ByKind(usage.Objects)}
		if *asJSON {
			return a.printJSON(list)
		}
		return a.printCache(list)
	}
	return cmd
}

func (a *app) printCache(list cacheList) error {
	now := time.Now()
	w := tabwriter.NewWriter(a.sys.Stdout, 0, 0, 2, ' ', 0)
	count := 0
	for _, k := range list.Kinds {
		fmt.Fprintf(w, "%s\t%d\t%s\tused %s\n", k.Kind, k.Count, sizeText(k.Size), ageText(now, k.Used))
		count += k.Count
	}
	fmt.Fprintf(w, "total\t%d\t%s\tin %s\n", count, sizeText(list.Size), list.Store)
	return w.Flush()
}

// cachePruned is what `lithe cache prune --json` prints.
type cachePruned struct {
	Store   string            `json:"store"`
	DryRun  bool              `json:"dryRun"` // nothing was removed
	Freed   int64             `json:"freed"`  // bytes
	Left    int64             `json:"left"`   // bytes
	Removed []store.KindUsage `json:"removed"`
	InUse   []store.KindUsage `json:"inUse"` // would have gone, but a build may rely on it
}

func (a *app) cachePruneCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "prune", Short: "remove from the store what was not used for long", Long: pruneHelp, Args: maximumArgs(0)}
	f := cmd.Flags()
	older := f.String("older-than", "", "remove what was not used for this `age`, such as 30d")
	most := f.String("max-size", "", "remove the least recently used above this `size`, such as 10GB")
	all := f.Bool("all", false, "remove everything")
	dry := f.Bool("dry-run", false, "tell what would go, and remove nothing")
	asJSON := f.Bool("json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		limits, err := pruneLimits(*older, *most, *all)
		if err != nil {
			return err
		}
		limits.DryRun = *dry
		st, err := a.openStore()
		if err != nil {
			return err
		}
		defer st.Close()
		pruned, err := st.Prune(cmd.Context(), limits)
		if err != nil {
			return err
		}
		result := cachePruned{Store: st.Path(), DryRun: *dry, Freed: pruned.Freed, Left: pruned.Left,
			Removed: store.ByKind(pruned.Removed), InUse: store.ByKind(pruned.InUse)}
		if *asJSON {
			return a.printJSON(result)
		}
		return a.printPruned(result)
	}
	return cmd
}

// pruneLimits makes limits of the flags.
func pruneLimits(older, most string, all bool) (store.Limits, error) {
	limits := store.Limits{Unused: -1, Size: -1}
	if all {
		if older+most != "" {
			return limits, usagef("--all removes everything: give it alone")
		}
		return store.Limits{}, nil
	}
	if older+most == "" {
		older = defaultUnused
	}
	var err error
	if older != "" {
		if limits.Unused, err = parseAge(older); err != nil {
			return limits, usagef("--older-than: %v", err)
		}
	}
	if most != "" {
		if limits.Size, err = parseSize(most); err != nil {
			return limits, usagef("--max-size: %v", err)
		}
	}
	return limits, nil
}

func (a *app) printPruned(p cachePruned) error {
	if len(p.InUse) > 0 {
		var size int64
		count := 0
		for _, k := range p.InUse {
			size += k.Size
			count += k.Count
		}
		fmt.Fprintf(a.sys.Stderr, "note: %d more, %s, stay: a build that runs may rely on them\n", count, sizeText(size))
	}
	w := tabwriter.NewWriter(a.sys.Stdout, 0, 0, 2, ' ', 0)
	for _, k := range p.Removed {
		fmt.Fprintf(w, "%s\t%d\t%s\n", k.Kind, k.Count, sizeText(k.Size))
	}
	did := "freed"
	if p.DryRun {
		did = "would free"
	}
	fmt.Fprintf(w, "%s %s, %s left in %s\n", did, sizeText(p.Freed), sizeText(p.Left), p.Store)
	return w.Flush()
}
