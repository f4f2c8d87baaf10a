package doctor

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/lithe-build/lithe/internal/execute"
)

// checkExecutors tries what can run programs of an image. One of them is enough to build from wheels; code that is not
// trusted, such as a package that is built from source, needs one that isolates.
func checkExecutors(ctx context.Context, p *patient) []Finding {
	return p.executors(execute.Probe(ctx, p.Engine))
}

// uses say what each executor is for.
var uses = map[string]string{
	"namespace": "compiles bytecode, runs programs isolated",
	"loader":    "compiles bytecode, isolates nothing",
	"engine":    "runs programs isolated where namespaces do not work",
}

func (p *patient) executors(all []execute.Status) []Finding {
	working, isolated := 0, false
	for _, s := range all {
		if s.Err == nil {
			working++
			isolated = isolated || s.Isolates
		}
	}
	var found []Finding
	for _, s := range all {
		f := fine("%s: %s", s.Name, uses[s.Name])
		switch {
		case s.Err != nil && s.Name == "engine" && (isolated || p.goos != "linux"):
			f = note("%s: not needed: %v", s.Name, s.Err)
		case s.Err != nil:
			f = lack(p.executorFix(s, working), "%s: %v", s.Name, s.Err)
		}
		f.Needed = f.Status != Note && (working == 0 || working == 1 && s.Err == nil) // the only one is needed
		found = append(found, f)
	}
	return found
}

// executorFix says how to make an executor work, or how to do without.
func (p *patient) executorFix(s execute.Status, working int) string {
	switch {
	case p.goos != "linux" && working == 0:
		return "build on Linux, or set `bytecode = false` in [tool.lithe]"
	case p.goos != "linux":
		return "only Linux has it"
	case s.Name == "engine":
		return "start Docker, or set DOCKER_HOST to where it is; building from wheels works without"
	case s.Isolates:
		return p.namespaceFix()
	}
	return "set `bytecode = false` in [tool.lithe]"
}

// namespaceFix names the setting that keeps ordinary users from making namespaces, as far as the system shows it. See
// user_namespaces(7), and the release notes of Debian 11 and of Ubuntu 24.04 for the two settings of theirs.
func (p *patient) namespaceFix() string {
	switch {
	case p.proc("sys/user/max_user_namespaces") == "0":
		return "run `sysctl user.max_user_namespaces=15000` as root"
	case p.proc("sys/kernel/unprivileged_userns_clone") == "0":
		return "run `sysctl kernel.unprivileged_userns_clone=1` as root"
	case p.proc("sys/kernel/apparmor_restrict_unprivileged_userns") == "1":
		return "run `sysctl kernel.apparmor_restrict_unprivileged_userns=0` as root, or give lithe an AppArmor profile with userns"
	case p.inContainer():
		return "start the surrounding container with `--security-opt seccomp=unconfined --security-opt apparmor=unconfined " +
			"--security-opt systempaths=unconfined`; building works without"
	}
	return "let ordinary users of this machine make namespaces; building works without"
}

// inContainer reports whether an engine has put us into a container, by the files that engines leave.
func (p *patient) inContainer() bool {
	for _, mark := range []string{".dockerenv", "run/.containerenv"} {
		if _, err := os.Stat(filepath.Join(p.Root, mark)); err == nil {
			return true
		}
	}
	return seccomp(p.proc("self/status"))
}

// seccomp reports whether system calls are filtered, as nobody does on a plain host.
func seccomp(status string) bool {
	for line := range strings.Lines(status) {
		if value, ok := strings.CutPrefix(line, "Seccomp:"); ok {
			return strings.TrimSpace(value) == "2"
		}
	}
	return false
}

// maxProc is in bytes; files below /proc that are read here have some hundred.
const maxProc = 64 << 10

// proc reads a file below /proc; one that cannot be read is empty.
func (p *patient) proc(name string) string {
	f, err := os.Open(filepath.Join(p.Root, "proc", filepath.FromSlash(name)))
	if err != nil {
		return ""
	}
	defer f.Close()
	data := make([]byte, maxProc)
	n, _ := f.Read(data) // the kernel writes such a file at once
	return strings.TrimSpace(string(data[:n]))
}
