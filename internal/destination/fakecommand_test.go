package destination_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/lithe-build/lithe/internal/destination"
	"github.com/lithe-build/lithe/internal/destination/destinationtest"
)

// TestMain turns the test binary into podman or nerdctl when it is started under that name.
func TestMain(m *testing.M) {
	dir := os.Getenv("FAKE_ENGINE")
	if dir == "" {
		os.Exit(m.Run())
	}
	f := &fakeCommand{dir: dir, name: os.Getenv("FAKE_NAME"), remote: os.Getenv("FAKE_REMOTE") != ""}
	if err := f.main(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(125)
	}
	os.Exit(0)
}

// TestPodman runs the suite against a command that behaves as podman 4.3 does.
func TestPodman(t *testing.T) {
	destinationtest.Run(t, func(t testing.TB) destinationtest.Subject {
		f := newFakeCommand(t, "podman", false)
		return destinationtest.Subject{Destination: f.engine(t), Arch: "arm64",
			Read: func(t testing.TB, name string) v1.Image { return f.read(t, name) }}
	})
}

// TestPodmanRemote loads into a Podman that is in a virtual machine and does not see our files.
func TestPodmanRemote(t *testing.T) {
	f := newFakeCommand(t, "podman", true)
	e := f.engine(t)
	img := destinationtest.NewImage(t, "1")
	if res := load(t, e, img, "app:1", "other"); res.Sent < 100_000 || f.read(t, "app:1") == nil || f.read(t, "other:latest") == nil {
		t.Errorf("%+v", res)
	}
	if res := load(t, e, img, "app:1"); res.Sent != 0 {
		t.Errorf("%+v", res)
	}
}

func TestNerdctl(t *testing.T) {
	destinationtest.Run(t, func(t testing.TB) destinationtest.Subject {
		f := newFakeCommand(t, "nerdctl", false)
		return destinationtest.Subject{Destination: f.engine(t), Whole: true,
			Read: func(t testing.TB, name string) v1.Image { return f.read(t, name) }}
	})
}

// TestPodmanMoves shows what Podman was given: links to the layers that it lacks, and no name of ours stays.
func TestPodmanMoves(t *testing.T) {
	f := newFakeCommand(t, "podman", false)
	e := f.engine(t)
	first := load(t, e, destinationtest.NewImage(t, "1"), "app:1")
	second := load(t, e, destinationtest.NewImage(t, "2"), "app:2")
	if first.Sent < 100_000 || second.Sent > 20_000 || second.Sent == 0 || second.Engine != "podman" {
		t.Errorf("%+v %+v", first, second)
	}
	for name := range f.state(t).Names {
		if strings.Contains(name, "lithe-podman") {
			t.Errorf("%s was left", name)
		}
	}
}

// TestPodmanForgot shows that all layers are offered when Podman cannot use one that an image of its own has.
func TestPodmanForgot(t *testing.T) {
	f := newFakeCommand(t, "podman", false)
	e := f.engine(t)
	load(t, e, destinationtest.NewImage(t, "1"), "app:1")
	if err := os.RemoveAll(filepath.Join(f.dir, "blobs")); err != nil {
		t.Fatal(err)
	}
	img := destinationtest.NewImage(t, "2")
	if res := load(t, e, img, "app:2"); res.Sent < 100_000 {
		t.Errorf("%+v", res)
	}
	if f.read(t, "app:2") == nil {
		t.Error("not there")
	}
}

