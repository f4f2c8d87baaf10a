package execute

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lithe-build/lithe/internal/docker"
)

const (
	rootRepository = "localhost/lithe-root"   // images of roots, tagged with their keys; Podman seeks names without a host elsewhere
	rootLabel      = "build.lithe.root"       // on such images
	untilLabel     = "build.lithe.sandbox"    // on containers: the time in seconds after which nobody waits for them
	untilAnyway    = 24 * time.Hour           // for commands without a limit of time
	cleanUp        = 30 * time.Second         // how long removing things may take
	volumeLimit    = 64 << 30                 // bytes of results without a limit of their own
	noNewRights    = "no-new-privileges:true" // Docker's word for it
)

// podmanUlimits are named since Podman else asks for more than the root of a container may have, which ends the start. The
// processes of one user are counted on the whole machine; those of the container have a limit of their own.
var podmanUlimits = []docker.Ulimit{{Name: "nofile", Soft: 4096, Hard: 4096}, {Name: "nproc", Soft: 8192, Hard: 8192}}

// Engine is the executor that runs commands in containers of Docker or Podman's service, which may be on another machine:
// files go there and back as tars. The root becomes an image of the engine. With a RootKey it stays there for the next
// command; without one it goes when the command ends.
//
// A container has the limits of memory and processes that the command has. The limit of files holds for each file, for
// /tmp and /dev/shm, and when results come back. The engine adds HOSTNAME to the environment, Podman also TERM and container,
// and PATH and HOME where they are missing; the order of variables is Podman's, and each time another. When lithe is killed, the container runs on until it ends, and is removed by a
// later command's Run.
//
// In Podman, which may have no init program, the command's program is process 1: signals for which it has no handler do not
// reach it, its own included. Podman's filter of system calls leaves keys and namespaces of users to it.
type Engine struct{ Docker docker.Options }

// Name returns "engine".
func (Engine) Name() string { return engineName }

// Run makes the container, gives it the binds, runs it, and takes back what is writable.
func (e Engine) Run(ctx context.Context, root string, c Command) (int, error) {
	if len(c.Args) == 0 {
		return -1, ErrNoCommand
	}
	if c.TTY {
		return -1, errors.New("the engine executor has no terminals")
	}
	if err := ctx.Err(); err != nil {
		return -1, err
	}
	if err := findProgram(root, c); err != nil {
		return -1, err
	}
	host, err := docker.Find(e.Docker)
	if err != nil {
		return -1, err
	}
	return bounded(ctx, c, func(ctx context.Context, c Command) (int, error) {
		r := &contained{api: docker.New(host, e.Docker.Trace), command: c, limits: c.limits()}
		defer r.cleanUp(ctx)
		podman, err := r.api.IsPodman(ctx)
		if err != nil {
			return -1, contextError(ctx, err)
		}
		r.podman = podman
		code, err := r.run(ctx, root)
		if err != nil {
			return -1, contextError(ctx, err)
		}
		return code, nil
	})
}

// probeEngine asks the engine whether it can run what this machine builds.
func probeEngine(ctx context.Context, opt docker.Options) error {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("is tried on Linux alone, this is %s", runtime.GOOS)
	}
	host, err := docker.Find(opt)
	if err != nil {
		return err
	}
	info, err := docker.New(host, opt.Trace).Ping(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("no engine answers at %s: %w", host.Address, err)
	case info.Arch != runtime.GOARCH || info.OS != "" && info.OS != "linux":
		return fmt.Errorf("the engine at %s runs programs for %s/%s, not for linux/%s", host.Address, info.OS, info.Arch, runtime.GOARCH)
	case info.Podman:
		return tryPodman(ctx, opt)
	}
	return nil
}

// findProgram looks for the program, since engines report a missing one in words of their own.
func findProgram(root string, c Command) error {
	if info, err := os.Stat(root); err != nil || !info.IsDir() {
		return fmt.Errorf("root %s: %w", root, fs.ErrNotExist)
	}
	names := []string{path.Join("/", c.Dir, c.Args[0])}
	if path.IsAbs(c.Args[0]) {
		names = []string{c.Args[0]}
	}
	if !strings.Contains(c.Args[0], "/") {
		names = nil
		for _, v := range c.Env {
			if search, ok := strings.CutPrefix(v, "PATH="); ok {
				for dir := range strings.SplitSeq(search, ":") {
					names = append(names, path.Join("/", dir, c.Args[0]))
				}
			}
		}
	}
	for _, name := range names {
		if _, err := inRoot(root, name); err == nil || c.bound(name) {
			return nil
		}
	}
	return fmt.Errorf("start %s: %w", c.Args[0], fs.ErrNotExist)
}

