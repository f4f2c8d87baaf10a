package base

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/lithe-build/lithe/internal/baseimage"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
)

// MaxCertificates is the most bytes of a file with certificates. Debian's bundle of all has some 220 KB.
const MaxCertificates = 1 << 20

// maxBundle is the most bytes of the bundle of a base, with room for what a company added to it.
const maxBundle = 16 << 20

// localCertificates is where Debian has certificates of the site.
const localCertificates = "/usr/local/share/ca-certificates"

// Certificates is a file of certificates that an image trusts besides those of its base.
type Certificates struct {
	Name string // in the image, "company.crt"
	PEM  []byte // of the certificates alone, one after the other
}

// ParseCertificates reads a file with certificates in PEM. Text around them is not kept. One that has expired, which now says unless
// it is zero, is a warning: a program may have reasons to know it.
func ParseCertificates(file string, pos diag.Position, data []byte, now time.Time) (c Certificates, warnings diag.List, err error) {
	c.Name = strings.TrimSuffix(path.Base(file), path.Ext(file)) + ".crt"
	problem := func(code, hint, format string, args ...any) (Certificates, diag.List, error) {
		return c, nil, &diag.Error{Pos: pos, Code: code, What: file + " " + fmt.Sprintf(format, args...), Hint: hint}
	}
	begun := bytes.Count(data, []byte("-----BEGIN "))
	for n := 1; ; n++ {
		block, rest := pem.Decode(data)
		if block == nil {
			break
		}
		begun--
		data = rest
		if strings.Contains(block.Type, "PRIVATE KEY") {
			return problem("private-key", "give the certificates alone: what is in an image is no secret", "holds a private key")
		}
		if block.Type != "CERTIFICATE" {
			return problem("certificate", "", "holds a %s, and not certificates alone", strings.ToLower(block.Type))
		}
		parsed, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return problem("certificate", "", "has no certificate as its part %d: %v", n, err)
		}
		if !now.IsZero() && now.After(parsed.NotAfter) {
			warnings.Add(&diag.Error{Pos: pos, Code: "expired-certificate",
				What: fmt.Sprintf("%s: the certificate of %s expired on %s", file, parsed.Subject, parsed.NotAfter.UTC().Format(time.DateOnly)),
				Hint: "leave it out, unless a program needs it"})
		}
		c.PEM = append(c.PEM, pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes})...)
	}
	if begun != 0 {
		return problem("certificate", "", "has a part that is no PEM")
	}
	if len(c.PEM) == 0 {
		return problem("certificate", "`openssl x509 -inform der -in FILE` writes PEM of what is DER", "holds no certificate in PEM")
	}
	return c, warnings, nil
}

// LayerFile is a layer in the store.
type LayerFile struct {
	DiffID string
	Path   string // of the blob
}

// AddCertificates returns the files of a layer above others that makes their programs trust more: the bundle with what it has below and
// what is added, at the path to which its name leads there, and as Debian has it each file below /usr/local/share/ca-certificates.
func AddCertificates(ctx context.Context, below []LayerFile, bundle string, added []Certificates) ([]entry.Entry, error) {
	var layers []baseimage.Layer
	for _, l := range below {
		layers = append(layers, baseimage.Layer{DiffID: l.DiffID, Open: func() (io.ReadCloser, error) { return os.Open(l.Path) }})
	}
	files, err := baseimage.Lay(ctx, layers)
	if err != nil {
		return nil, err
	}
	all, err := files.Read(ctx, bundle, maxBundle)
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // some images trust nobody
		return nil, err
	}
	if all = bytes.TrimRight(all, "\n"); len(all) > 0 {
		all = append(all, '\n')
	}
	dir := files.Real(localCertificates)[1:]
	var entries []entry.Entry
	for _, c := range added {
		all = append(all, c.PEM...)
		entries = append(entries, entry.NewFile(path.Join(dir, c.Name), c.PEM, false))
	}
	return append(entries, entry.NewFile(files.Real(bundle)[1:], all, false)), nil
}
