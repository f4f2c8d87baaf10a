//go:build linux

package e2e

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestTests runs the tests of the examples in their dev images, through the engine and in the sandbox. The exit code is
// theirs.
func TestTests(t *testing.T) {
	l := needDocker(t)
	t.Parallel()
	service, polls := l.project(t, "fastapi-service"), l.project(t, "django-polls")
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string // in what the tests print
	}{
		{"pytest in Docker", []string{service}, 0, "3 passed"},
		{"pytest in the sandbox", []string{service, "--sandbox"}, 0, "3 passed"},
		{"arguments", []string{service, "--", "-k", "health"}, 0, "1 passed, 2 deselected"},
		{"no test", []string{service, "--sandbox", "--", "-k", "nowhere_at_all"}, 5, "3 deselected"},
		{"Django", []string{polls}, 0, "Ran 2 tests"},
	} {
		got := l.run(t, call{args: append([]string{"test"}, tt.args...)})
		if got.code != tt.code || !strings.Contains(got.stdout+got.stderr, tt.want) {
			t.Errorf("%s: ended with %d, want %d and %q\n%s\n%s", tt.name, got.code, tt.code, tt.want, got.stdout, got.stderr)
		}
	}
	edit(t, filepath.Join(service, "src", "fastapi_service", "app.py"), `"status": "ok"`, `"status": "bad"`)
	if got := l.run(t, call{args: []string{"test", service}}); got.code != 1 || !strings.Contains(got.stdout, "1 failed, 2 passed") {
		t.Errorf("a failing test ended with %d\n%s\n%s", got.code, got.stdout, got.stderr)
	}
}

// TestProdSharesWithDev counts the layers that both images of a service have: base, interpreter and every big wheel.
func TestProdSharesWithDev(t *testing.T) {
	l := need(t)
	t.Parallel()
	dir := l.project(t, "fastapi-service")
	prod, dev := l.build(t, dir, call{}).layers(), l.build(t, dir, call{args: []string{"--target", "dev"}}).layers()
	shared, wheels := 0, 0
	for _, p := range prod {
		has := slices.ContainsFunc(dev, func(d layer) bool { return d.Digest == p.Digest })
		if has {
			shared++
		}
		if p.Kind == "wheel" {
			wheels++
		}
		if !has && slices.Contains([]string{"base", "interpreter", "system", "wheel"}, p.Kind) {
			t.Errorf("dev has another layer of %s: %v", p.Kind, p.Packages)
		}
	}
	t.Logf("%d of %d layers of prod are in dev, %d of them big wheels", shared, len(prod), wheels)
	if wheels == 0 {
		t.Error("prod has no big wheel, so this shows little")
	}
}

// TestShell holds that a shell is where it is asked for, and nowhere else.
func TestShell(t *testing.T) {
	l := needDocker(t)
	t.Parallel()
	dir := l.project(t, "hello-world")
	edit(t, filepath.Join(dir, "pyproject.toml"), "[build-system]", "[tool.lithe.targets.debug]\nshell = true\n\n[build-system]")
	image := l.load(t, dir, "--target", "debug")
	out := docker(t, append(append([]string{"run", "--rm", "--entrypoint", "/bin/sh"}, hardened...), image, "-c", "busybox id -u; echo $0")...)
	if out != "65532\n/bin/sh" {
		t.Errorf("the shell says %q", out)
	}
	if got, want := l.build(t, dir, call{}), l.first["hello-world"]; got.Digest != want.Digest {
		t.Errorf("prod has digest %s, before it was %s", got.Digest, want.Digest)
	}
}

// TestProcesses runs the second program of an image, through the engine and in the sandbox. Labels name both.
func TestProcesses(t *testing.T) {
	l := needDocker(t)
	t.Parallel()
	dir := l.project(t, "hello-script")
	write(t, filepath.Join(dir, "Procfile"), "web: python hello_world/main.py --name web\nworker: python hello_world/main.py --name 'the worker'\n")
	for _, flags := range [][]string{nil, {"--sandbox"}} {
		for process, want := range map[string]string{"": "Hello, web!\n", "worker": "Hello, the worker!\n"} {
			args := append([]string{"run", dir}, flags...)
			if process != "" {
				args = append(args, "--process", process)
			}
			if got := l.run(t, call{args: args}); got.code != 0 || got.stdout != want {
				t.Errorf("lithe %v: ended with %d and printed %q\n%s", args, got.code, got.stdout, got.stderr)
			}
		}
	}
	label := docker(t, "image", "inspect", "--format", `{{index .Config.Labels "io.github.lithe-build.process.worker"}}`, l.load(t, dir))
	if label != `["/venv/bin/python","hello_world/main.py","--name","the worker"]` {
		t.Errorf("the label says %s", label)
	}
}
