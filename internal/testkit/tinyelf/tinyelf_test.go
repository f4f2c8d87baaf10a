package tinyelf

import (
	"bytes"
	"debug/elf"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBytes(t *testing.T) {
	full := Object{Machine: elf.EM_AARCH64, Soname: "libx.so.1", Rpath: "/old", Runpath: "$ORIGIN/..", Interp: "/lib/ld.so",
		Defines: []string{"X_1", "X_2"},
		Needed: []Need{{"libc.so.6", []string{"GLIBC_2.17", "GLIBC_2.36"}, nil}, {Library: "libm.so.6"},
			{"libz.so.1", []string{"ZLIB_1"}, []string{"ZLIB_2"}}}}
	f, err := elf.NewFile(bytes.NewReader(full.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	needed, err := f.ImportedLibraries()
	if diff := cmp.Diff([]string{"libc.so.6", "libm.so.6", "libz.so.1"}, needed); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for tag, want := range map[elf.DynTag]string{elf.DT_SONAME: "libx.so.1", elf.DT_RUNPATH: "$ORIGIN/..", elf.DT_RPATH: "/old"} {
		if got, err := f.DynString(tag); err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("%v is %q (%v), want %q", tag, got, err, want)
		}
	}
	needs, err := f.DynamicVersionNeeds()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, n := range needs {
		for _, v := range n.Needs {
			name := v.Dep
			if v.Flags&elf.VER_FLG_WEAK != 0 {
				name += " weak"
			}
			got[n.Name] = append(got[n.Name], name)
		}
	}
	want := map[string][]string{"libc.so.6": {"GLIBC_2.17", "GLIBC_2.36"}, "libz.so.1": {"ZLIB_1", "ZLIB_2 weak"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	definitions, err := f.DynamicVersions()
	if err != nil || len(definitions) != 2 || definitions[1].Name != "X_2" {
		t.Errorf("definitions are %+v (%v)", definitions, err)
	}
	if f.Machine != elf.EM_AARCH64 || f.Section(".interp") == nil {
		t.Error("machine or interpreter is missing")
	}
}

func TestZero(t *testing.T) {
	f, err := elf.NewFile(bytes.NewReader(Object{}.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if f.Machine != elf.EM_X86_64 || f.Type != elf.ET_DYN {
		t.Errorf("%v %v", f.Machine, f.Type)
	}
}
