package artifact

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/lithe-build/lithe/internal/diag"
)

const (
	// maxBundle is in bytes; the bundle of all public authorities has about 0.2 MB.
	maxBundle = 32 << 20
	// maxBundleFiles is how many files a folder of authorities has; Debian's has some three hundred.
	maxBundleFiles = 4000
)

// pems names files with certificates, and what named them.
type pems struct {
	authorities     string // file or folder
	authoritiesFrom string
	client, from    string // file with a certificate and its key
}

// everywhere is the key of the certificates that hold for servers without any of their own.
const everywhere = ""

// TLS returns how a server is spoken with, nil for Go's own way.
func (o IndexOptions) TLS(u *url.URL) *tls.Config {
	if config, ok := o.certificates[origin(u)]; ok {
		return config()
	}
	if config, ok := o.certificates[everywhere]; ok {
		return config()
	}
	return nil
}

// readCertificates reads what pip, uv, requests and curl are told about certificates for all servers. Authorities are
// believed beside the system's: an index is not the only server that lithe asks.
func (o *IndexOptions) readCertificates(conf map[string]setting) error {
	first := func(names ...string) (path, from string) {
		for _, name := range names {
			if path = o.env(name); path != "" {
				return path, name
			}
		}
		return "", ""
	}
	variables := []string{"PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}
	if runtime.GOOS != "linux" { // where Go reads it by itself
		variables = append([]string{"SSL_CERT_FILE"}, variables...)
	}
	p := pems{}
	p.authorities, p.authoritiesFrom = first(variables...)
	if c := conf["cert"]; p.authorities == "" && len(c.values) > 0 {
		p.authorities, p.authoritiesFrom = strings.Join(c.values, " "), c.from
	}
	p.client, p.from = first("SSL_CLIENT_CERT", "PIP_CLIENT_CERT")
	if c := conf["client-cert"]; p.client == "" && len(c.values) > 0 {
		p.client, p.from = strings.Join(c.values, " "), c.from
	}
	o.general = p
	return o.believe(everywhere, p)
}

// nameCertificates reads what Poetry and PDM are told about the certificates of an index with a name.
func (o *IndexOptions) nameCertificates(label string, u *url.URL) error {
	p := o.general
	prefix := "POETRY_CERTIFICATES_" + upper(label)
	authFile := o.poetryFile("auth.toml")
	auth, err := readConfig(authFile)
	if err != nil {
		return err
	}
	poetry := auth.Table("certificates", label)
	if verify, ok := poetry.Bool("cert"); ok && !verify {
		return o.unverified(u, authFile)
	}
	pdmFile, pdm, err := o.pdmConfig(label)
	if err != nil {
		return err
	}
	if verify, ok := pdm.Bool("verify_ssl"); ok && !verify {
		return o.unverified(u, pdmFile)
	}
	set := func(path, from *string, value, by string) {
		if value != "" {
			*path, *from = value, by
		}
	}
	set(&p.authorities, &p.authoritiesFrom, pdm.String("ca_certs"), pdmFile)
	set(&p.authorities, &p.authoritiesFrom, poetry.String("cert"), authFile)
	set(&p.authorities, &p.authoritiesFrom, o.env(prefix+"_CERT"), prefix+"_CERT")
	set(&p.client, &p.from, pdm.String("client_cert"), pdmFile)
	set(&p.client, &p.from, poetry.String("client-cert"), authFile)
	set(&p.client, &p.from, o.env(prefix+"_CLIENT_CERT"), prefix+"_CLIENT_CERT")
	if strings.EqualFold(p.authorities, "false") {
		return o.unverified(u, p.authoritiesFrom)
	}
	if p == o.general {
		return nil
	}
	return o.believe(origin(u), p)
}

// believe prepares connections with a server, which a copy of the options made before does not see.
func (o *IndexOptions) believe(place string, p pems) error {
	if p == (pems{}) {
		return nil
	}
	problem := func(from string, err error) error {
		return &diag.Error{Code: "certificates", What: fmt.Sprintf("%s: %v", from, err), Hint: "name a file with certificates in PEM form"}
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	var files []string
	if p.authorities != "" {
		var err error
		if files, err = bundle(p.authorities); err != nil {
			return problem(p.authoritiesFrom, err)
		}
	}
	if p.client != "" {
		data, err := readPEM(p.client)
		if err != nil {
			return problem(p.from, err)
		}
		pair, err := tls.X509KeyPair(data, data)
		if err != nil { // whose text may quote the file
			return problem(p.from, fmt.Errorf("%s has no certificate with its key", p.client))
		}
		config.Certificates = []tls.Certificate{pair}
	}
	all := map[string]func() *tls.Config{place: sync.OnceValue(func() *tls.Config {
		if files != nil {
			config.RootCAs = poolOf(files)
		}
		return config
	})}
	for other, config := range o.certificates {
		if other != place {
			all[other] = config
		}
	}
	o.certificates = all
	return nil
}

// bundle returns the files of authorities: one, or all in a folder. One of them has a certificate. The others are parsed
// when a server is spoken with, which most builds do not: all public authorities take longer than the rest of a build that
// changes nothing.
func bundle(path string) ([]string, error) {
	files := []string{path}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		if files, err = filepath.Glob(filepath.Join(path, "*")); err != nil || len(files) > maxBundleFiles {
			return nil, fmt.Errorf("%s is no folder of certificates", path)
		}
	}
	found := false
	for _, file := range files {
		if found {
			if err := regular(file); err != nil {
				return nil, err
			}
			continue
		}
		data, err := readUpTo(file, headOfBundle)
		if err == nil && !hasCertificate(data) && len(data) == headOfBundle {
			data, err = readPEM(file)
		}
		if err != nil {
			return nil, err
		}
		found = hasCertificate(data)
	}
	if !found {
		return nil, fmt.Errorf("%s: no certificate found", path)
	}
	return files, nil
}

// hasCertificate looks for the first one that can be parsed.
func hasCertificate(data []byte) bool {
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return false
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		if _, err := x509.ParseCertificate(block.Bytes); err == nil {
			return true
		}
	}
}

