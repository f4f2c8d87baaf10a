package execute_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/docker"
	"github.com/lithe-build/lithe/internal/execute"
)

func TestChoose(t *testing.T) {
	status := map[string]execute.Status{}
	for _, s := range execute.Probe(t.Context(), docker.Options{}) {
		status[s.Name] = s
	}
	best := "loader"
	if status["namespace"].Err == nil {
		best = "namespace"
	}
	tests := []struct {
		name string
		need execute.Need
		want string // "" for an error
		says []string
	}{
		{"the best that works", execute.Need{}, best, nil},
		{"by name", execute.Need{Name: "loader"}, "loader", nil},
		{"a name that does not isolate", execute.Need{Name: "loader", Isolation: true}, "", []string{"loader does not isolate"}},
		{"an unknown name", execute.Need{Name: "magic"}, "", []string{`"magic"`, "namespace, loader, engine"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e, err := execute.Choose(t.Context(), test.need)
			if runtime.GOOS != "linux" {
				if _, ok := diag.Problems(err); !ok || !strings.Contains(err.Error(), "Linux") && test.need.Name != "magic" && !test.need.Isolation {
					t.Errorf("error %v", err)
				}
				return
			}
			if test.want != "" {
				if err != nil || e.Name() != test.want {
					t.Errorf("%v, error %v", e, err)
				}
				return
			}
			if _, ok := diag.Problems(err); !ok {
				t.Fatalf("error %v is nothing that a user can mend", err)
			}
			for _, word := range test.says {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%q does not say %q", err, word)
				}
			}
		})
	}
}

func TestProbe(t *testing.T) {
	var names []string
	for _, s := range execute.Probe(t.Context(), docker.Options{}) {
		names = append(names, s.Name)
		if s.Isolates != (s.Name != "loader") {
			t.Errorf("%s: isolates is %v", s.Name, s.Isolates)
		}
		if runtime.GOOS != "linux" && s.Err == nil {
			t.Errorf("%s works on %s", s.Name, runtime.GOOS)
		}
	}
	if diff := cmp.Diff([]string{"namespace", "loader", "engine"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestProcess(t *testing.T) {
	image := execute.Process{Entrypoint: []string{"/venv/bin/python", "-m", "app"}, Cmd: []string{"serve"},
		Env: []string{"A=1"}, User: "65532:65532", WorkingDir: "/app"}
	with := func(change func(*execute.Process)) execute.Process {
		p := image
		change(&p)
		return p
	}
	want := execute.Command{Args: []string{"/venv/bin/python", "-m", "app", "serve"}, Env: []string{"A=1"}, Dir: "/app",
		UID: 65532, GID: 65532}
	changed := func(change func(*execute.Command)) execute.Command {
		c := want
		change(&c)
		return c
	}
	tests := []struct {
		name    string
		process execute.Process
		args    []string
		want    execute.Command
		fails   string
	}{
		{name: "as it is", process: image, want: want},
		{name: "arguments replace Cmd", process: image, args: []string{"a", "b"},
			want: changed(func(c *execute.Command) { c.Args = []string{"/venv/bin/python", "-m", "app", "a", "b"} })},
		{name: "no user", process: with(func(p *execute.Process) { p.User = "" }), want: want},
		{name: "no group", process: with(func(p *execute.Process) { p.User = "1000" }),
			want: changed(func(c *execute.Command) { c.UID, c.GID = 1000, 0 })},
		{name: "OpenShift", process: with(func(p *execute.Process) { p.User = "1000810000:0" }),
			want: changed(func(c *execute.Command) { c.UID, c.GID = 1000810000, 0 })},
		{name: "root", process: with(func(p *execute.Process) { p.User = "0:0" }), fails: `user "0:0"`},
		{name: "a name", process: with(func(p *execute.Process) { p.User = "app" }), fails: `user "app"`},
		{name: "a negative number", process: with(func(p *execute.Process) { p.User = "-1" }), fails: `user "-1"`},
		{name: "a group by name", process: with(func(p *execute.Process) { p.User = "1:app" }), fails: `user "1:app"`},
		{name: "nothing to run", process: execute.Process{}, fails: "no command"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.process.Command(test.args)
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Errorf("error %v, not one about %q", err, test.fails)
				}
				return
			}
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Error(diff, err)
			}
		})
	}
}

func TestIsolates(t *testing.T) {
	got := map[string]bool{}
	for _, name := range append(execute.Names(), "", "magic") {
		got[name] = execute.Isolates(name)
	}
	if diff := cmp.Diff(map[string]bool{"namespace": true, "loader": false, "engine": true, "": false, "magic": false}, got); diff != "" {
		t.Error(diff)
	}
}
