package syntax

import (
	"strings"
	"testing"
)

// TestLongLiteral reads a string of very many parts: a reader that copies the string for each would need minutes, and for those
// that a file may have hours.
func TestLongLiteral(t *testing.T) {
	const n, width = 1 << 16, 64
	v, ok := Read("v = "+strings.Repeat("'"+strings.Repeat("a", width)+"'", n)).Assigned("v", "")
	if !ok || len(v.Text) != n*width {
		t.Errorf("%d characters of %d", len(v.Text), n*width)
	}
}
