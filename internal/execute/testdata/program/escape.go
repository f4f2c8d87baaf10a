package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// attempt is one way out, or to more rights. It fails with an error if the sandbox holds.
type attempt struct {
	name string
	try  func() error
}

// call makes an attempt of one system call.
func call(name string, nr uintptr, args ...uintptr) attempt {
	return attempt{name, func() error {
		args := append(args, 0, 0, 0, 0, 0, 0)
		_, _, errno := syscall.Syscall6(nr, args[0], args[1], args[2], args[3], args[4], args[5])
		if errno != 0 {
			return errno
		}
		return nil
	}}
}

func text(s string) uintptr {
	b := append([]byte(s), 0)
	return uintptr(unsafe.Pointer(&b[0]))
}

func socket(name string, family, kind, protocol int) attempt {
	return attempt{name, func() error {
		fd, err := unix.Socket(family, kind, protocol)
		if err == nil {
			_ = unix.Close(fd)
		}
		return err
	}}
}

func open(name, path string, flags int) attempt {
	return attempt{name, func() error {
		f, err := os.OpenFile(path, flags, 0)
		if err != nil {
			return err.(*os.PathError).Err
		}
		_, err = f.Write(nil)
		_ = f.Close()
		return err
	}}
}

// calls need rights that nobody in a sandbox has, or are refused to all.
var calls = []attempt{
	call("mount", unix.SYS_MOUNT, text("x"), text("/tmp"), text("tmpfs")),
	call("mount onto the root", unix.SYS_MOUNT, text("/tmp"), text("/"), 0, unix.MS_BIND),
	call("make the root writable", unix.SYS_MOUNT, 0, text("/"), 0, unix.MS_REMOUNT|unix.MS_BIND),
	call("umount", unix.SYS_UMOUNT2, text("/proc"), unix.MNT_DETACH),
	call("fsopen", unix.SYS_FSOPEN, text("tmpfs")),
	call("move_mount", unix.SYS_MOVE_MOUNT),
	call("pivot_root", unix.SYS_PIVOT_ROOT, text("/tmp"), text("/tmp")),
	call("chroot", unix.SYS_CHROOT, text("/tmp")),
	call("setns", unix.SYS_SETNS, 0, 0),
	call("unshare user", unix.SYS_UNSHARE, unix.CLONE_NEWUSER),
	call("unshare mount", unix.SYS_UNSHARE, unix.CLONE_NEWNS),
	call("clone user", unix.SYS_CLONE, unix.CLONE_NEWUSER|uintptr(unix.SIGCHLD)),
	call("clone3", unix.SYS_CLONE3, 0, 0),
	call("mknod of a disk", unix.SYS_MKNODAT, ^uintptr(99), text("/tmp/sda"), unix.S_IFBLK|0o666, 0x800),
	call("mknod of memory", unix.SYS_MKNODAT, ^uintptr(99), text("/tmp/mem"), unix.S_IFCHR|0o666, 0x101),
	call("keyctl", unix.SYS_KEYCTL, 0, ^uintptr(2), 1),
	call("add_key", unix.SYS_ADD_KEY, text("user"), text("x"), text("y"), 1, ^uintptr(2)),
	call("request_key", unix.SYS_REQUEST_KEY, text("user"), text("x")),
	call("bpf", unix.SYS_BPF, 0, 0, 0),
	call("perf_event_open", unix.SYS_PERF_EVENT_OPEN),
	call("kexec_load", unix.SYS_KEXEC_LOAD),
	call("init_module", unix.SYS_INIT_MODULE, 0, 0, text("")),
	call("open_by_handle_at", unix.SYS_OPEN_BY_HANDLE_AT),
	call("syslog", unix.SYS_SYSLOG, 3, 0, 0),
	call("settimeofday", unix.SYS_SETTIMEOFDAY, text("0123456789abcdef"), 0),
	call("sethostname", unix.SYS_SETHOSTNAME, text("x"), 1),
	call("swapon", unix.SYS_SWAPON, text("/tmp/x"), 0),
	call("reboot", unix.SYS_REBOOT, 0xfee1dead, 672274793, 0),
	call("quotactl", unix.SYS_QUOTACTL, 0, 0, 0, 0),
	call("userfaultfd", unix.SYS_USERFAULTFD, 0),
	call("personality without randomness", unix.SYS_PERSONALITY, 0x40000),
	call("setuid 0", unix.SYS_SETUID, 0),
	call("setgid 0", unix.SYS_SETGID, 0),
	socket("packets", unix.AF_PACKET, unix.SOCK_RAW, 0),
	socket("raw packets", unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP),
}

