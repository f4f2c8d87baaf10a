package pep517

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/python/sdist"
	"github.com/lithe-build/lithe/internal/python/wheel"
)

// A build runs under a user of its own, which may be another one than ours, so that all may write to its files. They stand
// in a directory that nobody else can enter.
const (
	dirMode  = 0o777
	fileMode = 0o666
	execMode = 0o777
)

// makeDir makes a directory, whatever the umask is.
func makeDir(path string) error {
	if err := os.MkdirAll(path, dirMode); err != nil { //nolint:gosec // see above
		return err
	}
	return os.Chmod(path, dirMode) //nolint:gosec // see above
}

// Unpack writes a source distribution to an empty directory.
func Unpack(archive, filename, dir string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return sdist.Read(f, info.Size(), filename, func(m sdist.Member, content io.Reader) error {
		target := filepath.Join(dir, filepath.FromSlash(m.Path))
		if m.Type != sdist.Dir {
			if err := os.MkdirAll(filepath.Dir(target), dirMode); err != nil { //nolint:gosec // see above
				return err
			}
		}
		switch m.Type {
		case sdist.Dir:
			return os.MkdirAll(target, dirMode) //nolint:gosec // see above
		case sdist.Symlink:
			return os.Symlink(m.Link, target)
		case sdist.HardLink:
			return copyFile(filepath.Join(dir, filepath.FromSlash(m.Link)), target)
		}
		return writeFile(target, content, m.Executable)
	})
}

func writeFile(target string, content io.Reader, executable bool) error {
	mode := fs.FileMode(fileMode)
	if executable {
		mode = execMode
	}
	f, err := os.OpenFile(target, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, content); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// copyFile makes a second file: a hard link would let a build change two at once, as it does in no checkout.
func copyFile(from, to string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return writeFile(to, f, info.Mode()&0o111 != 0)
}

// openToAll lets every user change the files below a directory, and gives all the same time.
func openToAll(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			return os.Chmod(path, dirMode) //nolint:gosec // see above
		case !info.Mode().IsRegular():
			return nil
		case info.Mode()&0o111 != 0:
			err = os.Chmod(path, execMode) //nolint:gosec // see above
		default:
			err = os.Chmod(path, fileMode) //nolint:gosec // see above
		}
		if err != nil {
			return err
		}
		return os.Chtimes(path, epochTime, epochTime)
	})
}

// writeReadable writes a file that the build's user reads, whatever the umask is.
func writeReadable(path string, data []byte) error {
	if err := os.WriteFile(path, data, 0o644); err != nil { //nolint:gosec // see above
		return err
	}
	return os.Chmod(path, 0o644) //nolint:gosec // see above
}

// openToRead lets the build's user enter all directories below one, whatever the umask was when they were made.
func openToRead(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return os.Chmod(path, 0o755) //nolint:gosec // see above
	})
}

// install lays wheels out in a virtual environment that is made by hand.
func (t *Tree) install(wheels []*wheel.Wheel) error {
	env := filepath.Join(t.dir, "env")
	if err := makeDir(filepath.Join(env, "bin")); err != nil {
		return err
	}
	config := fmt.Sprintf("home = %s\ninclude-system-site-packages = false\n", filepath.ToSlash(filepath.Dir(t.opt.Python)))
	if err := writeReadable(filepath.Join(env, "pyvenv.cfg"), []byte(config)); err != nil {
		return err
	}
	for _, name := range []string{"python", "python3", "python" + t.opt.Minor} {
		if err := os.Symlink(t.opt.Python, filepath.Join(env, "bin", name)); err != nil {
			return err
		}
	}
	scheme := wheel.Scheme{Prefix: strings.TrimPrefix(envPath, "/"), Python: "python" + t.opt.Minor, Interpreter: envPath + "/bin/python"}
	if err := makeDir(filepath.Join(env, "lib", scheme.Python, "site-packages")); err != nil {
		return err
	}
	for _, w := range wheels {
		in, err := wheel.Install(w, scheme, wheel.InstallOptions{})
		if err != nil {
			return fmt.Errorf("build requirement %s %s: %w", w.Name, w.Version, err)
		}
		for _, e := range in.Entries {
			if err := writeEntry(env, strings.TrimPrefix(e.Path, scheme.Prefix+"/"), e); err != nil {
				return fmt.Errorf("build requirement %s %s: %w", w.Name, w.Version, err)
			}
		}
	}
	return nil
}

// writeEntry writes one file of an installed wheel.
func writeEntry(env, path string, e entry.Entry) error {
	target := filepath.Join(env, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil { //nolint:gosec // the build's user reads it
		return err
	}
	content, err := e.Content.Open()
	if err != nil {
		return err
	}
	defer content.Close()
	f, err := os.OpenFile(target, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, e.Mode.Perm())
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, content); err != nil {
		_ = f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Chmod(target, e.Mode.Perm())
}
