package registry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/store"
)

// Blob is what is to be uploaded. Open is called for each attempt.
type Blob struct {
	Digest string
	Size   int64
	Open   func() (io.ReadCloser, error)
}

// ErrBlobUnknown says that a registry lacks a blob which a manifest names: it was removed since it was looked for.
var ErrBlobUnknown = errors.New("the registry lacks a blob of the image")

// pushScope is what an upload needs, and a mount from another repository beside it.
func pushScope(repository, from string) string {
	scope := scopeFor(repository, "pull", "push")
	if from != "" {
		scope += " " + scopeFor(from, "pull")
	}
	return scope
}

// CheckPush finds out whether we may push, by an upload that is begun and taken back.
func (c *Client) CheckPush(ctx context.Context, repository string) error {
	r, h, err := c.pushed(ctx, repository)
	if err != nil {
		return err
	}
	u := &upload{c: c, h: h, repository: r.repository, scope: pushScope(r.repository, "")}
	if err := u.begin(ctx, "", ""); err != nil {
		return err
	}
	u.cancel(ctx)
	return nil
}

// pushed returns the registry of a repository. Mirrors have no part in pushes.
func (c *Client) pushed(ctx context.Context, repository string) (reference, *host, error) {
	r, err := parseReference(repository)
	if err != nil {
		return r, nil, err
	}
	h, err := c.host(ctx, r.host)
	return r, h, err
}

// PushHas reports whether a repository that will be pushed to has a blob: Has, with the token that pushing needs.
func (c *Client) PushHas(ctx context.Context, repository, digest string) (bool, error) {
	r, h, err := c.pushed(ctx, repository)
	if err != nil {
		return false, err
	}
	return c.has(ctx, h, r.repository, digest, pushScope(r.repository, ""))
}

// Push uploads a blob, or lets the registry take it from another repository of its own, from, if that is not empty.
// It returns how many bytes of the blob had to be sent: all, or none.
func (c *Client) Push(ctx context.Context, repository string, b Blob, from string, on func(done int64)) (sent int64, err error) {
	r, h, err := c.pushed(ctx, repository)
	if err != nil {
		return 0, err
	}
	if on == nil {
		on = func(int64) {}
	}
	u := &upload{c: c, h: h, repository: r.repository, blob: b, on: on, scope: pushScope(r.repository, "")}
	if from != "" {
		mounted, err := u.mount(ctx, from)
		if err != nil || mounted {
			return 0, err
		}
	}
	if err := u.run(ctx); err != nil {
		return 0, err
	}
	return b.Size, nil
}

// PushManifest puts a manifest or index under a tag or its digest.
func (c *Client) PushManifest(ctx context.Context, repository, version, mediaType string, raw []byte) error {
	r, h, err := c.pushed(ctx, repository)
	if err != nil {
		return err
	}
	_, err = c.send(ctx, h, call{method: http.MethodPut, path: "/v2/" + r.repository + "/manifests/" + version,
		scope: pushScope(r.repository, ""), header: http.Header{"Content-Type": {mediaType}}, body: raw,
		accept: []int{http.StatusCreated, http.StatusOK, http.StatusAccepted}})
	if f, ok := errors.AsType[*failure](err); ok && (f.code == "MANIFEST_BLOB_UNKNOWN" || f.code == "BLOB_UNKNOWN" || f.code == "MANIFEST_UNKNOWN") {
		return errors.Join(err, ErrBlobUnknown)
	}
	return err
}

// HasManifest reports whether a tag or digest names exactly this manifest, so that nothing has to be put.
func (c *Client) HasManifest(ctx context.Context, repository, version, digest string) (bool, error) {
	r, h, err := c.pushed(ctx, repository)
	if err != nil {
		return false, err
	}
	accept := http.Header{}
	for _, t := range manifestTypes {
		accept.Add("Accept", string(t))
	}
	resp, err := c.send(ctx, h, call{method: http.MethodHead, path: "/v2/" + r.repository + "/manifests/" + version,
		scope: pushScope(r.repository, ""), header: accept})
	var f *fetch.Error
	if errors.As(err, &f) && f.Status >= 400 && f.Status < 500 && f.Status != http.StatusTooManyRequests {
		return false, nil
	}
	// A registry that does not tell the digest is put to again: that changes nothing.
	return err == nil && resp.header.Get("Docker-Content-Digest") == digest, err
}

// checkDigest keeps a wrong digest from becoming part of an address.
func checkDigest(digest string) error {
	_, _, err := store.ParseDigest(digest)
	return err
}

// withQuery adds parameters to an address that may have some.
func withQuery(address string, add url.Values) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", errors.New("the registry sent no address for an upload")
	}
	query := u.Query()
	for key, values := range add {
		query[key] = values
	}
	u.RawQuery = query.Encode()
	return u.String(), nil
}
