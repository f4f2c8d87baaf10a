// Package execute runs a command in the root file system of an image.
//
// A root directory and a Command go in, an exit code comes out. The namespace executor isolates: the command sees a
// read-only root with a fresh /tmp, /proc and /dev, has no capabilities and cannot get any, runs under a user of its
// own, and has an empty network unless it asks for the host's. Nothing of it outlives Run. The loader executor does
// not isolate: it starts the image's own dynamic loader on the host, which needs no rights at all, and is meant for
// programs that lithe trusts and that only read, such as the bytecode compiler. The engine executor isolates by a container
// of Docker, which may be on another machine. All need a Linux kernel of the image's architecture. Materialize and
// MaterializeTar make the root directory, once for all commands and processes that use the store.
//
// A command may be bounded by Limits, and one that is Untrusted is, by default: it is ended with a LimitError when it uses
// too much. Its files are in the root, which it cannot change, in /tmp, which is new each time, and in Binds, whose
// targets exist in the root or are below /tmp. A writable bind has to be writable on the host for the command's
// user: for an ordinary user that is the user itself, for root the Command's UID. It shows the command's files when Run
// returns with an exit code, whatever it is: the namespace executor shows the folder itself, the engine executor copies it there
// and back. Links in there are the program's, and may point anywhere: whoever reads results must not follow them.
//
// The namespace executor starts the running program again, so main and TestMain must call Init first.
// See namespaces(7), pivot_root(2) and capabilities(7), and for what an image says about its process
// https://github.com/opencontainers/image-spec/blob/main/config.md.
package execute

import (
	"context"
	"errors"
	"io"
	"os"
)

// DefaultUser is the uid and the gid of commands, and of the images that lithe builds.
const DefaultUser = 65532

// ErrNoCommand says that a Command has no arguments.
var ErrNoCommand = errors.New("no command to run")

// Command is what to run, in terms of the root.
type Command struct {
	Args    []string         // the program and its arguments; a name without a slash is looked up in PATH of Env
	Env     []string         // the whole environment: nothing of lithe's own is added
	Dir     string           // working directory; "" means /
	Stdin   io.Reader        // nil means empty
	Stdout  io.Writer        // nil discards
	Stderr  io.Writer        // nil discards
	Signals <-chan os.Signal // passed on to the program; nil means none
	Network bool             // keep the host's network and its resolver; else there is a loopback device only
	TTY     bool             // give the program a terminal of its own; Stdin and Stdout should be terminals
	UID     int              // 0 with a GID of 0 means DefaultUser for both: commands never run as root
	GID     int              //
	Binds   []Bind           // host files and directories to show in the root, mounted in this order

	RootKey string // names the content of the root, for executors that keep copies; "" means that nobody knows

	Untrusted bool   // code that lithe does not trust: a stricter filter of system calls, and DefaultLimits
	Limits    Limits // of what it and all that it starts may use
}

// Bind shows a file or directory of the host at a path in the root, which must exist there.
type Bind struct {
	Source   string // on the host
	Target   string // in the root
	Writable bool   // by whoever may write to it on the host
}

// Executor runs commands in a root directory, by one mechanism.
type Executor interface {
	Name() string
	// Run returns the exit code of the program, 128+n if signal n ended it. An error means that the program did
	// not start, that ctx ended, or that a limit was exceeded (LimitError); by then all its processes are gone.
	Run(ctx context.Context, root string, c Command) (exitCode int, err error)
}

// user returns the ids that the command runs under.
func (c Command) user() (uid, gid int) {
	if c.UID == 0 && c.GID == 0 {
		return DefaultUser, DefaultUser
	}
	return c.UID, c.GID
}
