//go:build linux

package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The login of the registry of these tests, and the line of its htpasswd file.
const (
	pusher         = "somebody"
	pusherPassword = "hunter2"
	pusherLine     = "somebody:$2a$05$3.5bbbkY63VUP3zHuHu8gOb2By3Uq7wtnyKiMixorhhx7SmskO77q\n"
)

// debianRegistry is Debian's docker-registry, a process of its own on loopback.
type debianRegistry struct {
	host string
	dir  string // with ca.crt, if it speaks TLS
	log  string
}

// startRegistry starts one: open and in the clear, or with a login and a certificate of an authority of its own.
func startRegistry(t *testing.T, l *lab, locked bool) *debianRegistry {
	t.Helper()
	dir := l.temp(t)
	r := &debianRegistry{host: fmt.Sprintf("127.0.0.1:%d", freePort(t)), dir: dir, log: filepath.Join(dir, "log")}
	config := fmt.Sprintf("version: 0.1\nstorage:\n  filesystem: {rootdirectory: %s}\nhttp:\n  addr: %q\n", filepath.Join(dir, "data"), r.host)
	if locked {
		certify(t, dir)
		write(t, filepath.Join(dir, "htpasswd"), pusherLine)
		config += fmt.Sprintf("  tls: {certificate: %[1]s/ca.crt, key: %[1]s/ca.key}\nauth:\n  htpasswd: {realm: tests, path: %[1]s/htpasswd}\n", dir)
	}
	write(t, filepath.Join(dir, "config.yml"), config)
	out, err := os.Create(r.log)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close() // the registry has its own
	cmd := exec.Command("docker-registry", "serve", filepath.Join(dir, "config.yml"))
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	eventually(t, "docker-registry", func() bool {
		conn, err := net.Dial("tcp", r.host)
		return err == nil && conn.Close() == nil
	})
	return r
}

// certify writes a certificate for loopback that vouches for itself, and its key.
func certify(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "registry of tests"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "ca.crt"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, filepath.Join(dir, "ca.key"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})))
}

// asked counts the requests in the registry's log that a pattern matches: `"PUT /v2/…" 201`.
func (r *debianRegistry) asked(t *testing.T, pattern string) int {
	t.Helper()
	data, err := os.ReadFile(r.log)
	if err != nil {
		t.Fatal(err)
	}
	return len(regexp.MustCompile(pattern).FindAllString(string(data), -1))
}

// uploaded matches requests that carry bytes of a blob.
const uploaded = `"(PATCH|PUT) /v2/[^ ]*/blobs/uploads/`

// TestPush pushes to a registry with a login and an authority of its own: what it has is not sent again, another
// repository takes blobs from the first, and Docker, Podman and skopeo read the result.
func TestPush(t *testing.T) {
	l := needDocker(t, "docker-registry", "podman", "skopeo")
	t.Parallel()
	r := startRegistry(t, l, true)
	dir, config := l.freshProject(t), l.temp(t)
	name := r.host + "/team/app"
	env := []string{"SSL_CERT_FILE=" + filepath.Join(r.dir, "ca.crt"), "DOCKER_CONFIG=" + config, "HOME=" + l.temp(t)}

	refused := l.run(t, call{args: []string{"build", dir, "--push", "-t", name + ":1"}, env: env})
	if refused.code != 1 || !strings.Contains(refused.stderr, "config.json): no such file") || r.asked(t, uploaded) != 0 {
		t.Errorf("without a login: %d\n%s", refused.code, refused.stderr)
	}
	login := exec.Command("docker", "login", "--username", pusher, "--password-stdin", r.host)
	login.Env, login.Stdin = append(os.Environ(), "DOCKER_CONFIG="+config), strings.NewReader(pusherPassword)
	if out, err := login.CombinedOutput(); err != nil {
		t.Fatalf("docker login: %v\n%s", err, out)
	}
	push := func(tags ...string) metadata {
		t.Helper()
		args := []string{"--push"}
		for _, tag := range tags {
			args = append(args, "-t", tag)
		}
		return l.build(t, dir, call{args: args, env: env})
	}
	first := push(name+":1", name+":latest")
	if o := first.Outputs; len(o) != 1 || o[0].Reference != name+"@"+first.Digest || o[0].Sent < first.Platforms[0].Size {
		t.Errorf("outputs %+v of %d bytes", o, first.Platforms[0].Size)
	}
	before := r.asked(t, uploaded)
	if again := push(name + ":1"); again.Outputs[0].Sent != 0 || again.Digest != first.Digest || r.asked(t, uploaded) != before {
		t.Errorf("pushed again: %+v, %d uploads", again.Outputs, r.asked(t, uploaded)-before)
	}
	if o := push(r.host + "/other/app:1").Outputs; o[0].Sent > 10_000 || r.asked(t, uploaded) != before {
		t.Errorf("to another repository: %+v, %d uploads", o, r.asked(t, uploaded)-before)
	}
	if n := r.asked(t, `"POST /v2/other/app/blobs/uploads/\?from=team%2Fapp&mount=sha256%3A[0-9a-f]+ HTTP/[0-9.]+" 201`); n < len(first.layers()) {
		t.Errorf("%d blobs were mounted of %d layers", n, len(first.layers()))
	}
	reads(t, l, r, name, first.Digest, config)
	everywhere := l.build(t, dir, call{args: []string{"--push", "--load", "-o", "oci:" + filepath.Join(config, "layout"), "-t", name + ":1"}, env: env})
	var got []string
	for _, o := range everywhere.Outputs {
		got = append(got, o.Destination+" "+o.Reference)
	}
	want := []string{"oci:" + filepath.Join(config, "layout") + " " + first.Digest, "docker " + first.Digest, name + " " + name + "@" + first.Digest}
	if !slices.Equal(got, want) {
		t.Errorf("outputs %q, want %q", got, want)
	}
}

