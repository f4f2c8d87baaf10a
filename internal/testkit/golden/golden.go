// Package golden compares what a test got with a file of the repository, and rewrites the file when asked.
//
// The flag that asks is the test's own, since a package of test helpers must not define flags for all.
package golden

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Compare fails the test where the file holds something else than got. With update, the file becomes got.
func Compare(t testing.TB, file string, got []byte, update bool) {
	t.Helper()
	if update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-file +made); -update rewrites it:\n%s", file, diff)
	}
}
