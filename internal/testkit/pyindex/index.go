package pyindex

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lithe-build/lithe/internal/python/name"
)

// Index is a server with a package index.
type Index struct {
	URL string // of the simple API: http://127.0.0.1:port/simple/

	server *httptest.Server
	mu     sync.Mutex
	wheels []Wheel
	faults Faults
	asked  []string
	front  http.Handler // nil means the index itself
}

// Faults are what can be wrong with an index. The zero value is a good one.
type Faults struct {
	HTMLOnly   bool // no JSON, so no sizes: an older mirror
	NoHashes   bool // the pages tell no hashes
	Gone       bool // the pages list files that are not there any more
	Altered    bool // each file has another last byte than it should
	Truncated  bool // each file ends in the middle, while its length says otherwise
	Forbidding bool // everything is answered with 403
	NoMetadata bool // no METADATA stands beside the wheels: an older mirror
}

// The media type of the simple API in JSON.
const simpleJSON = "application/vnd.pypi.simple.v1+json"

// New starts an index that stops with the test.
func New(t testing.TB, wheels ...Wheel) *Index {
	x := &Index{}
	x.Add(wheels...)
	x.server = httptest.NewServer(x)
	t.Cleanup(x.server.Close)
	x.URL = x.server.URL + "/simple/"
	return x
}

// Add publishes further wheels. One with the name of another's file takes its place.
func (x *Index) Add(wheels ...Wheel) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, w := range wheels {
		x.wheels = slices.DeleteFunc(x.wheels, func(o Wheel) bool { return o.Filename() == w.Filename() })
		w.Raw = w.Bytes() // made once: tests ask for the same file many times
		x.wheels = append(x.wheels, w)
	}
}

// Break makes an index as faulty as it says, from the next request on.
func (x *Index) Break(f Faults) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.faults = f
}

// Stop closes the index: connections are refused from now on.
func (x *Index) Stop() { x.server.Close() }

// Through puts a handler between the index and its clients, which gets the index to pass requests on to.
func (x *Index) Through(wrap func(http.Handler) http.Handler) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.front = wrap(http.HandlerFunc(x.answer))
}

// Requests returns what was asked for since the last call, in order: "GET /simple/greet/".
func (x *Index) Requests() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	asked := x.asked
	x.asked = nil
	return asked
}

// Wheels returns what the index has, in the order of publication.
func (x *Index) Wheels() []Wheel {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.wheels)
}

// FileURL returns the address of a wheel.
func (x *Index) FileURL(w Wheel) string { return x.server.URL + "/files/" + w.Filename() }

// ServeHTTP answers with pages of projects and with files.
func (x *Index) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x.mu.Lock()
	front := x.front
	x.mu.Unlock()
	if front != nil {
		front.ServeHTTP(w, r)
		return
	}
	x.answer(w, r)
}

func (x *Index) answer(w http.ResponseWriter, r *http.Request) {
	x.mu.Lock()
	x.asked = append(x.asked, r.Method+" "+r.URL.Path)
	faults := x.faults
	x.mu.Unlock()
	project, isPage := strings.CutPrefix(r.URL.Path, "/simple/")
	file, isFile := strings.CutPrefix(r.URL.Path, "/files/")
	switch {
	case faults.Forbidding:
		http.Error(w, "forbidden", http.StatusForbidden)
	case isPage:
		x.servePage(w, r, strings.TrimSuffix(project, "/"), faults)
	case isFile && !faults.Gone:
		x.serveFile(w, r, file, faults)
	default:
		http.NotFound(w, r)
	}
}

func (x *Index) servePage(w http.ResponseWriter, r *http.Request, project string, faults Faults) {
	var files []Wheel
	for _, one := range x.Wheels() {
		if name.Normalize(one.Name) == project {
			files = append(files, one)
		}
	}
	switch {
	case len(files) == 0:
		http.NotFound(w, r)
	case !faults.HTMLOnly && strings.Contains(r.Header.Get("Accept"), simpleJSON):
		w.Header().Set("Content-Type", simpleJSON)
		_, _ = w.Write(x.jsonPage(project, files, faults))
	default:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(x.htmlPage(project, files, faults))
	}
}

// jsonPage is a page of PEP 691.
func (x *Index) jsonPage(project string, wheels []Wheel, faults Faults) []byte {
	type file struct {
		Filename string            `json:"filename"`
		URL      string            `json:"url"`
		Hashes   map[string]string `json:"hashes"`
		Size     int               `json:"size"`
		Metadata any               `json:"core-metadata,omitempty"` // PEP 714
	}
	var page struct {
		Meta  map[string]string `json:"meta"`
		Name  string            `json:"name"`
		Files []file            `json:"files"`
	}
	page.Meta, page.Name = map[string]string{"api-version": "1.1"}, project
	for _, w := range wheels {
		f := file{Filename: w.Filename(), URL: x.FileURL(w), Hashes: map[string]string{}, Size: len(w.Bytes())}
		if !faults.NoHashes {
			f.Hashes["sha256"] = strings.TrimPrefix(w.Hash(), "sha256:")
		}
		if !faults.NoMetadata && w.Name != "" {
			f.Metadata = map[string]string{"sha256": fmt.Sprintf("%x", sha256.Sum256([]byte(w.metadata())))}
		}
		page.Files = append(page.Files, f)
	}
	data, err := json.Marshal(page)
	must(err)
	return data
}

// htmlPage is a page of PEP 503, with relative links.
func (x *Index) htmlPage(project string, wheels []Wheel, faults Faults) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "<!DOCTYPE html>\n<html><head><title>Links for %s</title></head><body>\n", html.EscapeString(project))
	for _, w := range wheels {
		link := "../../files/" + w.Filename()
		if !faults.NoHashes {
			link += "#" + strings.Replace(w.Hash(), ":", "=", 1)
		}
		fmt.Fprintf(&b, "<a href=\"%s\">%s</a><br/>\n", html.EscapeString(link), html.EscapeString(w.Filename()))
	}
	b.WriteString("</body></html>\n")
	return []byte(b.String())
}

func (x *Index) serveFile(w http.ResponseWriter, r *http.Request, file string, faults Faults) {
	wheels := x.Wheels()
	file, beside := strings.CutSuffix(file, ".metadata")
	i := slices.IndexFunc(wheels, func(one Wheel) bool { return one.Filename() == file })
	if i < 0 {
		http.NotFound(w, r)
		return
	}
	data := wheels[i].Bytes()
	if beside {
		data = []byte(wheels[i].metadata())
	}
	if faults.Truncated {
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		_, _ = w.Write(data[:len(data)/2])
		return
	}
	if faults.Altered {
		data = slices.Clone(data)
		data[len(data)-1] ^= 1
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}
