package plan

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/lithe-build/lithe/internal/lock"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
)

// TestSelect runs testdata/select: each archive is a project, and each section "want TARGET [key=value]…" says what is
// selected, or which problems there are.
func TestSelect(t *testing.T) {
	archives, err := filepath.Glob("testdata/select/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives (%v)", err)
	}
	for _, file := range archives {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		for _, f := range archive.Files {
			if !strings.HasPrefix(f.Name, "want ") {
				write(t, filepath.Join(dir, f.Name), fill(string(f.Data)))
			}
		}
		for _, f := range archive.Files {
			if arguments, ok := strings.CutPrefix(f.Name, "want "); ok {
				t.Run(filepath.Base(file)+"/"+arguments, func(t *testing.T) {
					if diff := cmp.Diff(strings.TrimSpace(string(f.Data)), outcome(t, dir, arguments)); diff != "" {
						t.Error(diff)
					}
				})
			}
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// fill writes hashes, which would make the archives hard to read.
func fill(text string) string {
	return strings.NewReplacer("SHA256", "sha256:"+strings.Repeat("a", 64), "SHA512", "sha512:"+strings.Repeat("b", 128)).Replace(text)
}

// parseTarget reads "dev extras=a,b python=3.12.1".
func parseTarget(t *testing.T, arguments string) Target {
	t.Helper()
	fields := strings.Fields(arguments)
	target := Target{Name: fields[0], Platform: Platform{"linux", "amd64"}, Python: "3.13.5",
		Libc: wheeltag.Libc{Family: "glibc", Major: 2, Minor: 41}}
	for _, field := range fields[1:] {
		key, value, _ := strings.Cut(field, "=")
		switch key {
		case "extras":
			target.Extras = strings.Split(value, ",")
		case "groups":
			target.Groups = strings.Split(value, ",")
		case "package":
			target.Package = value
		case "python":
			target.Python = value
		case "arch":
			target.Platform.Arch = value
		case "all-extras":
			target.AllExtras = true
		case "all-groups":
			target.AllGroups = true
		case "all-packages":
			target.AllPackages = true
		default:
			t.Fatalf("unknown argument %q", field)
		}
	}
	return target
}

// outcome writes one line for each package with its reasons, or the problems.
func outcome(t *testing.T, dir, arguments string) string {
	t.Helper()
	l, err := lock.Read(dir, lock.Options{})
	if err != nil {
		return err.Error()
	}
	var lines []string
	for _, e := range l.Stale {
		lines = append(lines, "stale: "+e.Error())
	}
	packages, err := Select(l, parseTarget(t, arguments))
	if err != nil {
		return strings.Join(append(lines, err.Error()), "\n")
	}
	for _, p := range packages {
		line := p.Name + " " + p.Version + " " + p.Kind + " " + p.Filename
		var reasons []string
		for _, r := range p.Because {
			reasons = append(reasons, r.String())
		}
		if len(reasons) > 0 {
			line = strings.TrimSpace(line) + " <- " + strings.Join(reasons, "; ")
		}
		lines = append(lines, strings.TrimSpace(line))
	}
	return strings.Join(lines, "\n")
}
