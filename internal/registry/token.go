package registry

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/lithe-build/lithe/internal/registry/keychain"
)

const (
	maxToken        = 1 << 20 // bytes of a token server's answer
	defaultLifetime = 60 * time.Second
	// tokenMargin is how long before its end a token counts as ended: the request has to arrive.
	tokenMargin = 10 * time.Second
)

// token is a short-lived right to do something.
type token struct {
	value string
	until time.Time
}

// scopeFor is the specification's name of what a request does.
func scopeFor(repository string, actions ...string) string {
	return "repository:" + repository + ":" + strings.Join(actions, ",")
}

// scopeKey carries the scope of a request of ours to the authorizer.
type scopeKey struct{}

// withScope says what a request needs where its path does not tell.
func withScope(ctx context.Context, scope string) context.Context {
	return context.WithValue(ctx, scopeKey{}, scope)
}

// scopeOf returns what a request needs. A request without a scope of its own reads from the repository in its path.
func scopeOf(req *http.Request) string {
	if scope, ok := req.Context().Value(scopeKey{}).(string); ok {
		return scope
	}
	path := strings.TrimPrefix(req.URL.Path, "/v2/")
	for _, part := range []string{"/blobs/", "/manifests/", "/tags/", "/referrers/"} {
		if i := strings.LastIndex(path, part); i > 0 {
			return scopeFor(path[:i], "pull")
		}
	}
	return ""
}

// authorizer gives each request the credentials for its own host, and asks for new ones when they ran out.
type authorizer struct{ c *Client }

// RoundTrip sends a request. What a redirect led to gets no credentials unless it is a registry that was asked for.
func (a authorizer) RoundTrip(req *http.Request) (*http.Response, error) {
	a.c.mu.Lock()
	h := a.c.bases[origin(req.URL)]
	a.c.mu.Unlock()
	if h == nil {
		t, err := a.c.transport(req.URL.Host)
		if err != nil {
			return nil, err
		}
		return t.RoundTrip(req)
	}
	scope := scopeOf(req)
	header, err := a.c.authorization(req.Context(), h, scope, false)
	if err != nil {
		return nil, err
	}
	resp, err := h.transport.RoundTrip(authorized(req, header))
	if err != nil || resp.StatusCode != http.StatusUnauthorized || req.Body != nil && req.GetBody == nil {
		return resp, err
	}
	h.mu.Lock()
	known := h.challenge
	if ch := parseChallenge(resp.Header); ch.scheme != "" {
		h.challenge = ch
	}
	retry := h.challenge.scheme == "bearer" || known.scheme == ""
	h.mu.Unlock()
	if !retry {
		return resp, nil
	}
	// A token that ran out, or a registry whose root asks for nothing though its repositories do.
	drain(resp)
	if header, err = a.c.authorization(req.Context(), h, scope, true); err != nil {
		return nil, err
	}
	if req.GetBody != nil {
		if req.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
	}
	return h.transport.RoundTrip(authorized(req, header))
}

// authorized returns a copy, since a transport must not change what it was given.
func authorized(req *http.Request, header string) *http.Request {
	if header == "" {
		return req
	}
	clone := req.Clone(req.Context())
	clone.Header.Set("Authorization", header)
	return clone
}

// authorization returns the header for a scope. One goroutine at a time asks for it, the others take what it got.
func (c *Client) authorization(ctx context.Context, h *host, scope string, renew bool) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.challenge.scheme == "" {
		return "", nil
	}
	if t, ok := h.tokens[scope]; ok && !renew && time.Now().Before(t.until) {
		return "Bearer " + t.value, nil
	}
	found, err := c.credentials(ctx, h, scope)
	if err != nil {
		return "", err
	}
	switch {
	case found.RegistryToken != "":
		return "Bearer " + found.RegistryToken, nil
	case h.challenge.scheme == "basic" && found.Username == "":
		return "", nil // the registry's refusal says what is missing
	case h.challenge.scheme == "basic":
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(found.Username+":"+found.Password)), nil
	}
	t, err := c.fetchToken(ctx, h, found, scope)
	if err != nil {
		return "", err
	}
	h.tokens[scope] = t
	return "Bearer " + t.value, nil
}

// credentials asks the keychain once for each repository, and again for credentials that ran out.
func (c *Client) credentials(ctx context.Context, h *host, scope string) (keychain.Result, error) {
	repository := ""
	if parts := strings.SplitN(scope, ":", 3); len(parts) == 3 {
		repository = parts[1]
	}
	if found, ok := h.found[repository]; ok && !found.Expired(time.Now()) {
		return found, nil
	}
	found, err := c.keys.Lookup(ctx, h.name, repository)
	if err != nil {
		return found, err
	}
	h.found[repository] = found
	return found, nil
}