// files of the machine's.
var files = []attempt{
	open("/dev/mem", "/dev/mem", os.O_RDWR),
	open("/dev/kmsg", "/dev/kmsg", os.O_RDWR),
	open("/dev/sda", "/dev/sda", os.O_RDWR),
	open("/dev/vda", "/dev/vda", os.O_RDWR),
	open("/proc/sys", "/proc/sys/kernel/core_pattern", os.O_WRONLY),
	open("/proc/sys of the network", "/proc/sys/net/ipv4/ip_forward", os.O_WRONLY),
	open("/proc/sysrq-trigger", "/proc/sysrq-trigger", os.O_WRONLY),
	open("/sys", "/sys/kernel/uevent_helper", os.O_WRONLY),
	open("/sys of control groups", "/sys/fs/cgroup/cgroup.procs", os.O_WRONLY),
	open("the root", "/new", os.O_CREATE|os.O_WRONLY),
	open("a file of the root", "/program", os.O_WRONLY),
}

// strict attempts concern the sandbox itself, or what only lithe's own refuses.
var strict = []attempt{
	call("io_uring", unix.SYS_IO_URING_SETUP, 1, text("0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789")),
	call("ptrace of init", unix.SYS_PTRACE, unix.PTRACE_ATTACH, 1),
	{"ptrace of a child", ptraceChild},
	call("process_vm_readv", unix.SYS_PROCESS_VM_READV, 1),
	call("pidfd_getfd", unix.SYS_PIDFD_GETFD, 0, 0, 0),
	open("/proc/1/root", "/proc/1/root/etc/hosts", os.O_RDONLY),
	open("/proc/1/environ", "/proc/1/environ", os.O_RDONLY),
	open("/proc/1/mem", "/proc/1/mem", os.O_RDWR),
	socket("hypervisor", unix.AF_VSOCK, unix.SOCK_STREAM, 0),
	socket("the kernel's ciphers", unix.AF_ALG, unix.SOCK_SEQPACKET, 0),
	{"typing for others", func() error {
		c := byte('x')
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, 0, unix.TIOCSTI, uintptr(unsafe.Pointer(&c)))
		if errno != 0 {
			return errno
		}
		return nil
	}},
	call("a call of the future", 9999),
	call("a call of x32", 0x40000000+39),
}

func ptraceChild() error {
	cmd := exec.Command("/program", "child", "5s")
	if err := cmd.Start(); err != nil {
		return nil
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	return unix.PtraceAttach(cmd.Process.Pid)
}

// escape tries what the sandbox must hold, and says how each attempt failed.
func escape(args []string) {
	all := append(append([]attempt{}, calls...), files...)
	if len(args) > 0 {
		all = strict
	}
	for _, a := range all {
		if err := a.try(); err != nil {
			fmt.Printf("%s: %v\n", a.name, err)
		} else {
			fmt.Printf("%s: DONE\n", a.name)
		}
	}
}

// outside tries to reach things of the host's: a process, an abstract socket, a file, by links as well.
func outside(args []string) {
	pid, _ := strconv.Atoi(args[0])
	fmt.Println("signal:", syscall.Kill(pid, syscall.SIGTERM))
	fmt.Println("ptrace:", unix.PtraceAttach(pid))
	_, err := net.Dial("unix", "@"+args[1])
	fmt.Println("socket:", err != nil)
	secret := args[2]
	_ = os.Symlink(secret, "/work/link")
	_ = os.Symlink("../../../../../../../../.."+secret, "/work/dots")
	for _, path := range []string{secret, "/work/link", "/work/dots", "/work/../../../.." + secret, "/proc/1/root" + secret,
		"/proc/self/root" + secret, "/proc/self/cwd/../../../.." + secret} {
		if data, err := os.ReadFile(path); err == nil && bytes.Contains(data, []byte("secret")) {
			fmt.Println("read:", path)
		}
	}
	fmt.Println("link:", os.Link("/program", "/work/program") != nil)
}
