package archive

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/debian/packages"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/testkit/corpus"
	"github.com/lithe-build/lithe/internal/testkit/debmirror"
)

// elsewhere are the rows of the corpus whose fault is not in the .deb, nor in what its stanza says: they need the
// hash of a file or a signed Release.
var elsewhere = []string{"deb-bad-sha256", "deb-expired", "deb-packages-sha-mismatch"}

func TestCorpus(t *testing.T) {
	root := corpus.Dir(t, "bad")
	data, err := os.ReadFile(filepath.Join(root, "index.json"))
	var rows []struct {
		ID, Kind, Expect string
		Mentions         []string `json:"error_mentions"`
	}
	if err == nil {
		err = json.Unmarshal(data, &rows)
	}
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, row := range rows {
		if row.Kind != "deb" || slices.Contains(elsewhere, row.ID) {
			continue
		}
		tried++
		t.Run(row.ID, func(t *testing.T) {
			err := readRow(t, filepath.Join(root, row.ID))
			if row.Expect != "reject" {
				t.Fatalf("the test knows only rows to reject, not %q", row.Expect)
			}
			if err == nil {
				t.Fatal("not refused")
			}
			for _, word := range row.Mentions {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("error %q does not mention %q", err, word)
				}
			}
		})
	}
	if tried == 0 {
		t.Error("the corpus has no row to try")
	}
}

// readRow reads the stanza, then the package, then compares the two.
func readRow(t *testing.T, dir string) error {
	t.Helper()
	index, err := os.Open(filepath.Join(dir, "Packages"))
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	var stanza packages.Package
	if err := packages.Read(index, "Packages", func(p packages.Package) error { stanza = p; return nil }); err != nil {
		return err
	}
	deb, err := os.Open(filepath.Join(dir, filepath.Base(stanza.Filename)))
	if err != nil {
		t.Fatal(err)
	}
	defer deb.Close()
	p, err := Read(deb, Options{})
	if err != nil {
		return err
	}
	return p.CheckIs(stanza.Name, stanza.Version, stanza.Architecture)
}

// dpkg-deb reads what the testkit writes, so that our reader is not tested on a format of our own.
func TestDpkgAgrees(t *testing.T) {
	dpkg, err := exec.LookPath("dpkg-deb")
	if err != nil {
		t.Skip("needs dpkg-deb")
	}
	for _, compression := range []string{"xz", "gz", "none"} {
		p := debmirror.Package{Name: "pp", Version: "1.0-1", Compression: compression,
			Files: []debmirror.File{{Path: "usr/bin/a", Content: "a"}, {Path: "usr/bin/b", Link: "usr/bin/a"}}}
		name := filepath.Join(t.TempDir(), p.FileName())
		if err := os.WriteFile(name, p.Deb(), 0o644); err != nil {
			t.Fatal(err)
		}
		fields, err := exec.Command(dpkg, "--field", name).Output()
		if err != nil || string(fields) != p.Control() {
			t.Errorf("%s: dpkg-deb reads the control file as %q (%v)", compression, fields, err)
		}
		list, err := exec.Command(dpkg, "--contents", name).Output()
		if err != nil || !bytes.Contains(list, []byte("./usr/bin/b link to ./usr/bin/a")) {
			t.Errorf("%s: dpkg-deb lists %q (%v)", compression, list, err)
		}
	}
}

// Whatever parses holds the package's promises. The bytes are a whole package, or only its files: a fuzzer rarely
// gets through two archives and a checksum.
func FuzzRead(f *testing.F) {
	files := []debmirror.File{{Path: "usr/bin/a", Content: "a"}, {Path: "usr/bin/b", Link: "usr/bin/a"}, {Path: "l", Symlink: "usr"}}
	for _, compression := range []string{"xz", "gz", "zst", "none"} {
		f.Add(debmirror.Package{Name: "pp", Version: "1.0", Compression: compression, Files: files}.Deb(), false)
	}
	f.Add(debmirror.Tar([]debmirror.TarMember{plain("./a/../b", "x"), plain("./c", "y")}), true)
	f.Add([]byte("!<arch>\n"), false)
	f.Fuzz(func(t *testing.T, data []byte, onlyFiles bool) {
		if onlyFiles {
			data = outer(debmirror.Member{Name: "data.tar", Data: data})
		}
		p, err := Read(bytes.NewReader(data), Options{MaxSize: 1 << 20})
		if err != nil {
			return
		}
		checkEntries(t, p.Entries)
	})
}

func checkEntries(t *testing.T, entries []entry.Entry) {
	t.Helper()
	types := map[string]entry.Type{}
	for _, e := range entries {
		clean, err := cleanPath(e.Path)
		if _, twice := types[clean]; err != nil || clean != e.Path || clean == "" || twice {
			t.Fatalf("path %q: %v", e.Path, err)
		}
		types[clean] = e.Type
		if mode := e.Mode.Perm(); e.Type == entry.File && mode != 0o644 && mode != 0o755 {
			t.Fatalf("%s: mode %v", e.Path, e.Mode)
		}
	}
	for name := range types {
		for parent := path.Dir(name); parent != "."; parent = path.Dir(parent) {
			if kind, ok := types[parent]; ok && kind != entry.Dir {
				t.Fatalf("%s runs through %s", name, parent)
			}
		}
	}
}
