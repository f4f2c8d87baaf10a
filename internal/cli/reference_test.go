package cli_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/lithe-build/lithe/internal/cli"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/docstest"
	"github.com/lithe-build/lithe/internal/doctor"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/testkit/golden"
)

// referenceHead is what stands above the commands in docs/reference/cli.md.
const referenceHead = `<!-- Made from the flags in internal/cli by "go test ./internal/cli -run Reference -update". Change them there. -->
# Command line

The result of a command goes to standard output, all else to standard error. Exit codes, and the environment variable
that stands for each flag, are in [exit codes and environment](exit-codes-and-environment.md).

`

// reference makes docs/reference/cli.md of the tree of commands.
func reference(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString(referenceHead)
	b.WriteString("| command | does |\n|---|---|\n")
	for _, cmd := range commands(root) {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s |\n", cmd.CommandPath(), strings.ReplaceAll(cmd.CommandPath(), " ", "-"), cmd.Short)
	}
	b.WriteString("\n`lithe completion SHELL` prints completions for bash, zsh, fish or powershell, and `lithe help COMMAND` the help of a\ncommand. ")
	b.WriteString("Every command has these flags:\n\n")
	writeFlags(&b, root.PersistentFlags())
	for _, cmd := range commands(root) {
		fmt.Fprintf(&b, "\n## %s\n\n", cmd.CommandPath())
		text := cmd.Long
		if text == "" {
			text = sentence(cmd.Short)
		}
		fmt.Fprintf(&b, "```\n%s\n\n%s\n```\n", strings.TrimSuffix(cmd.UseLine(), " [flags]")+" [flags]", text)
		if cmd.LocalNonPersistentFlags().HasAvailableFlags() {
			b.WriteString("\n")
			writeFlags(&b, cmd.LocalNonPersistentFlags())
		}
	}
	return b.String()
}

func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }

// commands returns the commands of our own, in the order of the help, each before those below it.
func commands(root *cobra.Command) (all []*cobra.Command) {
	for _, c := range root.Commands() {
		if c.Name() != "help" && c.Name() != "completion" {
			all = append(append(all, c), commands(c)...)
		}
	}
	return all
}

func writeFlags(b *strings.Builder, flags *pflag.FlagSet) {
	b.WriteString("| flag | meaning |\n|---|---|\n")
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" {
			return
		}
		kind, usage := pflag.UnquoteUsage(f)
		switch kind = strings.TrimSuffix(kind, "Array"); {
		case kind == "string":
			kind = " VALUE"
		case kind != "":
			kind = " " + strings.ToUpper(kind)
		}
		name := "`--" + f.Name + kind + "`"
		if f.Shorthand != "" {
			name = "`-" + f.Shorthand + "`, " + name
		}
		if f.Value.Type() != "bool" && f.DefValue != "" && f.DefValue != "[]" {
			usage += "; by default " + f.DefValue
		}
		fmt.Fprintf(b, "| %s | %s |\n", name, usage)
	})
}

// The page on the command line says what --help says.
func TestReference(t *testing.T) {
	golden.Compare(t, filepath.Join(docstest.Root, "docs", "reference", "cli.md"), []byte(reference(cli.Commands())), *update)
}

// The tables of JSON documents have every value that the program can write, and no other.
func TestDocuments(t *testing.T) {
	type selection struct {
		Target   plan.Target    `json:"target"`
		Packages []plan.Package `json:"packages"`
	}
	type problems struct {
		Problems []diag.Error `json:"problems"`
	}
	for _, test := range []struct {
		page, heading string
		document      any
	}{
		{"docs/reference/metadata.md", "Values", cli.Metadata{}},
		{"docs/reference/select-explain.md", "select", selection{}},
		{"docs/reference/select-explain.md", "Problems", problems{}},
		{"docs/reference/select-explain.md", "explain", plan.Plan{}},
		{"docs/reference/cache-doctor.md", "cache ls", cli.CacheList{}},
		{"docs/reference/cache-doctor.md", "cache prune", cli.CachePruned{}},
		{"docs/reference/cache-doctor.md", "doctor", doctor.Report{}},
	} {
		t.Run(test.heading, func(t *testing.T) {
			want := docstest.Paths(t, test.document)
			got := docstest.FirstColumn(t, test.page, test.heading)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %s (-program +page):\n%s", test.page, test.heading, diff)
			}
		})
	}
}

// The examples of these documents have no value that the tables do not.
func TestExamplesOfDocuments(t *testing.T) {
	for _, page := range []string{"docs/reference/metadata.md", "docs/reference/select-explain.md", "docs/reference/cache-doctor.md"} {
		known := docstest.FirstColumn(t, page, "")
		for i, path := range known { // a map's own keys are anybody's
			known[i], _, _ = strings.Cut(path, ".*")
		}
		for _, b := range docstest.Blocks(t, page) {
			if b.Language != "json" {
				continue
			}
			if !json.Valid([]byte(b.Code)) {
				t.Errorf("%s:%d: this is no JSON", page, b.Line)
				continue
			}
			for _, path := range docstest.PathsOf(t, []byte(b.Code)) {
				if !slices.ContainsFunc(known, func(k string) bool { return path == k || strings.HasPrefix(path, k+".") }) {
					t.Errorf("%s:%d: no table has %s", page, b.Line, path)
				}
			}
		}
	}
}
