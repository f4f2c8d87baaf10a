package wheel

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// dist is an Installed with files of these contents.
func dist(name string, files map[string]string) *Installed {
	in := &Installed{Name: name, Version: "1", scheme: scheme, site: scheme.Site(), rows: map[string]row{}}
	for p, data := range files {
		d := digestsOf(data)
		in.rows[p] = row{path: p, algorithm: "sha256", hash: d.sha256, size: d.size}
	}
	return in
}

func TestOverlaps(t *testing.T) {
	a := dist("A.b", map[string]string{site + "ns/__init__.py": "", site + "x.py": "1", "venv/bin/x": "1", site + "own.py": ""})
	b := dist("bee", map[string]string{site + "ns/__init__.py": "", site + "x.py": "2", "venv/bin/x": "2"})
	c := dist("cee", map[string]string{site + "x.py": "3"})
	tests := []struct {
		name    string
		all     []*Installed
		winners map[string]string
		want    map[string][]string
		err     string
	}{
		{"none", []*Installed{a}, nil, map[string][]string{}, ""},
		{"equal bytes", []*Installed{dist("p", map[string]string{"venv/x": "1"}), dist("q", map[string]string{"venv/x": "1"})}, nil, map[string][]string{}, ""},
		{"undecided", []*Installed{a, b}, map[string]string{"x.py": "bee"}, nil, "A.b 1 and bee 1 both install /venv/bin/x"},
		{"key in the hint", []*Installed{a, b}, map[string]string{"/venv/bin/x": "bee"}, nil, "`\"x.py\" = \"A.b\"`"},
		{"a stranger wins", []*Installed{a, b}, map[string]string{"/venv/bin/x": "bee", "x.py": "cee"}, nil, "x.py"},
		{"decided", []*Installed{a, b, c}, map[string]string{"/venv/bin/x": "a-B", "x.py": "bee"},
			map[string][]string{"a-b": {site + "x.py"}, "bee": {"venv/bin/x"}, "cee": {site + "x.py"}}, ""},
		{"file and directory", []*Installed{a, dist("d", map[string]string{site + "x.py/y": ""})}, nil, nil, "x.py is a file of A.b and a directory of d"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Overlaps(tt.all, tt.winners)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("got %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
