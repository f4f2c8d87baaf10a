// Package registry pulls from and pushes to container registries.
//
// References come in as Docker writes them; what is pulled goes out verified by its digest, blobs into the store. Pulls
// ask mirrors first, pushes never. Requests are repeated when the network or the server fails for a moment, downloads and
// uploads go on where they stopped, and everything from a server has a cap. Credentials come from a keychain, go to the
// host that they are for and nowhere else, whatever redirects say, and are in no error and no log.
//
// Plain HTTP is spoken with this machine only, and with hosts that were named as insecure. Proxies and certificate
// authorities are as everywhere in Go, with Docker's folder of certificates beside them.
// See https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md and
// https://distribution.github.io/distribution/spec/auth/token/.
package registry

import (
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/registry/keychain"
	"github.com/lithe-build/lithe/internal/store"
	"github.com/lithe-build/lithe/internal/trace"
)

const (
	defaultJobs     = 4 // requests that move blobs; registries limit more than that
	defaultStall    = 60 * time.Second
	defaultBackoff  = 500 * time.Millisecond
	maxRedirects    = 10
	defaultAttempts = 5 // with waits of about 0.5, 1, 2 and 4 seconds
)

// Options say how registries are reached. The zero value works, without credentials. None of it can change a digest.
type Options struct {
	Keychain keychain.Options
	Insecure []string            // hosts that may speak plain HTTP or have a certificate that nobody vouches for
	Mirrors  map[string][]string // by host, "docker.io": URLs that are asked before it
	CertsDir []string            // folders with HOST/ca.crt, client.cert and client.key, as Docker's /etc/docker/certs.d

	Jobs      int           // blobs at once; 0 means 4
	Offline   bool          // make no request
	UserAgent string        // "" means lithe
	Stall     time.Duration // how long a server may do nothing; 0 means a minute
	Attempts  int           // of a request in a row; 0 means 5
	Backoff   time.Duration // the first wait before a request is repeated; 0 means half a second
	Log       *slog.Logger  // nil means silent
	Trace     *trace.Recorder
}

// Client speaks with registries. It is for several goroutines; connections, schemes and tokens are kept.
type Client struct {
	opt  Options
	keys *keychain.Keychain
	http *http.Client
	// commit is how long a registry may take to answer what ends an upload.
	commit time.Duration

	mu    sync.Mutex
	hosts map[string]*host // by name
	bases map[string]*host // by origin, to know a request that needs credentials
	plain http.RoundTripper
}

// New returns a Client.
func New(opt Options) *Client {
	commit := opt.Stall
	if commit <= 0 {
		commit = commitTime
	}
	if opt.Jobs <= 0 {
		opt.Jobs = defaultJobs
	}
	if opt.Stall <= 0 {
		opt.Stall = defaultStall
	}
	if opt.Backoff <= 0 {
		opt.Backoff = defaultBackoff
	}
	if opt.Attempts <= 0 {
		opt.Attempts = defaultAttempts
	}
	if opt.UserAgent == "" {
		opt.UserAgent = "lithe"
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	c := &Client{opt: opt, commit: commit, keys: keychain.New(opt.Keychain), hosts: map[string]*host{}, bases: map[string]*host{}}
	c.plain = trace.Transport(newTransport(opt), opt.Trace)
	c.http = &http.Client{Transport: authorizer{c}, CheckRedirect: redirect}
	return c
}

// Jobs is how many blobs are moved at once.
func (c *Client) Jobs() int { return c.opt.Jobs }

// fetcher downloads into a store by way of our transport, which knows credentials.
func (c *Client) fetcher(st *store.Store) *fetch.Client {
	return fetch.New(st, fetch.Options{Jobs: c.opt.Jobs, Offline: c.opt.Offline, UserAgent: c.opt.UserAgent, Stall: c.opt.Stall,
		Backoff: c.opt.Backoff, Attempts: c.opt.Attempts, Log: c.opt.Log, Transport: authorizer{c}})
}