// bound reports whether a path lies in what the command is shown.
func (c Command) bound(name string) bool {
	for _, b := range c.Binds {
		if target := path.Join("/", b.Target); name == target || strings.HasPrefix(name, target+"/") {
			return true
		}
	}
	return false
}

// contained is one command of the engine under way.
type contained struct {
	api     *docker.Client
	command Command
	limits  Limits
	podman  bool     // the engine is Podman's service
	made    []string // containers
	image   string   // to be removed
}

// cleanUp removes what was made, even if ctx has ended.
func (r *contained) cleanUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUp)
	defer cancel()
	for _, id := range r.made {
		_ = r.api.Remove(ctx, id) // the next sweep tries again
	}
	if r.image != "" {
		_ = r.api.RemoveImage(ctx, r.image)
	}
}

// run is the life of a command.
func (r *contained) run(ctx context.Context, root string) (int, error) {
	r.sweep(ctx)
	image, err := r.load(ctx, root)
	if err != nil {
		return -1, fmt.Errorf("loading the root into the engine: %w", err)
	}
	config := r.config(image)
	if len(r.command.Binds) > 0 {
		volumes, err := r.volumes()
		if err == nil && r.podman {
			config.HostConfig.Mounts = volumes
		} else if err == nil {
			config.HostConfig.VolumesFrom = make([]string, 1)
			config.HostConfig.VolumesFrom[0], err = r.hold(ctx, image, volumes)
		}
		if err != nil {
			return -1, fmt.Errorf("copying files into the engine: %w", err)
		}
	}
	id, err := r.create(ctx, config)
	if err != nil {
		return -1, err
	}
	ended, err := r.stream(ctx, id, config.HostConfig.Mounts)
	if err != nil {
		return -1, err
	}
	if ended.OutOfMemory && ended.ExitCode != 0 && r.limits.Memory > 0 {
		return -1, r.limits.exceeded(limitMemory)
	}
	for _, b := range r.command.Binds {
		if !b.Writable {
			continue
		}
		if err := r.takeBack(ctx, id, b); err != nil {
			return -1, fmt.Errorf("copying %s out of the engine: %w", b.Target, err)
		}
	}
	return ended.ExitCode, nil
}

// sweep removes containers of runs that were killed.
func (r *contained) sweep(ctx context.Context) {
	all, _ := r.api.Labelled(ctx, untilLabel) // an engine that cannot tell will say so to what follows
	for id, until := range all {
		if seconds, err := strconv.ParseInt(until, 10, 64); err == nil && time.Now().After(time.Unix(seconds, 0)) {
			_ = r.api.Remove(ctx, id)
		}
	}
}

// load makes an image of the root, unless the engine has it.
func (r *contained) load(ctx context.Context, root string) (image string, err error) {
	key := r.command.RootKey
	if key != "" {
		name := rootRepository + ":" + key
		if got, err := r.api.Image(ctx, name); err != nil || got != nil {
			return name, err
		}
	}
	err = piped(func(w io.Writer) error { return tarTree(ctx, w, tree{dir: root, prefix: "."}) }, func(files io.Reader) error {
		image, err = r.api.Import(ctx, files, rootLabel+"="+key)
		return err
	})
	if err == nil && key != "" { // apart from the import, where Podman forgets the tag
		err = r.api.Tag(ctx, image, rootRepository, key)
	}
	if key == "" || err != nil {
		r.image = image
	}
	return image, err
}

// create makes a container that is removed in the end.
func (r *contained) create(ctx context.Context, c docker.Container) (string, error) {
	until := untilAnyway
	if r.limits.Time > 0 {
		until = r.limits.Time + cleanUp
	}
	c.Labels = map[string]string{untilLabel: strconv.FormatInt(time.Now().Add(until).Unix(), 10)}
	id, err := r.api.Create(ctx, c)
	if id != "" {
		r.made = append(r.made, id)
	}
	return id, err
}

