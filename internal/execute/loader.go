package execute

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/lithe-build/lithe/internal/elffile"
)

// Loader is the executor that starts the root's own dynamic loader on the host, with the root's libraries. It
// isolates nothing: ids, network, binds and the working directory of the Command do not count, and of its limits only
// time and output. In return it works without any rights, in every container of the root's architecture.
type Loader struct{}

// Name returns "loader".
func (Loader) Name() string { return "loader" }

// Run starts the program. PYTHONHOME makes an interpreter find the root's standard library.
func (Loader) Run(ctx context.Context, root string, c Command) (int, error) {
	if len(c.Args) == 0 {
		return -1, ErrNoCommand
	}
	if c.Untrusted {
		return -1, errors.New("the loader isolates nothing, and runs no code that is not trusted")
	}
	return bounded(ctx, c, func(ctx context.Context, c Command) (int, error) { return runLoader(ctx, root, c) })
}

// runLoader finds out how the program is started.
func runLoader(ctx context.Context, root string, c Command) (int, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return -1, err
	}
	program, err := inRoot(root, c.Args[0])
	if err != nil {
		return -1, err
	}
	interpreter, machine, err := programHeaders(program)
	if err != nil {
		return -1, err
	}
	args := c.Args[1:]
	prefix := filepath.Dir(filepath.Dir(program))
	if interpreter != "" {
		loader, err := inRoot(root, interpreter)
		if err != nil {
			return -1, err
		}
		args = append([]string{"--library-path", libraryPath(root, prefix, machine), program}, args...)
		program = loader
	}
	return runHost(ctx, root, prefix, program, args, c)
}

// runHost starts a program of the host's view and waits for it.
func runHost(ctx context.Context, root, prefix, program string, args []string, c Command) (int, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = root
	cmd.Env = append([]string{"PYTHONHOME=" + prefix}, c.Env...)
	cmd.Stdout, cmd.Stderr = c.Stdout, c.Stderr
	stdin, err := connectStdin(cmd, c.Stdin)
	if err != nil {
		return -1, err
	}
	if err := cmd.Start(); err != nil {
		return -1, err
	}
	stdin()
	done := make(chan struct{})
	defer close(done)
	go forwardSignals(cmd.Process, c.Signals, done)
	err = cmd.Wait()
	if ctx.Err() != nil {
		return -1, ctx.Err()
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exitCode(exit.ProcessState), nil
	}
	if err != nil {
		return -1, err
	}
	return 0, nil
}

// connectStdin gives cmd its input, and returns what to call once it is started. Copying is nobody's to wait for:
// the reader may never end.
func connectStdin(cmd *exec.Cmd, in io.Reader) (start func(), err error) {
	if f, ok := in.(*os.File); ok || in == nil {
		if f != nil {
			cmd.Stdin = f
		}
		return func() {}, nil
	}
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	return func() {
		go func() {
			_, _ = io.Copy(pipe, in) // an error means that the program reads no more
			_ = pipe.Close()
		}()
	}, nil
}

// forwardSignals passes signals to a process until done is closed.
func forwardSignals(p *os.Process, signals <-chan os.Signal, done <-chan struct{}) {
	for {
		select {
		case sig, ok := <-signals:
			if !ok {
				return
			}
			_ = p.Signal(sig) // gone already: nobody to tell
		case <-done:
			return
		}
	}
}

// probeLoader cannot know the root; a wrong architecture shows when a program is started.
func probeLoader(context.Context) error {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("needs Linux, this is %s", runtime.GOOS)
	}
	return nil
}

// machines are the architectures that programs of a root may have here.
var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// programHeaders returns the dynamic loader that a program asks for, "" for a static one.
func programHeaders(path string) (interpreter string, machine elf.Machine, err error) {
	file, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer file.Close()
	f, err := elffile.Open(file)
	if err != nil {
		return "", 0, fmt.Errorf("%s: %w", path, err)
	}
	if want, ok := machines[runtime.GOARCH]; !ok || f.Machine != want {
		return "", 0, fmt.Errorf("%s is for %v, this machine is %s", path, f.Machine, runtime.GOARCH)
	}
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		name, err := io.ReadAll(io.LimitReader(p.Open(), maxLink))
		return strings.TrimRight(string(name), "\x00"), f.Machine, err
	}
	return "", f.Machine, nil
}

// multiarch is Debian's name for the library folder of an architecture.
var multiarch = map[elf.Machine]string{elf.EM_X86_64: "x86_64-linux-gnu", elf.EM_AARCH64: "aarch64-linux-gnu"}

// libraryPath lists the folders where a loader looks by default, as far as the root has them.
func libraryPath(root, prefix string, machine elf.Machine) string {
	triplet := multiarch[machine]
	candidates := []string{prefix + "/lib"}
	for _, dir := range []string{"/usr/local/lib", "/lib/" + triplet, "/usr/lib/" + triplet, "/lib64", "/usr/lib64", "/lib", "/usr/lib"} {
		if path, err := inRoot(root, dir); err == nil {
			candidates = append(candidates, path)
		}
	}
	var found []string
	seen := map[string]bool{}
	for _, dir := range candidates {
		if info, err := os.Stat(dir); err == nil && info.IsDir() && !seen[dir] {
			seen[dir] = true
			found = append(found, dir)
		}
	}
	return strings.Join(found, ":")
}

const (
	maxLink  = 4096 // PATH_MAX: longest target of a link, longest name of a loader
	maxLinks = 40   // links to follow before a loop is assumed, as the kernel does
)

// inRoot returns the host's path of a path in the root. Links are followed as the root sees them, so an absolute
// one, or one with too many "..", stays inside.
func inRoot(root, path string) (string, error) {
	rest := strings.Split(filepath.ToSlash(path), "/")
	at, links := "/", 0
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		next := filepath.Join(at, part) // never above /
		target, err := os.Readlink(filepath.Join(root, next))
		if err != nil {
			at = next
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("%s: too many links", path)
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	host := filepath.Join(root, at)
	_, err := os.Lstat(host)
	return host, err
}
