package registry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// call is one request to a registry.
type call struct {
	method string
	path   string // or the address of an upload, on the registry's own host
	scope  string
	header http.Header
	accept []int // statuses that are success; nil means 200
	limit  int64 // bytes of the answer that are read; 0 means none
	body   []byte
}

// send makes a request, again where that may help, and returns the answer. A refusal lists the sources of credentials.
func (c *Client) send(ctx context.Context, h *host, cl call) (result *response, err error) {
	address := cl.path
	if strings.HasPrefix(address, "/") {
		address = h.base + address
	}
	err = c.retry(ctx, cl.method, address, func() (*http.Response, *failure) {
		var f *failure
		result, f = c.once(ctx, h, address, cl)
		return nil, f
	}, nil)
	return result, err
}

// once makes one attempt.
func (c *Client) once(ctx context.Context, h *host, address string, cl call) (*response, *failure) {
	patience := c.opt.Stall
	if cl.method == http.MethodPut { // of a manifest, or the end of an upload
		patience = c.commit
	}
	ctx, _, cancel := watch(withScope(ctx, cl.scope), patience)
	defer cancel()
	var body io.Reader
	if cl.body != nil {
		body = strings.NewReader(string(cl.body)) // of a type that http can replay
	}
	req, err := http.NewRequestWithContext(ctx, cl.method, address, body)
	if err != nil {
		return nil, &failure{err: errors.New("the registry sent an address that is none")}
	}
	for key, values := range cl.header {
		req.Header[key] = values
	}
	req.Header.Set("User-Agent", c.opt.UserAgent)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, refused(stallCause(ctx, err))
	}
	defer drain(resp)
	return c.judge(ctx, h, resp, cl)
}

// judge tells success from failure and reads the body of either.
func (c *Client) judge(ctx context.Context, h *host, resp *http.Response, cl call) (*response, *failure) {
	accept := cl.accept
	if accept == nil {
		accept = []int{http.StatusOK}
	}
	if !slices.Contains(accept, resp.StatusCode) {
		f := answered(resp)
		if cl.method != http.MethodHead && refusal(resp.StatusCode) && origin(resp.Request.URL) == h.base {
			f.err = c.refusedBy(h, cl.scope, f)
		}
		return nil, f
	}
	result := &response{status: resp.StatusCode, header: resp.Header}
	if cl.limit > 0 && cl.method != http.MethodHead {
		var err error
		if result.body, err = readBody(resp, cl.limit); errors.Is(err, errTooLarge) {
			return nil, &failure{err: err}
		} else if err != nil {
			return nil, refused(stallCause(ctx, err))
		}
	}
	return result, nil
}

func refusal(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

// location resolves the address at which an upload goes on. It may be on another host, as object stores are; then it
// gets no credentials, as the authorizer sees to.
func location(h *host, from, header string) (string, error) {
	base, err := url.Parse(from)
	if err != nil {
		return "", err
	}
	u, err := base.Parse(header)
	if err != nil || header == "" || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return "", errors.New("the registry sent no address for an upload")
	}
	if strings.HasPrefix(h.base, "https:") && u.Scheme == "http" {
		// A proxy that ends TLS before a registry which does not know it: the same host is meant.
		if base.Hostname() != u.Hostname() {
			return "", errDowngrade
		}
		u.Scheme, u.Host = base.Scheme, base.Host
	}
	u.User = nil
	return u.String(), nil
}
