package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/registry/keychain"
)

// host is what is known of one registry.
type host struct {
	name      string // "docker.io"
	base      string // "https://registry-1.docker.io", without a slash
	transport http.RoundTripper

	mu        sync.Mutex
	ready     bool
	challenge challenge
	found     map[string]keychain.Result // credentials, by repository
	tokens    map[string]token           // by scope
}

// host returns a registry that answers, and asks it which scheme and which credentials it wants when it is first needed.
func (c *Client) host(ctx context.Context, name string) (*host, error) {
	if c.opt.Offline {
		return nil, errOffline(name)
	}
	c.mu.Lock()
	h := c.hosts[name]
	if h == nil {
		h = &host{name: name, found: map[string]keychain.Result{}, tokens: map[string]token{}}
		c.hosts[name] = h
	}
	c.mu.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ready {
		return h, nil
	}
	if err := c.probe(ctx, h); err != nil {
		return nil, err
	}
	h.ready = true
	c.mu.Lock()
	c.bases[h.base] = h
	c.mu.Unlock()
	return h, nil
}

// errOffline says that a registry was needed in offline mode.
func errOffline(what string) error {
	return &diag.Error{Code: "offline", What: what + " is not asked in offline mode", Hint: "run it without LITHE_OFFLINE", Err: fetch.ErrOffline}
}

// probe finds out how a registry is spoken to. HTTPS is tried first everywhere, so that nobody who answers it is ever
// spoken to in the clear.
func (c *Client) probe(ctx context.Context, h *host) error {
	api := h.name
	if api == dockerHub {
		api = dockerHubAPI
	}
	var err error
	if h.transport, err = c.transport(api); err != nil {
		return err
	}
	err = c.ping(ctx, h, "https://"+api)
	if err == nil || !speaksPlain(err) {
		return err
	}
	if !loopback(api) && !c.insecure(h.name) {
		return &diag.Error{Code: "registry-insecure", What: h.name + " speaks plain HTTP, which anybody on the way can read and change",
			Hint: "give it a certificate, or accept the risk with `--insecure-registry " + h.name + "`", Err: err}
	}
	return c.ping(ctx, h, "http://"+api)
}

// speaksPlain reports a server that answered HTTPS in plain text.
func speaksPlain(err error) bool {
	_, plain := errors.AsType[tls.RecordHeaderError](err)
	return plain
}

// ping asks for the API's root, whose answer tells what credentials are wanted.
func (c *Client) ping(ctx context.Context, h *host, base string) error {
	h.base = base
	return c.retry(ctx, http.MethodGet, base+"/v2/", func() (*http.Response, *failure) {
		ctx, _, cancel := watch(ctx, c.opt.Stall)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/v2/", nil)
		if err != nil {
			return nil, &failure{err: err}
		}
		req.Header.Set("User-Agent", c.opt.UserAgent)
		// Past the client, as a redirect of this question is an answer, too: there is something that speaks HTTP.
		resp, err := h.transport.RoundTrip(req)
		if err != nil {
			return nil, refused(stallCause(ctx, err))
		}
		defer drain(resp)
		switch {
		case resp.StatusCode == http.StatusUnauthorized:
			h.challenge = parseChallenge(resp.Header)
			return resp, nil
		case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500:
			return nil, answered(resp)
		}
		return resp, nil
	}, nil)
}

// drain reads the rest of a short body, so that the connection can be used again.
func drain(resp *http.Response) {
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxMessage))
	_ = resp.Body.Close()
}
