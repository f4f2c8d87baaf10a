package execute

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// devices are bound from the host: an ordinary user cannot make device files. tty is missing in some containers.
var devices = []string{"null", "zero", "full", "random", "urandom", "tty"}

// devLinks are what POSIX programs expect besides.
var devLinks = []struct{ name, target string }{
	{"fd", "/proc/self/fd"}, {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"},
}

// Parts of /proc that speak of the host or change it, as in the runtime specification's Docker profile. A user
// namespace of one's own already closes most of them.
var (
	procReadOnly = []string{"bus", "fs", "irq", "sys", "sysrq-trigger"}
	procHidden   = []string{"kcore", "keys", "latency_stats", "timer_list", "sched_debug"}
)

// mount builds the tree that the program sees, and makes it the root. Mount points are found inside of the root
// whatever links it has.
func (s *setup) mount() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return errStep("make private", "/", err)
	}
	if err := unix.Mount(s.Root, s.Root, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return errStep("mount", s.Root, err)
	}
	root, err := unix.Open(s.Root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return errStep("open", s.Root, err)
	}
	defer unix.Close(root)
	m := mounter{root: root, path: s.Root}
	size := s.memorySize()
	for _, step := range []func() error{m.proc, func() error { return m.dev(size) }, func() error { return m.tmp(size) }} {
		if err := step(); err != nil {
			return err
		}
	}
	if err := s.binds(m); err != nil {
		return err
	}
	if err := remount(s.Root, unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV); err != nil {
		return err
	}
	return pivot(s.Root)
}

// binds shows what the host has to show: its resolver if the network is the host's, then what the command asks for.
func (s *setup) binds(m mounter) error {
	if s.Network {
		for _, file := range mountPoints.files {
			if _, err := os.Stat("/" + file); err != nil {
				continue // a host without the file has nothing to show
			}
			if err := m.bind(Bind{Source: "/" + file, Target: file}); err != nil {
				return err
			}
		}
	}
	for _, b := range s.Binds {
		if err := m.bind(b); err != nil {
			return err
		}
	}
	return nil
}

// memorySize is the option of tmpfs(5) by which files in memory have a limit of their own; without, it is half of the
// machine's memory.
func (s *setup) memorySize() string {
	switch size := min(s.Limits.Disk, s.Limits.Memory); {
	case size > 0:
		return fmt.Sprintf(",size=%d", size)
	case s.Limits.Disk > 0 || s.Limits.Memory > 0:
		return fmt.Sprintf(",size=%d", max(s.Limits.Disk, s.Limits.Memory))
	}
	return ""
}

// mounter mounts inside of one root, which is open and has this path.
type mounter struct {
	root int
	path string
}

// point opens a mount point, which is made if it is missing and the root can be written to.
func (m mounter) point(name string, dir bool) (path string, done func(), err error) {
	how := &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	fd, err := unix.Openat2(m.root, name, how)
	if errors.Is(err, fs.ErrNotExist) {
		if dir {
			_ = unix.Mkdirat(m.root, name, 0o755)
		} else if made, err := unix.Openat2(m.root, name, &unix.OpenHow{Flags: unix.O_CREAT | unix.O_EXCL |
			unix.O_WRONLY | unix.O_CLOEXEC, Mode: 0o644, Resolve: unix.RESOLVE_IN_ROOT}); err == nil {
			_ = unix.Close(made)
		}
		fd, err = unix.Openat2(m.root, name, how)
	}
	if err != nil {
		return "", nil, errStep("find mount point", "/"+name, err)
	}
	return "/proc/self/fd/" + strconv.Itoa(fd), func() { _ = unix.Close(fd) }, nil
}

// fresh mounts a new file system of this type and returns its path in the host's view.
func (m mounter) fresh(kind, name string, flags uintptr, options string) (string, error) {
	at, done, err := m.point(name, true)
	if err != nil {
		return "", err
	}
	defer done()
	if err := unix.Mount(kind, at, kind, flags, options); err != nil {
		return "", errStep("mount "+kind+" on", "/"+name, err)
	}
	return filepath.Join(m.path, name), nil
}

