package execute

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// controlFD is the init process's end of the control socket.
const controlFD = 3

// maxSetup bounds the one message to the init process: arguments and environment, which the kernel bounds as well.
const maxSetup = 16 << 20

// maxReport bounds the one answer of the init process: a step, a path, a number.
const maxReport = 16 << 10

// setup is the message to the init process: the command, and how it was cloned.
type setup struct {
	Root       string
	Args, Env  []string
	Dir        string
	UID, GID   int
	Privileged bool // no user namespace: change ids instead
	Network    bool
	TTY        bool
	Binds      []Bind
	Untrusted  bool
	Limits     Limits   // 0 means none
	Group      enforced // by a control group
	Others     int      // processes that count with the program's, where the kernel counts a user's
}

// report is the answer: the zero value says that the program runs. A second one, with the limit as its step, says that
// the program is ended because it exceeded that.
type report struct {
	Step  string        // what failed
	Path  string        // on what
	Errno syscall.Errno // why, if the kernel said so
	Text  string        // why, otherwise
}

// errStep builds the error of a step. It keeps the errno, so that it survives the way to the parent.
func errStep(step, path string, err error) error {
	if err == nil {
		return nil
	}
	r := &report{Step: step, Path: path}
	if !errors.As(err, &r.Errno) {
		r.Text = err.Error()
	}
	return r
}

// Error returns "step path: cause".
func (r *report) Error() string {
	what := r.Step
	if r.Path != "" {
		what += " " + r.Path
	}
	if r.Errno != 0 {
		return what + ": " + r.Errno.Error()
	}
	return what + ": " + r.Text
}

// Unwrap returns the errno, so that callers may ask for fs.ErrNotExist and the like.
func (r *report) Unwrap() error {
	if r.Errno == 0 {
		return nil
	}
	return r.Errno
}

func (r *report) err() error {
	if r.Step == "" {
		return nil
	}
	return r
}

// receive reads the answer, and the terminal that may come with it.
func receive(conn *net.UnixConn) (*report, *os.File, error) {
	data, control := make([]byte, maxReport), make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := conn.ReadMsgUnix(data, control)
	if err == nil && n == 0 {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, nil, err
	}
	var r report
	if err := json.Unmarshal(data[:n], &r); err != nil {
		return nil, nil, err
	}
	terminal, err := receivedFile(control[:oobn])
	return &r, terminal, err
}

func receivedFile(control []byte) (*os.File, error) {
	if len(control) == 0 {
		return nil, nil
	}
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil || len(messages) != 1 {
		return nil, fmt.Errorf("unexpected control message: %w", err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return nil, fmt.Errorf("unexpected files: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "terminal"), nil
}

// send writes the answer, with a file if fd is not negative. It fits into the socket's buffer, so it is one message.
func send(r report, fd int) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	var rights []byte
	if fd >= 0 {
		rights = unix.UnixRights(fd)
	}
	return unix.Sendmsg(controlFD, data, rights, nil, 0)
}
