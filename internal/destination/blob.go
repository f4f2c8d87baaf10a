package destination

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/lithe-build/lithe/internal/diag"
)

// bytesBlob is a blob in memory.
func bytesBlob(data []byte) (blob, error) {
	digest, size, err := v1.SHA256(bytes.NewReader(data))
	return blob{digest: digest, size: size,
		open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}, err
}

// encode returns compact JSON with sorted maps.
func encode(v any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}

// writeFile gives a file its name when it is whole.
func writeFile(path string, write func(*os.File) error) error {
	// Unlike os.CreateTemp this leaves the mode to the umask: others may have to read the file.
	tmp := fmt.Sprintf("%s.%016x.tmp", path, rand.Uint64())
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return notWritable(path, err)
	}
	defer os.Remove(tmp) // gone after the rename
	if err := errors.Join(write(f), f.Close()); err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return notWritable(path, syscall.EISDIR) // a rename has another name for it on each system
	}
	return os.Rename(tmp, path)
}

// checkFile finds out whether a file may stand at a place, and writes nothing: a build may still fail.
func checkFile(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return notWritable(path, syscall.EISDIR)
	}
	info, err := os.Stat(filepath.Dir(path))
	if err == nil && !info.IsDir() {
		err = syscall.ENOTDIR
	}
	return notWritable(path, err)
}

// notWritable says that the place which the user named is a bad one, if that is what an error means.
func notWritable(path string, err error) error {
	ours := []error{fs.ErrNotExist, fs.ErrPermission, syscall.ENOTDIR, syscall.EISDIR}
	if !slices.ContainsFunc(ours, func(e error) bool { return errors.Is(err, e) }) {
		return err
	}
	cause := err
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		cause = at.Err // the path would be that of a temporary file
	}
	return &diag.Error{Pos: diag.Position{File: path}, Code: "bad-output", What: fmt.Sprintf("cannot be written: %v", cause),
		Hint: "name a place in a folder that exists and is yours", Err: err}
}
