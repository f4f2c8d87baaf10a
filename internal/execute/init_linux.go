package execute

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// exitSetup is the exit code of an init process whose set-up failed; its parent reports the reason instead.
const exitSetup = 125

// Init must be the first call of main and TestMain. It returns at once, unless this process was started by the
// namespace executor: then it is the init process of a sandbox, and never returns.
func Init() {
	if len(os.Args) == 0 || os.Args[0] != marker {
		return
	}
	// Capabilities and no_new_privs belong to threads; the program is forked from this one.
	runtime.LockOSThread()
	syscall.Exit(initMain()) // nothing is to be flushed; os.Exit would wait a second under the race detector
}

// initMain is the life of the init process: take orders, set up, start, forward, reap. Signals are caught before
// the program exists, since for PID 1 those without a handler are lost.
func initMain() int {
	unix.CloseOnExec(controlFD)
	control := os.NewFile(controlFD, "control")
	var s setup
	if err := json.NewDecoder(io.LimitReader(control, maxSetup)).Decode(&s); err != nil {
		return exitSetup
	}
	go dieWithParent(control)
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2,
		unix.SIGCONT, unix.SIGALRM)
	pid, terminal, err := s.launch()
	if err != nil {
		var r *report
		if !errors.As(err, &r) {
			r = &report{Step: "set up", Text: err.Error()}
		}
		_ = send(*r, -1)
		return exitSetup
	}
	if err := send(report{}, terminal); err != nil || pid == 0 {
		return 0
	}
	if terminal >= 0 {
		_ = unix.Close(terminal)
	}
	if s.Limits != (Limits{}) {
		s.watch()
	}
	go func() {
		for sig := range signals {
			_ = unix.Kill(pid, sig.(syscall.Signal))
		}
	}()
	return reap(pid)
}

// dieWithParent ends this process, and with it its namespace, when the other end of the socket is closed. A parent
// death signal would not do: it comes when the thread that cloned us ends.
func dieWithParent(control io.Reader) {
	_, _ = io.Copy(io.Discard, control)
	syscall.Exit(128 + int(unix.SIGKILL))
}

// launch sets everything up and starts the program. It returns its pid, 0 for a command without arguments, and the
// terminal to hand to the parent, or -1.
func (s *setup) launch() (pid, terminal int, err error) {
	unix.Umask(0o022)
	if err := s.hostname(); err != nil {
		return 0, -1, err
	}
	if err := s.mount(); err != nil {
		return 0, -1, err
	}
	if !s.Network {
		if err := loopbackUp(); err != nil {
			return 0, -1, err
		}
	}
	if err := dropRights(); err != nil {
		return 0, -1, err
	}
	if err := newFilter(s.Untrusted, s.Limits.Memory > 0 && !s.Group.Memory).install(); err != nil {
		return 0, -1, err
	}
	if len(s.Args) == 0 {
		return 0, -1, nil
	}
	files, terminal := []uintptr{0, 1, 2}, -1
	if s.TTY {
		master, slave, err := openTerminal(s.UID)
		if err != nil {
			return 0, -1, err
		}
		defer unix.Close(slave)
		files, terminal = []uintptr{uintptr(slave), uintptr(slave), uintptr(slave)}, master
	}
	pid, err = s.fork(files)
	return pid, terminal, err
}

// hostname hides the host's name where its network is hidden. With the host's network the name must keep resolving.
func (s *setup) hostname() error {
	if s.Network {
		return nil
	}
	return errStep("set", "host name", unix.Sethostname([]byte("localhost")))
}

// loopbackUp gives a new network its one device: many programs talk to themselves.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return errStep("open", "socket", err)
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP)
	return errStep("start", "loopback device", unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request))
}

// dropRights makes sure that the program has no capability and can get none. The bounding set is emptied, so that
// not even a uid of 0 gets them on exec. This thread keeps what it needs to change ids in the child; the whole
// process is closed to the program's eyes, since it still has open files and rights.
func dropRights() error {
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return errStep("drop", "ambient capabilities", err)
	}
	for c := uintptr(0); c <= 63; c++ {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); errors.Is(err, unix.EINVAL) {
			break // past the kernel's last capability
		} else if err != nil {
			return errStep("drop", "capabilities", err)
		}
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return errStep("read", "capabilities", err)
	}
	data[0].Inheritable, data[1].Inheritable = 0, 0
	if err := unix.Capset(&header, &data[0]); err != nil {
		return errStep("drop", "capabilities", err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return errStep("set", "no_new_privs", err)
	}
	return errStep("set", "dumpable", unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0))
}

// fork starts the program in a session of its own.
func (s *setup) fork(files []uintptr) (pid int, err error) {
	path, err := s.find()
	if err != nil {
		return 0, err
	}
	dir := s.Dir
	if dir == "" {
		dir = "/"
	}
	// Below /tmp, which is new in each run, it is made as container engines do; elsewhere the root is read-only.
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		_ = os.MkdirAll(dir, 0o755)
	}
	if info, err := os.Stat(dir); err != nil {
		return 0, errStep("change to", dir, err)
	} else if !info.IsDir() {
		return 0, errStep("change to", dir, syscall.ENOTDIR)
	}
	if err := closeInherited(); err != nil {
		return 0, err
	}
	attr := &syscall.SysProcAttr{Setsid: true, Setctty: s.TTY}
	if s.Privileged {
		s.ownPipes(files)
		attr.Credential = &syscall.Credential{Uid: uint32(s.UID), Gid: uint32(s.GID), Groups: []uint32{}}
	}
	process := &syscall.ProcAttr{Dir: dir, Env: s.Env, Files: files, Sys: attr}
	if len(s.rlimits()) > 0 {
		return s.forkLimited(path, process)
	}
	pid, err = syscall.ForkExec(path, s.Args, process)
	return pid, errStep("start", path, err)
}

// ownPipes gives the pipes of the program's streams to its user. They are root's, and a program that opens /dev/stdout
// by its name, as many do for their logs, would not be let in. Container engines do the same. Whoever cannot have it can
// still use the streams as they are, so that errors do not matter.
func (s *setup) ownPipes(files []uintptr) {
	for _, fd := range files {
		var info unix.Stat_t
		if err := unix.Fstat(int(fd), &info); err == nil && info.Mode&unix.S_IFMT == unix.S_IFIFO {
			_ = unix.Fchown(int(fd), s.UID, s.GID)
		}
	}
}

// closeInherited keeps files from the program that were open in whoever started lithe: they would be a way out of the
// root. close_range(2) would do it in one call, on kernels since 5.11.
func closeInherited() error {
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return errStep("close", "inherited files", err)
	}
	for _, f := range files {
		if fd, err := strconv.Atoi(f.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}

// find looks a program up as execvp does, in the PATH of the command's own environment.
func (s *setup) find() (string, error) {
	name := s.Args[0]
	if strings.Contains(name, "/") {
		return name, nil
	}
	var search string
	for _, v := range s.Env {
		if value, ok := strings.CutPrefix(v, "PATH="); ok {
			search = value
		}
	}
	for _, dir := range filepath.SplitList(search) {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 {
			return path, nil
		}
	}
	return "", errStep("find", name+" in PATH", unix.ENOENT) // an errno, since it has to get to the parent
}

// reap waits for all children, the orphans that init inherits among them, until the program ends.
func reap(pid int) int {
	for {
		var status syscall.WaitStatus
		got, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return exitSetup
		case got != pid:
		case status.Exited():
			return status.ExitStatus()
		case status.Signaled():
			return 128 + int(status.Signal())
		}
	}
}
