package contents

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRead(t *testing.T) {
	const index = "bin/bash                                   shells/bash\n" +
		"./usr/lib/x/a b.so\tlibs/one,oldlibs/two,contrib/libs/three\n" +
		"usr/lib/x/libpq.so.5  libs/libpq5"
	got := map[string][]string{}
	err := Read(strings.NewReader(index), "Contents", func(p []byte) bool { return bytes.Contains(p, []byte(".so")) },
		func(path string, packages []string) error {
			got[path] = packages
			return nil
		})
	want := map[string][]string{"usr/lib/x/a b.so": {"one", "two", "three"}, "usr/lib/x/libpq.so.5": {"libpq5"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestReadProblems(t *testing.T) {
	full := errors.New("full")
	for name, c := range map[string]struct{ index, want string }{
		"no list":    {"a b\nusr/bin/x\n", "Contents:2: is not a path and a list of packages"},
		"empty line": {"a b\n\n", "Contents:2: is not a path and a list of packages"},
		"long line":  {strings.Repeat("x", maxLine+1), "Contents:1: bufio: buffer full"},
		"caller's":   {"a b\nstop b\n", "Contents:2: full"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Read(strings.NewReader(c.index), "Contents", func([]byte) bool { return true }, func(path string, _ []string) error {
				if path == "stop" {
					return full
				}
				return nil
			})
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// FuzzRead shows that what is read stood in the index.
func FuzzRead(f *testing.F) {
	f.Add("usr/lib/libx.so  libs/x,y\n")
	f.Add("\n./ \t,/\n")
	f.Fuzz(func(t *testing.T, index string) {
		_ = Read(strings.NewReader(index), "Contents", func([]byte) bool { return true }, func(path string, packages []string) error {
			for _, s := range append(packages, path) {
				if s == "" || !strings.Contains(index, s) || strings.Contains(s, "\n") {
					t.Errorf("%q is not in the index", s)
				}
			}
			return nil
		})
	})
}
