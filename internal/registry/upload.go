package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lithe-build/lithe/internal/fetch"
)

const (
	// oneRequest is the size up to which a blob is sent with the request that ends its upload. Above it the bytes go
	// first, as Docker sends them, so that a registry can tell how far they came.
	oneRequest = 4 << 20
	// maxUploads is how often one blob is begun or gone on with, even if each attempt brings some bytes.
	maxUploads = 30
)

// upload is one blob on its way into a repository.
type upload struct {
	c          *Client
	h          *host
	repository string
	scope      string
	blob       Blob
	on         func(done int64)

	address string // where it goes on; "" before it began
	offset  int64  // bytes that the registry has

	mu     sync.Mutex // net/http may still read a body when the answer is here
	told   int64      // what progress was told, which never goes back
	broken error      // of the file, not of the network
}

// run sends the blob. After a broken connection the registry is asked how far it came; one that does not know, as
// Docker's own does after an interrupted request, gets the blob from the start.
func (u *upload) run(ctx context.Context) error {
	wait := u.c.opt.Backoff
	for n, row := 1, 1; ; n, row = n+1, row+1 {
		before := u.offset
		f := u.attempt(ctx)
		if f == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !f.again || row >= u.c.opt.Attempts || n >= maxUploads || f.after > maxRetryAfter {
			return report(http.MethodPut, u.h.base+blobPath(u.repository, u.blob.Digest), n, f)
		}
		u.c.opt.Log.Debug("upload failed, trying again", "blob", u.blob.Digest, "attempt", n, "status", f.status)
		if err := fetch.Sleep(ctx, max(f.after, wait)); err != nil {
			return err
		}
		wait = min(2*wait, maxBackoff)
		if u.resume(ctx); u.offset > before {
			row, wait = 0, u.c.opt.Backoff
		}
	}
}

// attempt begins where nothing was begun, sends what is missing, and ends the upload.
func (u *upload) attempt(ctx context.Context) *failure {
	if u.address == "" {
		if err := u.begin(ctx, "", ""); err != nil {
			return &failure{err: err, ours: true} // begin repeats by itself
		}
	}
	if u.blob.Size > oneRequest {
		if u.offset < u.blob.Size {
			if f := u.patch(ctx); f != nil {
				return f
			}
		}
		return u.finish(ctx, nil)
	}
	return u.finish(ctx, u.blob.Open)
}

// begin asks for an upload. With from, the registry is asked to take the blob from there; it may refuse by an upload.
func (u *upload) begin(ctx context.Context, digest, from string) error {
	path := "/v2/" + u.repository + "/blobs/uploads/"
	if from != "" {
		path += "?" + url.Values{"mount": {digest}, "from": {from}}.Encode()
	}
	resp, err := u.c.send(ctx, u.h, call{method: http.MethodPost, path: path, scope: u.scope,
		accept: []int{http.StatusAccepted, http.StatusCreated}})
	if err != nil {
		return err
	}
	u.offset = 0
	if resp.status == http.StatusCreated {
		return nil
	}
	u.address, err = location(u.h, u.h.base+path, resp.header.Get("Location"))
	return err
}

// mount lets the registry take the blob from another repository. What it refuses is uploaded.
func (u *upload) mount(ctx context.Context, from string) (done bool, err error) {
	r, err := parseReference(from)
	if err != nil || hostName(r.host) != u.h.name || r.repository == u.repository {
		return false, err
	}
	if err := checkDigest(u.blob.Digest); err != nil {
		return false, err
	}
	wide := &upload{c: u.c, h: u.h, repository: u.repository, scope: pushScope(u.repository, r.repository)}
	if err := wide.begin(ctx, u.blob.Digest, r.repository); err != nil {
		// We may be allowed to push here and not to read there; a mount is never needed.
		u.c.opt.Log.Debug("mount refused", "blob", u.blob.Digest, "from", from)
		return false, ctx.Err()
	}
	u.address = wide.address
	return u.address == "", nil
}

// cancel takes an upload back. Registries forget them by themselves, in time.
func (u *upload) cancel(ctx context.Context) {
	if u.address == "" {
		return
	}
	ctx, stop := context.WithTimeout(ctx, u.c.opt.Stall)
	defer stop()
	_, _ = u.c.once(ctx, u.h, u.address, call{method: http.MethodDelete, scope: u.scope,
		accept: []int{http.StatusNoContent, http.StatusAccepted, http.StatusOK}})
	u.address = ""
}

// patch sends the bytes from the offset on.
func (u *upload) patch(ctx context.Context) *failure {
	header := http.Header{}
	if u.offset > 0 {
		header.Set("Content-Range", fmt.Sprintf("%d-%d", u.offset, u.blob.Size-1))
	}
	resp, f := u.stream(ctx, http.MethodPatch, u.address, header, u.blob.Open, u.offset)
	if f != nil {
		return f
	}
	if resp.StatusCode != http.StatusAccepted && resp.StatusCode != http.StatusNoContent {
		return u.refused(resp)
	}
	next, err := location(u.h, u.address, resp.Header.Get("Location"))
	if err != nil {
		return &failure{err: err}
	}
	u.address, u.offset = next, u.blob.Size
	return nil
}

// finish ends the upload with the digest, and with the whole blob if it was not sent before.
func (u *upload) finish(ctx context.Context, open func() (io.ReadCloser, error)) *failure {
	address, err := withQuery(u.address, url.Values{"digest": {u.blob.Digest}})
	if err != nil {
		return &failure{err: err}
	}
	resp, f := u.stream(ctx, http.MethodPut, address, http.Header{}, open, 0)
	if f != nil {
		return f
	}
	if resp.StatusCode != http.StatusCreated && resp.StatusCode != http.StatusNoContent {
		return u.refused(resp)
	}
	return nil
}

