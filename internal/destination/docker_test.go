package destination_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/lithe-build/lithe/internal/destination"
	"github.com/lithe-build/lithe/internal/destination/destinationtest"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/store"
)

// TestDocker runs the suite against engines of several sorts.
func TestDocker(t *testing.T) {
	for _, mode := range []string{"", modeContainerd, modePodman, modePicky, modeSilent} {
		t.Run("mode "+mode, func(t *testing.T) {
			destinationtest.Run(t, func(t testing.TB) destinationtest.Subject {
				f := &fakeDocker{mode: mode, machine: "x86_64"}
				arch := "amd64"
				if mode == modeContainerd {
					f.machine, arch = "aarch64", "arm64"
				}
				return destinationtest.Subject{
					Arch:        arch,
					Destination: findDocker(t, f.start(t)),
					Whole:       mode != "",
					Read:        func(_ testing.TB, name string) v1.Image { return f.read(name) },
				}
			})
		})
	}
}

// TestDockerCounts shows that the bytes counted are the bytes that the engine got.
func TestDockerCounts(t *testing.T) {
	for mode, loads := range map[string]int{"": 2, modePicky: 3, modeSilent: 3, modeContainerd: 2} {
		t.Run("mode "+mode, func(t *testing.T) {
			f := &fakeDocker{mode: mode}
			e := findDocker(t, f.start(t))
			first := load(t, e, destinationtest.NewImage(t, "1"), "app:1")
			second := load(t, e, destinationtest.NewImage(t, "2"), "app:2")
			third := load(t, e, destinationtest.NewImage(t, "1"), "app:3")
			if got := first.Sent + second.Sent; got != f.received || third.Sent != 0 || f.loads != loads {
				t.Errorf("counted %d and %d, the engine got %d in %d loads", got, third.Sent, f.received, f.loads)
			}
			if !isID(first.ID) || first.ID == second.ID || first.ID != third.ID || first.Engine != "docker" {
				t.Errorf("ids: %+v %+v %+v", first, second, third)
			}
		})
	}
}

