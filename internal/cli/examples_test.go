package cli_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/lithe-build/lithe/internal/cli"
	"github.com/lithe-build/lithe/internal/docstest"
)

// invocation is a call of lithe in a line of a shell, up to what ends a command there.
var invocation = regexp.MustCompile(`(?:^|[\s(;|&=])(?:\./|go run \./cmd/)?lithe((?:[ \t]+[^\s|;&<>)]+)+)`)

// expression is what a workflow puts a value for, before a shell sees it.
var expression = regexp.MustCompile(`\$\{\{[^}]*\}\}`)

// Every call of lithe in the documentation uses commands and flags that there are.
func TestExamplesOfCommands(t *testing.T) {
	seen := 0
	for _, page := range docstest.Pages(t) {
		for _, line := range callsIn(t, page) {
			line = expression.ReplaceAllString(line, "x")
			for _, m := range invocation.FindAllStringSubmatch(line, -1) {
				if words := strings.Fields(m[1]); isCall(words) {
					seen++
					checkCall(t, page, words)
				}
			}
		}
	}
	if seen < 40 {
		t.Errorf("only %d calls: the search is broken", seen)
	}
}

// hint is a call of lithe in a message of the program.
var hint = regexp.MustCompile("`lithe ([^`\n]+)`")

// Every call of lithe that a message or a comment of the program recommends can be made.
func TestHints(t *testing.T) {
	seen := 0
	for _, file := range docstest.Sources(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range hint.FindAllStringSubmatch(string(data), -1) {
			if words := strings.Fields(m[1]); !strings.ContainsAny(m[1], "%") && isCall(words) {
				seen++
				checkCall(t, file, words)
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d calls: the search is broken", seen)
	}
}

// callsIn returns the lines of a page where calls may stand: commands of consoles and scripts, and code in the text.
func callsIn(t *testing.T, page string) (lines []string) {
	t.Helper()
	for _, b := range docstest.Blocks(t, page) {
		for line := range strings.Lines(strings.ReplaceAll(b.Code, "\\\n", " ")) {
			switch command, isCommand := strings.CutPrefix(line, "$ "); {
			case b.Language == "console" && isCommand:
				lines = append(lines, command)
			case b.Language == "sh" || b.Language == "yaml":
				lines = append(lines, line)
			}
		}
	}
	return append(lines, docstest.Spans(docstest.Prose(t, page))...)
}

// isCall tells a call from a sentence that begins with the name.
func isCall(words []string) bool {
	first := words[0]
	return strings.HasPrefix(first, "-") || regexp.MustCompile(`^[a-z]+$`).MatchString(first)
}

func checkCall(t *testing.T, page string, words []string) {
	t.Helper()
	call := "lithe " + strings.Join(words, " ")
	for i, word := range words { // what stands behind is the program's, or a comment
		if strings.HasSuffix(word, "--") || word == "#" {
			words = words[:i]
			break
		}
	}
	cmd, rest, err := cli.Commands().Find(words)
	if err != nil {
		t.Errorf("%s: `%s`: %v", page, call, err)
		return
	}
	if cmd.Name() == "completion" || cmd.Name() == "help" {
		return
	}
	if !cmd.HasParent() && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		t.Errorf("%s: `%s`: there is no such command", page, call)
		return
	}
	if err := cmd.ParseFlags(rest); err != nil && err != pflag.ErrHelp && !strings.Contains(err.Error(), "needs an argument") {
		t.Errorf("%s: `%s`: %v", page, call, err)
	}
	if n := cmd.Flags().NArg(); n > 1 {
		t.Errorf("%s: `%s`: %d arguments, not one folder", page, call, n)
	}
}
