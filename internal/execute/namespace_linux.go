package execute

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// marker is the argv[0] of the program when it is started again as the init process of a sandbox.
const marker = "lithe-sandbox-init"

// Namespace is the executor of Linux namespaces. It works for ordinary users where the system lets them make user
// namespaces, and for root.
type Namespace struct{}

// Name returns "namespace".
func (Namespace) Name() string { return "namespace" }

// Run starts an init process in new namespaces, which sets up the root, starts the program, passes signals on, reaps,
// and ends with the program's exit code. When this process dies, the init process and all others in there die too.
func (Namespace) Run(ctx context.Context, root string, c Command) (int, error) {
	if len(c.Args) == 0 {
		return -1, ErrNoCommand
	}
	return bounded(ctx, c, func(ctx context.Context, c Command) (int, error) { return runSandbox(ctx, root, c) })
}

// runSandbox is Run, but also takes a command without arguments, which sets everything up and starts nothing.
func runSandbox(ctx context.Context, root string, c Command) (int, error) {
	if os.Args[0] == marker {
		// A program that forgot Init would start itself for ever.
		return -1, errors.New("execute.Init was not called first in main")
	}
	root, err := filepath.Abs(root)
	if err != nil {
		return -1, err
	}
	if root == "/" {
		return -1, errors.New("the host's own root cannot be the root of a sandbox")
	}
	s, err := startSandbox(ctx, root, c)
	if err != nil {
		return -1, err
	}
	defer s.close()
	if err := s.handshake(); err != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		return -1, contextError(ctx, err)
	}
	stop := s.forward(c)
	defer stop()
	return s.wait(ctx)
}

// sandbox is the parent's view of one running init process.
type sandbox struct {
	cmd     *exec.Cmd
	group   *cgroup
	control *net.UnixConn // the other end is the init's; it ends itself when this end closes
	setup   setup
	console *console // nil without a terminal
}

// startSandbox clones the init process into its namespaces. It waits there for its orders.
func startSandbox(ctx context.Context, root string, c Command) (*sandbox, error) {
	uid, gid := c.user()
	privileged := isPrivileged(uid, gid)
	s := &sandbox{setup: setup{Root: root, Args: c.Args, Env: c.Env, Dir: c.Dir, UID: uid, GID: gid,
		Privileged: privileged, Network: c.Network, TTY: c.TTY, Binds: c.Binds, Untrusted: c.Untrusted, Limits: c.limits()}}
	control, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	s.control = control
	// The path is the running program even if its file was replaced or removed meanwhile.
	s.cmd = exec.CommandContext(ctx, "/proc/self/exe")
	s.cmd.Args = []string{marker}
	s.cmd.Env = []string{} // not nil: the init process needs nothing, and the program sees only Command.Env
	s.cmd.ExtraFiles = []*os.File{theirs}
	s.cmd.SysProcAttr = namespaces(c, uid, gid, privileged)
	if err := s.start(c); err != nil {
		_ = control.Close()
		return nil, explainClone(err)
	}
	s.confine()
	return s, nil
}

// confine puts the init process into a control group while it waits for its orders, and tells it what is left to keep.
func (s *sandbox) confine() {
	s.group = newCgroup(cgroupRoot, "/proc/self/cgroup", s.setup.Limits)
	s.group.enter(s.cmd.Process.Pid)
	s.setup.Group = s.group.enforced
	if s.setup.Limits.Processes > 0 && !s.setup.Group.Processes {
		s.setup.Others = others(s.setup.UID, s.setup.Privileged)
	}
}

// start starts the init process with the streams of the command. Copying from the program ends with its last
// process, which Wait waits for.
func (s *sandbox) start(c Command) error {
	if c.TTY {
		return s.cmd.Start() // the program's streams are the terminal that the init process makes
	}
	s.cmd.Stdout, s.cmd.Stderr = c.Stdout, c.Stderr
	stdin, err := connectStdin(s.cmd, c.Stdin)
	if err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	stdin()
	return nil
}