// poolOf returns the system's authorities and those of files. A file that went away in this moment has none.
func poolOf(files []string) *x509.CertPool {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	for _, file := range files {
		if data, err := readPEM(file); err == nil {
			pool.AppendCertsFromPEM(data)
		}
	}
	return pool
}

// headOfBundle is in bytes: enough for a certificate or two.
const headOfBundle = 16 << 10

// readPEM reads a file of certificates.
func readPEM(path string) ([]byte, error) {
	return readUpTo(path, maxBundle)
}

// readUpTo reads the beginning of a regular file.
func readUpTo(path string, limit int64) ([]byte, error) {
	if err := regular(path); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}

// regular refuses what is no file, or too large.
func regular(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is no file of certificates", path)
	case info.Size() > maxBundle:
		return fmt.Errorf("%s: more than %d bytes are too many for certificates", path, maxBundle)
	}
	return nil
}

// readTrusted reads the hosts whose certificates pip or uv are told not to check.
func (o *IndexOptions) readTrusted(conf map[string]setting) {
	for _, s := range []setting{{"PIP_TRUSTED_HOST", strings.Fields(o.env("PIP_TRUSTED_HOST"))},
		{"UV_INSECURE_HOST", strings.FieldsFunc(o.env("UV_INSECURE_HOST"), func(r rune) bool { return r == ' ' || r == ',' })}, conf["trusted-host"]} {
		if len(s.values) > 0 {
			o.trusted = append(o.trusted, s)
		}
	}
}

// checkTrusted refuses an index whose certificate is not to be checked: credentials would go to whoever answers.
func (o *IndexOptions) checkTrusted(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" {
		return nil
	}
	for _, s := range o.trusted {
		if slices.Contains(s.values, u.Hostname()) || slices.Contains(s.values, u.Host) {
			return o.unverified(u, s.from)
		}
	}
	return nil
}

// unverified is the problem of an index whose certificate is not to be checked. On this machine nobody is on the way.
func (o *IndexOptions) unverified(u *url.URL, from string) error {
	if host := u.Hostname(); host == "localhost" || net.ParseIP(host).IsLoopback() {
		return nil
	}
	return &diag.Error{Code: "index-insecure", Err: errUnverified,
		What: fmt.Sprintf("%s says that the certificate of %s is not to be checked, which lithe always does", from, u.Host),
		Hint: "name the certificate authority with SSL_CERT_FILE, PIP_CERT or REQUESTS_CA_BUNDLE, and take the setting away"}
}

var errUnverified = errors.New("the certificate is not to be checked")
