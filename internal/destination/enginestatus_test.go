package destination_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/destination"
)

// Each engine is told with its version, or with what is in its way.
func TestEngineStatus(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("its commands are shell scripts")
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/version" {
			fmt.Fprint(w, `{"Version": "28.1.0"}`)
		}
	}))
	host := strings.Replace(server.URL, "http:", "tcp:", 1)
	dir := t.TempDir()
	for name, script := range map[string]string{"podman": "echo 5.4.2", "nerdctl": "echo no containerd >&2; exit 1"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	look := func(name string) (string, error) { return filepath.Join(dir, name), nil }
	nowhere := func(string) (string, error) { return "", exec.ErrNotFound }
	tests := []struct {
		name string
		opt  destination.EngineOptions
		stop bool
		want []string // name, version, words of the error
	}{
		{"all are here, one does not work", destination.EngineOptions{Host: host, LookPath: look}, false,
			[]string{"docker 28.1.0 ", "podman 5.4.2 ", "nerdctl  no containerd"}},
		{"no commands", destination.EngineOptions{Host: host, LookPath: nowhere}, false,
			[]string{"docker 28.1.0 ", "podman  no such command", "nerdctl  no such command"}},
		{"an address that is none", destination.EngineOptions{Host: "ssh://x", LookPath: nowhere}, false,
			[]string{"docker  ssh://x", "podman  no such command", "nerdctl  no such command"}},
		{"an engine that ended", destination.EngineOptions{Host: host, LookPath: nowhere}, true,
			[]string{"docker  refused", "podman  no such command", "nerdctl  no such command"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.stop {
				server.Close()
			}
			var got []string
			for i, s := range destination.Engines(t.Context(), test.opt) {
				text := s.Name + " " + s.Version + " "
				if s.Err != nil { // as much of it as is asked for
					_, words, _ := strings.Cut(test.want[i], s.Name+"  ")
					if strings.Contains(s.Err.Error(), words) {
						text += words
					} else {
						text += s.Err.Error()
					}
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
