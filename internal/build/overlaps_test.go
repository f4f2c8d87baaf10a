package build_test

import (
	"archive/tar"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/build"
	"github.com/lithe-build/lithe/internal/testkit/pyindex"
)

// TestOverlapWithProject has a dependency bring a file that the project has, too. The layer of the project is the highest:
// with the file in it, it would win whatever the configuration says.
func TestOverlapWithProject(t *testing.T) {
	s := newSite(t, pyindex.Wheel{Name: "rival", Version: "1.0", Files: map[string]string{"greeter/extra.py": "WHO = 'rival'\n"}})
	files := greeter("hello", "rival")
	files["greeter/extra.py"] = "WHO = 'greeter'\n"
	for _, winner := range []string{"rival", "greeter"} {
		t.Run(winner, func(t *testing.T) {
			files["pyproject.toml"] = strings.Replace(files["pyproject.toml"], "[project]\n",
				"[tool.lithe.overlaps]\n\"greeter/extra.py\" = \""+winner+"\"\n[project]\n", 1)
			defer func(text string) { files["pyproject.toml"] = text }(greeter("hello", "rival")["pyproject.toml"])
			result := run(t, s.options(t, s.project(t, files)))
			if got := fileIn(t, result.Platforms[0], "venv/lib/python3.13/site-packages/greeter/extra.py"); got != "WHO = '"+winner+"'\n" {
				t.Errorf("the image has %q", got)
			}
			record := fileIn(t, result.Platforms[0], "venv/lib/python3.13/site-packages/greeter-1.0.dist-info/RECORD")
			if has := strings.Contains(record, "greeter/extra.py,"); has != (winner == "greeter") {
				t.Errorf("RECORD of the project lists the file: %t", has)
			}
		})
	}
}

// fileIn returns a file as the highest layer that has it shows it.
func fileIn(t *testing.T, result build.PlatformResult, path string) (text string) {
	t.Helper()
	layers, err := result.Image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range layers {
		r, err := l.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		archive := tar.NewReader(r)
		for {
			h, err := archive.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if h.Name != path {
				continue
			}
			data, err := io.ReadAll(archive)
			if err != nil {
				t.Fatal(err)
			}
			text = string(data)
		}
	}
	return text
}
