package execute

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A filter of system calls, as the kernel's own interpreter runs it before each of them (seccomp(2)). What it refuses is
// what Docker's default profile refuses to a container without capabilities: a program that runs there runs here. Most of
// it needs capabilities that nobody in a sandbox has; the filter is there for the day when the kernel errs. It names what
// is refused and not what is allowed, since programs of any language run here; system calls that are newer than lithe
// are refused as ones that the kernel does not have.
// See https://docs.docker.com/engine/security/seccomp/.

// refusedCalls fail with EPERM for every program.
var refusedCalls = append([]uint32{
	// the kernel itself, and the machine's clock, name, log, accounts
	unix.SYS_ACCT, unix.SYS_BPF, unix.SYS_CLOCK_SETTIME, unix.SYS_DELETE_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_INIT_MODULE,
	unix.SYS_KEXEC_FILE_LOAD, unix.SYS_KEXEC_LOAD, unix.SYS_LOOKUP_DCOOKIE, unix.SYS_NFSSERVCTL, unix.SYS_PERF_EVENT_OPEN,
	unix.SYS_QUOTACTL, unix.SYS_QUOTACTL_FD, unix.SYS_REBOOT, unix.SYS_SETDOMAINNAME, unix.SYS_SETHOSTNAME,
	unix.SYS_SETTIMEOFDAY, unix.SYS_SWAPOFF, unix.SYS_SWAPON, unix.SYS_SYSLOG, unix.SYS_VHANGUP,
	// file systems and namespaces
	unix.SYS_CHROOT, unix.SYS_FANOTIFY_INIT, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSOPEN, unix.SYS_FSPICK,
	unix.SYS_MOUNT, unix.SYS_MOUNT_SETATTR, unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_OPEN_TREE,
	unix.SYS_OPEN_TREE_ATTR, unix.SYS_PIVOT_ROOT, unix.SYS_SETNS, unix.SYS_UMOUNT2, unix.SYS_UNSHARE,
	// keys, which no namespace separates
	unix.SYS_ADD_KEY, unix.SYS_KEYCTL, unix.SYS_REQUEST_KEY,
	// large and young parts of the kernel that were ways out before
	unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER, unix.SYS_IO_URING_SETUP, unix.SYS_USERFAULTFD,
	// where memory of other processes lies
	unix.SYS_GET_MEMPOLICY, unix.SYS_MBIND, unix.SYS_MIGRATE_PAGES, unix.SYS_MOVE_PAGES, unix.SYS_SET_MEMPOLICY,
	unix.SYS_SET_MEMPOLICY_HOME_NODE,
}, refusedHere...)

// untrustedCalls fail as well for code that is not trusted: it has no business in other processes.
var untrustedCalls = []uint32{unix.SYS_KCMP, unix.SYS_NAME_TO_HANDLE_AT, unix.SYS_PIDFD_GETFD, unix.SYS_PROCESS_MADVISE,
	unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV}

// uncountedCalls make memory that nobody can count without a control group. Programs do without.
var uncountedCalls = []uint32{unix.SYS_MEMFD_CREATE, unix.SYS_MEMFD_SECRET, unix.SYS_SHMGET}

const (
	lastCall = unix.SYS_RSEQ_SLICE_YIELD // the newest system call that was looked at

	// newNamespaces are the flags of clone(2) that make namespaces.
	newNamespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER |
		unix.CLONE_NEWPID | unix.CLONE_NEWNET

	// Where struct seccomp_data has the number, the architecture and the lower half of an argument.
	atNumber, atArch, atArguments = 0, 4, 16
)

// Values of arguments that are allowed, or refused.
var (
	personalities = []uint32{0, 0x8, 0x20000, 0x20008, 0xffffffff} // Linux, its 32-bit form, UNAME26, both, and the question
	families      = []uint32{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK}
	ptraces       = []uint32{unix.PTRACE_TRACEME, unix.PTRACE_DETACH} // what forkLimited needs, and nobody can use
	typing        = []uint32{unix.TIOCSTI, unix.TIOCLINUX}            // ioctls that write what others seem to have typed
	hypervisor    = []uint32{unix.AF_VSOCK}
)

// filter is a program of the kernel's interpreter under construction.
type filter []unix.SockFilter

func (f *filter) load(offset uint32) {
	*f = append(*f, unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset})
}

// unless jumps over the next n instructions if the loaded value does not compare so.
func (f *filter) unless(compare uint16, value uint32, n int) {
	*f = append(*f, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_K | compare, K: value, Jf: uint8(n)})
}

// jump jumps over the next n instructions.
func (f *filter) jump(n uint32) {
	*f = append(*f, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JA, K: n})
}

func (f *filter) answer(value uint32) {
	*f = append(*f, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: value})
}

// refuse answers some system calls with an error. The number is loaded.
func (f *filter) refuse(errno uint32, calls ...uint32) {
	for _, nr := range calls {
		f.unless(unix.BPF_JEQ, nr, 1)
		f.answer(unix.SECCOMP_RET_ERRNO | errno)
	}
}

// arguments answers one system call by the value of an argument: those that are listed one way, all others the other.
func (f *filter) arguments(nr uint32, argument int, values []uint32, listed, others uint32) {
	f.unless(unix.BPF_JEQ, nr, 2+2*len(values))
	f.load(atArguments + 8*uint32(argument))
	for _, v := range values {
		f.unless(unix.BPF_JEQ, v, 1)
		f.answer(listed)
	}
	f.answer(others)
}

// newFilter writes the filter for this architecture.
func newFilter(untrusted, uncounted bool) filter {
	const allow, perm = unix.SECCOMP_RET_ALLOW, unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	const noFamily = unix.SECCOMP_RET_ERRNO | uint32(unix.EAFNOSUPPORT)
	const missing = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	var f filter
	f.load(atArch)
	f.unless(unix.BPF_JEQ, auditArch, 2)
	f.load(atNumber)
	f.jump(1)
	f.answer(unix.SECCOMP_RET_KILL_PROCESS) // programs of 32 bits have other numbers
	f.unless(unix.BPF_JGT, lastCall, 1)     // x32 is above, too
	f.answer(missing)
	// Its flags are in memory, where a filter cannot see them. Programs that miss it use clone.
	f.refuse(uint32(unix.ENOSYS), unix.SYS_CLONE3)
	f.refuse(uint32(unix.EPERM), refusedCalls...)
	f.unless(unix.BPF_JEQ, unix.SYS_CLONE, 4)
	f.load(atArguments)
	f.unless(unix.BPF_JSET, newNamespaces, 1)
	f.answer(perm)
	f.answer(allow)
	f.arguments(unix.SYS_PERSONALITY, 0, personalities, allow, perm)
	f.arguments(unix.SYS_IOCTL, 1, typing, perm, allow)
	if !untrusted {
		f.arguments(unix.SYS_SOCKET, 0, hypervisor, noFamily, allow)
		f.answer(allow)
		return f
	}
	f.refuse(uint32(unix.EPERM), untrustedCalls...)
	f.arguments(unix.SYS_PTRACE, 0, ptraces, allow, perm)
	f.arguments(unix.SYS_SOCKET, 0, families, allow, noFamily)
	if uncounted {
		f.refuse(uint32(unix.ENOSYS), uncountedCalls...)
	}
	f.answer(allow)
	return f
}

// install filters the system calls of this thread and of all that it starts. It cannot be taken back.
func (f filter) install() error {
	program := unix.SockFprog{Len: uint16(len(f)), Filter: &f[0]}
	err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
	runtime.KeepAlive(&program)
	return errStep("set", "the filter of system calls", err)
}
