//go:build unix

package execute_test

import (
	"bytes"
	"os"
	"runtime"
	"testing"

	"github.com/lithe-build/lithe/internal/execute"
)

func TestLoader(t *testing.T) {
	testRoot(t)
	testExecutor(t, execute.Loader{})
}

// The host is a root too, and has dynamic programs.
func TestLoaderDynamic(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("executors need Linux")
	}
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("this host has no /bin/sh")
	}
	var out bytes.Buffer
	code, err := execute.Loader{}.Run(t.Context(), "/", execute.Command{
		Args: []string{"/bin/sh", "-c", "echo $0 $1; exit 37", "a", "b c"}, Stdout: &out})
	if err != nil || code != 37 || out.String() != "a b c\n" {
		t.Errorf("code %d, error %v, output %q", code, err, out.String())
	}
}

func TestLoaderRefuses(t *testing.T) {
	root := testRoot(t)
	for _, test := range []struct{ name, program string }{
		{"a file that is no program", "/etc/hosts"},
		{"a directory", "/etc"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := execute.Loader{}.Run(t.Context(), root, execute.Command{Args: []string{test.program}})
			if err == nil {
				t.Error("no error")
			}
		})
	}
}
