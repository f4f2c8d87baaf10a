package artifact

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/store"
)

// offer is one file of the test's index.
type offer struct {
	name   string
	data   string
	hash   string // "algorithm=hex"; "" means the right sha256
	noHash bool
	link   string // "" means files/NAME
}

func (o offer) digest() string { return store.DigestBytes([]byte(o.data)) }

func (o offer) href() string {
	if o.link != "" {
		return o.link
	}
	return "../../files/" + o.name
}

func (o offer) told() (algorithm, sum string) {
	if o.noHash {
		return "", ""
	}
	if o.hash != "" {
		algorithm, sum, _ = strings.Cut(o.hash, "=")
		return algorithm, sum
	}
	return "sha256", strings.TrimPrefix(o.digest(), "sha256:")
}

// index serves projects, as JSON or as HTML, and counts requests by path.
type index struct {
	*httptest.Server
	html bool
	mu   sync.Mutex
	seen map[string]int
}

func newIndex(t *testing.T, html bool, projects map[string][]offer) *index {
	x := &index{html: html, seen: map[string]int{}}
	x.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x.mu.Lock()
		x.seen[r.Method+" "+r.URL.Path]++
		x.mu.Unlock()
		if file, ok := strings.CutPrefix(r.URL.Path, "/files/"); ok {
			for _, offers := range projects {
				for _, o := range offers {
					if o.name == file {
						http.ServeContent(w, r, "", time.Time{}, strings.NewReader(o.data))
						return
					}
				}
			}
		}
		name := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/simple/"), "/")
		offers, ok := projects[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if html {
			x.writeHTML(w, offers)
		} else {
			x.writeJSON(w, offers)
		}
	}))
	t.Cleanup(x.Close)
	return x
}

func (x *index) writeHTML(w http.ResponseWriter, offers []offer) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	for _, o := range offers {
		algorithm, sum := o.told()
		fmt.Fprintf(w, "<a href=\"%s#%s=%s\" data-yanked>%s</a><br>\n", o.href(), algorithm, sum, o.name)
	}
}

func (x *index) writeJSON(w http.ResponseWriter, offers []offer) {
	w.Header().Set("Content-Type", simpleJSON)
	var files []map[string]any
	for _, o := range offers {
		algorithm, sum := o.told()
		files = append(files, map[string]any{"filename": o.name, "url": o.href(), "hashes": map[string]string{algorithm: sum},
			"size": len(o.data), "yanked": "broken"})
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"meta": map[string]string{"api-version": "1.4"}, "name": "x", "files": files})
}

func (x *index) count(request string) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.seen[request]
}

func (x *index) options() IndexOptions { return IndexOptions{URL: x.URL + "/simple/"} }

func client(t *testing.T) *fetch.Client {
	t.Helper()
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return fetch.New(st, fetch.Options{Backoff: time.Millisecond})
}

func wheelOf(project, data string) (offer, plan.Package) {
	o := offer{name: strings.ReplaceAll(project, "-", "_") + "-1.0-py3-none-any.whl", data: data}
	return o, plan.Package{Name: project, Version: "1.0", Kind: plan.KindWheel, Filename: o.name, Hash: o.digest(),
		Pos: diag.Position{File: "poetry.lock", Line: 7}}
}