// TestCommandFails shows that the engine's own words reach the user.
func TestCommandFails(t *testing.T) {
	for _, name := range []string{"podman", "nerdctl"} {
		f := newFakeCommand(t, name, false)
		e := f.engine(t)
		writeFile(t, filepath.Join(f.dir, "full"), "")
		_, err := e.Write(t.Context(), destinationtest.Single(destinationtest.NewImage(t, "1")), destination.Options{Tags: []string{"app:1"}})
		if err == nil || !strings.Contains(err.Error(), name+" load") || !strings.Contains(err.Error(), "no space left") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// fakeCommand is an engine behind a command. Its state is a file, since each command is a process.
type fakeCommand struct {
	dir, name string
	remote    bool
}

// commandState is what the engine has. Layers are in dir/blobs.
type commandState struct {
	Images map[string]commandImage // by id
	Names  map[string]string
	Last   string
}

type commandImage struct {
	Config   []byte
	Manifest string
	Layers   []string // digests
}

func newFakeCommand(t testing.TB, name string, remote bool) *fakeCommand {
	f := &fakeCommand{dir: t.TempDir(), name: name, remote: remote}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	flag := ""
	if remote {
		flag = "1"
	}
	// The race detector waits a second before a process ends, which no fake needs.
	script := fmt.Sprintf("#!/bin/sh\nGORACE=atexit_sleep_ms=0 FAKE_ENGINE=%q FAKE_NAME=%s FAKE_REMOTE=%s exec %q \"$@\"\n", f.dir, name, flag, self)
	if err := os.WriteFile(f.path(), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fakeCommand) path() string { return filepath.Join(f.dir, f.name) }

// engine finds the fake as the real one would be found.
func (f *fakeCommand) engine(t testing.TB) destination.Engine {
	t.Helper()
	e, err := destination.FindEngine(t.Context(), destination.EngineOptions{
		Socket: filepath.Join(f.dir, "none"),
		LookPath: func(name string) (string, error) {
			if name != f.name {
				return "", exec.ErrNotFound
			}
			return f.path(), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// state reads what the engine has.
func (f *fakeCommand) state(t testing.TB) commandState {
	t.Helper()
	s, err := f.load()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (f *fakeCommand) load() (commandState, error) {
	s := commandState{Images: map[string]commandImage{}, Names: map[string]string{}}
	data, err := os.ReadFile(filepath.Join(f.dir, "state"))
	if os.IsNotExist(err) {
		return s, nil
	}
	return s, json.Unmarshal(data, &s)
}

// read returns the image of a name, or the last one.
func (f *fakeCommand) read(t testing.TB, name string) v1.Image {
	t.Helper()
	s := f.state(t)
	id := s.Last
	if name != "" {
		id = s.Names[f.full(name)]
	}
	img, ok := s.Images[id]
	if !ok {
		return nil
	}
	out := &fakeImage{config: img.Config}
	for _, digest := range img.Layers {
		out.blobs = append(out.blobs, readFile(t, filepath.Join(f.dir, "blobs", digest)))
	}
	return out
}

// full is how the engine completes a name.
func (f *fakeCommand) full(name string) string {
	if f.name == "podman" && !strings.Contains(strings.Split(name, "/")[0], ".") {
		return "localhost/" + name
	}
	return name
}

// main runs one command.
func (f *fakeCommand) main(args []string, stdin io.Reader, stdout io.Writer) error {
	s, err := f.load()
	if err != nil {
		return err
	}
	switch line := strings.Join(args, " "); {
	case line == "info --format {{.Host.Arch}}" && f.name == "podman":
		fmt.Fprintln(stdout, "arm64")
		return nil
	case line == "images --quiet --no-trunc":
		for id := range s.Images {
			fmt.Fprintln(stdout, "sha256:"+id)
		}
		return nil
	case strings.HasPrefix(line, "image inspect "):
		return f.inspect(s, args[2:], stdout)
	case args[0] == "tag":
		if _, ok := s.Images[f.id(s, args[1])]; !ok {
			return fmt.Errorf("no such image %s", args[1])
		}
		for _, name := range args[2:] {
			s.Names[f.full(name)] = f.id(s, args[1])
		}
	case args[0] == "untag" && s.Names[args[2]] == args[1]:
		delete(s.Names, args[2])
	case strings.HasPrefix(line, "pull --quiet oci:/"):
		err = f.pull(&s, strings.TrimPrefix(args[2], "oci:"))
	case line == "load":
		err = f.loadArchive(&s, stdin)
	default:
		return fmt.Errorf("unknown command %q", line)
	}
	if err != nil {
		return err
	}
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(f.dir, "state"), data, 0o644)
}

// id finds an image by id or name.
func (f *fakeCommand) id(s commandState, name string) string {
	if id, ok := s.Names[f.full(name)]; ok {
		return id
	}
	return name
}

func (f *fakeCommand) inspect(s commandState, names []string, stdout io.Writer) error {
	var out []map[string]any
	for _, name := range names {
		id := f.id(s, name)
		img, ok := s.Images[id]
		if !ok {
			return fmt.Errorf("%s: image not known", name)
		}
		var tags []string
		for n, target := range s.Names {
			if target == id {
				tags = append(tags, n)
			}
		}
		slices.Sort(tags)
		out = append(out, map[string]any{"Id": id, "RepoTags": tags, "RepoDigests": []string{"x@" + img.Manifest},
			"RootFS": map[string]any{"Layers": diffIDs(img.Config)}})
	}
	return json.NewEncoder(stdout).Encode(out)
}

// pull reads a layout as Podman does: layers that it has are not looked for, and the path becomes a name.
func (f *fakeCommand) pull(s *commandState, dir string) error {
	if f.remote {
		return fmt.Errorf("no such file or directory: %s", dir)
	}
	if dir != strings.ToLower(dir) {
		return fmt.Errorf("repository name must be lowercase")
	}
	get := func(digest string) ([]byte, error) {
		return os.ReadFile(filepath.Join(dir, "blobs", "sha256", strings.TrimPrefix(digest, "sha256:")))
	}
	index, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		return err
	}
	id, err := f.add(s, index, get)
	s.Names["localhost"+dir+":latest"] = id
	return err
}

// loadArchive reads an archive with all its blobs.
func (f *fakeCommand) loadArchive(s *commandState, stdin io.Reader) error {
	data, err := io.ReadAll(stdin)
	if err != nil {
		return err
	}
	files, err := unpackTar(data)
	if err != nil {
		return err
	}
	get := func(digest string) ([]byte, error) {
		return files["blobs/sha256/"+strings.TrimPrefix(digest, "sha256:")], nil
	}
	id, err := f.add(s, files["index.json"], get)
	if err != nil {
		return err
	}
	var entries []struct{ RepoTags []string }
	if err := json.Unmarshal(files["manifest.json"], &entries); err != nil {
		return err
	}
	for _, name := range entries[0].RepoTags {
		s.Names[f.full(name)] = id
	}
	return nil
}

// add takes the one image of an index.
func (f *fakeCommand) add(s *commandState, index []byte, get func(string) ([]byte, error)) (id string, err error) {
	if _, err := os.Stat(filepath.Join(f.dir, "full")); err == nil {
		return "", fmt.Errorf("no space left on device")
	}
	var images v1.IndexManifest
	if err := json.Unmarshal(index, &images); err != nil {
		return "", err
	}
	data, err := get(images.Manifests[0].Digest.String())
	if err != nil {
		return "", err
	}
	m, err := v1.ParseManifest(bytes.NewReader(data))
	if err != nil {
		return "", err
	}
	img := commandImage{Manifest: images.Manifests[0].Digest.String()}
	if img.Config, err = get(m.Config.Digest.String()); err != nil {
		return "", err
	}
	for _, l := range m.Layers {
		img.Layers = append(img.Layers, l.Digest.Hex)
		if err := f.addBlob(l.Digest, get); err != nil {
			return "", err
		}
	}
	s.Last = m.Config.Digest.Hex
	s.Images[s.Last] = img
	return s.Last, nil
}

// addBlob takes a layer unless it is there.
func (f *fakeCommand) addBlob(digest v1.Hash, get func(string) ([]byte, error)) error {
	path := filepath.Join(f.dir, "blobs", digest.Hex)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	data, err := get(digest.String())
	if err != nil {
		return err
	}
	if got := hexSum(data); got != digest.Hex {
		return fmt.Errorf("layer is %s, not %s", got, digest.Hex)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}
