package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Transport returns a transport that starts from Go's own, which knows proxies, HTTP/2 and time limits for connecting. What
// a proxy answers in place of a connection is a *ProxyError.
func Transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = proxyOf
	t.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
		if answer.StatusCode == http.StatusOK {
			return nil
		}
		return &ProxyError{answer.StatusCode}
	}
	return t
}

// proxyOf is Go's reading of HTTPS_PROXY, HTTP_PROXY and NO_PROXY. Its errors quote the address with the password. An address
// that does not parse is tried with another http:// before it, so that "http" is the host and the rest is the path.
func proxyOf(r *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(r)
	if err != nil || u != nil && strings.HasPrefix(u.Path, "//") {
		return nil, errProxyAddress
	}
	return u, nil
}

var errProxyAddress = errors.New("the address of the proxy cannot be read")

// ProxyError is what a proxy answers that opens no connection to a server.
type ProxyError struct{ Status int }

// Error tells the status in words.
func (e *ProxyError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("the proxy answers %d %s", e.Status, http.StatusText(e.Status)))
}

// ProxyHint says what a user can do about a request that a proxy stopped, "" where none did. The status is that of an
// answer to a plain request, 0 where there is none.
func ProxyHint(u *url.URL, status int, err error) string {
	variable := strings.ToUpper(u.Scheme) + "_PROXY"
	if refused, ok := errors.AsType[*ProxyError](err); ok {
		status = refused.Status
	} else if errors.Is(err, errProxyAddress) {
		return "correct " + variable + "; signs such as / ? # @ in its password are written as %2F %3F %23 %40"
	} else if status != http.StatusProxyAuthRequired {
		return ""
	}
	switch {
	case status == http.StatusProxyAuthRequired:
		return "put the proxy's credentials into " + variable
	case status < http.StatusInternalServerError:
		return "ask who runs the proxy to let " + u.Hostname() + " through, or name it in NO_PROXY"
	}
	return "the proxy does not reach " + u.Hostname() + "; name it in NO_PROXY if this machine does"
}

// ProxyFinal tells an error of a proxy that no further attempt can change.
func ProxyFinal(err error) bool {
	refused, ok := errors.AsType[*ProxyError](err)
	return ok && refused.Status < http.StatusInternalServerError || errors.Is(err, errProxyAddress)
}
