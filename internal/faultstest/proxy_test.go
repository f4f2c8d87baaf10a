package faultstest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lithe-build/lithe/internal/testkit/pyindex"
)

// Names that no resolver knows: whoever reaches them was led there by the proxy.
const (
	indexHost    = "index.invalid"
	registryHost = "registry.invalid"
	mirrorHost   = "debian.invalid"
)

// proxy is an HTTP proxy that finds hosts in a table, as one in a company finds them in a name server of its own.
type proxy struct {
	host   string
	routes map[string]string // by host and port: where the server is

	mu     sync.Mutex
	login  string // what a request must say, "" for nothing
	silent string // a host that it never says a word about
	broken string // a host that it does not find
	asked  map[string]int
}

// ServeHTTP opens a connection for CONNECT, and passes on other requests.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked[r.Host]++
	login, silent, broken := p.login, p.silent, p.broken
	p.mu.Unlock()
	to, known := p.routes[r.Host]
	switch {
	case login != "" && r.Header.Get("Proxy-Authorization") != login:
		w.Header().Set("Proxy-Authenticate", `Basic realm="proxy"`)
		w.WriteHeader(http.StatusProxyAuthRequired)
	case silent != "" && strings.HasPrefix(r.Host, silent):
		<-r.Context().Done()
	case !known || broken != "" && strings.HasPrefix(r.Host, broken):
		w.WriteHeader(http.StatusBadGateway)
	case r.Method == http.MethodConnect:
		tunnel(w, to)
	default:
		forward := httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Host = to }}
		forward.ServeHTTP(w, r)
	}
}

