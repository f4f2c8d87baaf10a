package destination

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
)

const (
	defaultSocket  = "/var/run/docker.sock"
	defaultContext = "default"
	maxConfig      = 4 << 20 // bytes of a configuration or certificate
)

// host is where an engine listens.
type host struct {
	address       string // as Docker writes it
	context       string // where the address came from; "" for an address
	network, dial string
	name          string // for the Host header
	tls           *tls.Config
}

// dockerHost finds the engine's address as the docker command does: DOCKER_HOST, then the context, then the usual
// socket. See https://docs.docker.com/engine/manage-resources/contexts/.
func dockerHost(opt EngineOptions) (host, error) {
	e := endpoint{address: opt.Host}
	if opt.TLSVerify {
		e.certs = cmp.Or(opt.CertPath, opt.Config)
	}
	if e.address == "" {
		var err error
		if e, err = findContext(opt); err != nil {
			return host{}, err
		}
	}
	h, err := parseHost(cmp.Or(e.address, "unix://"+cmp.Or(opt.Socket, defaultSocket)))
	if err == nil && h.network == "tcp" && e.certs != "" {
		h.tls, err = tlsConfig(e.certs, h.name)
	}
	h.context = e.context
	return h, err
}

// parseHost reads an address such as unix:///run/docker.sock or tcp://127.0.0.1:2375.
func parseHost(address string) (host, error) {
	bad := &diag.Error{Code: "docker-host", What: fmt.Sprintf("%q is not an address of Docker that lithe can use", address),
		Hint: "set DOCKER_HOST to unix:///PATH or tcp://HOST:PORT"}
	u, err := url.Parse(address)
	if err != nil {
		bad.Err = err
		return host{}, bad
	}
	switch {
	case u.Scheme == "unix" && u.Path != "":
		return host{address: address, network: "unix", dial: u.Path, name: "docker"}, nil
	case (u.Scheme == "tcp" || u.Scheme == "http") && u.Hostname() != "":
		port := u.Port()
		if port == "" {
			port = "2375"
		}
		return host{address: address, network: "tcp", dial: net.JoinHostPort(u.Hostname(), port), name: u.Hostname()}, nil
	}
	return host{}, bad
}

// endpoint is what a context, or the environment, says about the engine.
type endpoint struct{ address, certs, context string }

// findContext returns the endpoint of the chosen context; none for the default one.
func findContext(opt EngineOptions) (endpoint, error) {
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