// reads has the image read by those who read images.
func reads(t *testing.T, l *lab, r *debianRegistry, name, digest, config string) {
	t.Helper()
	auth := filepath.Join(config, "config.json")
	certs := l.temp(t)
	if err := copyTree(filepath.Join(certs, "ca.crt"), filepath.Join(r.dir, "ca.crt")); err != nil {
		t.Fatal(err)
	}
	inspected := command(t, "skopeo", "inspect", "--cert-dir", certs, "--authfile", auth, "--format", "{{.Digest}}", "docker://"+name+":latest")
	if strings.TrimSpace(inspected) != digest {
		t.Errorf("skopeo sees %s, not %s", inspected, digest)
	}
	t.Cleanup(func() { quietly("docker", "rmi", "--force", name+":1", name+"@"+digest) })
	docker(t, "--config", config, "pull", "--quiet", name+":1")
	if out := docker(t, "run", "--rm", "--network", "none", name+":1"); !strings.HasPrefix(out, "Hello ") {
		t.Errorf("docker: %s", out)
	}
	p := newPodman(t, l)
	p.run(t, "pull", "--quiet", "--cert-dir", certs, "--authfile", auth, name+"@"+digest)
	if out := p.run(t, append(append([]string{"run", "--rm", "--network", "none"}, hardened...), name+"@"+digest)...); !strings.HasPrefix(out, "Hello ") {
		t.Errorf("podman: %s", out)
	}
}

// TestPushCut breaks the connection in the middle of a layer. The push goes on: what had arrived is not sent again.
func TestPushCut(t *testing.T) {
	l := need(t, "docker-registry", "skopeo")
	t.Parallel()
	r := startRegistry(t, l, false)
	layers := slices.Clone(l.first["hello-world"].layers())
	slices.SortFunc(layers, func(a, b layer) int { return int(b.Size - a.Size) })
	p := startProxy(t, r.host, layers[0].Size/2)
	name := p.host + "/cut/app"
	m := l.build(t, l.freshProject(t), call{args: []string{"--push", "-t", name + ":1"}})
	if !p.cut.Load() {
		t.Fatal("no connection was cut, so this shows nothing")
	}
	whole := m.Platforms[0].Size
	t.Logf("%d bytes went up for an image of %d, cut after %d", p.sent.Load(), whole, layers[0].Size/2)
	if most := whole + layers[0].Size + 200_000; p.sent.Load() > most {
		t.Errorf("%d bytes went up, more than %d", p.sent.Load(), most)
	}
	// A copy reads every blob, and checks its digest.
	command(t, "skopeo", "copy", "--quiet", "--src-tls-verify=false", "docker://"+r.host+"/cut/app@"+m.Digest, "dir:"+l.temp(t))
}

// proxy stands before a registry, counts what goes up and, when connections end, what came down, and breaks one connection.
type proxy struct {
	host     string
	sent     atomic.Int64
	received atomic.Int64
	cut      atomic.Bool
	after    int64
}

// startProxy breaks the first connection that has sent so many bytes.
func startProxy(t *testing.T, to string, after int64) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{host: listener.Addr().String(), after: after}
	var connections sync.WaitGroup
	t.Cleanup(func() {
		listener.Close()
		connections.Wait()
	})
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Go(func() { p.serve(client, to) })
		}
	}()
	return p
}

// serve passes one connection on.
func (p *proxy) serve(client net.Conn, to string) {
	defer client.Close()
	server, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		n, _ := io.Copy(client, server)
		p.received.Add(n)
		client.Close()
	}()
	buffer := make([]byte, 64<<10)
	for own := int64(0); ; {
		n, err := client.Read(buffer)
		own += int64(n)
		p.sent.Add(int64(n))
		if _, werr := server.Write(buffer[:n]); err != nil || werr != nil {
			return
		}
		if own > p.after && p.cut.CompareAndSwap(false, true) {
			return
		}
	}
}

// TestPushIndex pushes two platforms under one name, which skopeo takes apart.
func TestPushIndex(t *testing.T) {
	l := need(t, "docker-registry", "skopeo")
	t.Parallel()
	r := startRegistry(t, l, false)
	name := r.host + "/team/both"
	m := l.build(t, l.project(t, "hello-world"), call{args: []string{"--push", "-t", name + ":1", "--platform", "linux/amd64,linux/arm64"}})
	raw := command(t, "skopeo", "inspect", "--tls-verify=false", "--raw", "docker://"+name+":1")
	for _, p := range m.Platforms {
		if !strings.Contains(raw, p.Digest) {
			t.Errorf("the index lacks %s: %s", p.Platform, raw)
		}
	}
	for _, arch := range []string{"amd64", "arm64"} {
		command(t, "skopeo", "copy", "--quiet", "--src-tls-verify=false", "--override-arch", arch, "docker://"+name+"@"+m.Digest, "dir:"+l.temp(t))
	}
}
