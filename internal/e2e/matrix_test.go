//go:build linux

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/debian/archive"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/lithelock"
	"github.com/lithe-build/lithe/internal/testkit/baseimages"
)

// columns are the kinds of packages, each with a program that prints "ok" where it works.
var columns = []struct{ name, requirements, program string }{
	{"pure", "click==8.3.1 --hash=sha256:981153a64e25f12d547d3426c367a4857371575ee7ad18df2a6183ab0545b2a6\n", "import click\nclick.echo('ok')\n"},
	{"wheel", "markupsafe==3.0.3 --hash=sha256:ccfcd093f13f0f0b7fdd0f198b90053bf7b2f02a3927a30e63f3ccc9df56b676" + // manylinux
		" --hash=sha256:8485f406a96febb5140bfeca44a73e3ce5116b2501ac54fe953e488fb1d03b12\n", speedups}, // musllinux
	{"no wheel", "markupsafe==3.0.3 --hash=sha256:722695808f4b6457b320fdc131280796bdceb04ab50fe1795cd540799ebe1698\n", speedups},
}

const speedups = "import markupsafe, markupsafe._speedups\nassert markupsafe.escape('<') == '&lt;'\nprint('ok')\n"

// rows are the bases. refused is what the error says where a package has no wheel.
var rows = []struct{ name, refused string }{
	{"debian-assembled", ""}, {"slim-like", ""}, {"distroless-like", ""},
	{"alpine-like", "source code is compiled with Debian's packages, and base BASE for linux/amd64 is made of like Alpine"},
}

// TestMatrix builds packages of each kind on each kind of base, and runs them in containers that lack all they can. It is
// the table of docs/concepts/image-bases.md.
func TestMatrix(t *testing.T) {
	l := needDocker(t, "docker-registry", "musl-gcc", "gcc", "make", "perl", "xz")
	t.Parallel()
	host := dockerRegistry(t, l)
	debian := debianLayers(t, l)
	first := cell(t, l, "no wheel", "debian:trixie", "") // its builder is that of the other bases, and has the headers
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if row.name == "alpine-like" && os.Getenv("LITHE_FULL") != "1" {
				t.Skip("its Python is built for minutes: set LITHE_FULL=1")
			}
			t.Parallel()
			base := "debian:trixie"
			if image := imageLike(row.name); image != nil {
				if row.name == "slim-like" {
					image = withHeaders(t, l, first, image)
				}
				base = pushBase(t, host, row.name, debian, image)
			}
			for _, column := range columns {
				t.Run(column.name, func(t *testing.T) {
					refused := ""
					if column.name == "no wheel" {
						refused = strings.ReplaceAll(row.refused, "BASE", base)
					}
					cell(t, l, column.name, base, refused)
				})
			}
		})
	}
}

// cell builds and runs one cell, or sees it refused, and returns its folder.
func cell(t *testing.T, l *lab, column, base, refused string) (dir string) {
	t.Helper()
	dir = filepath.Join(l.temp(t), "cell")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	c := columns[0]
	for _, other := range columns {
		if other.name == column {
			c = other
		}
	}
	write(t, filepath.Join(dir, "requirements.txt"), c.requirements)
	write(t, filepath.Join(dir, "main.py"), c.program)
	write(t, filepath.Join(dir, "pyproject.toml"), fmt.Sprintf("[project]\nname = \"cell\"\nversion = \"1.0\"\nrequires-python = \">=3.13\"\n[tool.lithe]\nbase = %q\nentrypoint = [\"/venv/bin/python\", \"/app/main.py\"]\n", base))
	if refused != "" {
		if r := l.run(t, call{args: []string{"build", dir}}); r.code != 1 || r.stdout != "" || !strings.Contains(r.stderr, refused) {
			t.Errorf("exit code %d, want 1 and %q\n%s", r.code, refused, r.stderr)
		}
		return dir
	}
	image := l.load(t, dir)
	if out := docker(t, append(append([]string{"run", "--rm", "--network", "none"}, hardened...), image)...); out != "ok" {
		t.Errorf("it printed %q", out)
	}
	return dir
}

// imageLike returns what makes the image of a base, nil for those that are made of packages.
func imageLike(name string) imageMaker {
	for _, b := range bases {
		if b.name == name {
			return b.image
		}
	}
	return nil
}

