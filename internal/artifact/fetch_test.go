package artifact

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/store"
)

func TestFetch(t *testing.T) {
	projects := map[string][]offer{}
	var pkgs []plan.Package
	for i := range 20 {
		o, p := wheelOf(fmt.Sprintf("p%d", i), strings.Repeat(fmt.Sprint(i), 1000*(i+1)))
		projects[p.Name] = []offer{o}
		pkgs = append(pkgs, p)
	}
	x := newIndex(t, false, projects)
	c := client(t)
	pkgs, err := Resolve(context.Background(), c, x.options(), pkgs)
	if err != nil {
		t.Fatal(err)
	}
	for _, cached := range []bool{false, true} {
		finished := map[string]int{}
		files, err := Fetch(context.Background(), c, pkgs, func(e Event) {
			if e.Finished {
				finished[e.Package]++
				if e.Cached != cached || e.Done != e.Total || e.Done == 0 {
					t.Errorf("event %+v, want cached=%v", e, cached)
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range files {
			data, err := os.ReadFile(f.Path)
			if err != nil || store.DigestBytes(data) != pkgs[i].Hash || f.Package.Name != pkgs[i].Name {
				t.Errorf("%d: %s, %v", i, f.Package.Name, err)
			}
			if finished[f.Package.Name+" 1.0"] != 1 {
				t.Errorf("%s finished %d times", f.Package.Name, finished[f.Package.Name+" 1.0"])
			}
		}
	}
	if n := x.count("GET /files/p3-1.0-py3-none-any.whl"); n != 1 {
		t.Errorf("downloaded %d times", n)
	}
}

func TestLargestFirst(t *testing.T) {
	got := largestFirst([]plan.Package{{Size: 5}, {Size: 0}, {Size: 9}, {Size: 5}})
	if want := []int{2, 0, 3, 1}; !slices.Equal(got, want) {
		t.Errorf("order is %v, want %v", got, want)
	}
}

func TestFetchFails(t *testing.T) {
	o, p := wheelOf("evil", "the locked bytes")
	x := newIndex(t, false, map[string][]offer{"evil": {o}})
	p.URL = x.URL + "/files/" + o.name
	change := func(f func(p *plan.Package)) plan.Package { q := p; f(&q); return q }
	other := store.DigestBytes([]byte("other bytes"))
	for name, test := range map[string]struct {
		pkg  plan.Package
		code string // "" if it is no problem of the user's
		is   error
		want []string
	}{
		"hash":    {change(func(p *plan.Package) { p.Hash = other }), "hash-mismatch", store.ErrMismatch, []string{"poetry.lock:7: evil 1.0: ", "hash", other[7:], o.digest()[7:]}},
		"size":    {change(func(p *plan.Package) { p.Size = 1 }), "size-mismatch", fetch.ErrSize, []string{"16 bytes, expected 1"}},
		"missing": {change(func(p *plan.Package) { p.URL = x.URL + "/files/none" }), "file-not-found", fetch.ErrNotFound, []string{"404"}},
		"vcs":     {plan.Package{Name: "evil", Version: "1", Kind: plan.KindVCS, Source: "git+https://x@y", Pos: p.Pos}, "unsupported-source", nil, []string{"poetry.lock:7", "git+https://x@y"}},
		"local":   {plan.Package{Name: "evil", Kind: plan.KindLocal, Source: "libs/evil"}, "unsupported-source", nil, []string{"libs/evil"}},
		"no hash": {change(func(p *plan.Package) { p.Hash = "" }), "", nil, []string{"evil 1.0"}},
		"no URL":  {change(func(p *plan.Package) { p.URL = "" }), "", nil, []string{"no URL"}},
		"no host": {change(func(p *plan.Package) { p.URL = "http://127.0.0.1:1/" }), "", nil, []string{"evil 1.0: GET http://127.0.0.1:1/: "}},
	} {
		t.Run(name, func(t *testing.T) {
			files, err := Fetch(context.Background(), client(t), []plan.Package{test.pkg}, nil)
			if err == nil || files != nil {
				t.Fatalf("%v, %v", files, err)
			}
			problem, ok := errors.AsType[*diag.Error](err)
			if ok != (test.code != "") || ok && (problem.Code != test.code || problem.Hint == "") {
				t.Errorf("error is %#v", err)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("the cause is lost in %v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error is %v, want %q in it", err, want)
				}
			}
		})
	}
}
