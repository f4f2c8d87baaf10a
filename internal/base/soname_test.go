package base

import (
	"slices"
	"testing"
)

func TestPackageNames(t *testing.T) {
	for soname, want := range map[string][]string{
		"libgomp.so.1": {"libgomp1", "libgomp1t64"}, "libX11.so.6": {"libx11-6", "libx11-6t64"}, "libGL.so.1": {"libgl1", "libgl1t64"},
		"libglib-2.0.so.0": {"libglib-2.0-0", "libglib-2.0-0t64"}, "libfoo_bar.so.1.2": {"libfoo-bar1.2", "libfoo-bar1.2t64"},
		"libx.so": nil, ".so.1": nil, "libx.so.": nil, "": nil,
	} {
		if got := packageNames(soname); !slices.Equal(got, want) {
			t.Errorf("%q gives %q", soname, got)
		}
	}
}
