package pep517_test

import (
	"os"
	"testing"

	"github.com/lithe-build/lithe/internal/execute"
)

// TestMain lets the sandbox start this program again as its init process.
func TestMain(m *testing.M) {
	execute.Init()
	os.Exit(m.Run())
}
