//go:build linux

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSystemPackages: without a word of configuration a pure psycopg finds libpq5, through the loader's cache, and lightgbm
// its libgomp1. Named by hand they are the same image.
func TestSystemPackages(t *testing.T) {
	l := needDocker(t)
	t.Parallel()
	dir := filepath.Join(l.temp(t), "system")
	if err := copyTree(dir, "testdata/system"); err != nil {
		t.Fatal(err)
	}
	image := l.load(t, dir)
	stdout, _ := inImage(t, image, read(t, filepath.Join(dir, "main.py")))
	lines := strings.Fields(stdout)
	if len(lines) != 4 || lines[0] != "libpq.so.5" || lines[1] != "python" || lines[3] != "4.7.0" {
		t.Errorf("printed\n%s", stdout)
	}
	lock := read(t, filepath.Join(dir, "lithe.lock"))
	for _, row := range []string{`"lightgbm", library = "libgomp.so.1", package = "libgomp1"`, `"psycopg", library = "libpq.so.5", package = "libpq5"`} {
		if !strings.Contains(lock, row) {
			t.Errorf("lithe.lock has no %s", row)
		}
	}
	first := l.build(t, dir, call{})
	edit(t, filepath.Join(dir, "pyproject.toml"), "[tool.lithe]", "[tool.lithe]\nsystem-libraries = false\nsystem-packages = [\"libpq5\", \"libgomp1\"]")
	if named := l.build(t, dir, call{}); named.Digest != first.Digest {
		t.Errorf("named by hand they are %s, by themselves %s", named.Digest, first.Digest)
	}
}

// TestSuitesToCome builds on suites that Debian has not released, and imports their standard libraries. Their indexes
// may be past their Valid-Until on a mirror that is behind.
func TestSuitesToCome(t *testing.T) {
	if os.Getenv("LITHE_FULL") != "1" {
		t.Skip("downloads four bases: set LITHE_FULL=1")
	}
	l := needDocker(t)
	for _, tt := range []struct {
		base, python string
		absent       []string // beside those of every suite
	}{
		{"debian:forky", "3.14", nil}, {"debian:forky", "3.13", nil}, {"debian:forky", "3.15", []string{"_dbm", "dbm.ndbm"}}, {"debian:sid", "3.14", nil},
	} {
		t.Run(tt.base+" "+tt.python, func(t *testing.T) {
			dir := l.project(t, "hello-world")
			edit(t, filepath.Join(dir, "pyproject.toml"), "[project]", "[tool.lithe]\nbase = \""+tt.base+"\"\npython = \""+tt.python+"\"\n\n[project]")
			l.run(t, call{args: []string{"lock", dir, "--allow-expired-index"}})
			image := l.load(t, dir)
			stdout, stderr := inImage(t, image, read(t, "testdata/modules.py"), "-v")
			var got struct {
				Modules int
				Failed  map[string]string
			}
			if err := json.Unmarshal([]byte(stdout), &got); err != nil {
				t.Fatalf("%v\n%s", err, stdout)
			}
			for name, reason := range got.Failed {
				known := absent[name] != "" || strings.HasPrefix(name, "test.")
				for _, a := range tt.absent {
					known = known || a == name
				}
				if !known {
					t.Errorf("import %s: %s", name, reason)
				}
			}
			if got.Modules < 550 {
				t.Errorf("only %d modules: the walk is broken", got.Modules)
			}
			compilesNothing(t, stderr, 400)
		})
	}
}
