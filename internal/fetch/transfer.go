package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/lithe-build/lithe/internal/store"
)

// chunk is how many bytes are read at once, and so how often progress is told.
const chunk = 256 << 10

// transfer is one file on its way from one URL into the store.
type transfer struct {
	client   *Client
	url      *url.URL
	user     *url.Userinfo
	request  Request
	progress func(done, total int64)
	mixed    bool // the bytes come from more than one answer, or from an earlier run
	whole    bool // ask for the whole file: ranges did not work
}

// validator is remembered beside an unfinished file. It tells whether the server still has the same one.
type validator struct {
	URL  string // as a key, since a URL may hold secrets
	ETag string
}

// run downloads what is missing and commits the file.
func (t *transfer) run(ctx context.Context, attempts int) error {
	st, digest := t.client.store, t.request.Digest
	w, err := st.Resume(digest, t.extra()...)
	if err != nil {
		return err
	}
	kept := false
	defer func() {
		if !kept {
			_ = w.Abort()
			_ = st.DropRecord("partial", digest)
		}
	}()
	if t.request.Size > 0 && w.Size() > t.request.Size {
		if err := w.Reset(); err != nil {
			return err
		}
	}
	t.mixed = w.Size() > 0
	if t.request.Size == 0 || w.Size() != t.request.Size {
		err = t.client.retry(ctx, http.MethodGet, t.url, attempts, func() *failure { return t.attempt(ctx, w) })
		if err != nil {
			kept = w.Size() > 0 && w.Suspend() == nil // for the next URL or run to go on with
			return err
		}
	}
	want := digest // the store names by sha256; another digest was checked while writing
	if len(t.extra()) > 0 {
		want = ""
	}
	_, err = w.Commit(want)
	return err
}

// extra is the digest if it is not the store's own kind.
func (t *transfer) extra() []string {
	if strings.HasPrefix(t.request.Digest, "sha256:") {
		return nil
	}
	return []string{t.request.Digest}
}

// attempt makes one request for the bytes that are missing.
func (t *transfer) attempt(ctx context.Context, w *store.Writer) *failure {
	release, err := t.client.slot(ctx)
	if err != nil {
		return &failure{err: err, ours: true}
	}
	defer release()
	ctx, alive, cancel := watch(ctx, t.client.opt.Stall)
	defer cancel()
	req, err := t.client.request(ctx, http.MethodGet, t.url, t.user)
	if err != nil {
		return &failure{err: err, ours: true}
	}
	req.Header.Set("Accept-Encoding", "identity") // ranges and lengths are those of the file itself
	t.askRange(req, w)
	resp, err := t.client.http.Do(req)
	if err != nil {
		return refused(stallCause(ctx, err))
	}
	defer resp.Body.Close()
	total, f := t.accept(resp, w)
	if f != nil || resp.StatusCode == http.StatusRequestedRangeNotSatisfiable {
		return f // nil if nothing is missing
	}
	t.remember(resp)
	return t.receive(ctx, resp.Body, w, total, alive)
}

// askRange asks for the rest of an unfinished file, on condition that it is still the same.
func (t *transfer) askRange(req *http.Request, w *store.Writer) {
	if w.Size() == 0 || t.whole {
		return
	}
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-", w.Size()))
	var v validator
	if ok, _ := t.client.store.Record("partial", t.request.Digest, &v); ok && v.URL == t.key() && v.ETag != "" {
		req.Header.Set("If-Range", v.ETag)
	}
}

// remember keeps a strong ETag. Weak ones promise too little to put pieces together.
func (t *transfer) remember(resp *http.Response) {
	tag := resp.Header.Get("ETag")
	if !strings.HasPrefix(tag, `"`) || len(tag) > 1000 {
		tag = ""
	}
	v := validator{URL: t.key(), ETag: tag}
	_ = t.client.store.PutRecord("partial", t.request.Digest, v) // without it, the hash alone vouches for the pieces
}

// key stands for the URL in the store.
func (t *transfer) key() string {
	return store.DigestBytes([]byte(t.url.String()))
}

// accept checks status and sizes before any byte is taken, and puts the writer where the body starts. The total is 0
// if it is unknown.
func (t *transfer) accept(resp *http.Response, w *store.Writer) (total int64, f *failure) {
	switch resp.StatusCode {
	case http.StatusOK:
		if resp.ContentLength >= 0 {
			total = resp.ContentLength
			// Before the first byte: a wrong file may be very large.
			if t.request.Size > 0 && total != t.request.Size {
				return 0, &failure{err: t.request.sizeError(total)}
			}
		}
		return max(total, t.request.Size), t.restart(w)
	case http.StatusPartialContent:
		start, total, ok := contentRange(resp.Header.Get("Content-Range"))
		if !ok || start != w.Size() || t.request.Size > 0 && total > 0 && total != t.request.Size {
			t.whole = true
			return 0, &failure{err: errors.New("the server sent another range than it was asked for"), again: true}
		}
		t.mixed = true
		return max(total, t.request.Size), nil
	case http.StatusRequestedRangeNotSatisfiable:
		if _, total, ok := contentRange(resp.Header.Get("Content-Range")); ok && total == w.Size() {
			return 0, nil // all bytes are here already
		}
		t.whole = true
		return 0, &failure{status: resp.StatusCode, again: true}
	}
	return 0, answered(resp)
}

// restart makes room for a whole file.
func (t *transfer) restart(w *store.Writer) *failure {
	t.mixed = false
	if w.Size() == 0 {
		return nil
	}
	if err := w.Reset(); err != nil {
		return &failure{err: err, ours: true}
	}
	return nil
}

// receive copies the body into the store.
func (t *transfer) receive(ctx context.Context, body io.Reader, w *store.Writer, total int64, alive func()) *failure {
	start, limit := w.Size(), int64(maxBlob)
	if total > 0 {
		limit = total
	}
	// No io.Copy: errors of the network are tried again, those of the store are not, and it does not tell them apart.
	buffer := make([]byte, chunk)
	for {
		n, err := body.Read(buffer)
		alive()
		// Bytes that came along with an error count as well, so they are taken before it is looked at.
		if w.Size()+int64(n) > limit {
			return &failure{err: fmt.Errorf("%w: more than %d bytes", errTooLarge, limit)}
		}
		if _, werr := w.Write(buffer[:n]); werr != nil {
			return &failure{err: werr, ours: true}
		}
		if n > 0 {
			t.progress(w.Size(), total)
		}
		if err == io.EOF {
			if total > 0 && w.Size() < total {
				return &failure{err: errTruncated, again: true, progress: w.Size() > start}
			}
			return nil
		}
		if err != nil {
			return &failure{err: stallCause(ctx, err), again: true, progress: w.Size() > start}
		}
	}
}

// contentRange parses "bytes 5-9/10", "bytes 5-9/*" and "bytes */10" (RFC 9110 §14.4). Unknown numbers are 0.
func contentRange(value string) (start, total int64, ok bool) {
	value, found := strings.CutPrefix(value, "bytes ")
	span, size, cut := strings.Cut(value, "/")
	if !found || !cut {
		return 0, 0, false
	}
	if size != "*" {
		n, err := strconv.ParseUint(size, 10, 62)
		if err != nil {
			return 0, 0, false
		}
		total = int64(n)
	}
	if span == "*" {
		return 0, total, size != "*"
	}
	first, _, _ := strings.Cut(span, "-")
	n, err := strconv.ParseUint(first, 10, 62)
	return int64(n), total, err == nil
}
