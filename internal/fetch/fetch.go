// Package fetch downloads files whose digest is known beforehand, or small documents whose digest is not, over HTTP.
//
// A blob is named by its digest and comes from the store, or from the first of its URLs that has it: resumed where an
// earlier run stopped, retried, verified while it streams, and once only however many goroutines and processes want
// it. A document is small, capped, and asked for again by its ETag. In offline mode only the store answers.
//
// Credentials go to the host they are for and to no other, whatever redirects say, and are in no error and no log.
// Proxies and certificates are as everywhere in Go: HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE.
// See https://www.rfc-editor.org/rfc/rfc9110 (HTTP semantics: ranges in §14, Retry-After in §10.2.3).
package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/lithe-build/lithe/internal/store"
	"github.com/lithe-build/lithe/internal/trace"
)

const (
	defaultJobs     = 8
	defaultAttempts = 5                      // waits of about 0.5, 1, 2 and 4 seconds between them
	defaultBackoff  = 500 * time.Millisecond // the first wait
	defaultStall    = 60 * time.Second       // longer than any proxy that scans a file before it passes it on
	maxRedirects    = 10                     // as browsers and the Go default have it
	maxCABundle     = 32 << 20               // bytes; the bundle of all public authorities has about 0.2 MB
)

// Options say how to fetch. The zero value works.
type Options struct {
	Jobs      int    // requests at once; 0 means 8
	Offline   bool   // answer from the store only
	UserAgent string // "" means lithe
	CABundle  string // PEM file in place of the system's certificate authorities; "" means the system's

	// Transport makes the requests, and knows credentials and certificates by itself. Nil means Go's own.
	Transport http.RoundTripper

	// Auth returns the credentials for the host of a URL, which has none of its own. Nil means none.
	Auth func(u *url.URL) (user, password string, ok bool)
	// Denied says where credentials were looked for, after an answer of 401 or 403. Nil, or "", says the usual.
	Denied func(u *url.URL) string
	// TLS returns how the server of a URL is spoken with: the same pointer for the same way. Nil means as with all others.
	TLS func(u *url.URL) *tls.Config

	Attempts int           // in a row without a byte received, for one URL; 0 means 5
	Backoff  time.Duration // the first wait between them, doubled each time; 0 means half a second
	Stall    time.Duration // how long a server may send nothing; 0 means a minute
	Log      *slog.Logger  // nil means silent
	// Trace counts requests and bytes, unless Transport does. Nil means that nobody looks.
	Trace *trace.Recorder
}

// Client fetches. It is for several goroutines and keeps connections open between requests.
type Client struct {
	store *store.Store
	opt   Options
	http  *http.Client
	slots chan struct{}
	setup error // what is wrong with the options, said with the first request
}

// New returns a Client that keeps what it fetches in st.
func New(st *store.Store, opt Options) *Client {
	if opt.Jobs <= 0 {
		opt.Jobs = defaultJobs
	}
	if opt.Attempts <= 0 {
		opt.Attempts = defaultAttempts
	}
	if opt.Backoff <= 0 {
		opt.Backoff = defaultBackoff
	}
	if opt.Stall <= 0 {
		opt.Stall = defaultStall
	}
	if opt.UserAgent == "" {
		opt.UserAgent = "lithe"
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	c := &Client{store: st, opt: opt, slots: make(chan struct{}, opt.Jobs)}
	transport := opt.Transport
	if transport == nil {
		var own *http.Transport
		own, c.setup = newTransport(opt)
		if transport = own; opt.TLS != nil {
			transport = &byServer{common: own, config: opt.TLS}
		}
	}
	c.http = &http.Client{Transport: trace.Transport(transport, opt.Trace), CheckRedirect: c.redirect}
	return c
}

// Offline reports whether the client answers from the store only.
func (c *Client) Offline() bool { return c.opt.Offline }

// Store returns the store that the client fetches into.
func (c *Client) Store() *store.Store { return c.store }

// newTransport is Transport with the options' authorities.
func newTransport(opt Options) (*http.Transport, error) {
	t := Transport()
	t.MaxIdleConnsPerHost = opt.Jobs // the default of 2 would close most connections to the one host that matters
	if opt.CABundle == "" {
		return t, nil
	}
	info, err := os.Stat(opt.CABundle)
	if err != nil {
		return t, err
	}
	if info.Size() > maxCABundle {
		return t, fmt.Errorf("%s: %d bytes are too many for certificates", opt.CABundle, info.Size())
	}
	pem, err := os.ReadFile(opt.CABundle)
	if err != nil {
		return t, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return t, fmt.Errorf("%s: no certificate found", opt.CABundle)
	}
	t.TLSClientConfig = &tls.Config{RootCAs: pool}
	return t, nil
}

// slot waits for one of the places for requests under way.
func (c *Client) slot(ctx context.Context) (release func(), err error) {
	select {
	case c.slots <- struct{}{}:
		return func() { <-c.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// parseURL accepts what can be fetched. The credentials in a URL move out of it at once.
func parseURL(raw string) (*url.URL, *url.Userinfo, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("%s is no URL", Redact(raw)) // the parser's error would quote it whole
	}
	if u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return nil, nil, fmt.Errorf("%s: only http and https URLs can be fetched", Redact(raw))
	}
	user := u.User
	u.User = nil // from here on, whatever prints the URL prints no secret
	return u, user, nil
}

// request returns a request with credentials for its own host.
func (c *Client) request(ctx context.Context, method string, u *url.URL, user *url.Userinfo) (*http.Request, error) {
	if c.setup != nil {
		return nil, c.setup
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", c.opt.UserAgent)
	if user != nil { // said with the URL, which is more exact than a file for all hosts
		password, _ := user.Password()
		req.SetBasicAuth(user.Username(), password)
	} else {
		c.authenticate(req)
	}
	return req, nil
}

// authenticate adds the credentials that the options have for the host of a request.
func (c *Client) authenticate(req *http.Request) {
	if c.opt.Auth == nil {
		return
	}
	if user, password, ok := c.opt.Auth(req.URL); ok {
		req.SetBasicAuth(user, password)
	}
}

// redirect decides on each redirect. The Go client would pass credentials on to subdomains and other ports.
func (c *Client) redirect(req *http.Request, via []*http.Request) error {
	last := via[len(via)-1]
	switch {
	case len(via) >= maxRedirects:
		return errRedirects
	case req.URL.Scheme != "https" && req.URL.Scheme != "http":
		return errScheme
	case last.URL.Scheme == "https" && req.URL.Scheme == "http":
		return errDowngrade
	}
	req.Header.Del("Referer") // its query may hold a signature that is for the first host only
	// Compared with the first request, since the Go client copies the header from there at every redirect.
	if origin(req.URL) != origin(via[0].URL) {
		req.Header.Del("Authorization")
		c.authenticate(req)
	}
	req.URL.User = nil // a server has no business to choose our credentials
	return nil
}

// origin is what credentials belong to: scheme, host and port.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

var (
	errRedirects = errors.New("too many redirects")
	errScheme    = errors.New("redirected to something other than http")
	errDowngrade = errors.New("redirected from https to http")
)
