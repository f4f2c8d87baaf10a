package destination_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
)

// fakeDocker is an engine that loads archives as Docker 20.10 does: layers are known by their chain, and those that
// are not known must be in the archive. The mode makes it another engine, or a bad one.
type fakeDocker struct {
	mode     string
	machine  string // as the kernel names it
	mu       sync.Mutex
	layers   map[string][]byte     // compressed, by chain
	blobs    map[string][]byte     // by their place in a layout
	images   map[string]*fakeImage // by id
	names    map[string]string     // ids
	last     string
	received int64
	loads    int
	requests atomic.Int32
}

const (
	modeContainerd = "containerd" // images are named by manifests, archives are layouts, and blobs are known by their digests
	modePodman     = "podman"     // archives must be whole
	modePicky      = "picky"      // says that it cannot do without layers
	modeSilent     = "silent"     // says nothing, and does not have the image
	modeBroken     = "broken"     // loads nothing
	modeRude       = "rude"       // hangs up while it is sent an archive
)

// fakeImage is an image of an engine.
type fakeImage struct {
	v1.Image
	config []byte
	blobs  [][]byte
}

func (i *fakeImage) ConfigName() (v1.Hash, error) {
	h, _, err := v1.SHA256(bytes.NewReader(i.config))
	return h, err
}

// Layers returns the layers as they were sent.
func (i *fakeImage) Layers() ([]v1.Layer, error) {
	var out []v1.Layer
	for _, b := range i.blobs {
		r, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		out = append(out, static.NewLayer(data, types.OCIUncompressedLayer))
	}
	return out, nil
}

// start listens on a socket and returns its address.
func (f *fakeDocker) start(t testing.TB) string {
	t.Helper()
	f.blobs = map[string][]byte{}
	f.layers, f.images, f.names = map[string][]byte{}, map[string]*fakeImage{}, map[string]string{}
	dir, err := os.MkdirTemp("", "d") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: f.handler()}}
	server.Start()
	t.Cleanup(server.Close)
	return "unix://" + socket
}

func (f *fakeDocker) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_ping", f.ping)
	mux.HandleFunc("GET /info", f.info)
	mux.HandleFunc("GET /images/json", f.list)
	mux.HandleFunc("GET /images/{id}/json", f.inspect)
	mux.HandleFunc("POST /images/{id}/tag", f.tag)
	mux.HandleFunc("POST /images/load", f.load)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.requests.Add(1)
		mux.ServeHTTP(w, r)
	})
}

func (f *fakeDocker) ping(w http.ResponseWriter, _ *http.Request) {
	if f.mode == modePodman {
		w.Header().Set("Libpod-API-Version", "4.3.1")
	}
	io.WriteString(w, "OK")
}

func (f *fakeDocker) info(w http.ResponseWriter, _ *http.Request) {
	status := [][]string{{"Backing Filesystem", "extfs"}}
	if f.mode == modeContainerd {
		status = append(status, []string{"driver-type", "io.containerd.snapshotter.v1"})
	}
	json.NewEncoder(w).Encode(map[string]any{"DriverStatus": status, "Architecture": f.machine})
}

func (f *fakeDocker) list(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := []map[string]string{{"Id": "sha256:gone"}} // removed before anybody can look at it
	for id := range f.images {
		out = append(out, map[string]string{"Id": id})
	}
	json.NewEncoder(w).Encode(out)
}

func (f *fakeDocker) inspect(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	img := f.images[r.PathValue("id")]
	if img == nil {
		http.Error(w, `{"message":"No such image"}`, http.StatusNotFound)
		return
	}
	json.NewEncoder(w).Encode(map[string]any{"Id": r.PathValue("id"), "RootFS": map[string]any{"Layers": diffIDs(img.config)}})
}

func (f *fakeDocker) tag(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.names[r.FormValue("repo")+":"+r.FormValue("tag")] = r.PathValue("id")
	w.WriteHeader(http.StatusCreated)
}

func (f *fakeDocker) load(w http.ResponseWriter, r *http.Request) {
	if f.mode == modeRude {
		io.CopyN(io.Discard, r.Body, 1000)
		panic(http.ErrAbortHandler)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client went away
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.received += int64(len(body))
	f.loads++
	if err := f.add(body); err != nil {
		json.NewEncoder(w).Encode(map[string]any{"error": err.Error(), "errorDetail": map[string]string{"message": err.Error()}})
		return
	}
	json.NewEncoder(w).Encode(map[string]string{"stream": "Loaded image\n"})
}

// add takes an archive.
func (f *fakeDocker) add(body []byte) error {
	files, err := unpackTar(body)
	if err != nil {
		return err
	}
	var entries []struct {
		Config           string
		RepoTags, Layers []string
	}
	if err := json.Unmarshal(files["manifest.json"], &entries); err != nil {
		return err
	}
	whole := files["index.json"] != nil
	switch {
	case f.mode == modeBroken:
		return fmt.Errorf("no space left on device")
	case !whole && f.mode == modeSilent:
		return nil
	case !whole && f.mode != "":
		return fmt.Errorf("layers are missing")
	}
	img := &fakeImage{config: files[entries[0].Config]}
	var chain string
	for i, diffID := range diffIDs(img.config) {
		chain = hexSum([]byte(chain + " " + diffID))
		name := entries[0].Layers[i]
		blob := files[name]
		if old, ok := f.layers[chain]; ok && f.mode != modeContainerd {
			blob = old
		} else if blob == nil && f.mode == modeContainerd {
			blob = f.blobs[name]
		}
		if blob == nil {
			return fmt.Errorf("layer %d is not known", i)
		}
		f.layers[chain], f.blobs[name] = blob, blob
		img.blobs = append(img.blobs, blob)
	}
	f.last = "sha256:" + hexSum(img.config)
	if f.mode == modeContainerd {
		var index v1.IndexManifest
		if err := json.Unmarshal(files["index.json"], &index); err != nil {
			return err
		}
		f.last = index.Manifests[0].Digest.String()
	}
	f.images[f.last] = img
	for _, name := range entries[0].RepoTags {
		f.names[name] = f.last
	}
	return nil
}

// read returns the image of a name, or the last one.
func (f *fakeDocker) read(name string) v1.Image {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := f.names[name]
	if name == "" {
		id = f.last
	}
	if img := f.images[id]; img != nil {
		return img
	}
	return nil
}

// diffIDs returns what a config says about its layers.
func diffIDs(config []byte) []string {
	var file struct {
		RootFS struct {
			DiffIDs []string `json:"diff_ids"`
		}
	}
	if err := json.Unmarshal(config, &file); err != nil {
		return nil
	}
	return file.RootFS.DiffIDs
}

func hexSum(data []byte) string { return fmt.Sprintf("%x", sha256.Sum256(data)) }

// isID reports whether a name is an id.
func isID(name string) bool { return len(strings.TrimPrefix(name, "sha256:")) == 64 }
