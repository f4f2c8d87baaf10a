package execute

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// The program that does nothing is one for each architecture, and ends well on this one.
func TestNothing(t *testing.T) {
	for arch, want := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		program, err := nothing(arch)
		if err != nil {
			t.Fatal(err)
		}
		f, err := elf.NewFile(bytes.NewReader(program))
		if err != nil || f.Machine != want || len(f.Progs) != 1 {
			t.Errorf("%s: %+v, error %v", arch, f, err)
		}
		if arch != runtime.GOARCH || runtime.GOOS != "linux" {
			continue
		}
		name := filepath.Join(t.TempDir(), "nothing")
		if err := os.WriteFile(name, program, 0o755); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(name).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %q, %v", arch, out, err)
		}
	}
	if _, err := nothing("riscv64"); err == nil {
		t.Error("there is a program for riscv64")
	}
}
