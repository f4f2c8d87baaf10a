package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/store"
)

// Own returns the manifest that a repository has under a tag or a digest, nil if it has none. The repository itself is asked
// and no mirror: what it says of itself is believed because we push there.
func (c *Client) Own(ctx context.Context, repository, version string) (*Remote, error) {
	mark := ":"
	if strings.Contains(version, ":") {
		mark = "@"
	}
	r, h, err := c.pushed(ctx, repository+mark+version)
	if err != nil {
		return nil, err
	}
	var accept []string
	for _, t := range manifestTypes {
		accept = append(accept, string(t))
	}
	resp, err := c.send(ctx, h, call{method: http.MethodGet, path: "/v2/" + r.repository + "/manifests/" + r.version(),
		scope: pushScope(r.repository, ""), header: http.Header{"Accept": {strings.Join(accept, ", ")}}, limit: maxManifest})
	if errors.Is(err, fetch.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return newRemote(resp.body, resp.header.Get("Content-Type"), resp.header.Get("Docker-Content-Digest"), r)
}

// OwnBlob returns a blob of at most limit bytes from a repository itself, verified.
func (c *Client) OwnBlob(ctx context.Context, repository, digest string, limit int64) ([]byte, error) {
	if err := checkDigest(digest); err != nil {
		return nil, err
	}
	r, h, err := c.pushed(ctx, repository)
	if err != nil {
		return nil, err
	}
	resp, err := c.send(ctx, h, call{method: http.MethodGet, path: blobPath(r.repository, digest), scope: pushScope(r.repository, ""), limit: limit})
	if err != nil {
		return nil, err
	}
	if got := store.DigestBytes(resp.body); got != digest {
		return nil, fmt.Errorf("%s@%s: %w: the registry sent %s", r.name(), digest, store.ErrMismatch, got)
	}
	return resp.body, nil
}
