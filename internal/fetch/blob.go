package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/lithe-build/lithe/internal/store"
)

// maxBlob is in bytes, for files whose size nobody told. The largest wheels have about 3 GB.
const maxBlob = 32 << 30

// triesBeforeMirror is how often a URL is tried in a row when there is another one to turn to.
const triesBeforeMirror = 2

// Request is a file whose digest is known.
type Request struct {
	URLs   []string // tried in order
	Digest string   // "sha256:<hex>"; sha384 and sha512 will do
	Size   int64    // 0 if unknown
	Name   string   // for messages; "" means the URL
}

// Blob returns the path of the file in the store, after downloading it if it is not there. Progress, which may be
// nil, is called while bytes come in, and not at all for a file that is there already; total is 0 while unknown.
func (c *Client) Blob(ctx context.Context, r Request, progress func(done, total int64)) (path string, err error) {
	if _, _, err := store.ParseDigest(r.Digest); err != nil {
		return "", fmt.Errorf("%s: %w", r.name(), err)
	}
	if path, ok, err := c.stored(r); ok || err != nil {
		return path, err
	}
	if c.opt.Offline {
		return "", fmt.Errorf("%s: %w; run once without it", r.name(), ErrOffline)
	}
	// Before a slot for requests is taken: waiting for another process must not keep our own downloads from running.
	unlock, err := c.store.Lock(ctx, "blob", r.Digest)
	if err != nil {
		return "", err
	}
	defer unlock()
	if path, ok, err := c.stored(r); ok || err != nil { // another run was faster
		return path, err
	}
	if progress == nil {
		progress = func(int64, int64) {}
	}
	return c.download(ctx, r, progress)
}

// name is what messages call the file.
func (r Request) name() string {
	switch {
	case r.Name != "":
		return r.Name
	case len(r.URLs) > 0:
		return Redact(r.URLs[0])
	}
	return r.Digest
}

// stored returns the file if the store has it. One of another size was cut by a power failure, and is not there, or the
// lock file has the size wrong, which is the same error wherever the file comes from.
func (c *Client) stored(r Request) (path string, ok bool, err error) {
	path, ok = c.store.Blob(r.Digest)
	if !ok {
		return "", false, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", false, err
	}
	if r.Size == 0 || info.Size() == r.Size {
		return path, true, nil
	}
	if err := c.store.Verify(r.Digest); err != nil { // which has removed it
		c.opt.Log.Debug("a file in the store is damaged, fetching it again", "digest", r.Digest, "error", err)
		return "", false, nil
	}
	return "", false, fmt.Errorf("%s: %w", r.name(), r.sizeError(info.Size()))
}

// sizeError names both sizes, so that a user sees which one a lock file has wrong.
func (r Request) sizeError(got int64) error {
	return fmt.Errorf("%w: %d bytes, expected %d", ErrSize, got, r.Size)
}

// download tries the URLs in order. The caller holds the lock of the digest.
func (c *Client) download(ctx context.Context, r Request, progress func(done, total int64)) (string, error) {
	var errs []error
	for i, raw := range r.URLs {
		u, user, err := parseURL(raw)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		attempts := c.opt.Attempts
		if i < len(r.URLs)-1 {
			attempts = min(attempts, triesBeforeMirror)
		}
		path, err := c.from(ctx, &transfer{client: c, url: u, user: user, request: r, progress: progress}, attempts)
		if err == nil {
			return path, nil
		}
		errs = append(errs, err)
		// What one URL began, the next one goes on with: the digest says that they have the same file.
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		var failed *Error
		if !errors.As(err, &failed) && !errors.Is(err, store.ErrMismatch) {
			break // the store's trouble, which no other URL helps
		}
	}
	if len(errs) == 0 {
		return "", fmt.Errorf("%s: no URL is known for it", r.name())
	}
	return "", errors.Join(errs...)
}

// from downloads from one URL. When bytes of several answers do not make up the file, it starts over once with a
// single one: the file may have changed in between, or an earlier run may have left something else.
func (c *Client) from(ctx context.Context, t *transfer, attempts int) (string, error) {
	for {
		err := t.run(ctx, attempts)
		if err == nil {
			path, ok := c.store.Blob(t.request.Digest)
			if !ok {
				return "", fmt.Errorf("%s: vanished from the store", t.request.name())
			}
			return path, nil
		}
		if !errors.Is(err, store.ErrMismatch) {
			return "", err
		}
		if !t.mixed {
			return "", fmt.Errorf("%s: hash differs: %w; downloaded from %s", t.request.name(), err, redactURL(t.url))
		}
		t.whole = true
	}
}

// redactURL is Redact for a URL that is parsed already.
func redactURL(u *url.URL) string { return Redact(u.String()) }
