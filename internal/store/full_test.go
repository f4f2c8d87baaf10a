package store

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/lithe-build/lithe/internal/diag"
)

func TestFullDisk(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /dev/full")
	}
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	w, err := newWriter(s, f, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write([]byte("x"))
	var problem *diag.Error
	if !errors.As(err, &problem) || problem.Code != "store-full" || !strings.Contains(problem.Hint, "LITHE_STORE") {
		t.Errorf("error is %v, want store-full with a hint", err)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Error("the cause is lost")
	}
}
