// Package docker speaks Docker's API, which Podman's service has, too.
//
// Where an engine listens is found as the docker command does it; Options go in, a Host comes out. A Client sends requests
// there, and turns every answer but success into a StatusError. What is read of an answer has a cap. The packages that use
// it are destination, which loads images, and execute, which runs commands.
// See https://docs.docker.com/reference/api/engine/.
package docker

import (
	"cmp"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/trace"
)

const (
	defaultSocket  = "/var/run/docker.sock"
	defaultContext = "default"
	maxConfig      = 4 << 20 // bytes of a configuration or certificate
)

// Options say how engines are found. The caller reads them from the environment.
type Options struct {
	Host      string // DOCKER_HOST; "" means the context, else the usual socket
	Context   string // DOCKER_CONTEXT; "" means the one of the configuration
	Config    string // DOCKER_CONFIG, or ~/.docker; "" means no configuration
	CertPath  string // DOCKER_CERT_PATH
	TLSVerify bool   // DOCKER_TLS_VERIFY is not empty
	Socket    string // Docker's usual socket; "" means /var/run/docker.sock

	LookPath func(string) (string, error) // finds commands of other engines; nil means exec.LookPath
	Trace    *trace.Recorder
}

// Host is where an engine listens.
type Host struct {
	Address       string // as Docker writes it
	Context       string // where the address came from; "" for an address
	network, dial string
	name          string // for the Host header
	tls           *tls.Config
}

// Find finds the engine's address as the docker command does: DOCKER_HOST, then the context, then the usual
// socket. See https://docs.docker.com/engine/manage-resources/contexts/.
func Find(opt Options) (Host, error) {
	e := endpoint{address: opt.Host}
	if opt.TLSVerify {
		e.certs = cmp.Or(opt.CertPath, opt.Config)
	}
	if e.address == "" {
		var err error
		if e, err = findContext(opt); err != nil {
			return Host{}, err
		}
	}
	h, err := parseHost(cmp.Or(e.address, "unix://"+cmp.Or(opt.Socket, defaultSocket)))
	if err == nil && h.network == "tcp" && e.certs != "" {
		h.tls, err = tlsConfig(e.certs, h.name)
	}
	h.Context = e.context
	return h, err
}

// parseHost reads an address such as unix:///run/docker.sock or tcp://127.0.0.1:2375.
func parseHost(address string) (Host, error) {
	bad := &diag.Error{Code: "docker-host", What: fmt.Sprintf("%q is not an address of Docker that lithe can use", address),
		Hint: "set DOCKER_HOST to unix:///PATH or tcp://HOST:PORT"}
	u, err := url.Parse(address)
	if err != nil {
		bad.Err = err
		return Host{}, bad
	}
	switch {
	case u.Scheme == "unix" && u.Path != "":
		return Host{Address: address, network: "unix", dial: u.Path, name: "docker"}, nil
	case (u.Scheme == "tcp" || u.Scheme == "http") && u.Hostname() != "":
		port := u.Port()
		if port == "" {
			port = "2375"
		}
		return Host{Address: address, network: "tcp", dial: net.JoinHostPort(u.Hostname(), port), name: u.Hostname()}, nil
	}
	return Host{}, bad
}

// endpoint is what a context, or the environment, says about the engine.
type endpoint struct{ address, certs, context string }

// findContext returns the endpoint of the chosen context; none for the default one.
func findContext(opt Options) (endpoint, error) {
	name := opt.Context
	if name == "" && opt.Config != "" {
		var config struct{ CurrentContext string }
		if err := readJSON(filepath.Join(opt.Config, "config.json"), &config); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return endpoint{}, err
		}
		name = config.CurrentContext
	}
	if name == "" || name == defaultContext {
		return endpoint{}, nil
	}
	sum := sha256.Sum256([]byte(name))
	id := hex.EncodeToString(sum[:])
	var meta struct {
		Endpoints struct{ Docker struct{ Host string } }
	}
	if err := readJSON(filepath.Join(opt.Config, "contexts", "meta", id, "meta.json"), &meta); err != nil {
		return endpoint{}, &diag.Error{Code: "docker-context", What: fmt.Sprintf("context %q of Docker cannot be read", name),
			Hint: "choose another with `docker context use`, or set DOCKER_HOST", Err: err}
	}
	certs := filepath.Join(opt.Config, "contexts", "tls", id, "docker")
	if _, err := os.Stat(certs); err != nil {
		certs = ""
	}
	return endpoint{meta.Endpoints.Docker.Host, certs, name}, nil
}

// tlsConfig reads ca.pem, cert.pem and key.pem of a directory.
func tlsConfig(dir, name string) (*tls.Config, error) {
	config := &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12}
	ca, err := readFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		return nil, err
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("%s holds no certificate", filepath.Join(dir, "ca.pem"))
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	if err == nil {
		config.Certificates = []tls.Certificate{pair}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return config, nil
}

// readJSON reads a file of Docker's configuration.
func readJSON(path string, v any) error {
	data, err := readFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// readFile reads a file that should be small.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxConfig {
		return nil, fmt.Errorf("%s has %d bytes, more than %d", path, info.Size(), maxConfig)
	}
	return os.ReadFile(path)
}
