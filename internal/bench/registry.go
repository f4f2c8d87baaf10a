package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

// ownRepository is below what images are pushed to a registry of our own.
const ownRepository = "lithe-bench"

// ownRegistry is a registry on the loopback, which every engine on this machine speaks plain HTTP with. Its blobs are files.
type ownRegistry struct {
	address string
	server  *http.Server
}

func newRegistry(dir string) (*ownRegistry, error) {
	blobs := filepath.Join(dir, "registry")
	if err := os.MkdirAll(blobs, 0o755); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	handler := registry.New(registry.Logger(log.New(io.Discard, "", 0)),
		registry.WithBlobHandler(registry.NewDiskBlobHandler(blobs)))
	r := &ownRegistry{address: listener.Addr().String(), server: &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}}
	go func() { _ = r.server.Serve(listener) }() // ends with close
	return r, nil
}

func (r *ownRegistry) close() error {
	if err := r.server.Close(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// size adds up the compressed layers of an image.
func (r *ownRegistry) size(ctx context.Context, repository, tag string) (total int64, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.address+"/v2/"+ownRepository+"/"+repository+"/manifests/"+tag, nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var manifest struct{ Layers []struct{ Size int64 } }
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxManifest)).Decode(&manifest); err != nil {
		return 0, err
	}
	if len(manifest.Layers) == 0 {
		return 0, fmt.Errorf("%s:%s has no layers in the registry: %s", repository, tag, resp.Status)
	}
	for _, l := range manifest.Layers {
		total += l.Size
	}
	return total, nil
}
