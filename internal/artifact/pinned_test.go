package artifact

import (
	"net/url"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lock"
	"github.com/lithe-build/lithe/internal/plan"
	"github.com/lithe-build/lithe/internal/testkit/pyindex"
)

func TestPinnedVersions(t *testing.T) {
	a1, a2 := pyindex.Wheel{Name: "a", Version: "1.0", Requires: []string{"b>=2"}}, pyindex.Wheel{Name: "a", Version: "1.0+cpu"}
	other := pyindex.Wheel{Name: "a", Version: "1.0", Requires: []string{"c"}}
	for _, tt := range []struct {
		name, version string
		extra         []pyindex.Wheel // of a second index
		faults        pyindex.Faults
		want          string // file names, or the problem
	}{
		{"its files", "1.0", nil, pyindex.Faults{}, "a-1.0-py3-none-any.whl"},
		{"the local part counts", "1.0+cpu", nil, pyindex.Faults{}, "a-1.0+cpu-py3-none-any.whl"},
		{"another spelling", "1", nil, pyindex.Faults{}, "a-1.0-py3-none-any.whl"},
		{"in HTML", "1.0", nil, pyindex.Faults{HTMLOnly: true}, "a-1.0-py3-none-any.whl"},
		{"no such version", "2.0", nil, pyindex.Faults{}, "a 2.0: no such version on "},
		{"no hashes", "1.0", nil, pyindex.Faults{NoHashes: true}, "a 1.0: a-1.0-py3-none-any.whl has no sha256 on "},
		{"the same on both", "1.0", []pyindex.Wheel{a1}, pyindex.Faults{}, "a-1.0-py3-none-any.whl"},
		{"others on the second", "1.0", []pyindex.Wheel{other}, pyindex.Faults{}, "without a hash nothing says which is meant"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			first, second := pyindex.New(t, a1, a2), pyindex.New(t, tt.extra...)
			first.Break(tt.faults)
			got, err := Pinned(t.Context(), client(t), IndexOptions{URL: first.URL, Extra: []string{second.URL}},
				[]plan.Package{{Name: "a", Version: tt.version, Pos: diag.Position{File: "r.txt", Line: 7}}})
			text := ""
			for _, f := range got[lock.Pin{Name: "a", Version: tt.version}] {
				text += f.Name
			}
			if problems, ok := diag.Problems(err); ok && err != nil {
				text = problems[0].Error()
				if problems[0].Pos.Line != 7 || problems[0].Hint == "" {
					t.Errorf("%+v", problems[0])
				}
			} else if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(text, tt.want) || err == nil && text != tt.want {
				t.Errorf("got %q, want %q", text, tt.want)
			}
		})
	}
	_, err := Pinned(t.Context(), client(t), IndexOptions{URL: pyindex.New(t).URL}, []plan.Package{{Name: "a", Version: "1"}})
	if err == nil || !strings.Contains(err.Error(), "there is no project a on ") {
		t.Errorf("got %v", err)
	}
}

// Metadata beside a file counts with its hash alone, and an index without any says so.
func TestMetadata(t *testing.T) {
	x := pyindex.New(t, pyindex.Wheel{Name: "a", Version: "1.0", Requires: []string{"b>=2"}})
	for _, tt := range []struct {
		name   string
		faults pyindex.Faults
		change func(*Listed)
		want   string // of METADATA; "none", or the error
	}{
		{"there", pyindex.Faults{}, func(*Listed) {}, "Requires-Dist: b>=2"},
		{"not offered", pyindex.Faults{NoMetadata: true}, func(*Listed) {}, "none"},
		{"another hash", pyindex.Faults{}, func(f *Listed) { f.MetaHash = "sha256:" + strings.Repeat("0", 64) }, "hash differs"},
		{"offered and not there", pyindex.Faults{Gone: true}, func(*Listed) {}, "none"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x.Break(tt.faults)
			c := client(t)
			got, err := Pinned(t.Context(), c, IndexOptions{URL: x.URL}, []plan.Package{{Name: "a", Version: "1.0"}})
			if err != nil {
				t.Fatal(err)
			}
			f := got[lock.Pin{Name: "a", Version: "1.0"}][0]
			tt.change(&f)
			data, ok, err := Metadata(t.Context(), c, f)
			text := string(data)
			switch {
			case err != nil:
				text = err.Error()
			case !ok:
				text = "none"
			}
			if !strings.Contains(text, tt.want) {
				t.Errorf("got %q, want %q", text, tt.want)
			}
		})
	}
}

// What a page says of metadata, in the forms of PEP 658 and 714.
func TestMetadataOfPage(t *testing.T) {
	hash := strings.Repeat("a", 64)
	for name, tt := range map[string]struct{ field, want string }{
		"hashes":      {`"core-metadata": {"sha256": "` + hash + `"}`, "sha256:" + hash},
		"older name":  {`"dist-info-metadata": {"sha256": "` + strings.ToUpper(hash) + `"}`, "sha256:" + hash},
		"true":        {`"core-metadata": true`, ""},
		"false":       {`"core-metadata": false`, ""},
		"nothing":     {`"size": 1`, ""},
		"other kinds": {`"core-metadata": [1], "dist-info-metadata": {"sha256": 1}`, ""},
		"short":       {`"core-metadata": {"sha256": "abc"}`, ""},
		"md5 alone":   {`"core-metadata": {"md5": "abc"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			files, err := parseJSONPage([]byte(`{"meta": {}, "files": [{"filename": "a-1-py3-none-any.whl", "url": "https://h/a-1-py3-none-any.whl", `+tt.field+`}]}`), &url.URL{Scheme: "https", Host: "h"})
			if err != nil || len(files) != 1 || files[0].MetaHash != tt.want {
				t.Errorf("%v, %v", files, err)
			}
		})
	}
	if got := besideFile("https://h/a%2B-1-py3-none-any.whl?sig=x"); got != "https://h/a%2B-1-py3-none-any.whl.metadata?sig=x" {
		t.Error(got)
	}
}
