package artifact

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/url"
	"strings"

	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/python/name"
)

// maxFiles is how many files a page in JSON has; the longest on PyPI have some ten thousand.
const maxFiles = 1 << 18

// maxPage is in bytes. The largest pages, of projects with builds each night, have some ten million.
const maxPage = 128 << 20

// The forms of a page of the simple API, best first.
const (
	simpleJSON = "application/vnd.pypi.simple.v1+json"
	simpleHTML = "application/vnd.pypi.simple.v1+html"
)

// indexFile is one file that an index offers.
type indexFile struct {
	Name   string
	URL    string            // absolute
	Hashes map[string]string // by algorithm, as far as the index tells
	Size   int64             // 0 if it does not

	MetaHash string // of the METADATA that stands beside the file (PEP 658): "sha256:<hex>", "" if the index tells of none

	RequiresPython string // as the index has it
	Yanked         bool
}

// readProject returns the files that an index has for a project.
func readProject(ctx context.Context, c *fetch.Client, indexURL, project string) ([]indexFile, error) {
	doc, err := c.Get(ctx, fetch.DocumentRequest{
		URL:    strings.TrimRight(indexURL, "/") + "/" + url.PathEscape(name.Normalize(project)) + "/",
		Accept: []string{simpleJSON, simpleHTML + ";q=0.2", "text/html;q=0.1"},
		Max:    maxPage,
	})
	if err != nil {
		return nil, err
	}
	files, err := parsePage(doc)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", fetch.Redact(doc.URL.String()), err)
	}
	return files, nil
}

// parsePage reads a page in the form that its content type names.
func parsePage(doc *fetch.Document) ([]indexFile, error) {
	mediaType, _, err := mime.ParseMediaType(doc.ContentType)
	if err != nil {
		mediaType = "text/html" // what servers without types serve
	}
	switch mediaType {
	case simpleJSON, "application/json", "application/vnd.pypi.simple.latest+json":
		return parseJSONPage(doc.Body, doc.URL)
	case simpleHTML, "text/html", "application/xhtml+xml", "application/vnd.pypi.simple.latest+html":
		return parseHTMLPage(string(doc.Body), doc.URL)
	}
	return nil, fmt.Errorf("content type %q is no page of a package index", doc.ContentType)
}

// parseJSONPage reads PEP 691 and its later versions, which only add.
func parseJSONPage(data []byte, base *url.URL) ([]indexFile, error) {
	// Only what is used is named, so that a field of a later version cannot break the reading.
	var page struct {
		Meta struct {
			Version string `json:"api-version"`
		} `json:"meta"`
		Files jsonFiles `json:"files"`
	}
	if err := json.Unmarshal(data, &page); err != nil {
		return nil, fmt.Errorf("page of the package index: %w", err)
	}
	if err := checkVersion(page.Meta.Version); err != nil {
		return nil, err
	}
	files := make([]indexFile, 0, len(page.Files))
	for _, f := range page.Files {
		address, _, err := resolve(base, f.URL)
		if err != nil || !plainName(f.Filename) {
			continue // one broken entry is no reason to refuse the others
		}
		files = append(files, indexFile{Name: f.Filename, URL: address, Hashes: lowerHashes(f.Hashes), Size: max(f.Size, 0),
			MetaHash: cmp.Or(string(f.Core), string(f.Legacy)), RequiresPython: f.RequiresPython, Yanked: bool(f.Yanked)})
	}
	return files, nil
}

// jsonFile is one file of a page.
type jsonFile struct {
	Filename string            `json:"filename"`
	URL      string            `json:"url"`
	Hashes   map[string]string `json:"hashes"`
	Size     int64             `json:"size"`
	Core     metadataHash      `json:"core-metadata"`
	Legacy   metadataHash      `json:"dist-info-metadata"` // its name before PEP 714

	RequiresPython string `json:"requires-python"`
	Yanked         flag   `json:"yanked"`
}

// jsonFiles are the files of a page that can be files at all.
type jsonFiles []jsonFile

// UnmarshalJSON reads one file after the other: a page of empty ones would take fifty times its size.
func (l *jsonFiles) UnmarshalJSON(data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	begin, err := decoder.Token()
	if err == nil && begin != json.Delim('[') && begin != nil {
		return errNoFiles
	}
	for n := 0; err == nil && decoder.More(); n++ {
		if n == maxFiles {
			return errHTML
		}
		var f jsonFile
		if err = decoder.Decode(&f); err == nil && f.URL != "" && plainName(f.Filename) {
			*l = append(*l, f)
		}
	}
	return err
}

var errNoFiles = errors.New("its files are no list")

// flag is a field that is true or false, or instead of true gives a reason.
type flag bool

// UnmarshalJSON accepts every form: what is not understood is not worth losing a page for.
func (f *flag) UnmarshalJSON(data []byte) error {
	text := string(data)
	*f = text != "false" && text != "null" && text != `""`
	return nil
}

// parseHTMLPage reads PEP 503: the hash of a file is the fragment of its link, and its size is not told.
func parseHTMLPage(data string, base *url.URL) ([]indexFile, error) {
	p, err := parseHTML(data)
	if err != nil {
		return nil, err
	}
	if err := checkVersion(p.version); err != nil {
		return nil, err
	}
	if p.base != "" {
		if b, err := base.Parse(p.base); err == nil {
			base = b
		}
	}
	var files []indexFile
	for _, a := range p.anchors {
		address, fragment, err := resolve(base, a.attributes["href"])
		if err != nil || !plainName(a.text) {
			continue // a link to somewhere else
		}
		hashes := map[string]string{}
		if algorithm, sum, ok := strings.Cut(fragment, "="); ok {
			hashes[algorithm] = sum
		}
		entry := indexFile{Name: a.text, URL: address, Hashes: lowerHashes(hashes), RequiresPython: a.attributes["data-requires-python"]}
		_, entry.Yanked = a.attributes["data-yanked"]
		for _, attribute := range []string{"data-core-metadata", "data-dist-info-metadata"} {
			if entry.MetaHash == "" {
				algorithm, digits, _ := strings.Cut(strings.ToLower(a.attributes[attribute]), "=")
				entry.MetaHash = sha256Of(algorithm, digits)
			}
		}
		files = append(files, entry)
	}
	return files, nil
}

// checkVersion refuses a page of another major version, as PEP 629 asks. No version is 1.0.
func checkVersion(version string) error {
	if major, _, _ := strings.Cut(version, "."); major != "" && major != "1" {
		return fmt.Errorf("the package index speaks version %.20q of the simple API, lithe knows 1", version)
	}
	return nil
}

var errNoLink = errors.New("no link to a file")

// resolve makes a link absolute and takes the fragment off.
func resolve(base *url.URL, link string) (address, fragment string, err error) {
	if link == "" {
		return "", "", errNoLink
	}
	u, err := base.Parse(strings.TrimSpace(link))
	if err != nil {
		return "", "", err
	}
	if u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return "", "", errNoLink
	}
	fragment = u.Fragment
	u.Fragment, u.RawFragment = "", ""
	return u.String(), fragment, nil
}

// lowerHashes makes hashes comparable; nothing says in which case an index writes them.
func lowerHashes(hashes map[string]string) map[string]string {
	out := make(map[string]string, len(hashes))
	for algorithm, sum := range hashes {
		out[strings.ToLower(algorithm)] = strings.ToLower(sum)
	}
	return out
}

// plainName tells a file name from a path, and from texts that are no name at all.
func plainName(s string) bool {
	if s == "" || len(s) > 1024 || s == "." || s == ".." {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r == '/' || r == '\\' || r < ' ' || r == 0x7f })
}
