package build

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/plan"
)

// denied is a file that lithe may not read. No mode makes one for root, so that it is made up.
type denied string

func (d denied) Open() (io.ReadCloser, error) {
	return nil, &fs.PathError{Op: "open", Path: string(d), Err: fs.ErrPermission}
}

func TestUnreadableFile(t *testing.T) {
	b, err := newBuilder(Options{Store: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	own := &ownCode{entries: []entry.Entry{{Path: "app/main.py", Mode: 0o644, Content: denied("src/main.py")}}}
	_, err = b.ownLayer(t.Context(), &plan.Plan{Python: "3.13.5"}, own, nil)
	const want = "src/main.py: permission to read it is denied; change its mode, or leave it out by files.exclude"
	if problems, ok := diag.Problems(err); !ok || problems[0].Error() != want || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%v", err)
	}
	gone := errors.New("gone")
	if got := unreadable(gone); got != gone {
		t.Errorf("another error became %v", got)
	}
}

// TestUnreadableFolder builds a project with a folder that may not be read, as a package and as one that is copied.
func TestUnreadableFolder(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may read everything")
	}
	for _, backend := range []string{"", "[build-system]\nrequires = ['hatchling']\nbuild-backend = 'hatchling.build'\n"} {
		dir := t.TempDir()
		write := func(name, text string) {
			path := filepath.Join(dir, name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte(text), 0o666)); err != nil {
				t.Fatal(err)
			}
		}
		write("pyproject.toml", "[project]\nname = 'app'\nversion = '1'\nrequires-python = '>=3.13'\n"+backend)
		write("uv.lock", "version = 1\nrequires-python = '>=3.13'\n[[package]]\nname = 'app'\nversion = '1'\nsource = { virtual = '.' }\n")
		write("app/__init__.py", "")
		write("app/shut/__init__.py", "")
		shut := filepath.Join(dir, "app", "shut")
		if err := os.Chmod(shut, 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(shut, 0o777) })
		_, err := read(Options{Dir: dir})
		if problems, ok := diag.Problems(err); !ok || problems[0].Code != "unreadable" {
			t.Errorf("%q: %v", backend, err)
		}
	}
}
