//go:build linux

package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// postgres starts Debian's PostgreSQL, and returns the folder of its socket, which containers get as a volume: theirs is no
// network. Whoever reaches the socket may do everything.
func postgres(t *testing.T, l *lab) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(found) == 0 {
		t.Fatalf("no PostgreSQL: apt-get install postgresql (%v)", err)
	}
	bin, dir := found[len(found)-1], l.temp(t)
	data, sockets := filepath.Join(dir, "data"), filepath.Join(dir, "sockets")
	as := postgresUser(t)
	if err := os.Chown(dir, int(as.Uid), int(as.Gid)); err != nil {
		t.Fatal(err)
	}
	run := func(program string, args ...string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(bin, program), args...)
		cmd.Dir, cmd.Env = dir, []string{"PATH=" + bin + ":/usr/bin:/bin", "LC_ALL=C.UTF-8"}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
		return cmd
	}
	if out, err := run("initdb", "--pgdata", data, "--auth", "trust", "--username", "shop", "--no-sync").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	if err := os.Mkdir(sockets, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(sockets, int(as.Uid), int(as.Gid)); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	server := run("postgres", "-D", data, "-k", sockets, "-c", "listen_addresses=", "-c", "fsync=off")
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGQUIT) // at once, without waiting for clients
		_ = server.Wait()
		if t.Failed() {
			t.Logf("PostgreSQL:\n%s", log.String())
		}
	})
	eventually(t, "PostgreSQL", func() bool { return run("pg_isready", "-h", sockets).Run() == nil })
	return sockets
}

// postgresUser is whom Debian made for the server, which refuses to run as root.
func postgresUser(t *testing.T) *syscall.Credential {
	t.Helper()
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}
