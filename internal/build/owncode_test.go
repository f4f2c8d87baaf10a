package build

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/plan"
)

// TestFileChangesWhileBuilding saves another text over a file of the project after its layer has got its name. The layer
// must not be made: it would stay in the store under the name of the text before.
func TestFileChangesWhileBuilding(t *testing.T) {
	for _, tt := range []struct{ name, after string }{
		{"as long", "print('two')"}, {"longer", "print('three')"}, {"shorter", "pass"}, {"empty", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const before = "print('one')"
			file := filepath.Join(t.TempDir(), "main.py")
			save := func(text string) {
				if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			b, err := newBuilder(Options{Store: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			defer b.close()
			layer := func(change string) (made, error) {
				save(before)
				main := entry.Entry{Path: "app/main.py", Mode: 0o644, Size: int64(len(before)), Content: entry.Path(file)}
				// The second file of the layer is read for its name after the first: then the first one changes.
				late := entry.Entry{Path: "app/other", Mode: 0o644, Content: hook(func() { save(change) })}
				return b.ownLayer(t.Context(), &plan.Plan{Python: "3.13.5"}, &ownCode{entries: []entry.Entry{main, late}}, nil)
			}
			_, err = layer(tt.after)
			problems, ok := diag.Problems(err)
			if !ok || problems[0].Code != "changed" || problems[0].Pos.File != file {
				t.Fatalf("the layer was made of a file that changed: %v", err)
			}
			l, err := layer(before)
			if err != nil || l.reused {
				t.Errorf("the file as it was: reused %t, %v", l.reused, err)
			}
		})
	}
}

// hook is an empty file that does something when it is opened.
type hook func()

func (h hook) Open() (io.ReadCloser, error) {
	h()
	return io.NopCloser(strings.NewReader("")), nil
}

// TestWorkdirs shows that a program starts in a folder that exists, and that no folder of the base changes for it.
func TestWorkdirs(t *testing.T) {
	for dir, want := range map[string][]string{
		"/app": {"app"}, "/srv/data": {"app", "srv/data"}, "/": {"app"}, "/tmp": {"app"}, "/root": {"app"}, "/lib": {"app"},
	} {
		var got []string
		for _, e := range workdirs(dir) {
			got = append(got, e.Path)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", dir, diff)
		}
	}
}
