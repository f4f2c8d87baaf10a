package base

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/lithe-build/lithe/internal/diag"
)

// selfSigned is a certificate in PEM that is valid until the first day of a year.
func selfSigned(t testing.TB, name string, until int) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Date(until, 1, 1, 0, 0, 0, 0, time.UTC)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func block(kind, content string) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte(content)}))
}

// TestParseCertificates: what is kept is the certificates alone, in one form; all else is refused by name.
func TestParseCertificates(t *testing.T) {
	one, two, old := selfSigned(t, "One", 2120), selfSigned(t, "Two", 2120), selfSigned(t, "Old", 2011)
	for name, test := range map[string]struct {
		text, want, warning, problem string
	}{
		"one":                 {text: one, want: one},
		"two with text":       {text: "subject=One\r\n" + one + "\nsubject=Two\n" + strings.ReplaceAll(two, "\n", "\r\n"), want: one + two},
		"without a last line": {text: strings.TrimSpace(one), want: one},
		"expired":             {text: old, want: old, warning: "certs/company.pem: the certificate of CN=Old expired on 2011-01-01"},
		"a key":               {text: one + block("EC PRIVATE KEY", "x"), problem: "certs/company.pem holds a private key"},
		"an encrypted key":    {text: block("ENCRYPTED PRIVATE KEY", "x") + one, problem: "holds a private key"},
		"a request":           {text: block("CERTIFICATE REQUEST", "x"), problem: "holds a certificate request, and not certificates alone"},
		"no certificate":      {text: one + block("CERTIFICATE", "x"), problem: "has no certificate as its part 2"},
		"broken PEM":          {text: one + "-----BEGIN CERTIFICATE-----\n???\n-----END CERTIFICATE-----\n", problem: "has a part that is no PEM"},
		"cut off":             {text: one[:len(one)-20], problem: "has a part that is no PEM"},
		"DER":                 {text: "0\x82\x01", problem: "holds no certificate in PEM"},
		"empty":               {problem: "holds no certificate in PEM"},
	} {
		t.Run(name, func(t *testing.T) {
			c, warnings, err := ParseCertificates("certs/company.pem", diag.Position{File: "pyproject.toml", Line: 3}, []byte(test.text), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
			if test.problem != "" {
				if _, ok := diag.Problems(err); !ok || !strings.Contains(err.Error(), test.problem) || !strings.HasPrefix(err.Error(), "pyproject.toml:3: ") {
					t.Errorf("error %v, want a problem with %q", err, test.problem)
				}
				return
			}
			if err != nil || string(c.PEM) != test.want || c.Name != "company.crt" {
				t.Errorf("%s has %q, error %v", c.Name, c.PEM, err)
			}
			if (len(warnings) > 0) != (test.warning != "") || !strings.Contains(warnings.Error(), test.warning) {
				t.Errorf("warnings %v", warnings)
			}
		})
	}
}

func FuzzParseCertificates(f *testing.F) {
	one := selfSigned(f, "One", 2120)
	f.Add([]byte(one))
	f.Add([]byte(one + block("RSA PRIVATE KEY", "x")))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, _, err := ParseCertificates("a.pem", diag.Position{}, data, time.Time{})
		if err != nil {
			return
		}
		again, _, err := ParseCertificates("a.pem", diag.Position{}, c.PEM, time.Time{})
		if err != nil || string(again.PEM) != string(c.PEM) {
			t.Errorf("%q becomes %q, error %v", c.PEM, again.PEM, err)
		}
	})
}
