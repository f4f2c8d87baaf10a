package execute

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/lithe-build/lithe/internal/docker"
)

// hold makes a container that never runs, whose volumes are the binds, and fills them. The one that runs takes them over:
// nothing can be copied into a container whose root is read-only.
func (r *contained) hold(ctx context.Context, image string, volumes []docker.Mount) (id string, err error) {
	config := docker.Container{Image: image, Entrypoint: []string{}, Cmd: r.command.Args,
		HostConfig: docker.HostConfig{NetworkMode: "none", CapDrop: []string{"ALL"}, LogConfig: docker.LogConfig{Type: "none"}, Mounts: volumes}}
	if id, err = r.create(ctx, config); err != nil {
		return "", err
	}
	return id, piped(func(w io.Writer) error { return tarTree(ctx, w, r.trees()...) }, func(files io.Reader) error {
		return r.api.Put(ctx, id, "/", files)
	})
}

// volumes are what the binds become.
func (r *contained) volumes() (all []docker.Mount, err error) {
	seen := map[string]bool{}
	for _, b := range r.command.Binds {
		info, err := os.Stat(b.Source)
		if err != nil {
			return nil, err
		}
		mount := docker.Mount{Type: "volume", Target: path.Join("/", b.Target), VolumeOptions: docker.VolumeOptions{NoCopy: true}}
		if !info.IsDir() {
			// Volumes are folders: the one of the file becomes one, with all that the image has there.
			mount.Target, mount.VolumeOptions.NoCopy = path.Dir(mount.Target), false
			if b.Writable || mount.Target == "/" {
				return nil, fmt.Errorf("%s: an engine is shown folders, and files below a folder, which it cannot change", b.Target)
			}
		}
		if !seen[mount.Target] {
			seen[mount.Target] = true
			all = append(all, mount)
		}
	}
	return all, nil
}

// fill fills the volumes of a container of Podman one by one, since it sees no volume in a folder above, and before the program
// starts, but after the engine has made the container ready: it gives them the owners that their folders have in the image.
func (r *contained) fill(ctx context.Context, id string, volumes []docker.Mount) error {
	for _, v := range volumes {
		var trees []tree
		for _, t := range r.trees() {
			target := "/" + t.prefix
			switch {
			case target == v.Target:
				t.prefix, t.top = ".", true
			case !t.folder && path.Dir(target) == v.Target:
				t.prefix = path.Base(target)
			default:
				continue
			}
			trees = append(trees, t)
		}
		err := piped(func(w io.Writer) error { return tarTree(ctx, w, trees...) }, func(files io.Reader) error {
			return r.api.Put(ctx, id, v.Target, files)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// trees are the binds, in their order. What is writable belongs to the command's user, everything else to root.
func (r *contained) trees() []tree {
	uid, gid := r.command.user()
	var trees []tree
	for _, b := range r.command.Binds {
		info, err := os.Stat(b.Source)
		t := tree{dir: b.Source, prefix: path.Join("/", b.Target)[1:], shown: !b.Writable, folder: err == nil && info.IsDir()}
		if b.Writable {
			t.uid, t.gid = uid, gid
		}
		trees = append(trees, t)
	}
	return trees
}

// tree is a folder or file to be put into a tar.
type tree struct {
	dir      string // on the host
	prefix   string // in the tar
	uid, gid int
	shown    bool // to be read by everybody, and written by nobody else
	folder   bool // dir is one
	top      bool // prefix is the folder itself, whose owner and mode count, too
}

// tarTree writes a tar of trees. Devices and sockets stay out: nobody could make them.
func tarTree(ctx context.Context, w io.Writer, trees ...tree) error {
	archive := tar.NewWriter(w)
	buffer := make([]byte, 256<<10)
	for _, t := range trees {
		top, err := filepath.EvalSymlinks(t.dir)
		if err != nil {
			return err
		}
		err = filepath.WalkDir(top, func(name string, d fs.DirEntry, err error) error {
			if err := errors.Join(err, ctx.Err()); err != nil {
				return err
			}
			return t.add(archive, top, name, buffer)
		})
		if err != nil {
			return err
		}
	}
	return archive.Close()
}

// add adds one entry.
func (t tree) add(archive *tar.Writer, top, name string, buffer []byte) error {
	info, err := os.Lstat(name)
	if err != nil {
		return err
	}
	link := ""
	switch info.Mode().Type() {
	case fs.ModeSymlink:
		if link, err = os.Readlink(name); err != nil {
			return err
		}
	case 0, fs.ModeDir:
	default:
		return nil
	}
	header, err := tar.FileInfoHeader(info, link)
	if err != nil {
		return err
	}
	rel, err := filepath.Rel(top, name)
	if err != nil {
		return err
	}
	header.Name = path.Join(t.prefix, filepath.ToSlash(rel))
	if header.Name == "." && !t.top {
		return nil // the top of an image is the engine's own
	}
	header.Uid, header.Gid, header.Uname, header.Gname = t.uid, t.gid, "", ""
	header.Mode &= 0o1777 // set-id bits are of no use in there
	if t.prefix == "." && !t.top && header.Name == "tmp" {
		header.Mode = 0o1777 // which the engine gives to what it mounts there
	}
	if t.shown {
		header.Mode = header.Mode&^0o022 | 0o444
		if header.Mode&0o100 != 0 {
			header.Mode |= 0o111
		}
	}
	if err := archive.WriteHeader(header); err != nil || !info.Mode().IsRegular() {
		return err
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.CopyBuffer(archive, onlyReader{io.LimitReader(f, info.Size())}, buffer)
	return err
}

// onlyReader hides WriteTo, which would bring a buffer of its own for every file.
type onlyReader struct{ io.Reader }

// piped connects a writer with a reader that runs at the same time. The error of the writer is the cause of the reader's,
// unless it is the other way round.
func piped(write func(io.Writer) error, read func(io.Reader) error) error {
	r, w := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := write(w)
		w.CloseWithError(err)
		written <- err
	}()
	err := read(r)
	r.CloseWithError(errStopped)
	if cause := <-written; cause != nil && !errors.Is(cause, errStopped) && !errors.Is(cause, io.ErrClosedPipe) {
		return cause
	}
	return err
}

// errTooMuch says that results are larger than they may be.
var errTooMuch = errors.New("results are too large")

// unpackResults unpacks a tar that code without trust had a hand in, into an empty folder: no path leaves it, no link is
// followed, no device or set-id bit is made, and sizes are counted as they come.
func unpackResults(ctx context.Context, files io.Reader, dir string, limit int64) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	u := &unpacker{root: root, made: map[string]bool{".": true}, buffer: make([]byte, 256<<10), left: limit}
	defer u.leave()
	err = u.entries(ctx, tar.NewReader(&cut{files, 2*limit + 1<<30}))
	if u.left < 0 {
		return errTooMuch
	}
	return err
}

// cut is a reader that ends with an error after so many bytes. What an archive has beside files is in there, too.
type cut struct {
	r    io.Reader
	left int64
}

func (c *cut) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTooMuch
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

// replaceFiles gives a folder the entries of another, and removes those that it had.
func replaceFiles(from, to string) error {
	old, err := os.ReadDir(to)
	if err != nil {
		return err
	}
	for _, entry := range old {
		if err := os.RemoveAll(filepath.Join(to, entry.Name())); err != nil {
			return err
		}
	}
	fresh, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, entry := range fresh {
		if err := os.Rename(filepath.Join(from, entry.Name()), filepath.Join(to, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}
