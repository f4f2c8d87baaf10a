package baseimages

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Debian is the two layers of a base that lithe assembled, as tars.
type Debian struct{ Base, Interpreter []byte }

const slimPath = "PATH=/usr/local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// RealDistroless is like Google's image of Python: no shell, a user by name, Python in /usr.
func RealDistroless(d Debian) (Spec, error) {
	interpreter, err := rewrite(d.Interpreter, withoutVenv)
	return Spec{Layers: []Layer{{Tar: d.Base}, {Tar: interpreter}}, Config: v1.Config{User: "nonroot", WorkingDir: "/home/nonroot",
		Entrypoint: []string{"/usr/bin/python3.13"},
		Env:        []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"}}}, err
}

// RealSlim is like Docker's python:slim: Docker's media types, a shell, root, dpkg's own database, Python in /usr/local
// without bytecode and of no package, and names for it in a layer of their own. shell is a program that needs glibc alone.
func RealSlim(d Debian, shell []byte) (Spec, error) {
	base, err := rewrite(d.Base, withoutRecords)
	if err != nil {
		return Spec{}, err
	}
	libraries, err := rewrite(d.Interpreter, func(name string) string {
		if isPython(name) {
			return ""
		}
		return withoutRecords(withoutVenv(name))
	})
	if err != nil {
		return Spec{}, err
	}
	status, err := database(d)
	if err != nil {
		return Spec{}, err
	}
	python, err := rewrite(d.Interpreter, func(name string) string {
		if !isPython(name) || strings.Contains(name, "__pycache__") {
			return ""
		}
		return "usr/local/" + strings.TrimPrefix(name, "usr/")
	})
	links := Files{"usr/local/bin/python3": "-> python3.13", "usr/local/bin/python": "-> python3"}
	return Spec{Docker: true, Layers: []Layer{
		{Tar: base, MediaType: types.DockerLayer}, {Files: Files{"usr/bin/dash": string(shell), "usr/bin/sh": "-> dash", "var/lib/dpkg/status": status}, MediaType: types.DockerLayer},
		{Tar: libraries, MediaType: types.DockerLayer}, {Tar: python, MediaType: types.DockerLayer}, {Files: links, MediaType: types.DockerLayer},
	}, Config: v1.Config{Cmd: []string{"python3"}, Env: []string{slimPath, "GPG_KEY=7169605F62C751356D054A26A821E680E5FA6305", "PYTHON_VERSION=3.13.5"}}}, err
}

// RealAlpine is like Alpine's image of Python: musl, and a Python that was built on it. root is what Musl made.
func RealAlpine(root string) (Spec, error) {
	python, err := pack(root)
	return Spec{Layers: []Layer{
		{Files: Files{"tmp/": "", "etc/os-release": "ID=alpine\nPRETTY_NAME=\"like Alpine\"\n", "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n"}},
		{Tar: python}, {Files: Files{"usr/local/bin/python3": "-> python3.13"}},
	}, Config: v1.Config{Cmd: []string{"python3"}, Env: []string{slimPath, "PYTHON_VERSION=3.13.5"}}}, err
}

// RealStandalone is a tar in the layout of python-build-standalone, which runs: Debian's interpreter and the libraries that
// it brings, which the real archives have inside.
func RealStandalone(d Debian) ([]byte, error) {
	return rewrite(d.Interpreter, func(name string) string {
		switch {
		case isPython(name):
			return "python/" + strings.TrimPrefix(name, "usr/")
		case strings.HasPrefix(name, "usr/lib/") && strings.Contains(path.Base(name), ".so"):
			return "python/lib/" + path.Base(name)
		}
		return ""
	})
}

// isPython reports what is Python's own among Debian's files.
func isPython(name string) bool {
	return strings.HasPrefix(name, "usr/lib/python3.13/") || strings.HasPrefix(name, "usr/bin/python")
}

// records is where a base without dpkg says which packages it has, in a file for each.
const records = "var/lib/dpkg/status.d"

func withoutRecords(name string) string {
	if name == records || strings.HasPrefix(name, records+"/") {
		return ""
	}
	return name
}

// database is what dpkg would have written of the packages, but for those of Python.
func database(d Debian) (string, error) {
	var status strings.Builder
	for _, tarball := range [][]byte{d.Base, d.Interpreter} {
		r := tar.NewReader(bytes.NewReader(tarball))
		for {
			h, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return "", err
			}
			dir, name := path.Split(h.Name)
			if dir != records+"/" || name == "" || strings.HasSuffix(name, ".md5sums") || strings.Contains(name, "python3") {
				continue
			}
			text, err := io.ReadAll(r)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(&status, "%s\nStatus: install ok installed\n\n", bytes.TrimSpace(text))
		}
	}
	return status.String(), nil
}

func withoutVenv(name string) string {
	if name == "venv" || strings.HasPrefix(name, "venv/") {
		return ""
	}
	return name
}

// rewrite copies a tar under other names. An entry without one is left out.
func rewrite(tarball []byte, rename func(string) string) ([]byte, error) {
	var out bytes.Buffer
	w, r := tar.NewWriter(&out), tar.NewReader(bytes.NewReader(tarball))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			err = w.Close()
			return out.Bytes(), err
		}
		if err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(h.Name, "/")
		h.Name = rename(name)
		if h.Name == "" {
			continue
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := io.Copy(w, r); err != nil {
			return nil, err
		}
	}
}

// pack makes a tar of a folder, in the order of its paths.
func pack(root string) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		return packOne(w, root, path)
	})
	err = errors.Join(err, w.Close())
	return out.Bytes(), err
}

func packOne(w *tar.Writer, root, path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	target := ""
	if info.Mode()&fs.ModeSymlink != 0 {
		if target, err = os.Readlink(path); err != nil {
			return err
		}
	}
	h, err := tar.FileInfoHeader(info, target)
	if err != nil {
		return err
	}
	name, err := filepath.Rel(root, path)
	if err != nil {
		return err
	}
	h.Name, h.ModTime, h.Uid, h.Gid, h.Uname, h.Gname = filepath.ToSlash(name), Created, 0, 0, "", ""
	if err := w.WriteHeader(h); err != nil || !info.Mode().IsRegular() {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}
