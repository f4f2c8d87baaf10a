package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/store"
)

const (
	maxManifest = 4 << 20 // bytes; registries take no larger one (distribution-spec, "Pushing Manifests")
	maxConfig   = 8 << 20 // bytes; real ones have a few kilobytes
)

// manifestTypes are what we can read.
var manifestTypes = []types.MediaType{types.OCIImageIndex, types.OCIManifestSchema1, types.DockerManifestList, types.DockerManifestSchema2}

// Remote is what a reference names: the manifest of an image, or an index of several.
type Remote struct {
	Repository string // "docker.io/library/python"
	Digest     string // of Raw, "sha256:…"
	MediaType  string
	Size       int64
	Raw        []byte
	Index      bool
}

// Resolve returns what a reference names, verified where it has a digest. Mirrors are asked first.
func (c *Client) Resolve(ctx context.Context, ref string) (*Remote, error) {
	r, err := parseReference(ref)
	if err != nil {
		return nil, err
	}
	if c.opt.Offline {
		return nil, errOffline(r.String())
	}
	var first error
	for _, p := range c.places(r) {
		remote, err := c.manifest(ctx, p, r)
		if err == nil {
			return remote, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if p.mirror {
			c.opt.Log.Debug("mirror failed", "mirror", p.host, "image", r.String(), "error", err)
		}
		first = err // the last place is the registry itself, whose word counts
	}
	return nil, first
}

// place is one server that may have a repository.
type place struct {
	host, repository string
	mirror           bool
}

// places are the mirrors of a registry and the registry itself.
func (c *Client) places(r reference) []place {
	var all []place
	for _, m := range c.opt.Mirrors[r.host] {
		u, err := url.Parse(m)
		if err != nil || u.Host == "" {
			continue // Settings told it
		}
		repository := r.repository
		if prefix := strings.Trim(u.Path, "/"); prefix != "" {
			repository = prefix + "/" + repository
		}
		all = append(all, place{host: u.Host, repository: repository, mirror: true})
	}
	return append(all, place{host: r.host, repository: r.repository})
}

// manifest asks one place.
func (c *Client) manifest(ctx context.Context, p place, r reference) (*Remote, error) {
	h, err := c.host(ctx, p.host)
	if err != nil {
		return nil, err
	}
	var accept []string
	for _, t := range manifestTypes {
		accept = append(accept, string(t))
	}
	resp, err := c.send(ctx, h, call{method: http.MethodGet, path: "/v2/" + p.repository + "/manifests/" + r.version(),
		scope: scopeFor(p.repository, "pull"), header: http.Header{"Accept": {strings.Join(accept, ", ")}}, limit: maxManifest})
	if err != nil {
		return nil, notFound(err, r)
	}
	return newRemote(resp.body, resp.header.Get("Content-Type"), resp.header.Get("Docker-Content-Digest"), r)
}

// newRemote checks an answer by its digest.
func newRemote(raw []byte, mediaType, told string, r reference) (*Remote, error) {
	digest := store.DigestBytes(raw)
	if r.digest != "" && r.digest != digest || r.digest == "" && strings.HasPrefix(told, "sha256:") && told != digest {
		return nil, fmt.Errorf("%s: %w: the registry sent %s", r, store.ErrMismatch, digest)
	}
	kind, index := classify(raw, mediaType)
	if kind == "" {
		return nil, &diag.Error{Code: "bad-image", What: fmt.Sprintf("%s is no image that lithe can read (%s)", r, printable(mediaType)),
			Hint: "name an image with an OCI or Docker schema 2 manifest"}
	}
	return &Remote{Repository: r.name(), Digest: digest, MediaType: kind, Size: int64(len(raw)), Raw: raw, Index: index}, nil
}

// classify tells manifests from indexes by what they say themselves, else by the header.
func classify(raw []byte, header string) (mediaType string, index bool) {
	var m struct {
		MediaType string          `json:"mediaType"`
		Manifests json.RawMessage `json:"manifests"`
		Config    json.RawMessage `json:"config"`
	}
	if json.Unmarshal(raw, &m) != nil {
		return "", false
	}
	for _, t := range []string{m.MediaType, strings.TrimSpace(strings.Split(header, ";")[0])} {
		for _, known := range manifestTypes {
			// The fields have to agree with the name, so that no reader takes the same bytes for something else.
			if t == string(known) && known.IsIndex() == (m.Manifests != nil) && known.IsImage() == (m.Config != nil) {
				return t, known.IsIndex()
			}
		}
	}
	return "", false
}

// Manifests returns the entries of an index.
func (r *Remote) Manifests() ([]v1.Descriptor, error) {
	if !r.Index {
		return nil, nil
	}
	var index v1.IndexManifest
	if err := json.Unmarshal(r.Raw, &index); err != nil {
		return nil, fmt.Errorf("%s@%s: %w", r.Repository, r.Digest, err)
	}
	return index.Manifests, nil
}

// Image returns the manifest of one platform, by its digest, and its config; both are verified.
func (c *Client) Image(ctx context.Context, repository, digest string) (manifest, config []byte, err error) {
	remote, err := c.Resolve(ctx, repository+"@"+digest)
	if err != nil {
		return nil, nil, err
	}
	if remote.Index {
		return nil, nil, fmt.Errorf("%s@%s is an index, not an image", repository, digest)
	}
	var m v1.Manifest
	if err := json.Unmarshal(remote.Raw, &m); err != nil {
		return nil, nil, fmt.Errorf("%s@%s: %w", repository, digest, err)
	}
	if m.Config.Size > maxConfig {
		return nil, nil, fmt.Errorf("%s@%s: a config of %d bytes", repository, digest, m.Config.Size)
	}
	config, err = c.small(ctx, remote.Repository, m.Config.Digest.String())
	return remote.Raw, config, err
}

// small returns a blob that fits into memory.
func (c *Client) small(ctx context.Context, repository, digest string) ([]byte, error) {
	r, err := parseReference(repository + "@" + digest)
	if err != nil {
		return nil, err
	}
	var last error
	for _, p := range c.places(r) {
		h, err := c.host(ctx, p.host)
		if err == nil {
			var resp *response
			resp, err = c.send(ctx, h, call{method: http.MethodGet, path: blobPath(p.repository, digest),
				scope: scopeFor(p.repository, "pull"), limit: maxConfig})
			if err == nil {
				if got := store.DigestBytes(resp.body); got == digest {
					return resp.body, nil
				}
				err = fmt.Errorf("%s: %w: the registry sent something else", r, store.ErrMismatch)
			}
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		last = notFound(err, r)
	}
	return nil, last
}

// Blob brings a blob into the store, verified: resumed, retried, and once however many want it. Size is 0 if unknown.
func (c *Client) Blob(ctx context.Context, st *store.Store, repository, digest string, size int64, on func(done, total int64)) (path string, err error) {
	r, err := parseReference(repository + "@" + digest)
	if err != nil {
		return "", err
	}
	request := fetch.Request{Digest: digest, Size: size, Name: r.String()}
	if _, ok := st.Blob(digest); ok || c.opt.Offline {
		return c.fetcher(st).Blob(ctx, request, on)
	}
	var last error
	for _, p := range c.places(r) {
		h, err := c.host(ctx, p.host)
		if err == nil {
			// Now, so that a refusal is told as such and not repeated as a broken connection is.
			_, err = c.authorization(ctx, h, scopeFor(p.repository, "pull"), false)
		}
		if err != nil {
			last = err
			continue
		}
		request.URLs = append(request.URLs, h.base+blobPath(p.repository, digest))
	}
	if len(request.URLs) == 0 {
		return "", last
	}
	path, err = c.fetcher(st).Blob(ctx, request, on)
	if errors.Is(err, fetch.ErrUnauthorized) {
		return "", c.unauthorized(ctx, r, err)
	}
	return path, err
}

// Has reports whether a repository has a blob. It does not ask mirrors, which are not where images are pushed to.
func (c *Client) Has(ctx context.Context, repository, digest string) (bool, error) {
	r, err := parseReference(repository)
	if err != nil {
		return false, err
	}
	h, err := c.host(ctx, r.host)
	if err != nil {
		return false, err
	}
	return c.has(ctx, h, r.repository, digest, scopeFor(r.repository, "pull"))
}

// has asks for a blob's existence. An object store that a redirect leads to may answer GET only: then nothing is known.
func (c *Client) has(ctx context.Context, h *host, repository, digest, scope string) (bool, error) {
	_, err := c.send(ctx, h, call{method: http.MethodHead, path: blobPath(repository, digest), scope: scope})
	if err == nil {
		return true, nil
	}
	var f *fetch.Error
	if errors.As(err, &f) && f.Status >= 400 && f.Status < 500 && f.Status != http.StatusTooManyRequests {
		return false, nil
	}
	return false, err
}

func blobPath(repository, digest string) string { return "/v2/" + repository + "/blobs/" + digest }

// notFound tells a user that there is no such image.
func notFound(err error, r reference) error {
	if !errors.Is(err, fetch.ErrNotFound) {
		return err
	}
	return &diag.Error{Code: "no-image", What: r.String() + " is not in the registry",
		Hint: "check the name and the tag; `docker login " + r.host + "` if it is private", Err: err}
}

// response is an answer whose body was read.
type response struct {
	status int
	header http.Header
	body   []byte
}

// errTooLarge says that a server sent more than such an answer may have.
var errTooLarge = errors.New("the answer is too large")

// readBody reads a body up to a cap.
func readBody(resp *http.Response, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = errTooLarge
	}
	return data, err
}
