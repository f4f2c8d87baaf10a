package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// errNoSize says that a server does not tell how large a file is.
var errNoSize = errors.New("the server does not tell the size")

// Size asks for the size of a file without downloading it.
func (c *Client) Size(ctx context.Context, rawURL string) (int64, error) {
	u, user, err := parseURL(rawURL)
	if err != nil {
		return 0, err
	}
	if c.opt.Offline {
		return 0, fmt.Errorf("size of %s: %w; run once without it", redactURL(u), ErrOffline)
	}
	size, err := c.sizeBy(ctx, http.MethodHead, u, user)
	var failed *Error
	if err == nil || !errors.As(err, &failed) || errors.Is(err, ErrNotFound) {
		return size, err
	}
	// Signed URLs of object stores answer GET only, and some servers leave the length out of HEAD.
	if size, err2 := c.sizeBy(ctx, http.MethodGet, u, user); err2 == nil {
		return size, nil
	}
	return 0, err
}

// sizeBy asks by HEAD, or by GET for one byte.
func (c *Client) sizeBy(ctx context.Context, method string, u *url.URL, user *url.Userinfo) (size int64, err error) {
	err = c.retry(ctx, method, u, c.opt.Attempts, func() (f *failure) {
		size, f = c.sizeOnce(ctx, method, u, user)
		return f
	})
	return size, err
}

// sizeOnce makes one request. An empty file counts as unknown: no distribution is empty, and servers that do not know
// a length tend to send 0.
func (c *Client) sizeOnce(ctx context.Context, method string, u *url.URL, user *url.Userinfo) (int64, *failure) {
	release, err := c.slot(ctx)
	if err != nil {
		return 0, &failure{err: err, ours: true}
	}
	defer release()
	ctx, _, cancel := watch(ctx, c.opt.Stall)
	defer cancel()
	req, err := c.request(ctx, method, u, user)
	if err != nil {
		return 0, &failure{err: err, ours: true}
	}
	req.Header.Set("Accept-Encoding", "identity")
	if method == http.MethodGet {
		req.Header.Set("Range", "bytes=0-0") // the answer tells the whole size beside the one byte
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, refused(stallCause(ctx, err))
	}
	defer resp.Body.Close() // a body that comes whole is not read
	switch {
	case resp.StatusCode == http.StatusPartialContent:
		if _, total, ok := contentRange(resp.Header.Get("Content-Range")); ok && total > 0 {
			return total, nil
		}
	case resp.StatusCode != http.StatusOK:
		return 0, answered(resp)
	case resp.ContentLength > 0:
		return resp.ContentLength, nil
	}
	return 0, &failure{err: errNoSize}
}
