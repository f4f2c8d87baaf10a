//go:build linux

package e2e

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sizes are the most that an example may have, unpacked and compressed, in MB (10^6 bytes).
var sizes = map[string]struct{ unpacked, compressed float64 }{
	"hello-world":     {60, 22},
	"hello-script":    {60, 22},
	"fastapi-service": {110, 38},
	"django-polls":    {130, 48},
	"django-uwsgi":    {130, 48},
}

// TestProperties asserts of each example what design and README promise of every image: the thirteen properties of a good
// one, in their order. How a server stops, and that it serves read-only, is asked in the test of each service.
func TestProperties(t *testing.T) {
	l := needDocker(t)
	t.Parallel()
	for _, example := range append(slices.Clone(examples), compiledExample) {
		t.Run(example, func(t *testing.T) {
			first := l.firstBuild(t, example)
			dir, oci := l.project(t, example), filepath.Join(l.temp(t), "layout")
			m := l.build(t, dir, call{args: []string{"-o", "oci:" + oci}})
			p := properties{lab: l, example: example, dir: dir, oci: oci, first: first, built: m, image: l.load(t, dir)}
			p.files = checkContents(t, readLayers(t, layoutImage(t, oci))) // as tars, without a tool that could mend them
			for _, property := range propertyTests {
				t.Run(property.name, func(t *testing.T) { property.holds(t, p) })
			}
		})
	}
}

// properties is an image that is looked at.
type properties struct {
	lab               *lab
	example, dir, oci string
	image             string // at the engine
	first, built      metadata
	files             map[string]file // as a container sees them
}

var propertyTests = []struct {
	name  string
	holds func(t *testing.T, p properties)
}{
	{"01 small", isSmall},
	{"02 nothing from build time", hasNothingOfBuilding},
	{"03 non-root", isNoRoot},
	{"04 minimal attack surface", hasLittleToAttack},
	{"05 runs read-only", runsReadOnly},
	{"06 ideal layers", hasIdealLayers},
	{"07 layers shared between projects", sharesLayers},
	{"08 reproducible", isReproducible},
	{"09 fresh", isFresh},
	{"10 verified", isVerified},
	{"11 starts fast", startsFast},
	{"12 one process, stops well", isOneProcess},
	{"13 complete", isComplete},
}

func isSmall(t *testing.T, p properties) {
	limit, ok := sizes[p.example]
	if !ok {
		t.Fatal("no limit is written down")
	}
	unpacked, compressed := float64(p.built.Platforms[0].UnpackedSize)/1e6, float64(p.built.Platforms[0].Size)/1e6
	t.Logf("%.1f MB unpacked, %.1f MB compressed", unpacked, compressed)
	if unpacked > limit.unpacked || compressed > limit.compressed {
		t.Errorf("more than %.0f MB unpacked or %.0f compressed", limit.unpacked, limit.compressed)
	}
}

// buildTime are parts of paths that only building needs.
var buildTime = []string{"/include/python3", "/usr/lib/gcc", "/ensurepip/", "site-packages/pip/", "site-packages/setuptools/", "site-packages/pipenv/",
	"site-packages/pytest/", "site-packages/ruff", "/python3.13/test/", "/python3.13/idlelib/", "/var/lib/apt/", "/var/cache/"}

func hasNothingOfBuilding(t *testing.T, p properties) {
	for name := range p.files { // and checkContents has found no program that must not be there
		for _, part := range buildTime {
			if strings.Contains("/"+name, part) {
				t.Errorf("%s is here", name)
			}
		}
		if base := path.Base(name); strings.HasSuffix(base, ".a") || strings.HasSuffix(base, ".h") && !strings.HasPrefix(name, sitePackages) {
			t.Errorf("%s is for compilers", name)
		}
	}
}

func isNoRoot(t *testing.T, p properties) {
	if user := docker(t, "image", "inspect", "--format", "{{.Config.User}}", p.image); user != users[0] {
		t.Errorf("it runs as %q", user)
	}
}

func hasLittleToAttack(t *testing.T, p properties) {
	database := 0
	for name, f := range p.files {
		if f.Mode&0o6000 != 0 {
			t.Errorf("%s has mode %o", name, f.Mode)
		}
		if strings.HasPrefix(name, "var/lib/dpkg/status.d/") && f.Typeflag == tar.TypeReg {
			database++
		}
	}
	if database < 20 {
		t.Errorf("only %d packages are in the database that scanners read", database)
	}
}

// runsReadOnly sees from inside what checkContents saw of the modes: all is root's own, and nobody else may write.
func runsReadOnly(t *testing.T, p properties) {
	const program = "import os, sys; print(os.access('/app', os.W_OK), os.access(sys.prefix, os.W_OK), open('/tmp/x', 'w').write('x'))"
	if out := p.python(t, "-c", program); out != "False False 1" {
		t.Errorf("what can be written: %q", out)
	}
}

// python runs the image's interpreter under the hardened flags.
func (p properties) python(t *testing.T, args ...string) string {
	t.Helper()
	line := append([]string{"run", "--rm", "--network", "none", "--entrypoint", "/venv/bin/python"}, hardened...)
	return docker(t, append(append(line, p.image), args...)...)
}

// order is that of the layers' kinds, lowest first.
var order = []string{"base", "interpreter", "system", "wheel", "wheels", "project"}

