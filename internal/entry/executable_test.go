package entry

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestExecutable(t *testing.T) {
	tests := []struct {
		name, text   string
		mode         os.FileMode
		script, unix bool
	}{
		{"a script", "#!/venv/bin/python\n", 0o755, true, true},
		{"a script without the mode", "#!/bin/sh\n", 0o644, true, false},
		{"a program", "\x7fELF", 0o755, false, true},
		{"a module", "import os\n", 0o644, false, false},
		{"an empty file", "", 0o644, false, false},
		{"one byte", "#", 0o644, false, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "f")
			if err := os.WriteFile(path, []byte(test.text), test.mode); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			want := test.unix
			if runtime.GOOS == "windows" {
				want = test.script
			}
			if got := isScript(path); got != test.script {
				t.Errorf("it is a script: %v", got)
			}
			if got := Executable(path, info, 0o111); got != want {
				t.Errorf("it is executable: %v", got)
			}
		})
	}
	if isScript(filepath.Join(t.TempDir(), "missing")) {
		t.Error("a file that is missing is a script")
	}
}