// config describes the container.
func (r *contained) config(image string) docker.Container {
	c := r.command
	uid, gid := c.user()
	host := docker.HostConfig{
		NetworkMode: "none", ReadonlyRootfs: true, Init: !r.podman, CapDrop: []string{"ALL"}, SecurityOpt: []string{noNewRights},
		Tmpfs:  map[string]string{"/tmp": "rw,exec,nosuid,nodev,mode=1777"},
		Memory: r.limits.Memory, MemorySwap: r.limits.Memory, LogConfig: docker.LogConfig{Type: "none"},
	}
	if c.Network {
		host.NetworkMode = ""
	}
	if r.limits.Processes > 0 {
		host.PidsLimit = int64(r.limits.Processes)
		if host.Init {
			host.PidsLimit++
		}
	}
	if r.limits.Disk > 0 {
		host.Tmpfs["/tmp"] += ",size=" + strconv.FormatInt(r.limits.Disk, 10)
		host.ShmSize = r.limits.Disk
		host.Ulimits = append(host.Ulimits, docker.Ulimit{Name: "fsize", Soft: r.limits.Disk, Hard: r.limits.Disk})
	}
	if c.Untrusted {
		host.Ulimits = append(host.Ulimits, docker.Ulimit{Name: "core"})
	}
	if r.podman {
		host.Ulimits = append(host.Ulimits, podmanUlimits...)
	}
	return docker.Container{
		Image: image, Hostname: "localhost", Entrypoint: []string{}, Cmd: c.Args, Env: c.Env, WorkingDir: c.Dir,
		User: fmt.Sprintf("%d:%d", uid, gid), OpenStdin: c.Stdin != nil, StdinOnce: c.Stdin != nil,
		AttachStdin: c.Stdin != nil, AttachStdout: true, AttachStderr: true, HostConfig: host,
	}
}

// stream starts the container, once its volumes are filled, and carries its streams and signals until it ends.
func (r *contained) stream(ctx context.Context, id string, empty []docker.Mount) (docker.Ended, error) {
	c := r.command
	streams, err := r.api.Attach(ctx, id, c.Stdin != nil)
	if err != nil {
		return docker.Ended{}, err
	}
	defer streams.Close()
	defer context.AfterFunc(ctx, func() { _ = streams.Close() })() // wakes Copy up
	if err := r.fill(ctx, id, empty); err != nil {
		return docker.Ended{}, fmt.Errorf("copying files into the engine: %w", err)
	}
	if err := r.api.Start(ctx, id); err != nil {
		return docker.Ended{}, err
	}
	if c.Stdin != nil {
		go func() {
			_, _ = io.Copy(streams, c.Stdin) // an error means that the program reads no more
			_ = streams.CloseWrite()
		}()
	}
	done := make(chan struct{})
	defer close(done)
	go r.forward(ctx, id, done)
	if err := streams.Copy(orDiscard(c.Stdout), orDiscard(c.Stderr)); err != nil {
		return docker.Ended{}, err
	}
	return r.api.Wait(ctx, id)
}

// forward passes signals on until done is closed.
func (r *contained) forward(ctx context.Context, id string, done <-chan struct{}) {
	for {
		select {
		case sig, ok := <-r.command.Signals:
			if !ok {
				return
			}
			if number, ok := sig.(syscall.Signal); ok {
				_ = r.api.Kill(ctx, id, int(number)) // gone already: nobody to tell
			}
		case <-done:
			return
		}
	}
}

func orDiscard(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return w
}

// takeBack replaces the files of a writable bind by the container's. They are unpacked as a layer is, beside the
// folder, and take their places when all are there.
func (r *contained) takeBack(ctx context.Context, id string, b Bind) error {
	files, err := r.api.Take(ctx, id, path.Join("/", b.Target)+"/.")
	if err != nil {
		return err
	}
	defer files.Close()
	source, err := filepath.EvalSymlinks(b.Source)
	if err != nil {
		return err
	}
	fresh, err := os.MkdirTemp(filepath.Dir(source), ".lithe-results-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(fresh)
	limit := int64(volumeLimit)
	if r.limits.Disk > 0 {
		limit = r.limits.Disk
	}
	if err := unpackResults(ctx, files, fresh, limit); errors.Is(err, errTooMuch) && r.limits.Disk > 0 {
		return r.limits.exceeded(limitDisk)
	} else if err != nil {
		return err
	}
	return replaceFiles(fresh, source)
}