func TestResolve(t *testing.T) {
	for _, html := range []bool{false, true} {
		t.Run(fmt.Sprintf("html=%v", html), func(t *testing.T) {
			fooFile, foo := wheelOf("foo-bar", "foo")
			barFile, bar := wheelOf("bar", "bar bar")
			barFile2 := offer{name: "bar-2.0.tar.gz", data: "sdist"}
			bar2 := plan.Package{Name: "bar", Version: "2.0", Kind: plan.KindSdist, Filename: "Bar-2.0.tar.gz", Hash: barFile2.digest()}
			local := plan.Package{Name: "local", Kind: plan.KindLocal, Path: "libs/local"}
			git := plan.Package{Name: "git", Kind: plan.KindVCS, URL: "https://example.invalid/git"}
			x := newIndex(t, html, map[string][]offer{"foo-bar": {fooFile}, "bar": {barFile2, barFile}})
			known := plan.Package{Name: "known", Kind: plan.KindWheel, Hash: foo.Hash, URL: "https://example.invalid/known.whl", Size: 5}
			pkgs := []plan.Package{foo, bar, bar2, local, git, known}
			got, err := Resolve(context.Background(), client(t), x.options(), pkgs)
			if err != nil {
				t.Fatal(err)
			}
			foo.URL, foo.Size = x.URL+"/files/"+fooFile.name, 3
			bar.URL, bar.Size = x.URL+"/files/"+barFile.name, 7
			bar2.URL, bar2.Size = x.URL+"/files/"+barFile2.name, 5
			want := []plan.Package{foo, bar, bar2, local, git, known}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
			if pkgs[0].URL != "" {
				t.Error("the packages given were changed")
			}
			if n := x.count("GET /simple/bar/"); n != 1 {
				t.Errorf("the page of bar was read %d times", n)
			}
			if n := x.count("HEAD /files/" + fooFile.name); html != (n == 1) {
				t.Errorf("the size was asked for %d times", n)
			}
		})
	}
}

func TestResolveMatches(t *testing.T) {
	right, pkg := wheelOf("foo-bar", "right")
	file := func(change func(*offer)) []offer {
		o := right
		change(&o)
		return []offer{o}
	}
	for name, test := range map[string]struct {
		offers []offer
		code   string // of the problem; "" if the file is found
		want   []string
	}{
		"exact":           {file(func(o *offer) {}), "", nil},
		"other spelling":  {file(func(o *offer) { o.name = "Foo.Bar-1.0-py3-none-any.whl" }), "", nil},
		"no hash told":    {file(func(o *offer) { o.noHash = true }), "", nil},
		"md5 told":        {file(func(o *offer) { o.hash = "md5=d41d8cd98f00b204e9800998ecf8427e" }), "", nil},
		"upper-case hash": {file(func(o *offer) { o.hash = "SHA256=" + strings.ToUpper(strings.TrimPrefix(o.digest(), "sha256:")) }), "", nil},
		"among others": {append(file(func(o *offer) { o.name = "foo_bar-1.0.tar.gz"; o.data = "s" }), append(file(func(o *offer) { o.noHash = true }), right)...),
			"", nil},
		"other hash": {file(func(o *offer) { o.data = "tampered" }), "hash-mismatch",
			[]string{"poetry.lock:7", "foo-bar", "hash", pkg.Hash, store.DigestBytes([]byte("tampered"))}},
		"other version":      {file(func(o *offer) { o.name = "foo_bar-1.1-py3-none-any.whl"; o.data = "newer" }), "file-not-on-index", []string{"poetry.lock:7", pkg.Hash}},
		"nothing":            {nil, "file-not-on-index", []string{"foo_bar-1.0-py3-none-any.whl"}},
		"of another project": {file(func(o *offer) { o.name = "other-1.0-py3-none-any.whl" }), "other-project", []string{"other-1.0", "foo-bar"}},
		"link elsewhere":     {file(func(o *offer) { o.link = "/files/other-1.0-py3-none-any.whl" }), "other-project", []string{"other-1.0"}},
		"link that climbs":   {file(func(o *offer) { o.link = "/files/..%2f..%2ffoo_bar-1.0-py3-none-any.whl" }), "other-project", []string{".."}},
		"opaque link":        {file(func(o *offer) { o.link = "/files/" + o.name + "?id=5" }), "", nil},
		"link to a file":     {file(func(o *offer) { o.link = "file:///etc/foo_bar-1.0-py3-none-any.whl" }), "file-not-on-index", nil},
		"name with a path":   {file(func(o *offer) { o.name = "../foo_bar-1.0-py3-none-any.whl" }), "file-not-on-index", nil},
	} {
		for _, html := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s html=%v", name, html), func(t *testing.T) {
				all := map[string][]offer{"foo-bar": test.offers, "": {right}}
				got, err := Resolve(context.Background(), client(t), newIndex(t, html, all).options(), []plan.Package{pkg})
				if test.code == "" {
					if err != nil {
						t.Fatal(err)
					}
					if got[0].Size != 5 || got[0].URL == "" {
						t.Errorf("%+v", got[0])
					}
					return
				}
				problems, ok := diag.Problems(err)
				if !ok || len(problems) != 1 || problems[0].Code != test.code || problems[0].Hint == "" {
					t.Fatalf("error is %#v", err)
				}
				for _, want := range test.want {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("error is %v, want %q in it", err, want)
					}
				}
			})
		}
	}
}

