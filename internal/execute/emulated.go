package execute

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// emulators are the names under which Debian and others register qemu for programs of another architecture.
var emulators = map[string]string{"amd64": "qemu-x86_64", "arm64": "qemu-aarch64"}

// CanRun tells why programs of an architecture, by its name in OCI, do not run here; nil if they do: because it is the
// machine's own, or because the kernel hands them to an emulator that it has open already (flag F of binfmt_misc), so that
// it works in any root.
func CanRun(arch string) error { return canRun(arch, "/proc/sys/fs/binfmt_misc") }

func canRun(arch, registered string) error {
	if arch == runtime.GOARCH {
		return nil
	}
	text := registration(filepath.Join(registered, emulators[arch]))
	switch {
	case emulators[arch] == "" || !strings.HasPrefix(text, "enabled"):
		return fmt.Errorf("this machine is %s, and no emulator of %s is registered with its kernel", runtime.GOARCH, arch)
	case !strings.Contains(flagsOf(text), "F"):
		return fmt.Errorf("the emulator of %s is registered without the flag F, so that no sandbox sees it", arch)
	}
	return nil
}

// maxRegistration is the most bytes of a registration that are read; it has some hundred.
const maxRegistration = 4 << 10

// registration reads a file of the kernel's, "" where it has none.
func registration(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxRegistration))
	if err != nil {
		return ""
	}
	return string(data)
}

// flagsOf returns what stands behind "flags: ".
func flagsOf(registration string) string {
	_, rest, _ := strings.Cut(registration, "\nflags: ")
	flags, _, _ := strings.Cut(rest, "\n")
	return flags
}
