// Package interpreter finds the host's Python for tests that compare with what real Python tools make.
package interpreter

import (
	"os"
	"os/exec"
	"testing"
)

// Find returns an interpreter that can make virtual environments: LITHE_TEST_PYTHON, else one on PATH. Without one
// the test is skipped, or fails where LITHE_E2E asks for everything.
func Find(t testing.TB) string {
	t.Helper()
	for _, name := range []string{os.Getenv("LITHE_TEST_PYTHON"), "python3.13", "python3"} {
		if path, err := exec.LookPath(name); err == nil && exec.Command(path, "-c", "import venv, ensurepip").Run() == nil {
			return path
		}
	}
	if os.Getenv("LITHE_E2E") != "" {
		t.Fatal("no python3 with venv; LITHE_TEST_PYTHON names one")
	}
	t.Skip("no python3 with venv; LITHE_TEST_PYTHON names one")
	return ""
}
