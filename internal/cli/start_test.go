package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/lithe-build/lithe/internal/execute"
)

func TestExplainStart(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{"app/run.sh": "#!/bin/bash -e\necho\n", "venv/bin/tool": "\x7fELF"} {
		file := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o777), os.WriteFile(file, []byte(text), 0o777)); err != nil {
			t.Fatal(err)
		}
	}
	absent := &fs.PathError{Op: "start", Path: "x", Err: fs.ErrNotExist}
	const hint = "; images have no shell: name a program of the image and its arguments"
	for _, tt := range []struct {
		name string
		args []string
		err  error
		want string
	}{
		{"a shell", []string{"sh", "-c", "echo"}, absent, "there is no program sh in the image" + hint},
		{"a shell by its path", []string{"/bin/sh"}, absent, "there is no program /bin/sh in the image" + hint},
		{"a server", []string{"gunicorn", "app:app"}, absent, "there is no program gunicorn in the image" +
			"; lock a package that brings it, or name another program by `entrypoint` in [tool.lithe]"},
		{"a script for a shell", []string{"./run.sh"}, absent, "./run.sh is run by /bin/bash, which is not in the image" + hint},
		{"the same by its path", []string{"/app/run.sh"}, absent, "/app/run.sh is run by /bin/bash, which is not in the image" + hint},
		{"a program that is there", []string{"tool"}, absent, absent.Error()},
		{"another error", []string{"sh"}, fs.ErrPermission, fs.ErrPermission.Error()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := execute.Command{Args: tt.args, Dir: "/app", Env: []string{"PATH=/venv/bin:/bin"}}
			got := explainStart(root, c, tt.err)
			if got.Error() != tt.want || !errors.Is(got, tt.err) {
				t.Errorf("%v", got)
			}
		})
	}
}

func TestExplainPlatform(t *testing.T) {
	err := errors.New("exec format error")
	if got := explainPlatform("linux/amd64", "linux/amd64", err); got != err {
		t.Errorf("%v", got)
	}
	got := explainPlatform("linux/arm64", "linux/amd64", err)
	if want := "this machine runs programs for linux/amd64, not for linux/arm64; build for its own platform, or let an engine run it that emulates the other"; got.Error() != want || !errors.Is(got, err) {
		t.Errorf("%v", got)
	}
}
