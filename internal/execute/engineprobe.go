package execute

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/lithe-build/lithe/internal/docker"
)

// probeTime is how long an engine may take to run a program that does nothing.
const probeTime = time.Minute

// tryPodman runs a program that does nothing, with the limits of code that is not trusted. Whether Podman may set them is not to
// be asked for: in a container of its own it may lack control groups, or the right to set limits of processes.
func tryPodman(ctx context.Context, opt docker.Options) error {
	root, err := os.MkdirTemp("", "lithe-probe-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	program, err := nothing(runtime.GOARCH)
	if err != nil {
		return err
	}
	for _, dir := range []string{"proc", "dev", "tmp"} {
		err = errors.Join(err, os.Mkdir(filepath.Join(root, dir), 0o755))
	}
	if err = errors.Join(err, os.WriteFile(filepath.Join(root, "nothing"), program, 0o755)); err != nil {
		return err
	}
	c := Command{Args: []string{"/nothing"}, Untrusted: true, Limits: Limits{Time: probeTime}}
	if code, err := (Engine{Docker: opt}).Run(ctx, root, c); err != nil {
		return fmt.Errorf("its service cannot run a program with limits: %w", err)
	} else if code != 0 {
		return fmt.Errorf("a program that does nothing ended with exit code %d in Podman", code)
	}
	return nil
}

// exits are the instructions that end a program well, by architecture.
var exits = map[string]struct {
	machine elf.Machine
	code    []byte
}{
	"amd64": {elf.EM_X86_64, []byte{0x31, 0xff, 0xb8, 60, 0, 0, 0, 0x0f, 0x05}},                   // xor edi, edi; mov eax, 60; syscall
	"arm64": {elf.EM_AARCH64, []byte{0, 0, 0x80, 0xd2, 0xa8, 0x0b, 0x80, 0xd2, 0x01, 0, 0, 0xd4}}, // mov x0, 0; mov x8, 93; svc 0
}

// nothing returns a program that needs no file and ends at once.
func nothing(arch string) ([]byte, error) {
	exit, ok := exits[arch]
	if !ok {
		return nil, fmt.Errorf("there are no images for %s", arch)
	}
	const at, headers = 0x400000, 64 + 56 // its address; the bytes of the two headers before the code
	size := uint64(headers + len(exit.code))
	var out bytes.Buffer
	err := errors.Join(
		binary.Write(&out, binary.LittleEndian, elf.Header64{
			Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
			Type:  uint16(elf.ET_EXEC), Machine: uint16(exit.machine), Version: uint32(elf.EV_CURRENT), Entry: at + headers,
			Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1,
		}),
		binary.Write(&out, binary.LittleEndian, elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X),
			Vaddr: at, Paddr: at, Filesz: size, Memsz: size, Align: 0x1000}))
	out.Write(exit.code)
	return out.Bytes(), err
}