// refused judges an answer that is no success. An upload that the registry lost is begun again.
func (u *upload) refused(resp *http.Response) *failure {
	f := answered(resp)
	if refusal(resp.StatusCode) {
		f.err = u.c.refusedBy(u.h, u.scope, f)
	}
	switch resp.StatusCode {
	case http.StatusNotFound, http.StatusRequestedRangeNotSatisfiable, http.StatusConflict:
		f.again, u.address, u.offset = true, "", 0
	}
	return f
}

// stream sends a request whose body is the blob from an offset on, nothing if open is nil. The answer's body is read.
func (u *upload) stream(ctx context.Context, method, address string, header http.Header, open func() (io.ReadCloser, error), offset int64) (*http.Response, *failure) {
	ctx, alive, cancel := watch(withScope(ctx, u.scope), u.c.opt.Stall)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, &failure{err: errors.New("the registry sent no address for an upload")}
	}
	req.Header = header
	req.Header.Set("User-Agent", u.c.opt.UserAgent)
	body := &blobBody{u: u, open: open, offset: offset, alive: alive}
	if open != nil {
		req.Header.Set("Content-Type", "application/octet-stream")
		req.ContentLength = u.blob.Size - offset
		req.GetBody = body.start
		if req.Body, err = body.start(); err != nil {
			return nil, &failure{err: err, ours: true}
		}
	} else {
		alive(u.c.commit)
	}
	resp, err := u.c.http.Do(req)
	if err != nil {
		if broken := u.fileError(); broken != nil {
			return nil, &failure{err: broken, ours: true}
		}
		return nil, refused(stallCause(ctx, err))
	}
	var text []byte
	if text, err = readBody(resp, maxMessage); err != nil && !errors.Is(err, errTooLarge) {
		_ = resp.Body.Close()
		return nil, refused(stallCause(ctx, err))
	}
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(strings.NewReader(string(text)))
	return resp, nil
}

// resume asks the registry how far an upload came, which distribution-spec calls its status.
func (u *upload) resume(ctx context.Context) {
	if u.address == "" || u.blob.Size <= oneRequest {
		u.address, u.offset = "", 0
		return
	}
	resp, f := u.c.once(ctx, u.h, u.address, call{method: http.MethodGet, scope: u.scope,
		accept: []int{http.StatusNoContent, http.StatusAccepted, http.StatusOK}})
	if f == nil {
		next, err := location(u.h, u.address, resp.header.Get("Location"))
		if end, ok := received(resp.header.Get("Range")); ok && err == nil && end <= u.blob.Size {
			u.address, u.offset = next, end
			return
		}
	}
	u.address, u.offset = "", 0
}

// received reads "0-99" or "bytes=0-99" as 100 bytes. "0-0" is said for none as for one, so it counts as none: an
// offset that is too small makes a registry refuse, and the upload begin again.
func received(value string) (n int64, ok bool) {
	first, last, found := strings.Cut(strings.TrimPrefix(strings.TrimSpace(value), "bytes="), "-")
	if !found || first != "0" {
		return 0, false
	}
	end, err := strconv.ParseUint(last, 10, 62)
	if err != nil {
		return 0, false
	}
	if end == 0 {
		return 0, true
	}
	return int64(end) + 1, true
}

// blobBody reads the blob from an offset on.
type blobBody struct {
	u      *upload
	open   func() (io.ReadCloser, error)
	offset int64
	alive  func(limit time.Duration)
}

// start opens the blob, again where a request is repeated with a new token.
func (b *blobBody) start() (io.ReadCloser, error) {
	r, err := b.open()
	if err == nil && b.offset > 0 {
		if err = skip(r, b.offset); err != nil {
			_ = r.Close()
		}
	}
	if err != nil {
		b.u.fail(err)
		return nil, err
	}
	return &blobReader{ReadCloser: r, body: b, at: b.offset}, nil
}

// skip passes over bytes that the registry has.
func skip(r io.Reader, n int64) error {
	if s, ok := r.(io.Seeker); ok {
		_, err := s.Seek(n, io.SeekStart)
		return err
	}
	_, err := io.CopyN(io.Discard, r, n)
	return err
}

// blobReader is one reading of the body.
type blobReader struct {
	io.ReadCloser
	body *blobBody
	at   int64
}

func (r *blobReader) Read(p []byte) (int, error) {
	b, u := r.body, r.body.u
	n, err := r.ReadCloser.Read(p)
	r.at += int64(n)
	if err == io.EOF && r.at != u.blob.Size || r.at > u.blob.Size {
		err = fmt.Errorf("blob %s has %d bytes, not %d", u.blob.Digest, r.at, u.blob.Size)
	}
	// A body that net/http closed, since it has the answer already, is no broken file.
	if err != nil && err != io.EOF && !errors.Is(err, fs.ErrClosed) {
		u.fail(err)
	}
	b.alive(u.c.opt.Stall)
	if r.at >= u.blob.Size {
		b.alive(u.c.commit)
	}
	u.tell(min(r.at, u.blob.Size))
	return n, err
}

// tell passes progress on, which a second attempt does not turn back.
func (u *upload) tell(done int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if done > u.told {
		u.told = done
		u.on(done)
	}
}

// fail remembers that the file cannot be read.
func (u *upload) fail(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.broken = err
}

func (u *upload) fileError() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.broken
}
