package faultstest

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

// page is docs/reliability.md.
func page(t *testing.T, all []section, told [][]string) []byte {
	t.Helper()
	head, err := os.ReadFile("testdata/head.md")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	b.Write(head)
	for i, s := range all {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| fault | outcome | what the user sees |\n|---|---|---|\n", s.title, s.text)
		for j, r := range s.rows {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", r.name, outcome(r.want), cell(told[i][j]))
		}
	}
	b.WriteString(elsewhereTable())
	return b.Bytes()
}

func outcome(code int) string {
	return map[int]string{good: "the right digest", problem: "error, exit code 1", failure: "error, exit code 3"}[code]
}

// cell puts an error into a row of a table: the error as it stands, then its hint.
func cell(told string) string {
	if told == "" {
		return ""
	}
	escaped := strings.NewReplacer("|", `\|`, "<", "&lt;", ">", "&gt;", "*", `\*`).Replace(told)
	return strings.ReplaceAll(escaped, "\n", "<br>")
}