// fetchToken asks the token server: by OAuth2 with an identity token, else by a plain request with or without a name.
func (c *Client) fetchToken(ctx context.Context, h *host, found keychain.Result, scope string) (t token, err error) {
	realm, err := url.Parse(h.challenge.realm)
	if err != nil || realm.Host == "" || realm.Scheme != "https" && realm.Scheme != "http" {
		return t, fmt.Errorf("%s: its token server is no address", h.name)
	}
	// A registry in the clear may name a token server in the clear; one behind a certificate may not.
	if realm.Scheme == "http" && strings.HasPrefix(h.base, "https:") && !loopback(realm.Host) && !c.insecure(realm.Host) {
		return t, fmt.Errorf("%s: its token server %s speaks plain HTTP", h.name, realm.Host)
	}
	realm.User = nil
	scopes := strings.Fields(scope)
	request := tokenRequest(realm, h.challenge.service, scopes, found)
	if found.IdentityToken != "" {
		request = oauthRequest(realm, h.challenge.service, scopes, found)
	}
	var answer tokenAnswer
	err = c.retry(ctx, http.MethodGet, realm.Scheme+"://"+realm.Host+realm.Path, func() (*http.Response, *failure) {
		return nil, c.askToken(ctx, h, request, found, &answer)
	}, nil)
	if auth, ok := errors.AsType[*authError](err); ok {
		auth.setScope(scope)
	}
	if err != nil {
		return t, err
	}
	return answer.token(time.Now()), nil
}

// tokenRequest is the plain form. See https://distribution.github.io/distribution/spec/auth/token/.
func tokenRequest(realm *url.URL, service string, scopes []string, found keychain.Result) func(context.Context) (*http.Request, error) {
	return func(ctx context.Context) (*http.Request, error) {
		u := *realm
		query := u.Query()
		if service != "" {
			query.Set("service", service)
		}
		for _, s := range scopes {
			query.Add("scope", s)
		}
		u.RawQuery = query.Encode()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
		if err == nil && found.Username != "" {
			req.SetBasicAuth(found.Username, found.Password)
		}
		return req, err
	}
}

// oauthRequest is the form for identity tokens. See https://distribution.github.io/distribution/spec/auth/oauth/.
func oauthRequest(realm *url.URL, service string, scopes []string, found keychain.Result) func(context.Context) (*http.Request, error) {
	return func(ctx context.Context) (*http.Request, error) {
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {found.IdentityToken}, "service": {service},
			"client_id": {"lithe"}, "scope": {strings.Join(scopes, " ")}}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, realm.String(), strings.NewReader(form.Encode()))
		if err == nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		return req, err
	}
}

// askToken makes one request for a token.
func (c *Client) askToken(ctx context.Context, h *host, make func(context.Context) (*http.Request, error), found keychain.Result, into *tokenAnswer) *failure {
	ctx, _, cancel := watch(ctx, c.opt.Stall)
	defer cancel()
	req, err := make(ctx)
	if err != nil {
		return &failure{err: err}
	}
	req.Header.Set("User-Agent", c.opt.UserAgent)
	transport, err := c.transport(req.URL.Host)
	if err != nil {
		return &failure{err: err}
	}
	// No redirect is followed: the name and password are for this server.
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return refused(stallCause(ctx, err))
	}
	defer drain(resp)
	switch {
	case slices.Contains([]int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden}, resp.StatusCode):
		return &failure{err: &authError{host: h.name, status: resp.StatusCode, tried: found.Tried, source: found.Source}}
	case resp.StatusCode != http.StatusOK:
		return answered(resp)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxToken))
	if err != nil {
		return refused(stallCause(ctx, err))
	}
	if json.Unmarshal(data, into) != nil || into.value() == "" {
		return &failure{err: fmt.Errorf("%s: its token server sent no token", h.name)}
	}
	return nil
}

// tokenAnswer is what token servers send; the two names mean the same.
type tokenAnswer struct {
	Token       string    `json:"token"`
	AccessToken string    `json:"access_token"`
	ExpiresIn   int       `json:"expires_in"`
	IssuedAt    time.Time `json:"issued_at"`
}

func (a tokenAnswer) value() string {
	if a.Token != "" {
		return a.Token
	}
	return a.AccessToken
}

// token counts the lifetime from now and not from the server's clock, which may differ from ours.
func (a tokenAnswer) token(now time.Time) token {
	lifetime := time.Duration(min(a.ExpiresIn, 24*3600)) * time.Second
	if lifetime <= 0 {
		lifetime = defaultLifetime
	}
	return token{value: a.value(), until: now.Add(lifetime - min(tokenMargin, lifetime/2))}
}
