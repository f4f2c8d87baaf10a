package doctor

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/fetch"
)

// checkForeign tells which other architectures' programs the kernel starts, by its binfmt_misc table. lithe needs them to
// compile source code for these alone; running an image of another architecture does, too.
func checkForeign(_ context.Context, p *patient) []Finding {
	if p.goos != "linux" {
		return []Finding{note("known on Linux only")}
	}
	entries, err := filepath.Glob(filepath.Join(p.Root, "proc", "sys", "fs", "binfmt_misc", "qemu-*"))
	var names []string
	for _, e := range entries {
		name := filepath.Base(e)
		if strings.HasPrefix(p.proc("sys/fs/binfmt_misc/"+name), "enabled") {
			names = append(names, strings.TrimPrefix(name, "qemu-"))
		}
	}
	if err != nil || len(names) == 0 {
		return []Finding{note("no emulator is registered; images of other architectures can be built from wheels, not from source, and not be run")}
	}
	slices.Sort(names)
	return []Finding{note("emulators for %s", strings.Join(names, ", "))}
}

// checkGit asks for a version. lithe reads the index of git itself.
func checkGit(ctx context.Context, p *patient) []Finding {
	path, err := p.Look("git")
	if err != nil {
		return []Finding{note("not here; lithe does not need it")}
	}
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return []Finding{note("%s does not run: %v", path, err)}
	}
	return []Finding{note("%s; lithe does not need it", strings.TrimSpace(string(out[:min(len(out), 100)])))}
}

// checkProxy tells the variables that requests go by. Credentials in them are left out.
func checkProxy(_ context.Context, p *patient) []Finding {
	var set []string
	for _, names := range [][]string{{"HTTPS_PROXY", "https_proxy"}, {"HTTP_PROXY", "http_proxy"}, {"NO_PROXY", "no_proxy"}} {
		for _, name := range names { // the first that is set counts
			if value := p.Env(name); value != "" {
				set = append(set, name+"="+redactProxy(value))
				break
			}
		}
	}
	if len(set) == 0 {
		return []Finding{note("none")}
	}
	return []Finding{note("%s", strings.Join(set, ", "))}
}

// redactProxy takes credentials out of the address of a proxy, which may stand without a scheme: "me:secret@host:3128".
func redactProxy(value string) string {
	if strings.Contains(value, "://") {
		return fetch.Redact(value)
	}
	return strings.TrimPrefix(fetch.Redact("http://"+value), "http://")
}

// maxCertificates is in bytes of a bundle; that of all public authorities has 0.2 MB.
const maxCertificates = 32 << 20

// checkCertificates looks at the bundle that SSL_CERT_FILE names: a wrong one breaks every connection, and no message of
// TLS says why.
func checkCertificates(_ context.Context, p *patient) []Finding {
	file := p.Env("SSL_CERT_FILE")
	if file == "" {
		return []Finding{note("the system's")}
	}
	if p.goos != "linux" {
		return []Finding{note("the system's: SSL_CERT_FILE counts on Linux only")}
	}
	n, err := countCertificates(file)
	if err != nil {
		return []Finding{lack("set SSL_CERT_FILE to a file with certificates in PEM form, or unset it", "SSL_CERT_FILE: %v", err)}
	}
	return []Finding{fine("SSL_CERT_FILE=%s, with %d certificates", file, n)}
}

// countCertificates returns how many subjects a bundle has.
func countCertificates(file string) (int, error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxCertificates+1))
	if err != nil {
		return 0, err
	}
	if len(data) > maxCertificates || !x509.NewCertPool().AppendCertsFromPEM(data) {
		return 0, fmt.Errorf("%s holds no certificate", file)
	}
	return strings.Count(string(data), "-----BEGIN CERTIFICATE-----"), nil
}
