package build

import (
	"strings"
	"testing"
)

func TestCopyEnd(t *testing.T) {
	for _, c := range []struct {
		most int64
		want string
	}{{10, "0123456789"}, {11, "0123456789"}, {4, "… 6 bytes are left out\n6789"}, {0, "… 10 bytes are left out\n"}} {
		var to strings.Builder
		if err := copyEnd(&to, strings.NewReader("0123456789"), c.most); err != nil || to.String() != c.want {
			t.Errorf("%d: %q, %v", c.most, to.String(), err)
		}
	}
}
