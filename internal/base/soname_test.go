package base

import (
	"slices"
	"testing"
)

func TestPackageNames(t *testing.T) {
	for soname, want := range map[string][]string{
		"libgomp.so.1": {"libgomp1", "libgomp1t64", "libgomp"}, "libX11.so.6": {"libx11-6", "libx11-6t64", "libx11"}, "libGL.so.1": {"libgl1", "libgl1t64", "libgl"},
		"libglib-2.0.so.0": {"libglib-2.0-0", "libglib-2.0-0t64", "libglib-2.0"}, "libfoo_bar.so.1.2": {"libfoo-bar1.2", "libfoo-bar1.2t64", "libfoo-bar"},
		"libpython3.13.so.1.0": {"libpython3.13-1.0", "libpython3.13-1.0t64", "libpython3.13"},
		"libx.so":              nil, ".so.1": nil, "libx.so.": nil, "": nil,
	} {
		if got := packageNames(soname); !slices.Equal(got, want) {
			t.Errorf("%q gives %q", soname, got)
		}
	}
}
