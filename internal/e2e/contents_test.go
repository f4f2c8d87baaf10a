//go:build linux

package e2e

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/base64"
	"encoding/csv"
	"errors"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// file is an entry of a layer.
type file struct {
	tar.Header
	data []byte
}

// sitePackages is where distributions are installed.
const sitePackages = "venv/lib/python3.13/site-packages"

// intruders are programs that an image must not have, wherever they are.
var intruders = []string{"sh", "bash", "dash", "ash", "ksh", "zsh", "busybox", "toybox", "env", "perl", "gcc", "cc", "ld", "apt", "apt-get",
	"dpkg", "pip", "pip3", "pip3.13", "curl", "wget", "su", "sudo", "mount", "poetry", "uv"}

// checkContents looks at every entry of an image, and returns what a container sees.
func checkContents(t *testing.T, layers [][]file) map[string]file {
	t.Helper()
	merged := map[string]file{}
	for i, files := range layers {
		for _, f := range files {
			isPlain(t, i, f)
			if below, ok := merged[f.Name]; ok && !sameEntry(below, f) && f.Name != "etc/ld.so.cache" { // made anew where libraries are added
				t.Errorf("layer %d has another %s than one below it", i, f.Name)
			}
			merged[f.Name] = f
		}
		hasParents(t, i, files)
	}
	hasNoPrograms(t, merged)
	isInPasswd(t, merged)
	recordsAreTrue(t, merged)
	return merged
}

