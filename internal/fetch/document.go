package fetch

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/lithe-build/lithe/internal/store"
)

// Document is a small file whose digest nobody knows beforehand.
type Document struct {
	Body        []byte
	ContentType string      // as the server sent it, with parameters
	Header      http.Header // of the last answer
	URL         *url.URL    // where it was found after redirects, without credentials: the base of its links
}

// DocumentRequest names a document.
type DocumentRequest struct {
	URL    string
	Accept []string // media types, best first, with their parameters; none means any
	Max    int64    // bytes, after decompression
}

// documentKey is what a remembered document depends on.
type documentKey struct {
	URL    string
	Accept []string
}

// cached is what the store remembers of a document; the body is a blob.
type cached struct {
	ETag, LastModified string
	ContentType        string
	URL                string // without the query, which may hold a signature
	Digest             string
}

// Document fetches the document at a URL. See Get.
func (c *Client) Document(ctx context.Context, rawURL string, accept []string, max int64) (body []byte, contentType string, header http.Header, err error) {
	d, err := c.Get(ctx, DocumentRequest{URL: rawURL, Accept: accept, Max: max})
	if err != nil {
		return nil, "", nil, err
	}
	return d.Body, d.ContentType, d.Header, nil
}

// Get fetches a document. What the server says is still the same comes from the store. In offline mode the answer is
// the one that came last.
func (c *Client) Get(ctx context.Context, r DocumentRequest) (*Document, error) {
	u, user, err := parseURL(r.URL)
	if err != nil {
		return nil, err
	}
	key := store.Key(documentKey{URL: u.String(), Accept: r.Accept})
	old := c.remembered(key, r.Max)
	if c.opt.Offline {
		if old == nil {
			return nil, fmt.Errorf("%s: %w; run once without it", redactURL(u), ErrOffline)
		}
		return old.doc, nil
	}
	var doc *Document
	err = c.retry(ctx, http.MethodGet, u, c.opt.Attempts, func() (f *failure) {
		doc, f = c.ask(ctx, u, user, r, old)
		return f
	})
	if err != nil {
		return nil, err
	}
	if old == nil || doc != old.doc {
		c.keep(key, doc)
	}
	return doc, nil
}

// ask makes one request. A document that has not changed is the one remembered, with the new header.
func (c *Client) ask(ctx context.Context, u *url.URL, user *url.Userinfo, r DocumentRequest, old *remembered) (*Document, *failure) {
	release, err := c.slot(ctx)
	if err != nil {
		return nil, &failure{err: err, ours: true}
	}
	defer release()
	ctx, _, cancel := watch(ctx, c.opt.Stall) // a document is small: the limit is for all of it
	defer cancel()
	req, err := c.request(ctx, http.MethodGet, u, user)
	if err != nil {
		return nil, &failure{err: err, ours: true}
	}
	if len(r.Accept) > 0 {
		req.Header.Set("Accept", strings.Join(r.Accept, ", "))
	}
	old.condition(req)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, refused(stallCause(ctx, err))
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotModified && old != nil {
		old.doc.Header = resp.Header
		return old.doc, nil
	}
	if resp.StatusCode != http.StatusOK {
		return nil, answered(resp)
	}
	// The limit counts after decompression, so that a bomb does not get past it.
	body, err := io.ReadAll(io.LimitReader(resp.Body, r.Max+1))
	if err != nil {
		return nil, &failure{err: stallCause(ctx, err), again: true}
	}
	if int64(len(body)) > r.Max {
		return nil, &failure{err: fmt.Errorf("%w: more than %d bytes", errTooLarge, r.Max)}
	}
	return &Document{Body: body, ContentType: resp.Header.Get("Content-Type"), Header: resp.Header, URL: resp.Request.URL}, nil
}

// remembered is a document of an earlier run, which the server may know by its ETag.
type remembered struct {
	cached
	doc *Document
}

// condition asks for the document only if it has changed.
func (o *remembered) condition(req *http.Request) {
	switch {
	case o == nil:
	case o.ETag != "":
		req.Header.Set("If-None-Match", o.ETag)
	case o.LastModified != "":
		req.Header.Set("If-Modified-Since", o.LastModified)
	}
}

// remembered returns nil unless the store has the document whole.
func (c *Client) remembered(key string, max int64) *remembered {
	var old cached
	if ok, err := c.store.Record("document", key, &old); !ok || err != nil {
		return nil
	}
	path, ok := c.store.Blob(old.Digest)
	if !ok {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	body, err := io.ReadAll(io.LimitReader(f, max+1))
	if err != nil || int64(len(body)) > max || store.DigestBytes(body) != old.Digest {
		return nil
	}
	base, err := url.Parse(old.URL)
	if err != nil {
		return nil
	}
	doc := &Document{Body: body, ContentType: old.ContentType, Header: http.Header{}, URL: base}
	return &remembered{cached: old, doc: doc}
}

// keep remembers a document. A store that cannot take it costs a download next time, and is no error here.
func (c *Client) keep(key string, doc *Document) {
	w, err := c.store.Create()
	if err != nil {
		return
	}
	defer w.Abort()
	if _, err := w.Write(doc.Body); err != nil {
		return
	}
	digest, err := w.Commit("")
	if err != nil {
		return
	}
	base := *doc.URL // a copy: the caller has the document
	base.RawQuery = ""
	_ = c.store.PutRecord("document", key, cached{ETag: doc.Header.Get("ETag"), LastModified: doc.Header.Get("Last-Modified"),
		ContentType: doc.ContentType, URL: base.String(), Digest: digest})
}
