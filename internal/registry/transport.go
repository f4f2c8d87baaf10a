package registry

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/trace"
)

const (
	maxCertificate = 4 << 20 // bytes of one file with certificates or a key
	maxCertFiles   = 100     // files in one folder of certificates
	// commitTime is how long a registry may take for the last byte, unless the options say how long a server may do nothing:
	// with an object store behind it, it copies the blob.
	commitTime = 5 * time.Minute
)

// newTransport keeps as many connections as there are requests.
func newTransport(opt Options) *http.Transport {
	t := fetch.Transport()
	t.MaxIdleConnsPerHost = 2 * opt.Jobs
	return t
}

// transport returns the transport for a host: with its certificates, and without trust in any where the user said so.
func (c *Client) transport(host string) (http.RoundTripper, error) {
	config, err := c.certificates(host)
	if err != nil {
		return nil, err
	}
	if c.insecure(host) {
		if config == nil {
			config = &tls.Config{}
		}
		config.InsecureSkipVerify = true // the user named this host as one that nobody vouches for
	}
	if config == nil {
		return c.plain, nil
	}
	t := newTransport(c.opt)
	t.TLSClientConfig = config
	return trace.Transport(t, c.opt.Trace), nil
}

// insecure reports a host that the user named.
func (c *Client) insecure(host string) bool { return slices.Contains(c.opt.Insecure, host) }

// loopback reports this machine, which nobody listens in on.
func loopback(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	ip := net.ParseIP(strings.Trim(name, "[]"))
	return name == "localhost" || strings.HasSuffix(name, ".localhost") || ip != nil && ip.IsLoopback()
}

// certificates reads what the folders have for a host; nil where they have nothing.
// See https://docs.docker.com/engine/security/certificates/.
func (c *Client) certificates(host string) (*tls.Config, error) {
	var config *tls.Config
	for _, dir := range c.opt.CertsDir {
		dir = filepath.Join(dir, filepath.Base(filepath.Clean("/"+host))) // a name with slashes is no host
		files, err := os.ReadDir(dir)
		if err != nil {
			continue // no folder for this host, or none that is ours to read
		}
		for _, f := range files[:min(len(files), maxCertFiles)] {
			if config == nil {
				config = &tls.Config{}
			}
			if err := addCertificate(config, filepath.Join(dir, f.Name())); err != nil {
				return nil, err
			}
		}
	}
	return config, nil
}

// addCertificate adds one file of a folder: an authority, or a certificate of our own with the key beside it.
func addCertificate(config *tls.Config, path string) error {
	bad := func(err error) error {
		return &diag.Error{Pos: diag.Position{File: path}, Code: "registry-certificate", What: "is no certificate that can be used",
			Hint: "put a PEM file there, or remove it", Err: err}
	}
	switch filepath.Ext(path) {
	case ".crt":
		pem, err := readCapped(path)
		if err != nil {
			return bad(err)
		}
		if config.RootCAs == nil {
			if config.RootCAs, err = x509.SystemCertPool(); err != nil {
				config.RootCAs = x509.NewCertPool()
			}
		}
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return bad(errors.New("no certificate found"))
		}
	case ".cert":
		cert, err := readCapped(path)
		if err != nil {
			return bad(err)
		}
		key, err := readCapped(strings.TrimSuffix(path, ".cert") + ".key")
		if err != nil {
			return bad(err)
		}
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			return bad(err)
		}
		config.Certificates = append(config.Certificates, pair)
	}
	return nil
}

func readCapped(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxCertificate {
		return nil, fmt.Errorf("%d bytes are too many for a certificate", info.Size())
	}
	return os.ReadFile(path)
}

// redirect decides on each redirect. The authorizer gives credentials by the host of each request, so all that a
// registry's own header held is dropped here.
func redirect(req *http.Request, via []*http.Request) error {
	switch last := via[len(via)-1]; {
	case len(via) >= maxRedirects:
		return errRedirects
	case req.URL.Scheme != "https" && req.URL.Scheme != "http":
		return errScheme
	case last.URL.Scheme == "https" && req.URL.Scheme == "http":
		return errDowngrade
	}
	req.Header.Del("Authorization")
	req.Header.Del("Referer")
	req.URL.User = nil // a server has no business to choose our credentials
	return nil
}

var (
	errRedirects = errors.New("too many redirects")
	errScheme    = errors.New("redirected to something other than http")
	errDowngrade = errors.New("redirected from https to http")
)

// origin is what credentials belong to.
func origin(u *url.URL) string { return u.Scheme + "://" + strings.ToLower(u.Host) }
