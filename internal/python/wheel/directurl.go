package wheel

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
)

// DirectURL returns the contents of direct_url.json for a distribution that was installed from an archive at a URL, whose
// hash is "sha256:<hex>". Credentials in the URL stay out, as the specification demands. See https://packaging.python.org/en/latest/specifications/direct-url-data-structure/.
func DirectURL(address, hash string) ([]byte, error) {
	type archive struct {
		Hashes map[string]string `json:"hashes"`
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("the address of a distribution is no URL") // the parser's error would quote its credentials
	}
	if u.User != nil {
		u.User = nil
		address = u.String()
	}
	algorithm, hex, _ := strings.Cut(hash, ":")
	return json.Marshal(struct {
		URL     string  `json:"url"`
		Archive archive `json:"archive_info"`
	}{address, archive{map[string]string{algorithm: hex}}})
}

// VCSURL returns the contents of direct_url.json for a distribution that was made from a commit of a git repository, whose
// address has no credentials. revision is the branch, tag or commit that was asked for, "" for none.
func VCSURL(address, revision, commit, subdirectory string) ([]byte, error) {
	type vcs struct {
		VCS      string `json:"vcs"`
		Revision string `json:"requested_revision,omitempty"`
		Commit   string `json:"commit_id"`
	}
	return json.Marshal(struct {
		URL          string `json:"url"`
		VCS          vcs    `json:"vcs_info"`
		Subdirectory string `json:"subdirectory,omitempty"`
	}{address, vcs{"git", revision, commit}, subdirectory})
}