// tunnel passes bytes both ways until either end closes.
func tunnel(w http.ResponseWriter, to string) {
	server, err := net.Dial("tcp", to)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer server.Close()
	client, early, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer client.Close()
	fmt.Fprint(client, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() { _, _ = io.Copy(server, early); server.Close() }()
	_, _ = io.Copy(client, server)
}

// certificate returns one for the names of the servers, as a server and as a client want it.
func certificate(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{indexHost, registryHost},
		IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// serveTLS serves a handler, and returns its address.
func serveTLS(t *testing.T, c tls.Certificate, h http.Handler) string {
	s := httptest.NewUnstartedServer(h)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{c}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// behindProxy puts all servers of a world behind a proxy, under names of their own: index and registry with TLS, the mirror
// without, as Debian's are.
func behindProxy(t *testing.T, w *world) *proxy {
	t.Helper()
	withRegistry(w)
	origin := w.origin("index")
	server, authority := certificate(t)
	// The pages of the index name the files by its own address.
	rename := func(resp *http.Response) error {
		body, err := io.ReadAll(resp.Body)
		body = bytes.ReplaceAll(body, []byte(origin), []byte("https://"+indexHost))
		resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		resp.Header.Set("Content-Length", strconv.Itoa(len(body)))
		return err
	}
	index := &httputil.ReverseProxy{ModifyResponse: rename, Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = "http", strings.TrimPrefix(origin, "http://")
		r.Out.Header.Del("Accept-Encoding")
	}}
	mirror := strings.TrimPrefix(w.origin("mirror"), "http://")
	p := &proxy{asked: map[string]int{}, routes: map[string]string{mirrorHost: mirror, "0.0.0.0:" + mirror[strings.Index(mirror, ":")+1:]: mirror,
		indexHost + ":443": serveTLS(t, server, index), registryHost + ":443": serveTLS(t, server, w.registryFaults)}}
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	p.host = s.Listener.Addr().String()
	w.write("home/ca.pem", authority)
	for key, value := range w.env {
		w.env[key] = strings.Replace(value, "http://"+mirror, "http://"+mirrorHost, 1)
	}
	w.env["SSL_CERT_FILE"] = filepath.Join(w.root, "home", "ca.pem")
	w.env["LITHE_INDEX_URL"] = "https://" + indexHost + "/simple/"
	w.env["HTTPS_PROXY"], w.env["HTTP_PROXY"] = "http://"+p.host, "http://"+p.host
	return p
}

// program runs lithe as a process of its own: what the environment says of proxies is read once in a process.
func (w *world) program(args ...string) result {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), os.Args[0], args...)
	cmd.Env = []string{asProgram + "=1"}
	for key, value := range w.env {
		cmd.Env = append(cmd.Env, key+"="+value)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		w.t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// TestProxy builds and pushes where index, Debian mirror and registry are reached through a proxy alone.
func TestProxy(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SSL_CERT_FILE is for Linux")
	}
	login := url.UserPassword(user, password).String()
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	with := func(login string) func(*world, *proxy) {
		return func(w *world, p *proxy) {
			p.login = basic
			w.env["HTTPS_PROXY"], w.env["HTTP_PROXY"] = "http://"+login+p.host, "http://"+login+p.host
		}
	}
	all := []string{mirrorHost, indexHost + ":443", registryHost + ":443"}
	for name, test := range map[string]struct {
		set   func(w *world, p *proxy)
		want  int
		says  string
		asked []string // of the proxy
	}{
		"no login":    {func(*world, *proxy) {}, good, "", all},
		"login":       {with(login + "@"), good, "", all},
		"lower case":  {func(w *world, p *proxy) { w.env["https_proxy"], w.env["HTTPS_PROXY"] = w.env["HTTPS_PROXY"], "" }, good, "", all},
		"none given":  {with(""), failure, "407 Proxy Authentication Required; put the proxy's credentials into HTTP_PROXY", nil},
		"wrong login": {with("somebody:else@"), failure, "407 Proxy Authentication Required; put the proxy's credentials into HTTP_PROXY", nil},
		"wrong login for TLS": {func(w *world, p *proxy) {
			p.login = basic
			w.env["HTTP_PROXY"] = "http://" + login + "@" + p.host
		}, failure, "the proxy answers 407 Proxy Authentication Required; put the proxy's credentials into HTTPS_PROXY", nil},
		"signs as they are": {with(user + ":" + password + "@"), failure, "the address of the proxy cannot be read; correct HTTP_PROXY; signs", []string{}},
		"host not found": {func(w *world, p *proxy) { p.broken = indexHost }, failure,
			"the proxy answers 502 Bad Gateway (2 attempts); the proxy does not reach index.invalid", nil},
		"registry not found": {func(w *world, p *proxy) { p.broken = registryHost }, failure,
			"the proxy answers 502 Bad Gateway (2 attempts); the proxy does not reach registry.invalid", all},
		"silence about a host":     {func(w *world, p *proxy) { p.silent = indexHost }, failure, "sent nothing for too long", nil},
		"silence about a registry": {func(w *world, p *proxy) { p.silent = registryHost }, failure, "did nothing for too long", all},
		"NO_PROXY": {func(w *world, p *proxy) {
			// No host of a loopback address is ever asked of a proxy, and 0.0.0.0 counts as none.
			w.env["LITHE_DEBIAN_MIRROR"] = "http://0.0.0.0" + p.routes[mirrorHost][strings.Index(p.routes[mirrorHost], ":"):] + "/debian"
			w.env["LITHE_DEBIAN_SECURITY_MIRROR"] = strings.Replace(w.env["LITHE_DEBIAN_SECURITY_MIRROR"], mirrorHost, w.env["LITHE_DEBIAN_MIRROR"][len("http://"):strings.LastIndex(w.env["LITHE_DEBIAN_MIRROR"], "/")], 1)
			w.env["NO_PROXY"] = "0.0.0.0,example.invalid"
		}, good, "", all[1:]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.lock("poetry.lock", pyindex.PoetryLock)
			p := behindProxy(t, w)
			w.env["LITHE_ATTEMPTS"], w.env["LITHE_TIMEOUT"] = "2", "3s"
			p.mu.Lock()
			test.set(w, p)
			p.mu.Unlock()
			got := w.program("build", w.dir, "--push", "-t", registryHost+"/app:1", "--verbose", "-o", "oci:"+w.image)
			if got.code != test.want || !strings.Contains(got.stderr, test.says) {
				t.Errorf("want exit code %d and %q: %v", test.want, test.says, got)
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			for _, host := range all {
				if test.asked != nil && (p.asked[host] > 0) != slices.Contains(test.asked, host) {
					t.Errorf("the proxy was asked for %v", p.asked)
				}
			}
			w.write("printed", got.String())
			if err := leaked(w, "printed", "app", "images", "store"); err != nil {
				t.Error(err)
			}
		})
	}
}
