//go:build linux

package execute

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Version 2 on a folder of its shape: beside our own group where the controllers are given on, else at the top, else nowhere.
func TestUnifiedCgroup(t *testing.T) {
	for name, test := range map[string]struct {
		given map[string]string // controllers that are given on, by the group
		want  string            // where the group is
	}{
		"beside our own":       {map[string]string{".": "cpu", "user": "cpu memory pids"}, "user"},
		"at the top":           {map[string]string{".": "cpu memory pids", "user": "pids"}, "."},
		"nowhere":              {map[string]string{".": "cpu", "user": "memory"}, ""},
		"a system without any": {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			own := filepath.Join(t.TempDir(), "cgroup")
			write(t, own, "0::/user/session\n")
			write(t, filepath.Join(root, "cgroup.controllers"), "cpu memory pids\n")
			for group, controllers := range test.given {
				write(t, filepath.Join(root, group, "cgroup.subtree_control"), controllers+"\n")
			}
			g := newCgroup(root, own, Limits{Memory: 1 << 30, Processes: 100})
			if works := test.want != ""; g.Memory != works || g.Processes != works {
				t.Fatalf("%+v", g)
			}
			if test.want == "" {
				return
			}
			if got, _ := filepath.Rel(root, filepath.Dir(g.dirs[0])); got != test.want {
				t.Errorf("in %s, not %s", got, test.want)
			}
			g.enter(42)
			got := map[string]string{}
			for _, file := range []string{"memory.max", "memory.swap.max", "pids.max", "cgroup.procs"} {
				got[file] = readSmall(filepath.Join(g.dirs[0], file))
			}
			want := map[string]string{"memory.max": "1073741824", "memory.swap.max": "0", "pids.max": "164", "cgroup.procs": "42"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			write(t, g.oom, "low 0\noom 1\noom_kill 0\n")
			if g.outOfMemory() {
				t.Error("nothing was killed")
			}
			write(t, g.oom, "low 0\noom 1\noom_kill 3\n")
			if !g.outOfMemory() {
				t.Error("something was killed")
			}
		})
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Where nobody makes groups for us, the limits are kept otherwise, and that is no error.
func TestNoCgroup(t *testing.T) {
	g := newCgroup(t.TempDir(), filepath.Join(t.TempDir(), "none"), Limits{Memory: 1, Processes: 1})
	g.enter(1)
	g.remove()
	if g.Memory || g.Processes || g.outOfMemory() {
		t.Errorf("%+v", g)
	}
}

// The group of a run that was killed goes with the next one's; a new one stays.
func TestSweepGroups(t *testing.T) {
	parent := t.TempDir()
	old := time.Now().Add(-time.Hour)
	for _, name := range []string{"lithe-old", "lithe-new", "others"} {
		path := filepath.Join(parent, name)
		if err := os.Mkdir(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if name != "lithe-new" {
			if err := os.Chtimes(path, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	sweepGroups(parent)
	left, _ := filepath.Glob(filepath.Join(parent, "*"))
	if diff := cmp.Diff([]string{filepath.Join(parent, "lithe-new"), filepath.Join(parent, "others")}, left); diff != "" {
		t.Error(diff)
	}
}

// A command makes no group that it does not remove.
func TestCgroupsRemoved(t *testing.T) {
	for _, l := range []Limits{{Memory: 1 << 30}, {Processes: 100}, {Memory: 1 << 30, Processes: 100}} {
		root := t.TempDir()
		for _, controller := range []string{"memory", "pids"} {
			if err := os.Mkdir(filepath.Join(root, controller), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		g := newCgroup(root, filepath.Join(root, "none"), l)
		made, _ := filepath.Glob(filepath.Join(root, "*", groupPrefix+"*"))
		slices.Sort(g.dirs)
		if diff := cmp.Diff(made, g.dirs); diff != "" || len(made) == 0 {
			t.Error(l, diff)
		}
	}
}
