package execute_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/lithe-build/lithe/internal/execute"
)

// Variables by which the tests start themselves in another role.
const (
	roleVariable = "LITHE_TEST_EXECUTE_ROLE" // "parent": run a program that waits, and be killed
	rootVariable = "LITHE_TEST_EXECUTE_ROOT" // a root that is made already
)

func TestMain(m *testing.M) {
	execute.Init()
	if os.Getenv(roleVariable) == "parent" {
		_, _ = execute.Namespace{}.Run(context.Background(), os.Getenv(rootVariable),
			execute.Command{Args: []string{"/program", "wait"}, Stdout: os.Stdout})
		return
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	top, err := os.MkdirTemp("", "lithe-execute-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(top)
	madeRoot = sync.OnceValues(func() (string, error) { return makeRoot(filepath.Join(top, "root")) })
	return m.Run()
}

// madeRoot returns a root that is made when it is first needed.
var madeRoot func() (string, error)

// makeRoot makes a root with one static program in it, which every user may read.
func makeRoot(root string) (string, error) {
	for _, dir := range []string{"proc", "dev", "tmp", "etc", "work", "mnt"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			return "", err
		}
	}
	for _, file := range []string{"etc/hosts", "etc/resolv.conf", "mnt/file"} {
		if err := os.WriteFile(filepath.Join(root, file), nil, 0o644); err != nil {
			return "", err
		}
	}
	build := exec.Command("go", "build", "-o", filepath.Join(root, "program"), "./testdata/program")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // nothing else is in the root
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return "", err
	}
	if err := copyFile(filepath.Join(root, "program"), filepath.Join(root, "setuid")); err != nil {
		return "", err
	}
	return root, errors.Join(os.Chmod(filepath.Join(root, "setuid"), 0o755|os.ModeSetuid), os.Chmod(filepath.Dir(root), 0o755))
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o755)
}

func testRoot(t *testing.T) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("executors need Linux")
	}
	if root := os.Getenv(rootVariable); root != "" {
		return root
	}
	root, err := madeRoot()
	if err != nil {
		t.Fatal(err)
	}
	return root
}
