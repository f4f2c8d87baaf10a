//go:build linux

package e2e

import (
	"archive/tar"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSameDigestInContainer builds in a container that has the program and nothing else, as a plain user under Docker's
// default seccomp profile, from a store with downloads alone. User namespaces are forbidden there, so the interpreter
// must run by its own loader.
func TestSameDigestInContainer(t *testing.T) {
	l := needDocker(t)
	t.Parallel()
	const uid = 1000
	image := importProgram(t, l)
	lithe := func(args ...string) (string, error) {
		line := []string{"run", "--rm", "--user", fmt.Sprint(uid), "--network", "none", "--env", "LITHE_OFFLINE=1",
			"--env", "LITHE_STORE=/store", "--volume", l.downloads(t, uid) + ":/store", "--volume", l.project(t, "hello-world") + ":/src:ro", image}
		var stdout, stderr bytes.Buffer
		cmd := exec.Command("docker", append(line, args...)...)
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		return stdout.String() + stderr.String(), err
	}
	if out, err := lithe("build", "/src", "--executor", "namespace"); err == nil || !strings.Contains(out, "user namespaces are not permitted") {
		t.Errorf("namespaces are to be had here, so this shows nothing: %v\n%s", err, out)
	}
	out, err := lithe("build", "/src")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if digest, _, _ := strings.Cut(out, "\n"); digest != l.first["hello-world"].Digest {
		t.Errorf("digest %s, first was %s", digest, l.first["hello-world"].Digest)
	}
	if strings.Contains(out, "reused") {
		t.Errorf("layers were not made here:\n%s", out)
	}
}

// importProgram makes an image of the program and an empty /tmp.
func importProgram(t *testing.T, l *lab) string {
	t.Helper()
	program, err := os.ReadFile(l.lithe)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(l.temp(t), "program.tar")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := tar.NewWriter(f)
	for _, h := range []*tar.Header{
		{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o1777},
		{Name: "lithe", Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(program))},
	} {
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Write(program); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("lithe.test/program-%x", rand.Uint64())
	t.Cleanup(func() { quietly("docker", "rmi", "--force", name) })
	docker(t, "import", "--change", `ENTRYPOINT ["/lithe"]`, "--change", "ENV PATH=/", file, name)
	return name
}
