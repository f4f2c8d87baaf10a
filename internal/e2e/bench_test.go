//go:build linux

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBench times an example beside a Dockerfile that copies its files onto an image of lithe's, on the real engine. The engine
// keeps nothing of it. No time is compared: the machine is busy with other tests.
func TestBench(t *testing.T) {
	l := need(t, "docker")
	dir := l.project(t, "hello-script")
	const base = "lithe-e2e-bench-base:latest"
	l.build(t, l.project(t, "hello-script"), call{args: []string{"--load", "-t", base}})
	t.Cleanup(func() { command(t, "docker", "image", "rm", "--force", base) })
	file := filepath.Join(l.temp(t), "copying.Dockerfile")
	write(t, file, "FROM "+base+"\nUSER 0\nCOPY --chown=0:0 hello_world /app/hello_world\nUSER 65532\n")
	r := l.run(t, call{args: []string{"bench", dir, "--runs", "1", "--against", file, "--json"}, env: []string{"TMPDIR=" + l.temp(t),
		"PATH=/usr/bin:" + os.Getenv("PATH")}}) // Debian's client has BuildKit without buildx
	if r.code != 0 {
		t.Fatalf("exit code %d\n%s", r.code, r.stderr)
	}
	for line := range strings.Lines(command(t, "docker", "image", "ls", "--all", "--format", "{{.Repository}}")) {
		if strings.Contains(line, "lithe-bench") {
			t.Errorf("left in the engine: %s", line)
		}
	}
	command(t, "docker", "image", "inspect", base) // the same image as that of lithe-load, and the user's
	if _, err := os.Stat(filepath.Join(dir, "lithe.lock")); err != nil {
		t.Errorf("the project was changed: %v", err)
	}
	var result struct {
		Rows []struct {
			Name   string
			Values map[string]struct{ Median float64 }
			Ratios map[string]struct{ Peer string }
		}
	}
	if err := json.Unmarshal([]byte(r.stdout), &result); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, row := range result.Rows {
		names = append(names, row.Name)
		if row.Values["copying"].Median <= 0 || row.Values["lithe-layout"].Median <= 0 || row.Ratios["lithe-layout"].Peer != "copying" {
			t.Errorf("%s: %+v", row.Name, row)
		}
	}
	if got := strings.Join(names, " "); got != "cold unchanged source source-push fresh compressed unpacked" {
		t.Errorf("rows %s", got)
	}
}
