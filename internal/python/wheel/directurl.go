package wheel

import (
	"encoding/json"
	"strings"
)

// DirectURL returns the contents of direct_url.json for a distribution that was installed from an archive at a URL, whose
// hash is "sha256:<hex>". See https://packaging.python.org/en/latest/specifications/direct-url-data-structure/.
func DirectURL(url, hash string) ([]byte, error) {
	type archive struct {
		Hashes map[string]string `json:"hashes"`
	}
	algorithm, hex, _ := strings.Cut(hash, ":")
	return json.Marshal(struct {
		URL     string  `json:"url"`
		Archive archive `json:"archive_info"`
	}{url, archive{map[string]string{algorithm: hex}}})
}
