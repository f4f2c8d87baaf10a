package registry

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/lazyregexp"
)

const (
	maxBackoff    = 20 * time.Second
	maxRetryAfter = 2 * time.Minute // a server that asks for more is not waited for
	maxMessage    = 64 << 10        // bytes of an answer that is no success
	maxQuote      = 200             // bytes of a server's words that are passed on
)

// failure is the end of one attempt.
type failure struct {
	err    error
	status int
	code   string        // the registry's own: "MANIFEST_BLOB_UNKNOWN"
	again  bool          // may succeed when it is tried again
	ours   bool          // is not about this request at all
	after  time.Duration // the server asked to wait this long
}

// Error and Unwrap make a failure the cause of what is reported.
func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// retry calls try until it succeeds or is not worth another attempt. What it returns names the request without its
// query. With keep the response is handed on, whose body the caller closes.
func (c *Client) retry(ctx context.Context, method, address string, try func() (*http.Response, *failure), keep func(*http.Response)) error {
	wait := c.opt.Backoff
	for n := 1; ; n++ {
		resp, f := try()
		if f == nil {
			if keep != nil {
				keep(resp)
			}
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !f.again || n >= c.opt.Attempts || f.after > maxRetryAfter {
			return report(method, address, n, f)
		}
		pause := max(f.after, wait/2+rand.N(wait)) // jitter, so that many clients do not come back at once
		c.opt.Log.Debug("request failed, trying again", "method", method, "url", fetch.Redact(address), "attempt", n,
			"status", f.status, "wait", pause)
		if err := fetch.Sleep(ctx, pause); err != nil {
			return err
		}
		wait = min(2*wait, maxBackoff)
	}
}

// report makes the error that callers see.
func report(method, address string, n int, f *failure) error {
	if auth, ok := errors.AsType[*authError](f.err); ok {
		return auth
	}
	if f.ours {
		return f.err
	}
	if inner, ok := errors.AsType[*url.Error](f.err); ok {
		f.err = inner.Err // its text would repeat method and URL, the latter unredacted
	}
	e := &fetch.Error{Method: method, URL: fetch.Redact(address), Status: f.status, Attempts: n, Hint: hint(address, f)}
	if f.err != nil {
		e.Err = f
	}
	return e
}

// hint says what a user can do about a request to an address.
func hint(address string, f *failure) string {
	var certificate *tls.CertificateVerificationError
	var name *net.DNSError
	var network net.Error
	u, err := url.Parse(address)
	if err == nil {
		if said := fetch.ProxyHint(u, f.status, f.err); said != "" {
			return said
		}
	}
	switch {
	case f.status == http.StatusTooManyRequests || f.status == http.StatusServiceUnavailable:
		return "the registry is busy; try again later"
	case errors.As(f.err, &certificate):
		host := "HOST"
		if err == nil {
			host = u.Host
		}
		return "if the registry has its own certificate authority, put that into /etc/docker/certs.d/" + host +
			"/ca.crt, or into the file that SSL_CERT_FILE names"
	case errors.As(f.err, &name):
		return "check the name of the registry and the network connection; behind a proxy, set HTTPS_PROXY"
	case errors.As(f.err, &network) || errors.Is(f.err, errStalled):
		return "check the network connection; behind a proxy, set HTTPS_PROXY"
	}
	return ""
}

// refused judges a request without a response.
func refused(err error) *failure {
	var certificate *tls.CertificateVerificationError
	var name *net.DNSError
	var auth *authError
	// A name that does not exist and a certificate that does not fit are the same a second later.
	final := errors.As(err, &certificate) || errors.As(err, &name) && name.IsNotFound || errors.As(err, &auth) ||
		errors.Is(err, errRedirects) || errors.Is(err, errScheme) || errors.Is(err, errDowngrade) || speaksPlain(err) ||
		fetch.ProxyFinal(err)
	return &failure{err: err, again: !final}
}

// answered judges a status that is not what was asked for, and reads the registry's reason.
func answered(resp *http.Response) *failure {
	f := &failure{status: resp.StatusCode}
	f.again, f.after = fetch.Temporary(resp)
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxMessage))
	f.code, f.err = reason(resp.StatusCode, text)
	return f
}

// codes are what the specification calls them; anything else in their place is no registry's.
var codes = lazyregexp.New(`^[A-Z][A-Z_]{1,60}$`)

// reason reads the specification's form of an error. Of its words only printable ones are passed on, and not many.
func reason(status int, body []byte) (code string, err error) {
	text := strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
	var reply struct {
		Errors []struct{ Code, Message string }
	}
	if json.Unmarshal(body, &reply) != nil || len(reply.Errors) == 0 || !codes.MatchString(reply.Errors[0].Code) {
		return "", errors.New(text)
	}
	first := reply.Errors[0]
	return first.Code, fmt.Errorf("%s: %s: %s", text, first.Code, printable(first.Message))
}

// printable is the beginning of a text that a server wrote, on one line.
func printable(text string) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, text[:min(len(text), maxQuote)])
	return strings.TrimSpace(clean)
}

var errStalled = errors.New("the registry did nothing for too long")

// watch returns a context that ends when alive has not been called for a while: a connection may die without a word.
func watch(ctx context.Context, limit time.Duration) (watched context.Context, alive func(time.Duration), cancel func()) {
	watched, stop := context.WithCancelCause(ctx)
	timer := time.AfterFunc(limit, func() { stop(errStalled) })
	return watched, func(limit time.Duration) { timer.Reset(limit) }, func() {
		timer.Stop()
		stop(context.Canceled)
	}
}

// stallCause puts the stall in place of the cancellation that it looks like.
func stallCause(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errStalled) {
		return errStalled
	}
	return err
}