// namespaces says how the init process is cloned. An ordinary user maps itself alone. Root needs no user namespace:
// a root mapped to another uid would stay the owner of the host's files and of /proc/sys.
func namespaces(c Command, uid, gid int, privileged bool) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS,
		Setsid:     true, // signals of the terminal come from us alone, once
	}
	if !c.Network {
		attr.Cloneflags |= unix.CLONE_NEWNET
	}
	if !privileged {
		attr.Cloneflags |= unix.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: os.Geteuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: os.Getegid(), Size: 1}}
		// A uid other than 0 loses its capabilities on exec, but for ambient ones. The init process drops them.
		attr.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN, unix.CAP_SETPCAP}
	}
	return attr
}

// isPrivileged reports whether this process may mount and change its ids without a user namespace of its own.
func isPrivileged(uid, gid int) bool {
	if os.Geteuid() != 0 {
		return false
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	for _, c := range []uint{unix.CAP_SYS_ADMIN, unix.CAP_SETUID, unix.CAP_SETGID, unix.CAP_SETPCAP, unix.CAP_NET_ADMIN} {
		if data[c/32].Effective&(1<<(c%32)) == 0 {
			return false
		}
	}
	return isMapped("/proc/self/uid_map", uid) && isMapped("/proc/self/gid_map", gid)
}

// isMapped reports whether an id exists in this user namespace (user_namespaces(7)).
func isMapped(file string, id int) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	for {
		var inside, outside, size int
		if _, err := fmt.Fscan(f, &inside, &outside, &size); err != nil {
			return false
		}
		if id >= inside && id-inside < size {
			return true
		}
	}
}

// socketPair makes the control socket. A socket, unlike a pipe, can carry the terminal back.
func socketPair() (*net.UnixConn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "control"), os.NewFile(uintptr(fds[1]), "control")
	defer ours.Close() // FileConn makes a copy
	conn, err := net.FileConn(ours)
	if err != nil {
		_ = theirs.Close()
		return nil, nil, err
	}
	return conn.(*net.UnixConn), theirs, nil
}

// handshake tells the init process what to do and waits until the program runs.
func (s *sandbox) handshake() error {
	if err := json.NewEncoder(s.control).Encode(s.setup); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	answer, terminal, err := receive(s.control)
	if err != nil {
		return fmt.Errorf("sandbox ended while it was set up: %w", err)
	}
	if terminal != nil {
		s.console = &console{master: terminal}
	}
	return answer.err()
}

// forward passes signals on until stop is called, and copies the terminal, if there is one.
func (s *sandbox) forward(c Command) (stop func()) {
	done := make(chan struct{})
	finish := func() {}
	if s.console != nil {
		finish = s.console.attach(c)
	}
	go forwardSignals(s.cmd.Process, c.Signals, done)
	return func() { close(done); finish() }
}

// wait returns the init process's exit code, which is the program's.
func (s *sandbox) wait(ctx context.Context) (int, error) {
	err := s.cmd.Wait()
	if limit := s.exceeded(); limit != nil {
		return -1, limit
	}
	if ctx.Err() != nil && !s.cmd.ProcessState.Exited() {
		return -1, ctx.Err()
	}
	if s.cmd.ProcessState.Exited() {
		return s.cmd.ProcessState.ExitCode(), nil
	}
	return -1, fmt.Errorf("sandbox: %w", err)
}

// exceeded returns the limit for which the sandbox was ended: the init process says so before it ends itself, and the
// kernel counts whom it killed.
func (s *sandbox) exceeded() error {
	if last, _, err := receive(s.control); err == nil && last.Step != "" {
		return s.setup.Limits.exceeded(last.Step)
	}
	if s.cmd.ProcessState.ExitCode() != 0 && s.group.outOfMemory() {
		return s.setup.Limits.exceeded(limitMemory)
	}
	return nil
}

func (s *sandbox) close() {
	_ = s.control.Close()
	s.group.remove()
}
