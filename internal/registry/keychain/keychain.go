// Package keychain finds the credentials for a container registry where other tools keep them.
//
// A host goes in; a name and password or a token come out, with the source that had them, and with what every source
// before it had: so that a refusal by the registry can be explained. Sources are asked in the order of a list, the first
// that has something wins, and one that fails is no reason not to ask the next. Secrets are in no error and no outcome.
// Clouds are asked for hosts of theirs only, and about nobody else's.
// See https://docs.docker.com/reference/cli/docker/login/ and containers-auth.json(5).
package keychain

import (
	"context"
	"log/slog"
	"net/http"
	"os/exec"
	"time"

	"github.com/lithe-build/lithe/internal/fetch"
)

// Options say where to look. The zero value looks nowhere.
type Options struct {
	Env   func(string) string // nil means that the cloud and GitHub variables are not set, and no cloud is asked
	Home  string
	Files []File // login files, in order
	Netrc fetch.Netrc

	LookPath  func(string) (string, error) // finds credential helpers; nil means exec.LookPath
	Endpoints Endpoints                    // the zero value means the clouds' own
	Now       func() time.Time             // the clock; nil means time.Now
	Log       *slog.Logger                 // nil means silent
}

// File is a file that `docker login` or `podman login` write.
type File struct {
	Name string // how it is told: "REGISTRY_AUTH_FILE", "Docker's configuration"
	Path string
}

// Credentials are what a registry or its token server takes. At most one of the three forms is set.
type Credentials struct {
	Username, Password string
	IdentityToken      string    // for the token server, by OAuth2
	RegistryToken      string    // for the registry itself
	Until              time.Time // zero if they do not run out
}

// Result is what was found for a host, and where.
type Result struct {
	Credentials
	Source string  // "" if nothing was found
	Tried  []Tried // every source that was asked, in order
}

// Tried is a source and what it had. It holds no secret.
type Tried struct{ Source, Outcome string }

// expiryMargin is how long before their end credentials count as ended.
const expiryMargin = 30 * time.Second

// Expired reports credentials that ran out, or will before they can be used.
func (r Result) Expired(now time.Time) bool {
	return !r.Until.IsZero() && !now.Add(expiryMargin).Before(r.Until)
}

// empty reports that a source had nothing.
func (c Credentials) empty() bool {
	return c.Username == "" && c.IdentityToken == "" && c.RegistryToken == ""
}

// Keychain asks the sources.
type Keychain struct {
	opt  Options
	http *http.Client // for token servers
	near *http.Client // for metadata servers, which no proxy stands before
}

// New returns a Keychain.
func New(opt Options) *Keychain {
	if opt.LookPath == nil {
		opt.LookPath = exec.LookPath
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	opt.Endpoints = opt.Endpoints.orReal()
	return &Keychain{opt: opt, http: newHTTP(false), near: newHTTP(true)}
}

// target is what credentials are wanted for.
type target struct {
	host       string // "docker.io", "registry.example:5000"
	repository string // "team/app"; "" if unknown
}

// source is one place to look.
type source struct {
	name string
	// applies says whether the source has anything to say of a host; nil means of every host. One that has it reads the
	// environment or asks a cloud.
	applies func(host string) bool
	// get returns nothing and the outcome, if there is nothing.
	get func(ctx context.Context, k *Keychain, t target) (Credentials, string, error)
}

// sources are all of them, in the order in which they are asked. Login files come first: see Keychain.Lookup.
var sources = []source{ecrSource, googleSource, azureSource, githubSource, netrcSource}

// Lookup returns the first credentials for a host. Its error is that of the context: what a source lacks is an outcome.
func (k *Keychain) Lookup(ctx context.Context, host, repository string) (Result, error) {
	t := target{host: host, repository: repository}
	var result Result
	all := make([]source, 0, len(k.opt.Files)+len(sources))
	for _, f := range k.opt.Files {
		all = append(all, fileSource(f))
	}
	for _, s := range append(all, sources...) {
		if s.applies != nil && (k.opt.Env == nil || !s.applies(host)) {
			continue
		}
		found, outcome, err := s.get(ctx, k, t)
		if ctx.Err() != nil {
			return Result{}, ctx.Err()
		}
		if err != nil {
			outcome = err.Error()
		}
		if err == nil && !found.empty() {
			result.Credentials, result.Source = found, s.name
			result.Tried = append(result.Tried, Tried{s.name, "has " + describe(found)})
			k.opt.Log.Debug("credentials", "host", host, "source", s.name)
			return result, nil
		}
		result.Tried = append(result.Tried, Tried{s.name, outcome})
	}
	return result, nil
}

// describe tells what was found without telling it.
func describe(c Credentials) string {
	switch {
	case c.IdentityToken != "":
		return "an identity token"
	case c.RegistryToken != "":
		return "a registry token"
	}
	return "a user name and password"
}

// env reads a variable.
func (k *Keychain) env(name string) string {
	if k.opt.Env == nil {
		return ""
	}
	return k.opt.Env(name)
}

// noEntry is the outcome of a source that knows other hosts only.
func noEntry(t target) string { return "no entry for " + t.host }
