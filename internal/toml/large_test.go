package toml

import (
	"strings"
	"testing"
)

// TestManyValues refuses a document of a size that is allowed, which would take gigabytes: nearly every byte of it is a value.
func TestManyValues(t *testing.T) {
	for name, doc := range map[string]string{
		"numbers": "a = [" + strings.Repeat("1,", maxMarks) + "]",
		"arrays":  "a = [" + strings.Repeat("[],", maxMarks/2) + "]",
		"tables":  strings.Repeat("[[a]]\n", maxMarks/2+1),
		"keys":    strings.Repeat("a=1\n", maxMarks+1),
	} {
		if _, err := Parse("x.toml", []byte(doc)); err == nil || !strings.Contains(err.Error(), "more values") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
