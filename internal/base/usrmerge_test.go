package base

import (
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lithe-build/lithe/internal/entry"
)

func TestMerged(t *testing.T) {
	for _, test := range []struct {
		name string
		in   entry.Entry
		want string // path, or path -> link; "" when the entry goes
	}{
		{"file below lib", entry.NewFile("lib/x86_64-linux-gnu/libz.so.1.2", nil, false), "usr/lib/x86_64-linux-gnu/libz.so.1.2"},
		{"file below usr", entry.NewFile("usr/lib/libz.so", nil, false), "usr/lib/libz.so"},
		{"name that only begins alike", entry.NewFile("library/x", nil, false), "library/x"},
		{"directory of bookworm", entry.NewDir("lib64"), ""},
		{"link of trixie", entry.NewSymlink("sbin", "usr/sbin"), ""},
		{"directory below", entry.NewDir("lib/init"), "usr/lib/init"},
		{"link to a neighbour", entry.NewSymlink("lib/a/libz.so.1", "libz.so.1.2"), "usr/lib/a/libz.so.1 -> libz.so.1.2"},
		{"absolute link", entry.NewSymlink("lib64/ld.so", "/lib/a/ld.so"), "usr/lib64/ld.so -> /lib/a/ld.so"},
		{"link that climbs out and back", entry.NewSymlink("lib64/ld.so", "../lib/a/ld.so"), "usr/lib64/ld.so -> ../lib/a/ld.so"},
		{"link that climbs to another directory", entry.NewSymlink("lib/a/x", "../../etc/x"), "usr/lib/a/x -> ../../../etc/x"},
		{"link into usr", entry.NewSymlink("sbin/x", "../usr/bin/x"), "usr/sbin/x -> ../bin/x"},
		{"link of usr into lib", entry.NewSymlink("usr/lib/a/x.so", "../../../lib/a/x.so.1"), "usr/lib/a/x.so -> ../../../lib/a/x.so.1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e, ok := merged(test.in)
			got := ""
			if ok {
				got = e.Path
			}
			if ok && e.Type == entry.Symlink {
				got += " -> " + e.Link
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestMergeLinks(t *testing.T) {
	links := mergeLinks([]entry.Entry{entry.NewFile("usr/lib/a/b", nil, false), entry.NewFile("usr/lib64/ld.so", nil, false),
		entry.NewDir("usr/sbin"), entry.NewFile("usr/bin/x", nil, false)})
	var got []string
	for _, e := range links {
		got = append(got, e.Path+" -> "+e.Link)
	}
	want := []string{"bin -> usr/bin", "lib -> usr/lib", "lib64 -> usr/lib64"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// FuzzMergedLink holds that a link leads to the same file before and after, wherever both stand.
func FuzzMergedLink(f *testing.F) {
	f.Add("lib/a/x", "../../etc/x")
	f.Add("bin/x", "../../../..")
	f.Add("usr/lib/x", "../../lib/y")
	f.Fuzz(func(t *testing.T, from, target string) {
		if from != path.Clean(from) || path.IsAbs(from) || strings.HasPrefix(from, "..") || from == "." || target == "" {
			return
		}
		e, ok := merged(entry.NewSymlink(from, target))
		if !ok {
			return
		}
		before, after := target, e.Link
		if !path.IsAbs(target) {
			before, after = path.Join("/", path.Dir(from), target), path.Join("/", path.Dir(e.Path), e.Link)
		}
		if mergedPath(before[1:]) != mergedPath(after[1:]) && !path.IsAbs(target) {
			t.Errorf("%s -> %s leads to %s; %s -> %s leads to %s", from, target, before, e.Path, e.Link, after)
		}
	})
}
