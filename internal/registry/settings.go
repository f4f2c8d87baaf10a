package registry

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/registry/keychain"
)

// systemCerts are the folders that Docker and Podman read certificates for single registries from.
var systemCerts = []string{"/etc/docker/certs.d", "/etc/containers/certs.d"}

// Settings reads what other tools are told about registries: the logins of Docker and Podman, netrc, the variables of
// clouds, Docker's certificates; and LITHE_REGISTRY_MIRRORS and LITHE_INSECURE_REGISTRY.
func Settings(env func(string) string, home string) (Options, error) {
	opt := Options{Insecure: split(env("LITHE_INSECURE_REGISTRY"))}
	var err error
	if opt.Mirrors, err = parseMirrors(env("LITHE_REGISTRY_MIRRORS")); err != nil {
		return opt, err
	}
	if err := CheckInsecure(opt.Insecure); err != nil {
		return opt, err
	}
	netrc, err := fetch.ReadNetrc(env, home)
	if err != nil {
		return opt, &diag.Error{Code: "netrc", What: err.Error(), Hint: "correct the file, or set NETRC to another one"}
	}
	opt.Keychain = keychain.Options{Env: env, Home: home, Files: loginFiles(env, home), Netrc: netrc}
	opt.CertsDir = systemCerts
	if home != "" { // where Docker without root reads them
		opt.CertsDir = append([]string{filepath.Join(home, ".config", "docker", "certs.d")}, systemCerts...)
	}
	return opt, nil
}

// loginFiles are the files with logins, in the order in which they are read.
func loginFiles(env func(string) string, home string) (files []keychain.File) {
	add := func(name string, elem ...string) {
		if elem[0] != "" {
			files = append(files, keychain.File{Name: name, Path: filepath.Join(elem...)})
		}
	}
	add("REGISTRY_AUTH_FILE", env("REGISTRY_AUTH_FILE"))
	if dir := env("DOCKER_CONFIG"); dir != "" {
		add("DOCKER_CONFIG", dir, "config.json")
	} else if home != "" {
		add("", home, ".docker", "config.json")
	}
	add("", env("XDG_RUNTIME_DIR"), "containers", "auth.json")
	if dir := env("XDG_CONFIG_HOME"); dir != "" {
		add("", dir, "containers", "auth.json")
	} else if home != "" {
		add("", home, ".config", "containers", "auth.json")
	}
	return files
}

// parseMirrors reads "docker.io=https://mirror.example,ghcr.io=https://mirror.example/ghcr".
func parseMirrors(value string) (map[string][]string, error) {
	mirrors := map[string][]string{}
	for _, item := range split(value) {
		host, address, _ := strings.Cut(item, "=")
		u, err := url.Parse(address)
		if host == "" || err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" {
			return nil, &diag.Error{Code: "registry-mirrors", What: fmt.Sprintf("LITHE_REGISTRY_MIRRORS: %q is not HOST=URL", fetch.Redact(item)),
				Hint: "write docker.io=https://mirror.example, several with commas between them; a login for a mirror is kept as for any registry"}
		}
		mirrors[hostName(host)] = append(mirrors[hostName(host)], u.String())
	}
	return mirrors, nil
}

// CheckInsecure finds what cannot be the host of a registry.
func CheckInsecure(hosts []string) error {
	for _, h := range hosts {
		if h == "" || strings.ContainsAny(h, "/@ ") {
			return &diag.Error{Code: "insecure-registry", What: fmt.Sprintf("%q is not the host of a registry", fetch.Redact(h)),
				Hint: "write HOST or HOST:PORT, without a scheme"}
		}
	}
	return nil
}

// split reads a list with commas.
func split(value string) (all []string) {
	for item := range strings.SplitSeq(value, ",") {
		if item = strings.TrimSpace(item); item != "" {
			all = append(all, item)
		}
	}
	return all
}
