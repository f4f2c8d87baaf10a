package registry_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/registry"
)

// secure makes a registry of the fake that speaks TLS, and returns its host and its certificate.
func secure(t *testing.T, f *fakeRegistry, config *tls.Config) (host string, certificate []byte) {
	t.Helper()
	server := httptest.NewUnstartedServer(f)
	server.TLS = config
	server.Config.ErrorLog = discard
	server.StartTLS()
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "https://"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}

// certsDir makes a folder of certificates as Docker's.
func certsDir(t *testing.T, host string, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, host), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, host, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestPrivateAuthority trusts a certificate that Docker's folder vouches for, and no other.
func TestPrivateAuthority(t *testing.T) {
	f := newFake(t)
	f.image("app", "1")
	host, certificate := secure(t, f, nil)
	opt := quick
	_, err := registry.New(opt).Resolve(t.Context(), host+"/app:1")
	if err == nil || !strings.Contains(err.Error(), "certs.d/"+host+"/ca.crt") || strings.Contains(err.Error(), "attempts") {
		t.Errorf("an unknown authority: %v", err)
	}
	opt.CertsDir = []string{"/no/such/folder", certsDir(t, host, map[string][]byte{"ca.crt": certificate})}
	if _, err := registry.New(opt).Resolve(t.Context(), host+"/app:1"); err != nil {
		t.Error(err)
	}
	opt = quick
	opt.Insecure = []string{host}
	if _, err := registry.New(opt).Resolve(t.Context(), host+"/app:1"); err != nil {
		t.Errorf("as an insecure registry: %v", err)
	}
	opt = quick
	opt.CertsDir = []string{certsDir(t, host, map[string][]byte{"ca.crt": []byte("nonsense")})}
	_, err = registry.New(opt).Resolve(t.Context(), host+"/app:1")
	if problem, ok := errors.AsType[*diag.Error](err); !ok || problem.Code != "registry-certificate" || problem.Pos.File == "" {
		t.Errorf("a bad file: %v", err)
	}
}

// TestClientCertificate logs in by a certificate of one's own.
func TestClientCertificate(t *testing.T) {
	f := newFake(t)
	f.image("app", "1")
	host, certificate := secure(t, f, &tls.Config{ClientAuth: tls.RequireAnyClientCert})
	cert, key := selfSigned(t)
	opt := quick
	opt.CertsDir = []string{certsDir(t, host, map[string][]byte{"ca.crt": certificate})}
	if _, err := registry.New(opt).Resolve(t.Context(), host+"/app:1"); err == nil {
		t.Error("let in without a certificate")
	}
	opt.CertsDir = []string{certsDir(t, host, map[string][]byte{"ca.crt": certificate, "client.cert": cert, "client.key": key})}
	if _, err := registry.New(opt).Resolve(t.Context(), host+"/app:1"); err != nil {
		t.Error(err)
	}
}

func selfSigned(t *testing.T) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "me"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

// TestPlainHTTP refuses to speak in the clear with another machine unless the user says so.
func TestPlainHTTP(t *testing.T) {
	f := newFake(t)
	f.image("app", "1")
	own := ownAddress(t)
	listener, err := net.Listen("tcp", net.JoinHostPort(own, "0"))
	if err != nil {
		t.Skip(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: f}}
	server.Start()
	t.Cleanup(server.Close)
	host := listener.Addr().String()
	_, err = registry.New(quick).Resolve(t.Context(), host+"/app:1")
	problem, ok := errors.AsType[*diag.Error](err)
	if !ok || problem.Code != "registry-insecure" || !strings.Contains(problem.Hint, "--insecure-registry "+host) {
		t.Errorf("got %v", err)
	}
	opt := quick
	opt.Insecure = []string{host}
	if _, err := registry.New(opt).Resolve(t.Context(), host+"/app:1"); err != nil {
		t.Error(err)
	}
}

// ownAddress returns an address of this machine that is not the loopback's.
func ownAddress(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Skip(err)
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() && n.IP.To4() != nil {
			return n.IP.String()
		}
	}
	t.Skip("this machine has no address but the loopback's")
	return ""
}

// TestMirrors asks mirrors first and the registry last; pushes go to the registry alone.
func TestMirrors(t *testing.T) {
	origin, mirror := newFake(t), newFake(t)
	index, _, layer := origin.image("library/app", "1")
	mirror.image("proxy/library/app", "1")
	opt := quick
	dead := "http://127.0.0.1:1"
	opt.Mirrors = map[string][]string{origin.host: {dead, mirror.server.URL + "/proxy"}}
	c := registry.New(opt)
	remote, err := c.Resolve(t.Context(), origin.host+"/library/app:1")
	if err != nil || remote.Digest != index || remote.Repository != origin.host+"/library/app" {
		t.Fatalf("%v: %+v", err, remote)
	}
	if _, err := c.Blob(t.Context(), newStore(t), remote.Repository, hexDigest(layer), int64(len(layer)), nil); err != nil {
		t.Fatal(err)
	}
	if n := origin.asked("manifests|GET .*blobs"); n != 0 {
		t.Errorf("the registry was asked %d times", n)
	}
	other, _, _ := origin.image("library/other", "1")
	if remote, err := c.Resolve(t.Context(), origin.host+"/library/other:1"); err != nil || remote.Digest != other {
		t.Errorf("what the mirrors lack: %v", err)
	}
	if _, err := c.Push(t.Context(), origin.host+"/library/app", blobOf([]byte("new")), "", nil); err != nil {
		t.Error(err)
	}
	if n := mirror.asked("POST|PUT"); n != 0 {
		t.Error("a mirror was pushed to")
	}
}

func TestSettings(t *testing.T) {
	home := t.TempDir()
	env := map[string]string{"LITHE_REGISTRY_MIRRORS": "docker.io=https://a.example, index.docker.io=http://b.example/p,ghcr.io=https://c.example",
		"LITHE_INSECURE_REGISTRY": "one.example:5000, two.example", "REGISTRY_AUTH_FILE": "/auth.json", "XDG_RUNTIME_DIR": "/run/me"}
	opt, err := registry.Settings(func(name string) string { return env[name] }, home)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(opt.Mirrors, opt.Insecure); got != "map[docker.io:[https://a.example http://b.example/p] ghcr.io:[https://c.example]] [one.example:5000 two.example]" {
		t.Error(got)
	}
	var files []string
	for _, f := range opt.Keychain.Files {
		files = append(files, strings.Replace(f.Path, home, "HOME", 1))
	}
	if got := strings.Join(files, " "); got != filepath.FromSlash("/auth.json HOME/.docker/config.json /run/me/containers/auth.json HOME/.config/containers/auth.json") {
		t.Error(got)
	}
	for name, bad := range map[string]map[string]string{
		"registry-mirrors":  {"LITHE_REGISTRY_MIRRORS": "docker.io=https://me:" + secret + "@mirror.example"},
		"insecure-registry": {"LITHE_INSECURE_REGISTRY": "http://mirror.example"},
		"netrc":             {"NETRC": writeFile(t, "netrc", "machine")},
	} {
		_, err := registry.Settings(func(key string) string { return bad[key] }, home)
		if problem, ok := errors.AsType[*diag.Error](err); !ok || problem.Code != name || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
