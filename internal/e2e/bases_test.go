//go:build linux

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/lithe-build/lithe/internal/testkit/baseimages"
)

// imageMaker makes the image of a base from the layers of one that lithe assembled.
type imageMaker func(ctx context.Context, d baseimages.Debian) (baseimages.Spec, error)

// musl builds the Python on musl once for all tests.
var musl = sync.OnceValues(func() (string, error) { return baseimages.Musl(context.Background()) })

// bases are what the service is built on. image makes the one that is in a registry; user is what its config ends up with.
var bases = []struct {
	name, base, user, python string
	image                    imageMaker
}{
	{name: "trixie", base: "debian:trixie", user: "65532", python: "3.13."},
	{name: "bookworm", base: "debian:bookworm", user: "65532", python: "3.11."},
	{name: "slim-like", user: "65532", python: "3.13.", image: func(_ context.Context, d baseimages.Debian) (baseimages.Spec, error) {
		shell, err := os.ReadFile("/bin/dash") // of Debian, as CI is
		if err != nil {
			return baseimages.Spec{}, err
		}
		return baseimages.RealSlim(d, shell)
	}},
	{name: "distroless-like", user: "65532", python: "3.13.", image: func(_ context.Context, d baseimages.Debian) (baseimages.Spec, error) {
		return baseimages.RealDistroless(d)
	}},
	{name: "alpine-like", user: "65532", python: "3.13.", image: func(context.Context, baseimages.Debian) (baseimages.Spec, error) {
		root, err := musl()
		if err != nil {
			return baseimages.Spec{}, err
		}
		return baseimages.RealAlpine(root)
	}},
}

// TestServiceOnBases builds the service on every kind of base, and asks it over HTTP in a container that lacks all it can.
// Bases that are images come out of Debian's docker-registry.
func TestServiceOnBases(t *testing.T) {
	l := needDocker(t, "docker-registry", "musl-gcc", "gcc", "make", "perl", "xz")
	t.Parallel()
	host := dockerRegistry(t, l)
	debian := debianLayers(t, l)
	for _, b := range bases {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			base := b.base
			if b.image != nil {
				base = pushBase(t, host, b.name, debian, b.image)
			}
			dir := l.project(t, "fastapi-service")
			if err := os.Remove(filepath.Join(dir, "lithe.lock")); err != nil {
				t.Fatal(err)
			}
			image := l.load(t, dir, "--base", base)
			first := strings.TrimSpace(docker(t, "image", "inspect", "--format", "{{.Config.User}}", image))
			if uid, _, _ := strings.Cut(first, ":"); uid != b.user {
				t.Errorf("the image's user is %s, want %s", first, b.user)
			}
			name := container(t, append(hardened[:len(hardened):len(hardened)], "--user", first, "--publish", "127.0.0.1::8000", image)...)
			servesOn(t, "http://"+docker(t, "port", name, "8000/tcp"), b.user, b.python)
			compiled(t, image)
			docker(t, "stop", "--time", "10", name)
			if text := logs(t, name); !strings.Contains(text, "Application shutdown complete") {
				t.Errorf("it did not shut down by itself:\n%s", text)
			}
			if b.image != nil {
				reusesBase(t, l, dir, base)
			}
		})
	}
}

// compiled checks that the bytecode of dependencies is that of the base's own interpreter: it is taken as it is.
func compiled(t *testing.T, image string) {
	t.Helper()
	const program = `
import fastapi, importlib.util, marshal, sys
path = importlib.util.cache_from_source(fastapi.__file__)
data = open(path, "rb").read()
assert data[:4] == importlib.util.MAGIC_NUMBER, "another magic number"
assert isinstance(marshal.loads(data[16:]), type(compile("", "", "exec")))
print("ok", sys.prefix)`
	out := docker(t, append(append([]string{"run", "--rm", "--network", "none", "--entrypoint", "/venv/bin/python"}, hardened...), image, "-c", program)...)
	if out != "ok /venv" {
		t.Errorf("the program printed %q", out)
	}
}

