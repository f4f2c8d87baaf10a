//go:build linux

package e2e

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

// TestBuildSteps builds a site of Django whose static files are collected and whose translations are compiled by rule, and one file
// by a command of the configuration; asks the site for them; and holds that nothing else of the steps is in the image.
func TestBuildSteps(t *testing.T) {
	l := needDocker(t)
	t.Parallel()
	dir := filepath.Join(l.temp(t), "static")
	if err := copyTree(dir, filepath.Join("testdata", "static")); err != nil {
		t.Fatal(err)
	}
	oci := filepath.Join(l.temp(t), "layout")
	first := l.build(t, dir, call{args: []string{"-o", "oci:" + oci}})
	layers := readLayers(t, layoutImage(t, oci))
	top := map[string]file{}
	for _, files := range layers {
		for _, f := range files {
			if bytes.Contains(f.data, []byte("of-a-build-step")) {
				t.Errorf("%s has the secret that steps get", f.Name)
			}
			top[f.Name] = f
		}
	}
	if got := string(top["app/generated/out.txt"].data); got != "hi\nhi\n" {
		t.Errorf("the command made %q", got)
	}
	if _, ok := top["app/left-over"]; ok {
		t.Error("a file that is not declared is in the image")
	}
	// Another store knows nothing of the steps, and comes to the same.
	if again := l.build(t, dir, call{store: l.downloads(t, 0)}); again.Digest != first.Digest {
		t.Errorf("in another store the digest is %s and not %s", again.Digest, first.Digest)
	}
	name := container(t, append(hardened[:len(hardened):len(hardened)], "--publish", "127.0.0.1::8000", l.load(t, dir))...)
	url := "http://" + docker(t, "port", name, "8000/tcp")
	if got := string(get(t, url+"/static/polls/style.dd73dee8fa9d.css")); got != "body { color: red; }\n" {
		t.Errorf("the style is %q", got)
	}
	if got := string(get(t, url+"/polls/")); got != "Hallo, Welt. Dies ist die Übersicht der Umfragen." {
		t.Errorf("in German the site says %q", got)
	}
	stopsServing(t, name, "Booting worker")

	edit(t, filepath.Join(dir, "double.py"), "assert sorted", `raise SystemExit("no more") or `)
	failed := l.run(t, call{args: []string{"build", dir}})
	if failed.code != 1 || !strings.Contains(failed.stderr, "lithe.toml:1: the build step /venv/bin/python double.py in.txt generated/out.txt failed: it ended with exit code 1") ||
		!strings.Contains(failed.stderr, "no more") {
		t.Errorf("a failing step ended with %d\n%s", failed.code, failed.stderr)
	}
}
