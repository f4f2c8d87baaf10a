package faultstest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// elsewhere is a fault that another test tries, since it needs processes, the rights of root, or a real interpreter.
type elsewhere struct {
	fault, outcome string
	file           string // from the repository's root
	test           string // its name; "" for a script
}

// tested is what the page lists beside the rows.
var tested = []elsewhere{
	{"`kill -9` of a build, at 10 random moments in `.ci/run` and 50 in `.ci/full`, half of them twice in a row",
		"the next build gives the right digest; nothing unfinished has a finished name", "internal/e2e/interrupt_test.go", "TestKilledBuilds"},
	{"a disk that is full while packages are downloaded, layers are made, or a root is unpacked",
		"error, exit code 3, with the store's folder and a hint; with more room the next build gives the right digest", "internal/e2e/fulldisk_test.go", "TestFullDisk"},
	{"Ctrl-C during a build", "it ends within seconds, says so, and removes what it had under way", "internal/e2e/interrupt_test.go", "TestInterruptedBuild"},
	{"two builds of one project at once on one store", "both give the right digest; each file is downloaded once", "internal/cli/testdata/script/build_together.txt", ""},
	{"ten builds of one project at once on one store, in processes of their own", "all give the right digest; each file is downloaded once", "internal/cli/testdata/script/build_together-ten.txt", ""},
	{"builds of several projects at once on one store, with bytecode", "all give their right digests", "internal/e2e/interrupt_test.go", "TestBuildsAtOnce"},
}

// elsewhereTable is the last section of the page.
func elsewhereTable() string {
	var b strings.Builder
	b.WriteString("\n## Processes and machines\n\nThese are tried by tests of their own, which the last column names.\n\n" +
		"| fault | outcome | test |\n|---|---|---|\n")
	for _, e := range tested {
		name := "`" + e.test + "` in "
		if e.test == "" {
			name = ""
		}
		fmt.Fprintf(&b, "| %s | %s | %s[%s](../%s) |\n", e.fault, e.outcome, name, filepath.Base(e.file), e.file)
	}
	return b.String()
}

// What the page says is tested elsewhere is.
func TestElsewhere(t *testing.T) {
	for _, e := range tested {
		data, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(e.file)))
		if err != nil {
			t.Error(err)
			continue
		}
		if e.test != "" && !regexp.MustCompile(`(?m)^func `+e.test+`\(t \*testing\.T\)`).Match(data) {
			t.Errorf("%s has no %s", e.file, e.test)
		}
	}
}
