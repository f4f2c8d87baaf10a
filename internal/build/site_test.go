package build_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lithe-build/lithe/internal/artifact"
	"github.com/lithe-build/lithe/internal/build"
	"github.com/lithe-build/lithe/internal/testkit/debmirror"
	"github.com/lithe-build/lithe/internal/testkit/pyindex"
)

// site is the world of a test: a mirror and an index, both with bytes that never change.
type site struct {
	mirror  *debmirror.Mirror
	keyring []byte
	index   *pyindex.Index
}

func newSite(t *testing.T, wheels ...pyindex.Wheel) *site {
	t.Helper()
	s := &site{mirror: debmirror.New(t, suites()...), index: pyindex.New(t, wheels...)}
	keyring, err := os.ReadFile(s.mirror.KeyringFile(t))
	if err != nil {
		t.Fatal(err)
	}
	s.keyring = keyring
	return s
}

// suites are those of the mirror, without a compressor's version in any digest.
func suites() []debmirror.Suite {
	all := debmirror.Trixie("amd64", "arm64")
	for _, s := range all {
		for i := range s.Packages {
			s.Packages[i].Compression = "none"
		}
	}
	return all
}

// options builds the project in dir with a store of its own, a month after the mirror was signed.
func (s *site) options(t *testing.T, dir string) build.Options {
	t.Helper()
	index, err := artifact.Settings(func(name string) string {
		return map[string]string{"LITHE_INDEX_URL": s.index.URL}[name]
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	return build.Options{Dir: dir, Platforms: []string{"linux/amd64"}, Store: t.TempDir(), Index: index, DebianMirror: s.mirror.URL,
		StandaloneMirror:     "http://127.0.0.1:1", // a test that needs one has its own
		DebianSecurityMirror: s.mirror.SecurityURL, DebianKeyring: s.keyring, Now: debmirror.DefaultDate.AddDate(0, 1, 0)}
}

// run builds and must succeed.
func run(t *testing.T, opt build.Options) *build.Result {
	t.Helper()
	result, err := build.Run(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// write writes files, with their folders, and gives those that begin with #! the right to run.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o666)
		if strings.HasPrefix(content, "#!") {
			mode = 0o777
		}
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
}

// lock writes the uv.lock of the project in dir.
func (s *site) lock(t *testing.T, dir string) {
	t.Helper()
	project, err := os.ReadFile(filepath.Join(dir, "pyproject.toml"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := pyindex.UVLock(s.index, project)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"uv.lock": string(data)})
}

// greeter is a package with a script, a data file, and the dependencies that are given.
func greeter(greeting string, dependencies ...string) map[string]string {
	files := copied(greeting, dependencies...)
	files["pyproject.toml"] += "[project.scripts]\ngreeter = \"greeter:main\"\n" +
		"[build-system]\nrequires = [\"hatchling\"]\nbuild-backend = \"hatchling.build\"\n"
	return files
}

// copied is the same project as one that is no package: its files go to /app.
func copied(greeting string, dependencies ...string) map[string]string {
	list := ""
	for _, d := range dependencies {
		list += fmt.Sprintf("    %q,\n", d)
	}
	return map[string]string{
		"pyproject.toml": "[tool.lithe]\nbytecode = false\n[project]\nname = \"greeter\"\nversion = \"1.0\"\n" +
			"requires-python = \">=3.12\"\ndependencies = [\n" + list + "]\n",
		"greeter/__init__.py":        fmt.Sprintf("def main():\n    print(%q)\n", greeting),
		"greeter/__main__.py":        "from greeter import main\nmain()\n",
		"greeter/data/words/de.json": `{"hello": "hallo"}`,
		"greeter/tool.sh":            "#!/bin/sh\n",
		".gitignore":                 "*.log\n",
		"debug.log":                  time.Now().String(), // is ignored, so that it may say what it likes
	}
}

// change is what two results do not share, as "kind digest packages".
type change struct{ gone, added []string }

// compare tells which layers differ. Layers are told apart by their digests alone.
func compare(before, after *build.Result) change {
	return change{gone: missing(before, after), added: missing(after, before)}
}

// missing returns the layers of one result that the other lacks.
func missing(of, in *build.Result) []string {
	var out []string
	for _, l := range of.Platforms[0].Layers {
		if !slices.ContainsFunc(in.Platforms[0].Layers, func(o build.Layer) bool { return o.Digest == l.Digest }) {
			out = append(out, strings.TrimSpace(string(l.Kind)+" "+strings.Join(l.Packages, ", ")))
		}
	}
	return out
}