// reusesBase checks that the layers of the base are in the image as the registry has them, and that a build from lithe.lock
// alone, with an empty store and the base's interpreter run by its own loader, gives the same image.
func reusesBase(t *testing.T, l *lab, dir, base string) {
	t.Helper()
	host, path, _ := strings.Cut(base, "/")
	repository, tag, _ := strings.Cut(path, ":")
	var manifest struct{ Layers []struct{ Digest string } }
	if err := getJSON("http://"+host+"/v2/"+repository+"/manifests/"+tag, &manifest); err != nil || len(manifest.Layers) == 0 {
		t.Fatalf("%s has %d layers (%v)", base, len(manifest.Layers), err)
	}
	m := l.build(t, dir, call{args: []string{"--base", base, "--locked"}})
	for i, want := range manifest.Layers {
		if got := m.layers()[i]; got.Digest != want.Digest || got.Reused != "registry" {
			t.Errorf("layer %d is %+v, the base has %s", i, got, want.Digest)
		}
	}
	again := l.build(t, dir, call{args: []string{"--base", base, "--locked", "--executor", "loader"}, store: filepath.Join(l.temp(t), "store")})
	if again.Digest != m.Digest {
		t.Errorf("another store and executor give %s, not %s", again.Digest, m.Digest)
	}
	pushed := l.build(t, dir, call{args: []string{"--base", base, "--locked", "--push", "-t", host + "/service/" + repository + ":1"}})
	var own int64
	for _, layer := range pushed.layers() {
		if layer.Reused != "registry" {
			own += layer.Size
		}
	}
	if sent := pushed.Outputs[0].Sent; sent == 0 || sent > own+64<<10 { // with config and manifest
		t.Errorf("%d bytes were sent, and what is above the base has %d: its layers were not mounted", sent, own)
	}
}

func getJSON(url string, v any) error {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Add("Accept", "application/vnd.oci.image.manifest.v1+json")
	req.Header.Add("Accept", "application/vnd.docker.distribution.manifest.v2+json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(v)
}

// servesOn waits for the service and checks which Python and user reply.
func servesOn(t *testing.T, url, uid, python string) {
	t.Helper()
	var got reply
	client := &http.Client{Timeout: 5 * time.Second}
	eventually(t, url, func() bool {
		resp, err := client.Get(url + "/")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return json.NewDecoder(resp.Body).Decode(&got) == nil
	})
	if got.Hello != "world" || got.UID != uid || !strings.HasPrefix(got.Python, python) {
		t.Errorf("it replied %+v, want uid %s and Python %s", got, uid, python)
	}
}

// pushBase puts a base into the registry and returns its reference.
func pushBase(t *testing.T, host, name string, d baseimages.Debian, make imageMaker) string {
	t.Helper()
	spec, err := make(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	img, err := baseimages.Image(spec)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := baseimages.Push(host, name+":3.13", img); err != nil {
		t.Fatal(err)
	}
	return host + "/" + name + ":3.13"
}

// debianLayers returns the base and the interpreter that lithe assembled for the first build of the service.
func debianLayers(t *testing.T, l *lab) baseimages.Debian {
	t.Helper()
	read := func(l *lab, digest string) []byte {
		sum := strings.TrimPrefix(digest, "sha256:")
		f, err := os.Open(filepath.Join(l.store, "blobs", "sha256", sum[:2], sum))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	layers := l.first["fastapi-service"].Platforms[0].Layers
	return baseimages.Debian{Base: read(l, layers[0].Digest), Interpreter: read(l, layers[1].Digest)}
}

// dockerRegistry starts Debian's registry on loopback, and returns its address.
func dockerRegistry(t *testing.T, l *lab) string {
	t.Helper()
	dir := l.temp(t)
	host := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	config := filepath.Join(dir, "config.yml")
	write(t, config, fmt.Sprintf("version: 0.1\nlog: {level: error}\nstorage:\n  filesystem: {rootdirectory: %s}\nhttp: {addr: %q}\n", dir, host))
	var out bytes.Buffer
	cmd := exec.Command("docker-registry", "serve", config)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	eventually(t, "docker-registry", func() bool {
		conn, err := net.Dial("tcp", host)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
	return host
}
