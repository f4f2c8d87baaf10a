package cargo

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Download is where crates.io has its files, as the configuration of its index says it.
const Download = "https://static.crates.io/crates"

// MaxConfig is the largest configuration of an index in bytes; that of crates.io has 100.
const MaxConfig = 1 << 20

// The markers that the address of downloads may have. One without any is followed by name, version and "download".
// See https://doc.rust-lang.org/cargo/reference/registry-index.html#index-configuration.
const (
	markCrate, markVersion      = "{crate}", "{version}"
	markPrefix, markLowerPrefix = "{prefix}", "{lowerprefix}"
	markChecksum                = "{sha256-checksum}"
)

// URL returns the address of a crate below an address of downloads, "" for that of crates.io.
func (c Crate) URL(download string) string {
	if download == "" {
		download = Download
	}
	if !strings.Contains(download, markCrate) && !strings.Contains(download, markVersion) && !strings.Contains(download, markPrefix) &&
		!strings.Contains(download, markLowerPrefix) && !strings.Contains(download, markChecksum) {
		download = strings.TrimSuffix(download, "/") + "/" + markCrate + "/" + markVersion + "/download"
	}
	return strings.NewReplacer(markCrate, c.Name, markVersion, c.Version, markPrefix, prefix(c.Name), markLowerPrefix, prefix(strings.ToLower(c.Name)),
		markChecksum, c.Checksum).Replace(download)
}

// prefix is the folder of a name in an index.
func prefix(name string) string {
	switch len(name) {
	case 0, 1, 2:
		return fmt.Sprint(len(name))
	case 3:
		return "3/" + name[:1]
	}
	return name[:2] + "/" + name[2:4]
}

// sparse begins the address of an index that is read over HTTP, without git.
const sparse = "sparse+"

// ConfigURL returns the address of the configuration of an index, "" for an address that is one of downloads itself.
func ConfigURL(mirror string) string {
	index, ok := strings.CutPrefix(mirror, sparse)
	if !ok {
		return ""
	}
	return strings.TrimSuffix(index, "/") + "/config.json"
}

// ParseConfig reads the configuration of an index, and returns its address of downloads.
func ParseConfig(data []byte) (download string, err error) {
	var config struct {
		Download string `json:"dl"`
	}
	if err := json.Unmarshal(data, &config); err != nil {
		return "", err
	}
	if err := checkAddress(config.Download); err != nil {
		return "", fmt.Errorf("dl: %w", err)
	}
	return config.Download, nil
}

// CheckMirror refuses an address that neither an index nor downloads can have.
func CheckMirror(address string) error { return checkAddress(strings.TrimPrefix(address, sparse)) }

func checkAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return errors.New("it is no address that begins with https:// or http://") // which may hold a login, and is not quoted
	}
	return nil
}
