package execute

import (
	"bufio"
	"crypto/rand"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// cgroupRoot is where control groups are mounted (cgroups(7)).
const cgroupRoot = "/sys/fs/cgroup"

// groupPrefix begins the names of our groups.
const groupPrefix = "lithe-"

// cgroupPatience is how long a group may take to become empty when its processes have been killed.
const cgroupPatience = 5 * time.Second

// enforced says which limits a control group keeps.
type enforced struct{ Memory, Processes bool }

// cgroup is a control group of one sandbox: one directory, or in version 1 one for each controller.
type cgroup struct {
	enforced
	dirs []string
	oom  string // the file whose line "oom_kill N" counts what was killed for lack of memory
}

// newCgroup makes a group that keeps the limits, as far as this user may make groups. Root may nearly everywhere; others
// where a group was delegated to them. What it does not keep is kept by other means, so that no error is one.
func newCgroup(root, own string, l Limits) *cgroup {
	g := &cgroup{}
	if l.Memory == 0 && l.Processes == 0 {
		return g
	}
	name := groupPrefix + strings.ToLower(rand.Text())
	if _, err := os.Stat(filepath.Join(root, "cgroup.controllers")); err == nil {
		g.unified(root, own, name, l)
	} else {
		g.legacy(root, own, name, l)
	}
	return g
}

// unified makes a group of version 2. Processes stand only in leaves, so that it cannot be below our own group: it is
// beside it, or at the top.
func (g *cgroup) unified(root, own, name string, l Limits) {
	beside := filepath.Dir(filepath.Join(root, memberships(own)[""]))
	for _, parent := range slices.Compact([]string{beside, root}) {
		have := strings.Fields(readSmall(filepath.Join(parent, "cgroup.subtree_control")))
		if !slices.Contains(have, "memory") || !slices.Contains(have, "pids") {
			continue
		}
		sweepGroups(parent)
		dir := filepath.Join(parent, name)
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		g.dirs = append(g.dirs, dir)
		g.Memory = l.Memory > 0 && set(dir, "memory.max", l.Memory)
		_ = set(dir, "memory.swap.max", 0) // where there is no swap, there is no such file
		g.Processes = l.Processes > 0 && set(dir, "pids.max", int64(l.Processes)+groupSpare)
		g.oom = filepath.Join(dir, "memory.events")
		return
	}
}

// groupSpare is how many processes the init process and its threads may be.
const groupSpare = 64

// legacy makes a group of version 1 for each of the two controllers, below our own.
func (g *cgroup) legacy(root, own, name string, l Limits) {
	in := memberships(own)
	if dir := makeGroup(root, "memory", in["memory"], name, l.Memory > 0); dir != "" {
		g.dirs = append(g.dirs, dir)
		g.Memory = set(dir, "memory.limit_in_bytes", l.Memory)
		_ = set(dir, "memory.memsw.limit_in_bytes", l.Memory) // where the kernel counts swap
		g.oom = filepath.Join(dir, "memory.oom_control")
	}
	if dir := makeGroup(root, "pids", in["pids"], name, l.Processes > 0); dir != "" {
		g.dirs = append(g.dirs, dir)
		g.Processes = set(dir, "pids.max", int64(l.Processes)+groupSpare)
	}
}

// makeGroup makes a group if it is wanted: below ours, or at the top where ours is not to be seen, as in some containers.
func makeGroup(root, controller, own, name string, wanted bool) string {
	for _, parent := range []string{own, "/"} {
		if !wanted {
			break
		}
		sweepGroups(filepath.Join(root, controller, parent))
		dir := filepath.Join(root, controller, parent, name)
		if os.Mkdir(dir, 0o755) == nil {
			return dir
		}
	}
	return ""
}

// sweepGroups removes the groups of runs that were killed. One that has processes cannot be removed, and one that is new may
// be about to get some.
func sweepGroups(parent string) {
	entries, _ := os.ReadDir(parent) // where there is none, nothing is to be swept
	for _, entry := range entries {
		info, err := entry.Info()
		if err == nil && entry.IsDir() && strings.HasPrefix(entry.Name(), groupPrefix) && time.Since(info.ModTime()) > time.Minute {
			_ = os.Remove(filepath.Join(parent, entry.Name()))
		}
	}
}

// memberships reads which group of each controller a process is in; that of version 2 has no name.
func memberships(file string) map[string]string {
	in := map[string]string{}
	f, err := os.Open(file)
	if err != nil {
		return in
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, maxStatus))
	for lines.Scan() {
		if parts := strings.SplitN(lines.Text(), ":", 3); len(parts) == 3 {
			for controller := range strings.SplitSeq(parts[1], ",") {
				in[controller] = parts[2]
			}
		}
	}
	return in
}

// enter puts a process into the group, with all that it starts from now on. What cannot be entered keeps nothing.
func (g *cgroup) enter(pid int) {
	for _, dir := range g.dirs {
		if !set(dir, "cgroup.procs", int64(pid)) {
			g.enforced = enforced{}
			return
		}
	}
}

// outOfMemory reports whether a process was killed for lack of memory.
func (g *cgroup) outOfMemory() bool {
	if g.oom == "" {
		return false
	}
	for line := range strings.Lines(readSmall(g.oom)) {
		if n, ok := strings.CutPrefix(line, "oom_kill "); ok && strings.TrimSpace(n) != "0" {
			return true
		}
	}
	return false
}

// remove removes the group, which is empty as soon as the kernel has buried its processes.
func (g *cgroup) remove() {
	for end := time.Now().Add(cgroupPatience); len(g.dirs) > 0; time.Sleep(time.Millisecond) {
		g.dirs = slices.DeleteFunc(g.dirs, func(dir string) bool { return os.Remove(dir) == nil })
		if time.Now().After(end) {
			return
		}
	}
}

// set writes one setting of a group.
func set(dir, name string, value int64) bool {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644) // the kernel makes no file there
	if err != nil {
		return false
	}
	_, err = f.WriteString(strconv.FormatInt(value, 10))
	return f.Close() == nil && err == nil
}

func readSmall(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	data, _ := io.ReadAll(io.LimitReader(f, maxStatus))
	return string(data)
}
