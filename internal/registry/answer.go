package registry

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/fetch"
)

// Answer asks whether a registry answers and takes the login that there is for it. It returns where that login is, ""
// for a registry that answers somebody without one.
func (c *Client) Answer(ctx context.Context, name string) (login string, err error) {
	name = hostName(strings.TrimSuffix(name, "/"))
	if CheckInsecure([]string{name}) != nil {
		return "", &diag.Error{Code: "registry-host", What: fetch.Redact(name) + " is not the host of a registry",
			Hint: "write HOST or HOST:PORT, without a scheme and a repository"}
	}
	h, err := c.host(ctx, name)
	if err != nil {
		return "", err
	}
	_, err = c.send(ctx, h, call{method: http.MethodGet, path: "/v2/", limit: maxMessage})
	if refused, ok := errors.AsType[*authError](err); ok && refused.source == "" {
		return "", nil // what needs no login may be pulled all the same
	}
	if err != nil {
		return "", err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.found[""].Source, nil
}

// Logins returns the registries that the files with logins name, sorted.
func (c *Client) Logins() []string { return c.keys.Hosts() }