// withHeaders adds the headers of Python to an image: python:slim has them.
func withHeaders(t *testing.T, l *lab, built string, image imageMaker) imageMaker {
	return func(ctx context.Context, d baseimages.Debian) (baseimages.Spec, error) {
		spec, err := image(ctx, d)
		spec.Layers = append(spec.Layers, baseimages.Layer{Files: headers(t, l, built)})
		return spec, err
	}
}

// headers are those of Debian's Python, from the builder of a project that was built, in /usr/local.
func headers(t *testing.T, l *lab, built string) baseimages.Files {
	t.Helper()
	lock, err := lithelock.Parse("lithe.lock", []byte(read(t, filepath.Join(built, "lithe.lock"))))
	if err != nil {
		t.Fatal(err)
	}
	packages := lock.Platform("linux/amd64").Builder.Packages
	i := slices.IndexFunc(packages, func(p lithelock.Package) bool { return p.Name == "libpython3.13-dev" })
	sum := strings.TrimPrefix(packages[i].Hash, "sha256:")
	f, err := os.Open(filepath.Join(l.store, "blobs", "sha256", sum[:2], sum))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, err := archive.Read(f, archive.Options{MaxSize: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	files := baseimages.Files{}
	for _, e := range p.Entries {
		if name, ok := strings.CutPrefix(e.Path, "usr/include/"); ok && e.Type == entry.File {
			data, err := e.Read()
			if err != nil {
				t.Fatal(err)
			}
			files["usr/local/include/"+name] = string(data)
		}
	}
	return files
}

// TestGuideCell is the cell that a published guide to distroless images could not solve: Django by uWSGI, which has no wheel
// and needs a libpython that such a base lacks. Nothing in the project says so.
func TestGuideCell(t *testing.T) {
	l := needDocker(t, "docker-registry")
	if os.Getenv("LITHE_FULL") != "1" {
		t.Skip("compiles uWSGI once more: set LITHE_FULL=1")
	}
	t.Parallel()
	base := pushBase(t, dockerRegistry(t, l), "distroless-like", debianLayers(t, l), imageLike("distroless-like"))
	dir := l.project(t, "django-polls")
	if err := os.Remove(filepath.Join(dir, "lithe.lock")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "requirements.txt")
	text := read(t, file)
	start := strings.Index(text, "gunicorn==")
	end := start + strings.Index(text[start:], "# via") // the comment of gunicorn
	end += strings.Index(text[end:], "\n") + 1
	write(t, file, text[:start]+uwsgi+text[end:])
	image := l.load(t, dir, "--base", base)
	lock := read(t, filepath.Join(dir, "lithe.lock"))
	for _, row := range []string{`"uwsgi", library = "libpython3.13.so.1.0", package = "libpython3.13"`, `name = "libpython3.13", version`} {
		if !strings.Contains(lock, row) {
			t.Errorf("lithe.lock has no %s", row)
		}
	}
	name := container(t, append(hardened[:len(hardened):len(hardened)], "--user", users[0], "--publish", "127.0.0.1::8000", image)...)
	url := "http://" + docker(t, "port", name, "8000/tcp")
	asksPolls(t, url)
	stopsServing(t, name, "spawned uWSGI worker")
	if r := l.run(t, call{args: []string{"build", dir, "--base", base, "--locked"}}); r.code != 0 {
		t.Errorf("from the lock: %s", r.stderr)
	}
}

// TestLibrariesOnImage: what wheels need follows by itself on an image with dpkg's own database, which says so afterwards.
func TestLibrariesOnImage(t *testing.T) {
	l := needDocker(t, "docker-registry")
	t.Parallel()
	base := pushBase(t, dockerRegistry(t, l), "slim-like", debianLayers(t, l), imageLike("slim-like"))
	dir := filepath.Join(l.temp(t), "system")
	if err := copyTree(dir, "testdata/system"); err != nil {
		t.Fatal(err)
	}
	image := l.load(t, dir, "--base", base)
	stdout, _ := inImage(t, image, read(t, filepath.Join(dir, "main.py"))+`
status = open("/var/lib/dpkg/status").read()
assert status.count("\nStatus: install ok installed\n") == ("\n" + status).count("\nPackage: ") > 20
assert "Package: libc6\n" in status and "Package: libpq5\n" in status and "Package: libgomp1\n" in status
`)
	if lines := strings.Fields(stdout); len(lines) != 4 || lines[0] != "libpq.so.5" || lines[1] != "python" || lines[3] != "4.7.0" {
		t.Errorf("printed\n%s", stdout)
	}
}
