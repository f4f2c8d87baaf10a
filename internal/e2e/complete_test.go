//go:build linux

package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestComplete builds real wheels: one that brings all that it needs, and two that do not, whose libraries the error
// names with the Debian packages that have them.
func TestComplete(t *testing.T) {
	lab := need(t)
	dir := filepath.Join(lab.temp(t), "complete")
	if err := copyTree(dir, filepath.Join("testdata", "complete")); err != nil {
		t.Fatal(err)
	}
	r := lab.run(t, call{args: []string{"build", filepath.Join(dir, "lacking"), "--platform", "linux/amd64"}})
	if r.code != 1 || r.stdout != "" {
		t.Errorf("exit code %d, %q", r.code, r.stdout)
	}
	for _, want := range []string{
		"lightgbm 4.7.0: lib_lightgbm.so needs libgomp.so.1, which is not in the image\n",
		`libgomp1 has it: set system-packages = ["libgomp1"]`,
		"need libGL.so.1, which is not in the image\n",
		`libgl1 has it: set system-packages = ["libgl1"]`,
		"; all together: system-packages = [",
	} {
		if !strings.Contains(r.stderr, want) {
			t.Errorf("%q is not in\n%s", want, r.stderr)
		}
	}
	lab.build(t, filepath.Join(dir, "whole"), call{args: []string{"--platform", "linux/amd64"}})
}
