package execute

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestCanRun(t *testing.T) {
	if err := CanRun(runtime.GOARCH); err != nil {
		t.Error(err)
	}
	foreign := map[string]string{"amd64": "arm64", "arm64": "amd64"}[runtime.GOARCH]
	dir := t.TempDir()
	for text, works := range map[string]bool{
		"": false,
		"disabled\ninterpreter /usr/bin/qemu\nflags: OCF\n": false,
		"enabled\ninterpreter /usr/bin/qemu\nflags: OC\n":   false,
		"enabled\ninterpreter /usr/bin/qemu\nflags: OCF\n":  true,
	} {
		if err := os.WriteFile(filepath.Join(dir, emulators[foreign]), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := canRun(foreign, dir); (err == nil) != works {
			t.Errorf("%q: %v", text, err)
		}
	}
	if canRun("sparc", dir) == nil {
		t.Error("an architecture without an emulator runs")
	}
}
