package doctor

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/destination"
	"github.com/lithe-build/lithe/internal/execute"
)

// root makes a root file system with these files.
func root(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// The setting that is in the way is named.
func TestNamespaceFix(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"Debian's switch", map[string]string{"proc/sys/kernel/unprivileged_userns_clone": "0\n"}, "sysctl kernel.unprivileged_userns_clone=1"},
		{"a limit of none", map[string]string{"proc/sys/user/max_user_namespaces": "0\n"}, "sysctl user.max_user_namespaces=15000"},
		{"Ubuntu's switch", map[string]string{"proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1\n",
			"proc/sys/kernel/unprivileged_userns_clone": "1\n"}, "sysctl kernel.apparmor_restrict_unprivileged_userns=0 AppArmor profile"},
		{"Docker", map[string]string{".dockerenv": ""}, "--security-opt seccomp=unconfined"},
		{"Podman", map[string]string{"run/.containerenv": ""}, "--security-opt seccomp=unconfined"},
		{"a filter", map[string]string{"proc/self/status": "Name:\tlithe\nSeccomp:\t2\n"}, "--security-opt seccomp=unconfined"},
		{"no filter", map[string]string{"proc/self/status": "Name:\tlithe\nSeccomp:\t0\n"}, "let ordinary users of this machine make namespaces"},
		{"nothing to see", nil, "let ordinary users of this machine make namespaces"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := &patient{Options: Options{Root: root(t, test.files)}, goos: "linux"}
			if got := p.namespaceFix(); !hasInOrder(got, test.want) {
				t.Errorf("%q does not say %q", got, test.want)
			}
		})
	}
}

// One executor is enough to build; without any the build needs to be told to do without.
func TestExecutors(t *testing.T) {
	broken := errors.New("not permitted")
	tests := []struct {
		name                      string
		goos                      string
		namespace, loader, engine error
		want                      []string
		needed                    []bool
	}{
		{"all", "linux", nil, nil, nil, []string{"ok namespace", "ok loader", "ok engine"}, []bool{false, false, false}},
		{"no engine", "linux", nil, nil, broken, []string{"ok namespace", "ok loader", "note engine: not needed: not permitted"}, []bool{false, false, false}},
		{"the engine isolates", "linux", broken, nil, nil, []string{"lack namespace: not permitted make namespaces", "ok loader", "ok engine"}, []bool{false, false, false}},
		{"the loader alone", "linux", broken, nil, broken, []string{"lack namespace: not permitted make namespaces", "ok loader",
			"lack engine: not permitted start Docker"}, []bool{false, true, false}},
		{"none", "linux", broken, broken, broken, []string{"lack namespace", "lack loader bytecode = false", "lack engine"}, []bool{true, true, true}},
		{"another system", "darwin", broken, broken, broken, []string{"lack bytecode = false", "lack bytecode = false", "note engine"}, []bool{true, true, false}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := &patient{Options: Options{Root: t.TempDir()}, goos: test.goos}
			got := p.executors([]execute.Status{{Name: "namespace", Isolates: true, Err: test.namespace}, {Name: "loader", Err: test.loader},
				{Name: "engine", Isolates: true, Err: test.engine}})
			for i, f := range got {
				if text := string(f.Status) + " " + f.What + " " + f.Fix; !hasInOrder(text, test.want[i]) || f.Needed != test.needed[i] {
					t.Errorf("%q, needed %v; want %q, %v", text, f.Needed, test.want[i], test.needed[i])
				}
			}
		})
	}
}

// Where one engine works, nobody lacks another.
func TestEngines(t *testing.T) {
	silent, absent := errors.New("connection refused"), errors.New("there is no such command")
	tests := []struct {
		name   string
		docker destination.EngineStatus
		podman destination.EngineStatus
		want   []string
	}{
		{"both", destination.EngineStatus{Name: "docker", Version: "28.1", Where: "unix:///x"}, destination.EngineStatus{Name: "podman", Version: "5.4", Where: "/bin/podman"},
			[]string{"ok docker 28.1 at unix:///x ", "ok podman 5.4 at /bin/podman "}},
		{"one", destination.EngineStatus{Name: "docker", Where: "unix:///x", Err: silent}, destination.EngineStatus{Name: "podman", Version: "5.4", Where: "/bin/podman"},
			[]string{"note docker at unix:///x does not answer: connection refused ", "ok podman 5.4 at /bin/podman "}},
		{"none", destination.EngineStatus{Name: "docker", Where: "unix:///x", Err: silent}, destination.EngineStatus{Name: "podman", Err: absent},
			[]string{"lack docker at unix:///x does not answer: connection refused start it, or set DOCKER_HOST to where it is",
				"note podman: there is no such command ", "lack no engine works start Docker or Podman for `--load`; without one, `lithe run` uses its own sandbox"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, f := range engines([]destination.EngineStatus{test.docker, test.podman}) {
				got = append(got, string(f.Status)+" "+f.What+" "+f.Fix)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The kernel's table of emulators is read.
func TestForeign(t *testing.T) {
	p := &patient{goos: "linux", Options: Options{Root: root(t, map[string]string{
		"proc/sys/fs/binfmt_misc/qemu-aarch64": "enabled\ninterpreter /usr/bin/qemu-aarch64-static\nflags: OCF\n",
		"proc/sys/fs/binfmt_misc/qemu-arm":     "enabled\n",
		"proc/sys/fs/binfmt_misc/qemu-riscv64": "disabled\n",
		"proc/sys/fs/binfmt_misc/python3.11":   "enabled\n",
	})}}
	if got := checkForeign(t.Context(), p); len(got) != 1 || got[0].What != "emulators for aarch64, arm" {
		t.Errorf("%+v", got)
	}
}
