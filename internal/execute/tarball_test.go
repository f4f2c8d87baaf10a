package execute_test

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/lithe-build/lithe/internal/execute"
	"github.com/lithe-build/lithe/internal/store"
)

func TestMaterializeTar(t *testing.T) {
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	written := 0
	write := func(w io.Writer) error {
		written++
		out := tar.NewWriter(w)
		if err := out.WriteHeader(&tar.Header{Name: "usr/bin/x", Mode: 0o755, Size: 2, Typeflag: tar.TypeReg}); err != nil {
			return err
		}
		_, err := out.Write([]byte("hi"))
		return errors.Join(err, out.Close())
	}
	ready := func(root string) error { return os.WriteFile(filepath.Join(root, "usr/more"), nil, 0o644) }
	if execute.HasTar(st, "k") {
		t.Error("it is there before it is made")
	}
	for range 2 {
		root, err := execute.MaterializeTar(t.Context(), st, "k", write, ready)
		if err != nil {
			t.Fatal(err)
		}
		if data, err := os.ReadFile(filepath.Join(root, "usr/bin/x")); err != nil || string(data) != "hi" {
			t.Errorf("the file is %q, %v", data, err)
		}
		for _, name := range []string{"proc", "etc/hosts", "usr/more"} {
			if _, err := os.Stat(filepath.Join(root, name)); err != nil {
				t.Error(err)
			}
		}
	}
	if written != 1 || !execute.HasTar(st, "k") || execute.HasTar(st, "other") {
		t.Errorf("the tar was written %d times", written)
	}
}

// TestMaterializeTarFails has whoever writes, reads or completes fail: nothing stays, and the cause is told.
func TestMaterializeTarFails(t *testing.T) {
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cause := errors.New("no more packages")
	fine := func(w io.Writer) error { return tar.NewWriter(w).Close() }
	climbing := func(w io.Writer) error {
		out := tar.NewWriter(w)
		err := out.WriteHeader(&tar.Header{Name: "../x", Mode: 0o755, Size: 1 << 20, Typeflag: tar.TypeReg})
		_, err2 := out.Write(make([]byte, 1<<20))
		return errors.Join(err, err2)
	}
	for name, test := range map[string]struct {
		write func(io.Writer) error
		ready func(string) error
		want  error
	}{
		"writing":    {write: func(io.Writer) error { return cause }, want: cause},
		"unpacking":  {write: climbing},
		"completing": {write: fine, ready: func(string) error { return cause }, want: cause},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := execute.MaterializeTar(context.Background(), st, name, test.write, test.ready)
			if err == nil || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("the error is %v", err)
			}
			if execute.HasTar(st, name) {
				t.Error("a directory stays")
			}
		})
	}
}
