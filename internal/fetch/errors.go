package fetch

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/lithe-build/lithe/internal/lazyregexp"
)

var (
	// ErrOffline says that something is not in the store, and may not be fetched.
	ErrOffline = errors.New("not in the store, and offline mode is on")
	// ErrNotFound says that the server has no such file.
	ErrNotFound = errors.New("not found")
	// ErrUnauthorized says that the server wants other credentials.
	ErrUnauthorized = errors.New("not authorized")
	// ErrSize says that a file has another size than the lock file or the index says.
	ErrSize = errors.New("wrong size")
)

var (
	errStalled   = errors.New("the server sent nothing for too long")
	errTruncated = errors.New("the connection was closed before the end")
	errTooLarge  = errors.New("too large")
)

// Error is a request that did not succeed. It is the network's fault or the server's, so it is no diag.Error.
type Error struct {
	Method   string
	URL      string // redacted
	Status   int    // HTTP status, 0 if there was none
	Attempts int
	Hint     string
	Err      error // nil if Status says all
}

// Error returns "GET URL: what (5 attempts); hint".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Method + " " + e.URL + ": ")
	switch {
	case e.Err != nil:
		b.WriteString(scrub(e.Err.Error()))
	default:
		b.WriteString(strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))))
	}
	if e.Attempts > 1 {
		fmt.Fprintf(&b, " (%d attempts)", e.Attempts)
	}
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is lets callers ask for ErrNotFound and ErrUnauthorized.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrNotFound:
		return e.Status == http.StatusNotFound || e.Status == http.StatusGone
	case ErrUnauthorized:
		return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden ||
			e.Status == http.StatusProxyAuthRequired
	}
	return false
}

// hint says what a user can do about a failed request.
func hint(u *url.URL, status int, err error) string {
	var certificate *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var host *net.DNSError
	var network net.Error
	if said := ProxyHint(u, status, err); said != "" {
		return said
	}
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return "credentials for " + u.Host + " are read from the index URL and from ~/.netrc"
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		return "the server is busy; try again later"
	case errors.As(err, &certificate) || errors.As(err, &authority):
		return "if your network has its own certificate authority, set SSL_CERT_FILE to its bundle"
	case errors.As(err, &host):
		return "check the host name and the network connection; behind a proxy, set HTTPS_PROXY"
	case errors.Is(err, errDowngrade):
		return "ask the server's operator, or use a URL that starts with https:"
	case errors.Is(err, errRedirects):
		return "ask the server's operator, or use another URL"
	case status >= http.StatusInternalServerError:
		return "the server has trouble of its own; try again later"
	case errors.As(err, &network) || errors.Is(err, errStalled) || errors.Is(err, errTruncated):
		return "check the network connection; behind a proxy, set HTTPS_PROXY"
	}
	return ""
}

// Redact returns a URL without what may be secret: credentials, query and fragment.
func Redact(raw string) string {
	// By hand, since what has to be shown may be no URL at all. Then a sign of the password may be why, such as a slash.
	if _, err := url.Parse(raw); err != nil {
		raw = unreadable.ReplaceAllString(raw, "//***@")
	}
	rest, _, _ := strings.Cut(raw, "#")
	rest, _, query := strings.Cut(rest, "?")
	if query {
		rest += "?…"
	}
	return scrub(rest)
}

// credentials are what stands between the slashes and the last @ before the path.
var credentials = lazyregexp.New(`//[^/\s"]*@`)

// unreadable are the credentials of what does not parse: all up to the last @.
var unreadable = lazyregexp.New(`//.*@`)

// scrub takes credentials out of texts that others wrote and that may quote a URL.
func scrub(text string) string {
	return credentials.ReplaceAllString(text, "//***@")
}
