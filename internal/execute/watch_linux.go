package execute

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// watchStep is the least time between two looks at memory and processes, diskStep between two at written files.
	watchStep = 100 * time.Millisecond
	diskStep  = time.Second
	// watchShare is the part of its time that the watch may take: looking takes long where there is much.
	watchShare = 20
	// maxDepth is how deep the folders of a writable bind may be. Deeper ones are none of a build's.
	maxDepth = 256
)

// memoryPlaces are the file systems of the sandbox that are in memory.
var memoryPlaces = []string{"/tmp", "/dev/shm"}

// watch ends the sandbox when its program uses too much of what the kernel does not limit. It is the init process that
// looks, since it sees all processes of the sandbox and nothing else.
func (s *setup) watch() {
	if s.Limits.Memory == 0 && s.Limits.Processes == 0 {
		s.watchDisk()
		return
	}
	go s.repeat(watchStep, func() string {
		memory, tasks := s.processes()
		switch {
		case s.Limits.Processes > 0 && tasks > s.Limits.Processes+groupSpare:
			return limitProcesses
		case s.Limits.Memory > 0 && !s.Group.Memory && memory+inMemory() > s.Limits.Memory:
			return limitMemory
		}
		return ""
	})
	s.watchDisk()
}

// watchDisk looks at the writable binds only: the files in memory have a file system of that size.
func (s *setup) watchDisk() {
	if s.Limits.Disk > 0 {
		go s.repeat(diskStep, func() string {
			if s.written() > s.Limits.Disk {
				return limitDisk
			}
			return ""
		})
	}
}

// repeat looks again and again, and ends everything when a limit is exceeded.
func (s *setup) repeat(step time.Duration, look func() (exceeded string)) {
	for {
		began := time.Now()
		if exceeded := look(); exceeded != "" {
			_ = send(report{Step: exceeded}, -1) // if nobody listens, lithe is gone and so are we
			syscall.Exit(128 + int(unix.SIGKILL))
		}
		time.Sleep(max(step, watchShare*time.Since(began)))
	}
}

// processes returns the memory that the processes have for themselves, and how many processes and threads there are.
func (s *setup) processes() (memory int64, tasks int) {
	proc, err := os.Open("/proc")
	if err != nil {
		return 0, 0
	}
	defer proc.Close()
	names, _ := proc.Readdirnames(-1)
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err != nil || pid == 1 {
			continue
		}
		memory += residentOwn(name)
		tasks += threadCount(name)
	}
	return memory, tasks
}

// residentOwn returns the memory of a process that is not shared with files (proc_pid_statm(5)).
func residentOwn(pid string) int64 {
	var size, resident, shared int64
	if _, err := fmt.Sscan(readProc(pid, "statm"), &size, &resident, &shared); err != nil {
		return 0 // ended
	}
	return (resident - shared) * int64(os.Getpagesize())
}

// threadCount counts the links of the folder that has one for each thread.
func threadCount(pid string) int {
	var st unix.Stat_t
	if err := unix.Stat(path.Join("/proc", pid, "task"), &st); err != nil {
		return 0
	}
	return max(int(st.Nlink)-2, 1)
}

func readProc(pid, name string) string {
	f, err := os.Open(path.Join("/proc", pid, name))
	if err != nil {
		return ""
	}
	defer f.Close()
	data, _ := io.ReadAll(io.LimitReader(f, maxStatus))
	return string(data)
}

// inMemory returns the bytes of files that are in memory.
func inMemory() (bytes int64) {
	for _, place := range memoryPlaces {
		var st unix.Statfs_t
		if err := unix.Statfs(place, &st); err == nil {
			bytes += int64(st.Blocks-st.Bfree) * st.Bsize
		}
	}
	return bytes
}

// written returns the size of the files in all writable binds.
func (s *setup) written() (bytes int64) {
	for _, b := range s.Binds {
		if !b.Writable {
			continue
		}
		fd, err := unix.Open(path.Join("/", b.Target), unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err == nil {
			bytes += diskUsage(fd, maxDepth)
		}
	}
	return bytes
}

// diskUsage adds up a folder, which it closes. It follows no link, and no name but one at a time, since the program
// changes things meanwhile. Folders that are too deep to look into count as too much.
func diskUsage(fd, depth int) (bytes int64) {
	dir := os.NewFile(uintptr(fd), "")
	defer dir.Close()
	if depth == 0 {
		return 1 << 62
	}
	for {
		names, err := dir.Readdirnames(1000)
		for _, name := range names {
			var st unix.Stat_t
			if unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) != nil {
				continue
			}
			bytes += st.Blocks * 512 / int64(max(st.Nlink, 1)) // a file of several names is met several times
			if st.Mode&unix.S_IFMT != unix.S_IFDIR {
				continue
			}
			below, err := unix.Openat(fd, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
			if err == nil {
				bytes = min(bytes+diskUsage(below, depth-1), 1<<62)
			}
		}
		if err != nil || errors.Is(err, io.EOF) {
			return bytes
		}
	}
}
