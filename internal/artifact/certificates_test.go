package artifact

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/store"
)

// clientPEM returns a certificate with its key, and the certificate alone.
func clientPEM(t *testing.T) (both, certificate string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return certificate + string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})), certificate
}

// TestCertificates asks a server whose authority the system does not know, and that wants a certificate itself.
func TestCertificates(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "hello") }))
	s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	authority := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	client, _ := clientPEM(t)
	type vars = map[string]string
	for name, test := range map[string]struct {
		vars, files vars
		ok          bool
	}{
		"nothing":             {},
		"authority alone":     {vars: vars{"PIP_CERT": "HOME/ca.pem"}},
		"client alone":        {vars: vars{"SSL_CLIENT_CERT": "HOME/me.pem"}},
		"pip's":               {vars: vars{"PIP_CERT": "HOME/ca.pem", "PIP_CLIENT_CERT": "HOME/me.pem"}, ok: true},
		"requests' and uv's":  {vars: vars{"REQUESTS_CA_BUNDLE": "HOME/ca.pem", "SSL_CLIENT_CERT": "HOME/me.pem"}, ok: true},
		"curl's, a folder":    {vars: vars{"CURL_CA_BUNDLE": "HOME", "SSL_CLIENT_CERT": "HOME/me.pem"}, ok: true},
		"Poetry's variables":  {vars: vars{"POETRY_CERTIFICATES_CORP_CERT": "HOME/ca.pem", "POETRY_CERTIFICATES_CORP_CLIENT_CERT": "HOME/me.pem"}, ok: true},
		"Poetry's of another": {vars: vars{"POETRY_CERTIFICATES_OTHER_CERT": "HOME/ca.pem", "POETRY_CERTIFICATES_OTHER_CLIENT_CERT": "HOME/me.pem"}},
		"auth.toml":           {vars: vars{"POETRY_CONFIG_DIR": "HOME"}, files: vars{"auth.toml": "[certificates.corp]\ncert = \"HOME/ca.pem\"\nclient-cert = \"HOME/me.pem\"\n"}, ok: true},
		"PDM's":               {vars: vars{"PDM_CONFIG_FILE": "HOME/config.toml"}, files: vars{"config.toml": "[pypi.corp]\nca_certs = \"HOME/ca.pem\"\nclient_cert = \"HOME/me.pem\"\n"}, ok: true},
		"pip.conf":            {files: vars{"etc/pip.conf": "[global]\ncert = HOME/ca.pem\nclient-cert = HOME/me.pem\n"}, ok: true},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, test.vars).write("ca.pem", authority).write("me.pem", client)
			for file, text := range test.files {
				p.write(file, strings.ReplaceAll(text, "HOME", p.home))
			}
			o, err := p.settings()
			if err != nil {
				t.Fatal(err)
			}
			l := corp(s.URL + "/simple")
			l.Indexes[0].Name = "corp"
			if o, err = o.With(l); err != nil {
				t.Fatal(err)
			}
			st, err := store.Open(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			c := fetch.New(st, fetch.Options{TLS: o.TLS, Attempts: 1})
			_, err = c.Get(context.Background(), fetch.DocumentRequest{URL: s.URL + "/x", Max: 100})
			if (err == nil) != test.ok {
				t.Errorf("error is %v", err)
			}
		})
	}
}

func TestCertificatesRefused(t *testing.T) {
	_, certificate := clientPEM(t)
	type vars = map[string]string
	for name, test := range map[string]struct {
		vars, files vars
		url         string
		code, want  string
	}{
		"no file":               {vars: vars{"PIP_CERT": "HOME/none.pem"}, code: "certificates", want: "PIP_CERT"},
		"no certificate":        {vars: vars{"REQUESTS_CA_BUNDLE": "HOME/x"}, files: vars{"x": "hunter2"}, code: "certificates", want: "no certificate found"},
		"no key":                {vars: vars{"SSL_CLIENT_CERT": "HOME/x"}, files: vars{"x": certificate}, code: "certificates", want: "with its key"},
		"a folder as client":    {vars: vars{"PIP_CLIENT_CERT": "HOME"}, code: "certificates", want: "is no file"},
		"Poetry says false":     {vars: vars{"POETRY_CERTIFICATES_CORP_MAIN_CERT": "false"}, code: "index-insecure", want: "POETRY_CERTIFICATES_CORP_MAIN_CERT"},
		"auth.toml says false":  {vars: vars{"POETRY_CONFIG_DIR": "HOME"}, files: vars{"auth.toml": "[certificates.corp-main]\ncert = false\n"}, code: "index-insecure", want: "corp.example"},
		"PDM says false":        {vars: vars{"PDM_CONFIG_FILE": "HOME/c"}, files: vars{"c": "[pypi.corp-main]\nverify_ssl = false\n"}, code: "index-insecure", want: "corp.example"},
		"pip trusts the host":   {vars: vars{"PIP_TRUSTED_HOST": "other corp.example"}, code: "index-insecure", want: "PIP_TRUSTED_HOST"},
		"uv trusts the host":    {vars: vars{"UV_INSECURE_HOST": "corp.example,other"}, code: "index-insecure", want: "UV_INSECURE_HOST"},
		"pip.conf trusts":       {files: vars{"etc/pip.conf": "[global]\ntrusted-host = corp.example\n"}, code: "index-insecure", want: "pip.conf"},
		"pip trusts another":    {vars: vars{"PIP_TRUSTED_HOST": "other"}},
		"this machine":          {vars: vars{"PIP_TRUSTED_HOST": "127.0.0.1"}, url: "https://127.0.0.1:8443/simple"},
		"false of this machine": {vars: vars{"POETRY_CERTIFICATES_CORP_MAIN_CERT": "false"}, url: "https://localhost:8443/simple"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, test.vars)
			for file, text := range test.files {
				p.write(file, text)
			}
			address := test.url
			if address == "" {
				address = corpURL
			}
			o, err := p.settings()
			if err == nil {
				_, err = o.With(corp(address))
			}
			var problem *diag.Error
			if problems, ok := diag.Problems(err); ok {
				problem = problems[0]
			}
			switch {
			case test.code == "" && err == nil:
			case problem == nil || problem.Code != test.code || !strings.Contains(err.Error(), test.want) || problem.Hint == "":
				t.Errorf("error is %v", err)
			case strings.Contains(err.Error(), "hunter2"):
				t.Errorf("the error quotes the file: %v", err)
			}
			if problem != nil && test.code == "index-insecure" && !errors.Is(problem, errUnverified) {
				t.Errorf("%v is not errUnverified", problem)
			}
		})
	}
}
