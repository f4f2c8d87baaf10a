package base

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestBuilding(t *testing.T) {
	if got, source := Building("psycopg2"); !slices.Equal(got, []string{"libpq-dev"}) || source == "" {
		t.Errorf("psycopg2 needs %q, says %q", got, source)
	}
	if got, _ := Building("psycopg2-binary"); got != nil {
		t.Errorf("psycopg2-binary needs %q", got)
	}
}

// TestBuiltTable: every row says who says so, and is in the documentation.
func TestBuiltTable(t *testing.T) {
	page, err := os.ReadFile("../../docs/concepts/sdists.md")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(builtTable, func(a, b built) int { return strings.Compare(a.distribution, b.distribution) }) {
		t.Error("the table is not sorted")
	}
	for _, b := range builtTable {
		row := "| `" + b.distribution + "` | `" + strings.Join(b.packages, "`, `") + "` |"
		if !strings.HasPrefix(b.source, "https://") || !strings.Contains(string(page), row) {
			t.Errorf("%s has the source %q; its row in the page is %s", b.distribution, b.source, row)
		}
	}
}
