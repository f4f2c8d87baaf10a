package fetch

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	maxBackoff    = 20 * time.Second
	maxRetryAfter = 2 * time.Minute // a server that asks for more is not waited for
	maxAttempts   = 50              // for one URL, even if each brings some bytes
)

// failure is the end of one attempt.
type failure struct {
	err      error
	status   int
	again    bool          // may succeed when tried again
	after    time.Duration // the server asked to wait this long
	progress bool          // brought bytes, so that the next attempt starts later in the file
	ours     bool          // is not about the request at all
}

// retry calls try until it succeeds or is not worth another attempt. The error says what was tried, and how often.
func (c *Client) retry(ctx context.Context, method string, u *url.URL, attempts int, try func() *failure) error {
	wait, row := c.opt.Backoff, 0
	for n := 1; ; n++ {
		f := try()
		if f == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if f.ours { // the store is full, or the options are wrong: no request can help
			return f.err
		}
		// A slow and shaky connection that brings bytes each time gets there in the end.
		if row++; f.progress {
			wait, row = c.opt.Backoff, 1
		}
		if !f.again || row >= attempts || n >= maxAttempts || f.after > maxRetryAfter {
			return c.report(method, u, n, f)
		}
		pause := max(f.after, wait/2+rand.N(wait)) // jitter, so that many clients do not come back at once
		c.opt.Log.Debug("request failed, trying again", "method", method, "url", Redact(u.String()), "attempt", n,
			"status", f.status, "wait", pause)
		if err := Sleep(ctx, pause); err != nil {
			return err
		}
		wait = min(2*wait, maxBackoff)
	}
}

// report makes the error that callers see. Nothing that the server wrote is in it: it may be long, or hostile.
func (c *Client) report(method string, u *url.URL, attempts int, f *failure) error {
	err := f.err
	if inner, ok := errors.AsType[*url.Error](err); ok {
		err = inner.Err // its text would repeat method and URL, the latter unredacted
	}
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errTruncated // in words
	}
	e := &Error{Method: method, URL: Redact(u.String()), Status: f.status, Attempts: attempts, Err: err}
	e.Hint = hint(u, f.status, err)
	if c.opt.Denied != nil && (f.status == http.StatusUnauthorized || f.status == http.StatusForbidden) {
		e.Hint = cmp.Or(c.opt.Denied(u), e.Hint)
	}
	return e
}

// Sleep is time.Sleep that ends with the context, whose error it then returns.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// refused judges a request without a response.
func refused(err error) *failure {
	var certificate *tls.CertificateVerificationError
	var host *net.DNSError
	// A name that does not exist and a certificate that does not fit are the same a second later.
	final := errors.As(err, &certificate) || errors.As(err, &host) && host.IsNotFound ||
		errors.Is(err, errRedirects) || errors.Is(err, errScheme) || errors.Is(err, errDowngrade) || ProxyFinal(err)
	return &failure{err: err, again: !final}
}

// answered judges a status that is not success.
func answered(resp *http.Response) *failure {
	f := &failure{status: resp.StatusCode}
	f.again, f.after = Temporary(resp)
	return f
}

// Temporary tells whether the status of a response may be another one when the request is sent again, and how long the
// server asks to wait until then.
func Temporary(resp *http.Response) (again bool, after time.Duration) {
	switch resp.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusGatewayTimeout:
		return true, 0
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		// These two are the statuses for which servers say when to come back.
		return true, retryAfter(resp.Header.Get("Retry-After"), time.Now())
	}
	return false, 0
}

// retryAfter reads both forms of the header of that name: seconds, and a date.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil && date.After(now) {
		return date.Sub(now)
	}
	return 0
}