func TestResolveReportsAllProblems(t *testing.T) {
	_, a := wheelOf("a", "a")
	_, b := wheelOf("b", "b")
	cFile, c := wheelOf("c", "c")
	a.Pos.Line, b.Pos.Line = 20, 10
	x := newIndex(t, false, map[string][]offer{"b": nil, "c": {cFile}})
	_, err := Resolve(context.Background(), client(t), x.options(), []plan.Package{a, b, c})
	problems, _ := diag.Problems(err)
	if len(problems) != 2 || problems[0].Pos.Line != 10 || problems[1].Code != "project-not-on-index" {
		t.Errorf("error is %v", err)
	}
}

func TestResolveAsksFurtherIndexes(t *testing.T) {
	oFile, o := wheelOf("own", "own")
	first := newIndex(t, false, map[string][]offer{"own": nil})
	second := newIndex(t, false, map[string][]offer{"own": {oFile}})
	options := IndexOptions{URL: first.URL + "/simple", Extra: []string{second.URL + "/simple"}}
	got, err := Resolve(context.Background(), client(t), options, []plan.Package{o})
	if err != nil || !strings.HasPrefix(got[0].URL, second.URL) {
		t.Errorf("%+v, %v", got, err)
	}
	o.Index = first.URL + "/simple/" // the lock file names the one
	if _, err := Resolve(context.Background(), client(t), options, []plan.Package{o}); err == nil || second.count("GET /simple/own/") != 1 {
		t.Errorf("error is %v", err)
	}
}

func TestResolveWithTheFileInTheStore(t *testing.T) {
	oFile, o := wheelOf("own", "own")
	x := newIndex(t, false, map[string][]offer{"own": {oFile}})
	c := client(t)
	resolved, err := Resolve(context.Background(), c, x.options(), []plan.Package{o})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Fetch(context.Background(), c, resolved, nil); err != nil {
		t.Fatal(err)
	}
	offline := fetch.New(c.Store(), fetch.Options{Offline: true})
	again, err := Resolve(context.Background(), offline, x.options(), []plan.Package{o})
	if err != nil || again[0].Size != 3 {
		t.Fatalf("%+v, %v", again, err)
	}
	if _, err := Fetch(context.Background(), offline, again, nil); err != nil {
		t.Error(err)
	}
	_, pkg := wheelOf("other", "other")
	if _, err := Resolve(context.Background(), offline, x.options(), []plan.Package{pkg}); !errors.Is(err, fetch.ErrOffline) {
		t.Errorf("error is %v", err)
	}
}

func TestBrokenPages(t *testing.T) {
	_, o := wheelOf("own", "own")
	for name, test := range map[string]struct{ contentType, body, want string }{
		"no JSON":      {simpleJSON, "{", "page of the package index"},
		"other type":   {"image/png", "x", `content type "image/png"`},
		"version 2":    {simpleJSON, `{"meta": {"api-version": "2.0"}, "files": []}`, `version "2.0"`},
		"HTML 2":       {"text/html", `<meta name="pypi:repository-version" content="2.0">`, `version "2.0"`},
		"string size":  {simpleJSON, `{"files": [{"filename": "x", "size": "1"}]}`, "page of the package index"},
		"HTML hostile": {"text/html", "<a " + attributesOf(100) + ">", "more, or longer, links"},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", test.contentType)
				fmt.Fprint(w, test.body)
			}))
			defer s.Close()
			_, err := Resolve(context.Background(), client(t), IndexOptions{URL: s.URL}, []plan.Package{o})
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), s.URL+"/own/") {
				t.Errorf("error is %v", err)
			}
		})
	}
}
