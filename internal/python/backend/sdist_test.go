package backend

import (
	"archive/tar"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/python/wheel"
	"github.com/lithe-build/lithe/internal/testkit/interpreter"
	"github.com/lithe-build/lithe/internal/toml"
)

// TestPublishedProjects builds source archives of PyPI with the real backend and with ours. What ours takes must be
// the same byte for byte; what it refuses it must refuse by name, and that may be a third of them.
func TestPublishedProjects(t *testing.T) {
	if os.Getenv("LITHE_E2E") != "1" {
		t.Skip("downloads archives and backends from PyPI; set LITHE_E2E=1")
	}
	bin, flit3 := installBackends(t)
	dir := t.TempDir()
	list, err := filepath.Abs(filepath.Join("testdata", "sdists.txt"))
	if err != nil {
		t.Fatal(err)
	}
	// The hashes in the list make pip refuse any other file.
	run(t, dir, filepath.Join(bin, "python"), "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps",
		"--no-build-isolation", "--no-binary", ":all:", "--require-hashes", "-r", list, "-d", dir)
	comparePublished(t, dir, bin, flit3)
}

// installBackends makes an environment with every backend, and a folder with the older release of flit.
func installBackends(t *testing.T) (bin, flit3 string) {
	t.Helper()
	venv := filepath.Join(t.TempDir(), "venv")
	run(t, "", interpreter.Find(t), "-m", "venv", venv)
	bin, flit3 = filepath.Join(venv, "bin"), filepath.Join(venv, "flit3")
	install := []string{"-m", "pip", "install", "-q", "--disable-pip-version-check"}
	for backend, p := range packages {
		if backend != "flit3" {
			install = append(install, p.pip)
		}
	}
	run(t, "", filepath.Join(bin, "python"), install...)
	run(t, "", filepath.Join(bin, "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", "--target", flit3, packages["flit3"].pip)
	return bin, flit3
}

// comparePublished compares every archive of a folder and reports a table.
func comparePublished(t *testing.T, dir, bin, flit3 string) {
	t.Helper()
	archives, err := filepath.Glob(filepath.Join(dir, "*.tar.gz"))
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	refused, each := 0, map[string]int{}
	var table strings.Builder
	for _, archive := range archives {
		name := strings.TrimSuffix(filepath.Base(archive), ".tar.gz")
		t.Run(name, func(t *testing.T) {
			backend, outcome := compareArchive(t, archive, bin, flit3)
			if outcome != "equal" {
				refused++
			}
			each[backend]++
			if t.Failed() {
				outcome = "DIFFERS"
			}
			fmt.Fprintf(&table, "%-40s %-12s %s\n", name, backend, outcome)
		})
	}
	t.Logf("%d archives, %d refused\n%s", len(archives), refused, table.String())
	if refused*3 > len(archives) {
		t.Errorf("%d of %d are refused", refused, len(archives))
	}
	for _, k := range kinds {
		if each[k.name] < 6 {
			t.Errorf("only %d archives of %s", each[k.name], k.name)
		}
	}
}

// compareArchive compares the wheels of one archive; the outcome is "equal", or why ours refuses.
func compareArchive(t *testing.T, archive, bin, flit3 string) (backend, outcome string) {
	t.Helper()
	dir := extract(t, archive)
	doc := &toml.Table{}
	if data, err := os.ReadFile(filepath.Join(dir, "pyproject.toml")); err == nil {
		if doc, err = toml.Parse("pyproject.toml", data); err != nil {
			t.Fatal(err)
		}
	}
	k, ok := kindOf(doc)
	if !ok {
		t.Fatalf("no backend of ours: %s", doc.Table("build-system").String("build-backend"))
	}
	w, err := Wheel(dir, doc, "pyproject.toml")
	if problems, ok := diag.Problems(err); ok {
		return k.name, "refused: " + problems[0].Error()
	}
	if err != nil {
		t.Error(err)
		return k.name, "error"
	}
	got := wheelContents(t, w)
	module := k.backends[0]
	if !doc.Table("build-system").Has("build-backend") && k.name == "setuptools" {
		module = "setuptools.build_meta"
	}
	if diff := cmp.Diff(realWheelWith(t, bin, module, dir, older(got, flit3)), got); diff != "" {
		t.Errorf("-real +ours\n%.6000s", diff)
	}
	return k.name, "equal"
}

// older returns the folder of the older flit if that is what a wheel is made after.
func older(files map[string]string, flit3 string) string {
	for path, data := range files {
		if strings.HasSuffix(path, ".dist-info/WHEEL") && strings.Contains(data, "Generator: "+kinds[slices.IndexFunc(kinds, func(k kind) bool { return k.older != "" })].older) {
			return flit3
		}
	}
	return ""
}

// wheelContents returns the files of a wheel by their paths.
func wheelContents(t *testing.T, w *wheel.Wheel) map[string]string {
	t.Helper()
	got := map[string]string{}
	for _, f := range w.Files {
		data, err := entry.Entry{Content: f.Content}.Read()
		if err != nil {
			t.Fatal(err)
		}
		got[f.Path] = describe(f.Executable, data)
	}
	return got
}

// extract unpacks a source archive and returns its one directory.
func extract(t *testing.T, archive string) string {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	root, first := t.TempDir(), ""
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return filepath.Join(root, first)
		}
		if err != nil || !filepath.IsLocal(h.Name) {
			t.Fatal(h, err)
		}
		path := filepath.Join(root, filepath.FromSlash(h.Name))
		first, _, _ = strings.Cut(filepath.ToSlash(h.Name), "/")
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err == nil {
			err = os.WriteFile(path, data, 0o644|os.FileMode(h.Mode)&0o111)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