// proc mounts the processes of this namespace, and covers what is about the whole machine.
func (m mounter) proc() error {
	proc, err := m.fresh("proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	if err != nil {
		return err
	}
	for _, name := range procReadOnly {
		path := filepath.Join(proc, name)
		if _, err := os.Lstat(path); err != nil {
			continue
		}
		if err := bindReadOnly(path, path); err != nil {
			return err
		}
	}
	for _, name := range procHidden {
		path := filepath.Join(proc, name)
		if _, err := os.Lstat(path); err != nil {
			continue
		}
		if err := unix.Mount("/dev/null", path, "", unix.MS_BIND, ""); err != nil {
			return errStep("hide", "/proc/"+name, err)
		}
	}
	return nil
}

// dev is a small /dev. It is read-only in the end, since the user who made it would own it.
func (m mounter) dev(size string) error {
	dev, err := m.fresh("tmpfs", "dev", unix.MS_NOSUID|unix.MS_NOEXEC, "mode=0755")
	if err != nil {
		return err
	}
	for _, name := range devices {
		if err := bindDevice("/dev/"+name, filepath.Join(dev, name)); err != nil && name != "tty" {
			return err
		}
	}
	for _, l := range devLinks {
		if err := os.Symlink(l.target, filepath.Join(dev, l.name)); err != nil {
			return errStep("link", "/dev/"+l.name, err)
		}
	}
	if err := terminals(dev); err != nil {
		return err
	}
	shm := filepath.Join(dev, "shm")
	if err := os.Mkdir(shm, 0o755); err != nil {
		return errStep("make", "/dev/shm", err)
	}
	err = unix.Mount("tmpfs", shm, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=1777"+size)
	if err != nil {
		return errStep("mount tmpfs on", "/dev/shm", err)
	}
	return remount(dev, unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NOEXEC)
}

// bindDevice shows a device of the host. A bind needs a file to cover.
func bindDevice(host, path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return errStep("make", path, err)
	}
	_ = f.Close()
	return errStep("mount", host, unix.Mount(host, path, "", unix.MS_BIND, ""))
}

// tmp is the one place to write to. It is new for each command, and programs may be started from it.
func (m mounter) tmp(size string) error {
	_, err := m.fresh("tmpfs", "tmp", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777"+size)
	return err
}

// bind shows a file or directory of the host, with all that is mounted below it: an ordinary user may not uncover
// parts of it.
func (m mounter) bind(b Bind) error {
	info, err := os.Stat(b.Source)
	if err != nil {
		return errStep("show", b.Source, err)
	}
	at, done, err := m.point(filepath.Join("/", b.Target)[1:], info.IsDir())
	if err != nil {
		return err
	}
	defer done()
	if err := unix.Mount(b.Source, at, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return errStep("show", b.Source, err)
	}
	if b.Writable {
		return nil
	}
	// The open mount point lies below what was mounted: find the path of the new mount.
	path, err := os.Readlink(at)
	if err != nil {
		return errStep("show", b.Source, err)
	}
	return remount(path, unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV)
}

func bindReadOnly(source, target string) error {
	if err := unix.Mount(source, target, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return errStep("mount", target, err)
	}
	return remount(target, unix.MS_RDONLY)
}

// remount changes the flags of one mount. Flags that the mount already has must stay: in a user namespace they are
// locked (mount_namespaces(7)).
func remount(path string, flags uintptr) error {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return errStep("look at", path, err)
	}
	flags |= uintptr(st.Flags) & (unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC |
		unix.MS_NOATIME | unix.MS_NODIRATIME)
	if st.Flags&unix.ST_RELATIME != 0 {
		flags |= unix.MS_RELATIME
	}
	return errStep("remount", path, unix.Mount("", path, "", unix.MS_REMOUNT|unix.MS_BIND|flags, ""))
}

// pivot makes root the root directory and lets go of the old one, which lies on top for a moment (pivot_root(2)).
func pivot(root string) error {
	if err := unix.Chdir(root); err != nil {
		return errStep("change to", root, err)
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return errStep("change the root to", root, err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return errStep("let go of", "the old root", err)
	}
	return errStep("change to", "/", unix.Chdir("/"))
}