func hasIdealLayers(t *testing.T, p properties) {
	last := 0
	for _, l := range p.built.layers() {
		i := slices.Index(order, l.Kind)
		if i < last {
			t.Errorf("a layer of kind %s is above one of kind %s", l.Kind, order[last])
		}
		last = i
	}
	write(t, filepath.Join(p.dir, sourceFile(t, p.dir)), "# changed\n")
	if kinds := newKinds(p.built.layers(), p.lab.build(t, p.dir, call{}).layers()); !slices.Equal(kinds, []string{"project"}) {
		t.Errorf("a change of the source makes the layers %q anew", kinds)
	}
}

// sourceFile returns a module of the project that is empty, so that another text is a change of nothing else.
func sourceFile(t *testing.T, dir string) string {
	t.Helper()
	var found string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.Name() != "__init__.py" || filepath.Base(filepath.Dir(path)) == "tests" {
			return err
		}
		found, err = filepath.Rel(dir, path)
		return err
	})
	if err != nil || found == "" {
		t.Fatalf("no __init__.py (%v)", err)
	}
	return found
}

func sharesLayers(t *testing.T, p properties) {
	for _, other := range examples {
		for i, kind := range []string{"base", "interpreter"} {
			if a, b := p.built.layers()[i], p.lab.first[other].layers()[i]; a.Kind != kind || a.Digest != b.Digest {
				t.Errorf("%s has another layer of kind %s: %s, not %s", other, kind, b.Digest, a.Digest)
			}
		}
	}
}

func isReproducible(t *testing.T, p properties) {
	if p.built.Digest != p.first.Digest {
		t.Errorf("another folder gives %s, not %s", p.built.Digest, p.first.Digest)
	}
	again := p.lab.build(t, p.lab.project(t, p.example), call{umask: "077", env: []string{"TZ=Asia/Tokyo", "GOMAXPROCS=1"}})
	if again.Digest != p.built.Digest {
		t.Errorf("another umask, time zone and number of processors give %s, not %s", again.Digest, p.built.Digest)
	}
}

func isFresh(t *testing.T, p properties) {
	text := read(t, filepath.Join(p.dir, "lithe.lock"))
	if !strings.Contains(text, `"trixie-security"`) {
		t.Errorf("no index of security updates is in lithe.lock:\n%.600s", text)
	}
}

// isVerified sees that nothing entered without a hash: of Debian's packages in lithe.lock, of distributions in RECORD (checkContents).
func isVerified(t *testing.T, p properties) {
	packages := 0
	for line := range strings.Lines(read(t, filepath.Join(p.dir, "lithe.lock"))) {
		if !strings.Contains(line, ".deb") {
			continue
		}
		packages++
		if !strings.Contains(line, "sha256:") {
			t.Errorf("no hash: %s", line)
		}
	}
	if packages < 20 {
		t.Errorf("only %d packages in lithe.lock: the search is broken", packages)
	}
}

// startsFast counts sources and their unchecked bytecode (PEP 552); TestBytecode looks into it. A few sources are templates.
func startsFast(t *testing.T, p properties) {
	sources, compiled := 0, 0
	for name, f := range p.files {
		base, isSource := strings.CutSuffix(path.Base(name), ".py")
		if !isSource || f.Typeflag != tar.TypeReg {
			continue
		}
		sources++
		pyc := p.files[path.Join(path.Dir(name), "__pycache__", base+".cpython-313.pyc")]
		if len(pyc.data) > 16 && pyc.data[4] == 1 {
			compiled++
		}
	}
	t.Logf("%d of %d sources", compiled, sources)
	if sources < 300 || compiled*100 < sources*97 {
		t.Errorf("only %d of %d sources are compiled", compiled, sources)
	}
}

func isOneProcess(t *testing.T, p properties) {
	var entrypoint []string
	out := docker(t, "image", "inspect", "--format", "{{json .Config.Entrypoint}}", p.image)
	if err := json.Unmarshal([]byte(out), &entrypoint); err != nil || len(entrypoint) == 0 || !path.IsAbs(entrypoint[0]) {
		t.Fatalf("entry point %s (%v)", out, err)
	}
	if program := strings.TrimPrefix(entrypoint[0], "/"); p.files[program].Name == "" || slices.Contains(intruders, path.Base(program)) {
		t.Errorf("the entry point's %s is a shell, or not there", program)
	}
	for _, expose := range strings.Fields(docker(t, "image", "inspect", "--format", "{{range $p, $_ := .Config.ExposedPorts}}{{$p}} {{end}}", p.image)) {
		if number, _, _ := strings.Cut(expose, "/"); len(number) < 4 {
			t.Errorf("port %s is privileged", expose)
		}
	}
}

// isComplete has the image's own loader look for all libraries of all files.
func isComplete(t *testing.T, p properties) {
	out := p.python(t, "-c", read(t, filepath.Join("testdata", "loads.py")), "/lib64/ld-linux-x86-64.so.2")
	lines := bytes.Split([]byte(out), []byte("\n"))
	if last := string(lines[len(lines)-1]); len(lines) != 1 || !strings.HasPrefix(last, "looked at ") || len(last) < len("looked at 10") {
		t.Errorf("the loader does not find all:\n%s", out)
	}
}
