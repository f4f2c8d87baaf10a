package registry

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/registry/keychain"
)

// authError is a refusal of a registry or its token server, with the sources in which credentials were sought.
type authError struct {
	host       string
	repository string
	push       bool
	status     int
	reason     error // the registry's words; nil from token servers
	source     string
	tried      []keychain.Tried
}

// Error returns one line; Problem has the lines for people.
func (e *authError) Error() string { return e.Problem().Error() }

// Unwrap makes a refusal a problem that the user can fix.
func (e *authError) Unwrap() error { return e.Problem() }

// Problem tells what was refused, and each source with what it had.
func (e *authError) Problem() *diag.Error {
	wanted := e.host
	switch {
	case e.repository != "" && e.push:
		wanted = "a push to " + e.host + "/" + e.repository
	case e.repository != "":
		wanted = "a pull from " + e.host + "/" + e.repository
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s is refused: %d %s", wanted, e.status, http.StatusText(e.status))
	if f, ok := e.reason.(*failure); ok && f.code != "" {
		b.WriteString(" (" + f.code + ")")
	}
	b.WriteString("; credentials were sought in")
	for _, t := range e.tried {
		b.WriteString("\n  " + t.Source + ": " + t.Outcome)
	}
	if len(e.tried) == 0 {
		b.WriteString(" no place")
	}
	hint := "log in with `docker login " + e.host + "`, or set REGISTRY_AUTH_FILE to a file that has the login"
	if e.source != "" {
		hint = "what " + e.source + " has is not enough: log in again, or as somebody who may do this"
	}
	return &diag.Error{Code: "registry-auth", What: b.String(), Hint: hint}
}

// refusedBy makes the error for an answer of 401 or 403.
func (c *Client) refusedBy(h *host, scope string, f *failure) error {
	e := &authError{host: h.name, status: f.status, reason: f}
	e.setScope(scope)
	h.mu.Lock()
	defer h.mu.Unlock()
	found := h.found[e.repository]
	e.source, e.tried = found.Source, found.Tried
	return e
}

// setScope reads "repository:NAME:ACTIONS".
func (e *authError) setScope(scope string) {
	scope, _, _ = strings.Cut(scope, " ")
	if parts := strings.SplitN(scope, ":", 3); len(parts) == 3 && parts[0] == "repository" {
		e.repository, e.push = parts[1], strings.Contains(parts[2], "push")
	}
}

// unauthorized is refusedBy for what package fetch was refused. Credentials that were not needed before are sought
// now, so that the error can tell of them.
func (c *Client) unauthorized(ctx context.Context, r reference, err error) error {
	h, hostErr := c.host(ctx, r.host)
	if hostErr != nil {
		return err
	}
	return c.refusedBy(h, scopeFor(r.repository, "pull"), &failure{status: http.StatusUnauthorized, err: err})
}