// TestContainerdContents shows that containerd's store gets the blobs that it lacks, from whoever remembers what it got, and
// everything where that was wrong.
func TestContainerdContents(t *testing.T) {
	f := &fakeDocker{mode: modeContainerd}
	e := findDocker(t, f.start(t))
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	write := func(seed string) destination.Result {
		t.Helper()
		res, err := e.Write(t.Context(), destinationtest.Single(destinationtest.NewImage(t, seed)), destination.Options{Tags: []string{"app:" + seed}, Store: st})
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	first, second := write("1"), write("2")
	if second.Sent == 0 || second.Sent > 20_000 || first.Sent < second.Sent || f.received != first.Sent+second.Sent {
		t.Errorf("sent %d, then %d; the engine got %d", first.Sent, second.Sent, f.received)
	}
	f.mu.Lock()
	clear(f.blobs) // which no engine does
	f.mu.Unlock()
	if third := write("3"); third.Sent < first.Sent || f.read("app:3") == nil {
		t.Errorf("an engine that lost its blobs got %d bytes", third.Sent)
	}
	f.mu.Lock()
	clear(f.images)
	f.mu.Unlock()
	before := f.loads
	if fourth := write("4"); f.loads != before+1 || fourth.Sent < first.Sent {
		t.Errorf("an engine without images got %d bytes in %d loads", fourth.Sent, f.loads-before)
	}
}

// TestDockerRequests counts what loading a change asks for: who is there, whether the image is, what else is, the load, and
// whether it worked. Images that others made are not asked about.
func TestDockerRequests(t *testing.T) {
	for _, mode := range []string{"", modeContainerd} {
		f := &fakeDocker{mode: mode}
		e := findDocker(t, f.start(t))
		st, err := store.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		for i := range 20 {
			if _, err := e.Write(t.Context(), destinationtest.Single(destinationtest.NewImage(t, fmt.Sprint(i))), destination.Options{}); err != nil {
				t.Fatal(err)
			}
		}
		opt := destination.Options{Store: st}
		if _, err := e.Write(t.Context(), destinationtest.Single(destinationtest.NewImage(t, "mine")), opt); err != nil {
			t.Fatal(err)
		}
		f.requests.Store(0)
		res, err := e.Write(t.Context(), destinationtest.Single(destinationtest.NewImage(t, "changed")), opt)
		if n := f.requests.Load(); err != nil || n != 5 || res.Sent > 20_000 {
			t.Errorf("mode %q: %d requests, %d bytes: %v", mode, n, res.Sent, err)
		}
	}
}

func TestDockerFails(t *testing.T) {
	for mode, want := range map[string]string{modeBroken: "no space left on device", modeRude: "EOF"} {
		t.Run(mode, func(t *testing.T) {
			f := &fakeDocker{mode: mode}
			_, err := findDocker(t, f.start(t)).Write(t.Context(), destinationtest.Single(destinationtest.NewImage(t, "1")), destination.Options{})
			if err == nil || !strings.Contains(err.Error(), want) && !strings.Contains(err.Error(), "reset") && !strings.Contains(err.Error(), "broken pipe") &&
				!strings.Contains(err.Error(), "closed network connection") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestFindEngine shows which engine is taken, and what is said when there is none.
func TestFindEngine(t *testing.T) {
	address := (&fakeDocker{}).start(t)
	config := dockerConfig(t, "desktop", address)
	have := func(names ...string) func(string) (string, error) {
		return func(name string) (string, error) {
			for _, n := range names {
				if n == name {
					return "/bin/" + name, nil
				}
			}
			return "", exec.ErrNotFound
		}
	}
	none := filepath.Join(t.TempDir(), "none")
	for name, c := range map[string]struct {
		opt  destination.EngineOptions
		want string // the command, or a part of the error
	}{
		"host":               {destination.EngineOptions{Host: address, LookPath: have("podman")}, "docker --host " + address},
		"usual socket":       {destination.EngineOptions{Socket: strings.TrimPrefix(address, "unix://")}, "docker --host " + address},
		"context":            {destination.EngineOptions{Context: "desktop", Config: config}, "docker --context desktop"},
		"current context":    {destination.EngineOptions{Config: config, Socket: none}, "docker --context desktop"},
		"host over context":  {destination.EngineOptions{Host: "unix://" + none, Context: "desktop", Config: config}, "no engine answers at unix://" + none},
		"default context":    {destination.EngineOptions{Context: "default", Config: config, Socket: none}, "no engine answers"},
		"unknown context":    {destination.EngineOptions{Context: "x", Config: config}, `context "x"`},
		"no configuration":   {destination.EngineOptions{Config: none, Socket: none, LookPath: have("podman", "nerdctl")}, "/bin/podman"},
		"nerdctl":            {destination.EngineOptions{Socket: none, LookPath: have("nerdctl")}, "/bin/nerdctl"},
		"none":               {destination.EngineOptions{Socket: none, LookPath: have()}, "neither Docker nor Podman nor nerdctl"},
		"host that is away":  {destination.EngineOptions{Host: "tcp://127.0.0.1:1", LookPath: have("podman")}, "no engine answers at tcp://127.0.0.1:1"},
		"ssh":                {destination.EngineOptions{Host: "ssh://me@far"}, "DOCKER_HOST to unix:///PATH"},
		"no address":         {destination.EngineOptions{Host: "::"}, "DOCKER_HOST to unix:///PATH"},
		"empty socket":       {destination.EngineOptions{Host: "unix://"}, "DOCKER_HOST to unix:///PATH"},
		"missing TLS folder": {destination.EngineOptions{Host: "tcp://127.0.0.1:1", TLSVerify: true, CertPath: none}, "ca.pem"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.opt.LookPath == nil {
				c.opt.LookPath = have()
			}
			e, err := destination.FindEngine(t.Context(), c.opt)
			got := fmt.Sprint(err)
			if err == nil {
				got = strings.Join(e.Command(), " ")
			}
			if err == nil && got != c.want || err != nil && !strings.Contains(got, c.want) {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// TestDockerTLS talks to an engine whose certificate is checked.
func TestDockerTLS(t *testing.T) {
	f := &fakeDocker{}
	f.start(t)
	server := httptest.NewTLSServer(f.handler())
	defer server.Close()
	certs := t.TempDir()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	writeFile(t, filepath.Join(certs, "ca.pem"), string(ca))
	opt := destination.EngineOptions{Host: "tcp://" + server.Listener.Addr().String(), TLSVerify: true, CertPath: certs}
	e, err := destination.FindEngine(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	img := destinationtest.NewImage(t, "1")
	load(t, e, img, "app:1")
	if f.read("app:1") == nil {
		t.Error("not there")
	}
	writeFile(t, filepath.Join(certs, "ca.pem"), "nothing")
	if _, err := destination.FindEngine(t.Context(), opt); err == nil || !strings.Contains(err.Error(), "no certificate") {
		t.Errorf("got %v", err)
	}
}

// TestDockerCancel shows that an ended context is no reason to send everything again.
func TestDockerCancel(t *testing.T) {
	f := &fakeDocker{mode: modePicky}
	e := findDocker(t, f.start(t))
	load(t, e, destinationtest.NewImage(t, "1"))
	ctx, cancel := context.WithCancel(t.Context())
	_, err := e.Write(ctx, destinationtest.Single(destinationtest.NewImage(t, "2")), destination.Options{On: func(destination.Event) { cancel() }})
	if !errors.Is(err, context.Canceled) || f.loads > 2 {
		t.Errorf("got %v after %d loads", err, f.loads)
	}
}

// findDocker returns the engine at an address.
func findDocker(t testing.TB, address string) destination.Engine {
	t.Helper()
	e, err := destination.FindEngine(t.Context(), destination.EngineOptions{Host: address})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// dockerConfig makes a configuration with one context, which is the current one.
func dockerConfig(t *testing.T, name, address string) string {
	t.Helper()
	dir := t.TempDir()
	meta := filepath.Join(dir, "contexts", "meta", hexSum([]byte(name)))
	if err := os.MkdirAll(meta, 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "config.json"), `{"currentContext":"`+name+`"}`)
	data, err := json.Marshal(map[string]any{"Name": name, "Endpoints": map[string]any{"docker": map[string]any{"Host": address}}})
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(meta, "meta.json"), string(data))
	return dir
}

// TestNoEngineIsAProblem shows that the user can do something about it.
func TestNoEngineIsAProblem(t *testing.T) {
	opt := destination.EngineOptions{Socket: filepath.Join(t.TempDir(), "none"),
		LookPath: func(string) (string, error) { return "", exec.ErrNotFound }}
	_, err := destination.FindEngine(t.Context(), opt)
	problem, ok := errors.AsType[*diag.Error](err)
	if !ok || problem.Code != "no-engine" || problem.Hint == "" {
		t.Errorf("got %v", err)
	}
}
