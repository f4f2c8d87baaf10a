package execute

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxStatus bounds what is read of a file in /proc that describes a process.
const maxStatus = 64 << 10

// maxOpenFiles is how many files one process of an untrusted command may have open. Few builds need more than the usual
// 1024, and some programs go through all numbers that there may be.
const maxOpenFiles = 65536

// defaultMemory is a limit that leaves the machine something.
func defaultMemory() int64 {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return maxMemory
	}
	return min(maxMemory, int64(info.Totalram)*int64(info.Unit)/4*3)
}

// rlimit is a limit that the kernel keeps for a process and those that it starts.
type rlimit struct {
	resource int
	name     string
	value    uint64
}

// rlimits returns the limits that setrlimit(2) can keep.
func (s *setup) rlimits() (all []rlimit) {
	if s.Untrusted {
		all = append(all, rlimit{unix.RLIMIT_CORE, "core files", 0}, rlimit{unix.RLIMIT_NOFILE, "open files", maxOpenFiles})
	}
	if s.Limits.Disk > 0 {
		all = append(all, rlimit{unix.RLIMIT_FSIZE, "file size", uint64(s.Limits.Disk)})
	}
	if s.Limits.Memory > 0 && !s.Group.Memory {
		// Of one process, so that it cannot outrun the one who sums up. The address space is left alone: many programs
		// reserve much more of it than they use.
		all = append(all, rlimit{unix.RLIMIT_DATA, "memory", uint64(s.Limits.Memory)})
	}
	if s.Limits.Processes > 0 && !s.Group.Processes {
		all = append(all, rlimit{unix.RLIMIT_NPROC, "processes", uint64(s.Limits.Processes + s.Others)})
	}
	return all
}

// limit sets the limits of a process, 0 for this one.
func (s *setup) limit(pid int) error {
	for _, l := range s.rlimits() {
		var now unix.Rlimit
		if err := unix.Prlimit(pid, l.resource, nil, &now); err != nil {
			return errStep("read", "limit of "+l.name, err)
		}
		value := unix.Rlimit{Cur: min(now.Cur, l.value), Max: min(now.Max, l.value)}
		if err := unix.Prlimit(pid, l.resource, &value, nil); err != nil {
			return errStep("set", "limit of "+l.name, err)
		}
	}
	return nil
}

// forkLimited starts a program that finds its limits set. Root sets them for itself, and the program inherits them: that
// of processes does not bind root, and the others are far off. An ordinary user's init process has to be able to start
// threads when the program has used up all processes, so it sets them for the program alone: that stops when it has been
// executed, as for a debugger, and goes on with its limits.
func (s *setup) forkLimited(path string, attr *syscall.ProcAttr) (pid int, err error) {
	if s.Privileged {
		if err := s.limit(0); err != nil {
			return 0, err
		}
		pid, err = syscall.ForkExec(path, s.Args, attr)
		return pid, errStep("start", path, err)
	}
	attr.Sys.Ptrace = true
	pid, err = syscall.ForkExec(path, s.Args, attr)
	if err != nil {
		return 0, errStep("start", path, err)
	}
	if err := s.release(pid); err != nil {
		_ = unix.Kill(pid, unix.SIGKILL)
		return 0, err
	}
	return pid, nil
}

// release waits until the program stops, sets its limits and lets it go.
func (s *setup) release(pid int) error {
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(pid, &status, 0, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return errStep("wait for", "the program", err)
		}
		break
	}
	if !status.Stopped() {
		return errStep("start", "the program", errors.New("it ended at once"))
	}
	if err := s.limit(pid); err != nil {
		return err
	}
	return errStep("start", "the program", unix.PtraceDetach(pid))
}

// others returns how many processes of this user the kernel counts besides the program's. In a user namespace of its own
// it counts by namespace since Linux 5.14, so that there are only the init process's threads; else all of the user's.
func others(uid int, privileged bool) int {
	const ofInit = 64 // threads that the init process may have
	if !privileged && kernelAtLeast(5, 14) {
		return ofInit
	}
	if !privileged {
		uid = os.Geteuid()
	}
	n := ofInit
	files, _ := filepath.Glob("/proc/[0-9]*/status")
	for _, file := range files {
		n += threadsOf(file, uid)
	}
	return n
}

// threadsOf returns the threads of a process if it belongs to a user.
func threadsOf(file string, uid int) int {
	f, err := os.Open(file)
	if err != nil {
		return 0 // ended
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, maxStatus))
	mine, threads := false, 0
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		fields := strings.Fields(value)
		if len(fields) == 0 {
			continue
		}
		switch name {
		case "Uid":
			mine = fields[0] == strconv.Itoa(uid)
		case "Threads":
			threads, _ = strconv.Atoi(fields[0])
		}
	}
	if !mine {
		return 0
	}
	return threads
}

// kernelAtLeast compares the version of the running kernel.
func kernelAtLeast(major, minor int) bool {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return false
	}
	var a, b int
	if _, err := fmt.Sscanf(unix.ByteSliceToString(name.Release[:]), "%d.%d", &a, &b); err != nil {
		return false
	}
	return a > major || a == major && b >= minor
}
