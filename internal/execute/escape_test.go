//go:build linux

package execute_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/execute"
)

// untrusted is a program that lithe would not trust.
func untrusted(args ...string) execute.Command {
	c := program(args...)
	c.Untrusted = true
	return c
}

// testEscape tries to get out of the sandbox of any executor that isolates.
func testEscape(t *testing.T, e execute.Executor) {
	var allowed []string
	if isPodman(e) { // its filter of system calls leaves these to every container
		allowed = []string{"clone user", "keyctl"}
	}
	t.Run("attempts", func(t *testing.T) { refused(t, run(t, e, untrusted("escape")), 46, allowed...) })
	t.Run("attempts of trusted programs", func(t *testing.T) { refused(t, run(t, e, program("escape")), 46, allowed...) })
	t.Run("outside", func(t *testing.T) { testOutside(t, e) })
	t.Run("set-id", func(t *testing.T) {
		c := untrusted("ids")
		c.Args[0] = "/setuid"
		if got := run(t, e, c); got.Out != "65532 65532 65532 65532\n" {
			t.Errorf("%+v", got)
		}
	})
	if e.Name() == "namespace" {
		t.Run("its own init, and calls", func(t *testing.T) { testStrict(t, e) })
	}
}

// refused looks through the answers: none is DONE, but for those that are allowed.
func refused(t *testing.T, got result, attempts int, allowed ...string) map[string]string {
	t.Helper()
	answers := map[string]string{}
	for line := range strings.Lines(got.Out) {
		name, how, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if answers[name] = how; how == "DONE" && !slices.Contains(allowed, name) {
			t.Errorf("%s works", name)
		}
	}
	if len(answers) != attempts || got.Code != 0 {
		t.Errorf("%d attempts, not %d; exit code %d, %s", len(answers), attempts, got.Code, got.Errors)
	}
	return answers
}

// testStrict is about lithe's own filter: it refuses, before the kernel looks at anything else.
func testStrict(t *testing.T, e execute.Executor) {
	got := refused(t, run(t, e, untrusted("escape", "strict")), 13)
	for name, want := range map[string]string{"io_uring": "operation not permitted", "ptrace of init": "operation not permitted",
		"ptrace of a child": "operation not permitted", "process_vm_readv": "operation not permitted",
		"hypervisor": "address family not supported by protocol", "the kernel's ciphers": "address family not supported by protocol",
		"typing for others": "operation not permitted", "a call of the future": "function not implemented",
		"/proc/1/root": "permission denied"} {
		if got[name] != want {
			t.Errorf("%s: %q, not %q", name, got[name], want)
		}
	}
	if how := got["a call of x32"]; runtime.GOARCH == "amd64" && how != "function not implemented" {
		t.Errorf("a call of x32: %q", how)
	}
	calls := refused(t, run(t, e, untrusted("escape")), 46)
	for _, name := range []string{"mount", "umount", "unshare user", "clone user", "keyctl", "bpf", "chroot", "setns", "userfaultfd"} {
		if calls[name] != "operation not permitted" {
			t.Errorf("%s: %q", name, calls[name])
		}
	}
}

// testOutside has a process, a socket and a file of the host that the program looks for.
func testOutside(t *testing.T, e execute.Executor) {
	name := fmt.Sprintf("lithe-test-%d", os.Getpid())
	l, err := net.Listen("unix", "@"+name)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dir := t.TempDir()
	work, secret := filepath.Join(dir, "work"), filepath.Join(dir, "file")
	if err := os.WriteFile(secret, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(work, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(work, 0o777); err != nil {
		t.Fatal(err)
	}
	c := untrusted("outside", fmt.Sprint(os.Getpid()), name, secret)
	c.Binds = []execute.Bind{{Source: work, Target: "/work", Writable: true}}
	var out bytes.Buffer
	c.Stdout = &out
	if code, err := e.Run(t.Context(), testRoot(t), c); code != 0 || err != nil {
		t.Errorf("exit code %d, error %v", code, err)
	}
	want := "signal: no such process\nptrace: operation not permitted\nsocket: true\nlink: true\n"
	if e.Name() != "namespace" {
		want = strings.Replace(want, "operation not permitted", "no such process", 1)
	}
	if out.String() != want {
		t.Errorf("%q, not %q", out.String(), want)
	}
	// Links are taken as they are and never followed: whoever reads the results has to do the same.
	if target, err := os.Readlink(filepath.Join(work, "link")); err != nil || target != secret {
		t.Errorf("%q, error %v", target, err)
	}
}
