package plan

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/project"
)

func TestEnvironment(t *testing.T) {
	const system = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	quiet := []string{"LANG=C.UTF-8", "PYTHONFAULTHANDLER=1", "PYTHONUNBUFFERED=1"}
	ours := func(path string, more ...string) []string {
		return append(append([]string{"PATH=/venv/bin:" + path, "HOME=/tmp"}, quiet...), more...)
	}
	for name, test := range map[string]struct {
		image *base.Image
		path  string
		want  []string
	}{
		"Debian":         {nil, "", ours(system, "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt")},
		"copied project": {nil, "/app", ours(system, "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt", "PYTHONPATH=/app")},
		"source folder":  {nil, "/app/src:/app", ours(system, "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt", "PYTHONPATH=/app/src:/app")},
		"image":          {&base.Image{}, "", ours(system)},
		"image with a PATH": {&base.Image{Env: []string{"PATH=/usr/local/bin:/bin", "GPG_KEY=1"}, Certificates: "/etc/ssl/cert.pem"}, "",
			ours("/usr/local/bin:/bin", "SSL_CERT_FILE=/etc/ssl/cert.pem", "GPG_KEY=1")},
		"image with settings": {&base.Image{Env: []string{"LANG=de_DE", "SSL_CERT_FILE=/x", "HOME=/root", "LD_LIBRARY_PATH=/y"}, Certificates: "/z"}, "",
			[]string{"PATH=/venv/bin:" + system, "HOME=/tmp", "PYTHONFAULTHANDLER=1", "PYTHONUNBUFFERED=1", "LANG=de_DE", "SSL_CERT_FILE=/x", "LD_LIBRARY_PATH=/y"}},
		"the last one counts": {&base.Image{Env: []string{"PATH=/a", "X=1", "PATH=/b", "X=2"}}, "", ours("/b", "X=2")},
		"image's PYTHONPATH":  {&base.Image{Env: []string{"PYTHONPATH=/lib"}}, "/app", ours(system, "PYTHONPATH=/app")},
		"empty settings":      {&base.Image{Env: []string{"PATH=", "LANG="}}, "", ours(system)},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, environment(test.image, test.path, false)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestAddedCertificates: the variables name the bundle to which certificates are added, wherever the base has it.
func TestAddedCertificates(t *testing.T) {
	for name, test := range map[string]struct {
		image                   *base.Image
		bundle, openssl, client string // client is what requests reads
	}{
		"Debian":                 {nil, "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/certs/ca-certificates.crt"},
		"image without any":      {&base.Image{}, "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/certs/ca-certificates.crt"},
		"image with a bundle":    {&base.Image{Certificates: "/etc/ssl/cert.pem"}, "/etc/ssl/cert.pem", "/etc/ssl/cert.pem", "/etc/ssl/cert.pem"},
		"image that names one":   {&base.Image{Certificates: "/a", Env: []string{"SSL_CERT_FILE=/b"}}, "/b", "/b", "/b"},
		"image that tells those": {&base.Image{Certificates: "/a", Env: []string{"REQUESTS_CA_BUNDLE=/c"}}, "/a", "/a", "/c"},
	} {
		env := environment(test.image, "", true)
		if got := Bundle(test.image); got != test.bundle || value(env, "SSL_CERT_FILE") != test.openssl || value(env, "REQUESTS_CA_BUNDLE") != test.client {
			t.Errorf("%s: bundle %s, environment %q", name, got, env)
		}
	}
}

func TestUserOf(t *testing.T) {
	configured := configuration(t, "user = \"9:9\"\n")
	image := &base.Image{User: "7:8"}
	for name, test := range map[string]struct {
		in   Input
		want string
	}{
		"nobody says anything": {Input{}, "65532:65532"},
		"image of root":        {Input{Image: &base.Image{}}, "65532:65532"},
		"image of a user":      {Input{Image: image}, "7:8"},
		"configuration":        {Input{Image: image, Config: configured}, "9:9"},
	} {
		if got := userOf(test.in); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// configuration reads a [tool.lithe].
func configuration(t *testing.T, text string) project.Target {
	t.Helper()
	dir := t.TempDir()
	text = "[project]\nname = \"x\"\nversion = \"1\"\n[tool.lithe]\n" + text
	if err := os.WriteFile(filepath.Join(dir, "pyproject.toml"), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	p, err := project.Read(dir, project.Options{})
	if err != nil {
		t.Fatal(err)
	}
	target, err := p.Target(Prod)
	if err != nil {
		t.Fatal(err)
	}
	return target
}
