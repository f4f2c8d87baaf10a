package trace

import (
	"io"
	"net/http"
	"sync"
)

// Transport counts the requests that go through another one, and the bytes of the bodies both ways. Where nobody looks it
// is the other one itself.
func Transport(base http.RoundTripper, r *Recorder) http.RoundTripper {
	if r == nil {
		return base
	}
	return &transport{base, r}
}

type transport struct {
	base     http.RoundTripper
	recorder *Recorder
}

// RoundTrip makes one request. Its span ends with the body of the answer.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	t.recorder.Add(Requests, 1)
	span := t.recorder.Begin(Request, requestName(req))
	if req.Body != nil && req.Body != http.NoBody {
		counted := *req // a transport must not change a request
		counted.Body = &sending{req.Body, t.recorder}
		req = &counted
	}
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		span.End()
		return resp, err
	}
	resp.Body = &receiving{ReadCloser: resp.Body, recorder: t.recorder, span: span}
	return resp, nil
}

// requestName leaves out what may be secret: user and query.
func requestName(req *http.Request) string { return req.Method + " " + req.URL.Host + req.URL.Path }

// sending is the body of a request.
type sending struct {
	io.ReadCloser
	recorder *Recorder
}

func (s *sending) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	s.recorder.Add(Sent, int64(n))
	return n, err
}

// receiving is the body of an answer.
type receiving struct {
	io.ReadCloser
	recorder *Recorder
	span     Open
	n        int64
	once     sync.Once
}

func (r *receiving) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.n += int64(n)
	r.recorder.Add(Received, int64(n))
	if err != nil {
		r.end()
	}
	return n, err
}

func (r *receiving) Close() error {
	r.end()
	return r.ReadCloser.Close()
}

// end is called by whoever reads or closes: one goroutine at a time, as for any body, but perhaps both.
func (r *receiving) end() { r.once.Do(func() { r.span.EndWith(r.n) }) }
