package execute

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// terminals mounts a /dev/pts of the sandbox's own, so that programs can make terminals.
func terminals(dev string) error {
	pts := filepath.Join(dev, "pts")
	if err := os.Mkdir(pts, 0o755); err != nil {
		return errStep("make", "/dev/pts", err)
	}
	err := unix.Mount("devpts", pts, "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620")
	if err != nil {
		return errStep("mount devpts on", "/dev/pts", err)
	}
	return errStep("link", "/dev/ptmx", os.Symlink("pts/ptmx", filepath.Join(dev, "ptmx")))
}

// openTerminal makes a terminal in the sandbox. The master goes to the parent, the program gets the slave.
func openTerminal(uid int) (master, slave int, err error) {
	master, err = unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, -1, errStep("open", "/dev/ptmx", err)
	}
	number, err := unix.IoctlGetInt(master, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		return -1, -1, errStep("unlock", "/dev/ptmx", err)
	}
	path := fmt.Sprintf("/dev/pts/%d", number)
	slave, err = unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err == nil {
		_ = unix.Fchown(slave, uid, -1) // programs may open it again by name; in a user namespace it is theirs already
	}
	return master, slave, errStep("open", path, err)
}

// console connects the terminal of the sandbox with the user's.
type console struct{ master *os.File }

// attach copies both ways until the program ends; the user's terminal is raw meanwhile, so that its keys mean in
// there what they mean here. The returned function waits for the last output and puts everything back.
func (c *console) attach(cmd Command) (finish func()) {
	restore := func() {}
	if in, ok := cmd.Stdin.(*os.File); ok && term.IsTerminal(int(in.Fd())) {
		if state, err := term.MakeRaw(int(in.Fd())); err == nil {
			restore = func() { _ = term.Restore(int(in.Fd()), state) }
		}
	}
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, unix.SIGWINCH)
	resized <- unix.SIGWINCH // the size at the start
	go func() {
		for range resized {
			c.resize(cmd)
		}
	}()
	if cmd.Stdin != nil {
		go func() { _, _ = io.Copy(c.master, cmd.Stdin) }()
	}
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		if cmd.Stdout != nil {
			_, _ = io.Copy(cmd.Stdout, c.master) // ends with an error when the last process closes the terminal
		}
	}()
	return func() {
		<-shown
		signal.Stop(resized)
		close(resized)
		restore()
		_ = c.master.Close()
	}
}

// resize gives the terminal the size of the user's.
func (c *console) resize(cmd Command) {
	out, ok := cmd.Stdout.(*os.File)
	if !ok {
		return
	}
	size, err := unix.IoctlGetWinsize(int(out.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return
	}
	_ = unix.IoctlSetWinsize(int(c.master.Fd()), unix.TIOCSWINSZ, size)
}
