package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/cli"
	"github.com/lithe-build/lithe/internal/testkit/debmirror"
	"github.com/lithe-build/lithe/internal/testkit/pyindex"
)

// BenchmarkExplain runs the whole command on a lock of 600 packages, each of which requires four others, as text and as JSON,
// where the base is locked.
func BenchmarkExplain(b *testing.B) {
	const packages = 600
	var wheels []pyindex.Wheel
	for i := range packages {
		w := pyindex.Wheel{Name: fmt.Sprintf("part-%d", i), Version: "1.0"}
		for _, next := range []int{i + 1, 2*i + 1, 2*i + 2, i + 50} {
			if next < packages {
				w.Requires = append(w.Requires, fmt.Sprintf("part-%d>=1 ; python_version >= '3.8'", next))
			}
		}
		wheels = append(wheels, w)
	}
	index, mirror, dir := pyindex.New(b, wheels...), debmirror.New(b, debmirror.Trixie("amd64")...), b.TempDir()
	project := "[project]\nname = \"app\"\nversion = \"1\"\nrequires-python = \">=3.12\"\ndependencies = [\"part-0\"]\n" +
		"[tool.lithe]\nentrypoint = [\"/venv/bin/python\"]\n"
	lock, err := pyindex.UVLock(index, []byte(project))
	if err != nil {
		b.Fatal(err)
	}
	for name, text := range map[string]string{"pyproject.toml": project, "uv.lock": string(lock)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	env := map[string]string{"HOME": dir, "LITHE_STORE": filepath.Join(dir, "store"), "LITHE_DEBIAN_MIRROR": mirror.URL,
		"LITHE_DEBIAN_SECURITY_MIRROR": mirror.SecurityURL, "LITHE_DEBIAN_KEYRING": mirror.KeyringFile(b), "LITHE_INDEX_URL": index.URL}
	run := func(args ...string) string {
		var stdout, stderr bytes.Buffer
		args = append(args, dir, "--platform", "linux/amd64")
		if code := cli.Main(b.Context(), args, cli.System{Getenv: func(name string) string { return env[name] }, Stdout: &stdout, Stderr: &stderr}); code != 0 {
			b.Fatalf("exit code %d: %s", code, stderr.String())
		}
		return stdout.String()
	}
	run("lock")
	for name, args := range map[string][]string{"text": {"explain"}, "json": {"explain", "--json"}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if text := run(args...); strings.Count(text, "part-") < packages {
					b.Fatalf("it does not explain %d packages: %s", packages, text)
				}
			}
		})
	}
}