// readLayers returns the entries of each layer, with names as they stand in the tar but for a slash at their end.
func readLayers(t *testing.T, img v1.Image) [][]file {
	t.Helper()
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	var all [][]file
	for _, layer := range layers {
		r, err := layer.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		var files []file
		for tr := tar.NewReader(r); ; {
			h, err := tr.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(tr)
			if err != nil {
				t.Fatal(err)
			}
			h.Name = strings.TrimSuffix(h.Name, "/")
			files = append(files, file{*h, data})
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		all = append(all, files)
	}
	return all
}

// isPlain checks what an entry may be.
func isPlain(t *testing.T, layer int, f file) {
	t.Helper()
	date := time.Date(1980, 1, 2, 0, 0, 0, 0, time.UTC)
	if !f.ModTime.Equal(date) || f.Uid != 0 || f.Gid != 0 || f.Uname+f.Gname != "" || len(f.PAXRecords) > 0 && f.PAXRecords["path"]+f.PAXRecords["linkpath"] == "" {
		t.Errorf("layer %d: %s is of %v, %d:%d %q %q", layer, f.Name, f.ModTime, f.Uid, f.Gid, f.Uname, f.Gname)
	}
	if f.Name != path.Clean(f.Name) || path.IsAbs(f.Name) || strings.HasPrefix(f.Name, "..") || strings.HasPrefix(path.Base(f.Name), ".wh.") {
		t.Errorf("layer %d: name %q", layer, f.Name)
	}
	want := []int64{0o644, 0o755}
	switch f.Typeflag {
	case tar.TypeReg:
	case tar.TypeDir:
		want = []int64{0o755}
		if f.Name == "tmp" {
			want = []int64{0o1777}
		}
	case tar.TypeSymlink:
		want = []int64{0o777}
	default:
		t.Errorf("layer %d: %s is of type %q", layer, f.Name, f.Typeflag)
	}
	if !slices.Contains(want, f.Mode) {
		t.Errorf("layer %d: %s has mode %o", layer, f.Name, f.Mode)
	}
}

// sameEntry tells whether a reader gets the same whichever of the two it takes.
func sameEntry(a, b file) bool {
	return a.Typeflag == b.Typeflag && a.Mode == b.Mode && a.Linkname == b.Linkname && bytes.Equal(a.data, b.data)
}

// hasParents checks that a layer brings all directories that its entries are in, before them.
func hasParents(t *testing.T, layer int, files []file) {
	t.Helper()
	seen := map[string]bool{".": true}
	for _, f := range files {
		if !seen[path.Dir(f.Name)] {
			t.Errorf("layer %d: %s comes before its directory", layer, f.Name)
		}
		seen[f.Name] = f.Typeflag == tar.TypeDir
	}
}

// hasNoPrograms checks that the interpreter is all that can run. A script counts as Python's.
func hasNoPrograms(t *testing.T, merged map[string]file) {
	t.Helper()
	programs := 0
	for name, f := range merged {
		if f.Typeflag == tar.TypeDir || strings.Contains(name, "/zoneinfo/") || strings.HasPrefix(name, "var/lib/dpkg/") {
			continue
		}
		if slices.Contains(intruders, path.Base(name)) {
			t.Errorf("%s is here", name)
		}
		if f.Typeflag != tar.TypeReg || f.Mode&0o111 == 0 {
			continue
		}
		programs++
		line, _, _ := bytes.Cut(f.data, []byte("\n"))
		isScript := bytes.HasPrefix(line, []byte("#!")) && bytes.Contains(line, []byte("python"))
		// A wheel says which of its files are executable, and some say so of each; without a first line for the kernel they do
		// not run.
		isData := strings.HasPrefix(name, sitePackages) && !bytes.HasPrefix(line, []byte("#!"))
		if !isScript && !isData && !bytes.HasPrefix(f.data, []byte(elf.ELFMAG)) {
			t.Errorf("%s is executable, and neither Python's nor a binary: %q", name, line[:min(len(line), 80)])
		}
	}
	if programs == 0 {
		t.Error("nothing is executable: the walk is broken")
	}
}

func isInPasswd(t *testing.T, merged map[string]file) {
	t.Helper()
	if text := string(merged["etc/passwd"].data); !strings.Contains(text, ":65532:65532:") {
		t.Errorf("no 65532 in passwd:\n%s", text)
	}
	if text := string(merged["etc/group"].data); !strings.Contains(text, ":65532:") {
		t.Errorf("no 65532 in group:\n%s", text)
	}
}

// recordsAreTrue checks every RECORD against the files, and that each file of the virtual environment is in one.
func recordsAreTrue(t *testing.T, merged map[string]file) {
	t.Helper()
	listed := map[string]bool{}
	for name, f := range merged {
		if path.Base(name) != "RECORD" || !strings.HasSuffix(path.Dir(name), ".dist-info") {
			continue
		}
		rows, err := csv.NewReader(bytes.NewReader(f.data)).ReadAll()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, row := range rows {
			target := path.Join(sitePackages, row[0])
			if listed[target] && !isShared(target) {
				t.Errorf("%s: %s is listed before", name, row[0])
			}
			listed[target] = true
			checkRow(t, name, row, merged[target])
		}
		installer := merged[path.Join(path.Dir(name), "INSTALLER")]
		if strings.TrimSpace(string(installer.data)) != "lithe" {
			t.Errorf("%s was installed by %q", path.Dir(name), installer.data)
		}
	}
	if len(listed) == 0 {
		t.Error("no RECORD: the walk is broken")
	}
	for name, f := range merged {
		inVenv := strings.HasPrefix(name, sitePackages+"/") || strings.HasPrefix(name, "venv/bin/")
		if inVenv && f.Typeflag == tar.TypeReg && !listed[name] {
			t.Errorf("%s is in no RECORD", name)
		}
	}
}

// isShared reports files that several distributions may have.
func isShared(name string) bool {
	return path.Base(name) == "py.typed" || path.Base(name) == "__init__.py"
}

// checkRow checks a row. Only RECORD itself and .pyc files have no hash.
func checkRow(t *testing.T, record string, row []string, f file) {
	t.Helper()
	if f.Typeflag != tar.TypeReg {
		t.Errorf("%s: %s is not there", record, row[0])
		return
	}
	if row[1] == "" {
		if !strings.HasSuffix(row[0], ".pyc") && !strings.HasSuffix(record, row[0]) {
			t.Errorf("%s: %s has no hash", record, row[0])
		}
		return
	}
	sum := sha256.Sum256(f.data)
	hash := "sha256=" + base64.RawURLEncoding.EncodeToString(sum[:])
	if row[1] != hash || row[2] != strconv.Itoa(len(f.data)) {
		t.Errorf("%s: %s is %s of %d bytes, the row says %s and %s", record, row[0], hash, len(f.data), row[1], row[2])
	}
}
