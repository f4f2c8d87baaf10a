package plan

import (
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lock"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
)

// web is what a server, its framework and their helpers require.
var web = map[string]Requirements{
	"server":    {RequiresDist: []string{"h>=1 ; python_version < \"4\"", "gone ; sys_platform == \"win32\"", "loop>=2 ; extra == \"fast\"", "server[fast] ; extra == \"all\""}},
	"framework": {RequiresDist: []string{"Server[all]>=1", "h != 3"}, RequiresPython: ">=3.9"},
	"loop":      {RequiresDist: []string{"h (>=1.0)"}},
	"newer":     {RequiresPython: ">=3.14"},
	"odd":       {RequiresDist: []string{"not a requirement at all"}},
	"tools":     {RequiresDist: []string{"setuptools", "app"}},
	"link":      {RequiresDist: []string{"h @ https://example.org/h-9.zip"}},
}

func TestProve(t *testing.T) {
	for _, tt := range []struct {
		name, pins string
		want       string // problems, else who requires h
	}{
		{"nothing", "", ""},
		{"whole", "server==1 h==1", "server"},
		{"an extra is asked for by another package, through an extra", "framework==1 server==1 h==1 loop==2", "framework loop server"},
		{"what an extra adds is missing", "framework==1 server==1 h==1",
			"server 1: it requires loop>=2, and r.txt does not list it"},
		{"the file asks for the extra", "server[fast]==1 h==1", "server 1: it requires loop>=2, and r.txt does not list it"},
		{"an extra that a version does not have", "server[none]==1 h==1", "server"},
		{"missing", "server==1", "server 1: it requires h>=1, and r.txt does not list it"},
		{"another version", "server==1 h==0.9", "server 1: it requires h>=1, and r.txt has h 0.9"},
		{"a prerelease is one", "server==1 h==1.1rc1", "server"},
		{"several", "framework==1 server==0.1 h==3 loop==2",
			"framework 1: it requires Server[all]>=1, and r.txt has server 0.1\nframework 1: it requires h!=3, and r.txt has h 3"},
		{"Python", "newer==1", "newer 1: it is for Python >=3.14, and the target has 3.13.5"},
		{"unreadable", "odd==1", "odd 1: its metadata has a requirement that cannot be read"},
		{"what pip freeze leaves out, and the project itself", "tools==1", "tools 1: it requires setuptools, and r.txt does not list it"},
		{"an address is satisfied by any version", "link==1 h==2", "link"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, packages, target := pinned(t, tt.pins)
			got, err := Prove(l, target, packages, web)
			problems, _ := diag.Problems(err)
			var texts []string
			for _, p := range problems {
				if p.Hint == "" || p.Pos.File != "r.txt" || p.Pos.Line == 0 {
					t.Errorf("no hint or no place: %+v", p)
				}
				texts = append(texts, p.What)
			}
			if err == nil {
				texts = []string{strings.Join(requirers(got, "h"), " ")}
			}
			if text := strings.Join(texts, "\n"); text != tt.want && (err == nil || !strings.HasPrefix(text, tt.want+":")) {
				t.Errorf("got %q, want %q", text, tt.want)
			}
		})
	}
}

// pinned reads a list of pins without hashes, with a line for each, and selects all of it.
func pinned(t *testing.T, pins string) (*lock.Lock, []Package, Target) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir+"/r.txt", strings.ReplaceAll(pins, " ", "\n"))
	write(t, dir+"/pyproject.toml", "[project]\nname = \"app\"\nversion = \"1\"\n")
	l, err := lock.Read(dir, lock.Options{Path: "r.txt", AllowUnhashed: true})
	if err != nil {
		t.Fatal(err)
	}
	target := Target{Name: Prod, Platform: Platform{"linux", "amd64"}, Python: "3.13.5", Libc: wheeltag.Libc{Family: "glibc", Major: 2, Minor: 41}}
	packages, err := Select(l, target)
	if err != nil {
		t.Fatal(err)
	}
	return l, packages, target
}

// requirers are the packages that require one, without the file itself.
func requirers(packages []Package, name string) (by []string) {
	for _, p := range packages {
		for _, r := range p.Because {
			if p.Name == name && r.By != "app" {
				by = append(by, r.By)
			}
		}
	}
	return by
}
