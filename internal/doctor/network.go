package doctor

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/lithe-build/lithe/internal/artifact"
	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/registry"
)

// notAsked is what checks of servers find in offline mode.
func notAsked() []Finding { return []Finding{note("not asked: LITHE_OFFLINE is set")} }

// unanswered is a server that does not do what a build wants.
func (p *patient) unanswered(ctx context.Context, what string, err error, fix string) Finding {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return lack(fix, "%s: no answer within %v", what, p.Timeout)
	}
	if failed, ok := errors.AsType[*fetch.Error](err); ok && failed.Hint != "" {
		short := *failed // the hint is the fix, so it is not said twice
		short.Hint = ""
		return lack(failed.Hint, "%s: %v", what, &short)
	}
	f := problem(err, fix)
	f.What = what + ": " + f.What
	return f
}

// checkIndexes asks each package index for one page.
func checkIndexes(ctx context.Context, p *patient) []Finding {
	if p.Offline {
		return notAsked()
	}
	var found []Finding
	for i, address := range p.Index.Indexes() {
		what := fetch.Redact(address)
		if i == 0 && p.Index.From != "" {
			what += " (" + p.Index.From + ")"
		}
		f := fine("%s answers", what)
		if err := artifact.Ask(ctx, p.client, address); err != nil {
			f = p.unanswered(ctx, what, err, "check the address and the network, or set LITHE_INDEX_URL")
		}
		found = append(found, needed(f))
	}
	return found
}

// bases is how a build would ask Debian.
func (p *patient) bases() (base.Options, error) {
	opt := base.Options{Mirror: p.Mirrors.Debian, SecurityMirror: p.Mirrors.Security, Now: p.Now, AllowExpired: p.Mirrors.AllowExpired}
	var err error
	if p.Mirrors.Keyring != nil {
		opt.Keyring, err = base.ParseKeyring(p.Mirrors.Keyring)
	}
	return opt, err
}

// checkMirrors asks for the signed index of each suite, and holds it against keys and clock.
func checkMirrors(ctx context.Context, p *patient) []Finding {
	if p.Offline {
		return notAsked()
	}
	opt, err := p.bases()
	if err != nil {
		return []Finding{needed(problem(err, "give a keyring in OpenPGP form"))}
	}
	var found []Finding
	for _, a := range base.Ask(ctx, p.client, opt) {
		what := a.Suite + " at " + fetch.Redact(a.URL)
		f := fine("%s is of %s", what, a.Date.UTC().Format(time.DateOnly))
		if a.Err != nil {
			f = p.unanswered(ctx, what, a.Err, "check the address and the network, or set LITHE_DEBIAN_MIRROR and LITHE_DEBIAN_SECURITY_MIRROR")
		}
		found = append(found, needed(f))
	}
	return found
}

// checkSnapshot asks the archive of superseded packages for anything at all. A build needs it when a package that
// lithe.lock names is gone from the mirror.
func checkSnapshot(ctx context.Context, p *patient) []Finding {
	if p.Mirrors.Snapshot == "" {
		return []Finding{note("none; a locked package that is gone from the mirror cannot be had then")}
	}
	if p.Offline {
		return notAsked()
	}
	what := fetch.Redact(p.Mirrors.Snapshot)
	_, err := p.client.Get(ctx, fetch.DocumentRequest{URL: strings.TrimRight(p.Mirrors.Snapshot, "/") + "/debian/", Max: maxPage})
	if err != nil && !errors.Is(err, fetch.ErrNotFound) {
		return []Finding{p.unanswered(ctx, what, err, "builds whose packages are still on the mirror do not need it")}
	}
	return []Finding{fine("%s answers", what)}
}

// maxPage is in bytes of a page that is only asked for to see that it comes.
const maxPage = 64 << 20

// firstWait is short: people wait for what the doctor says, and who hides for a second is worth a word.
const firstWait = 100 * time.Millisecond

// maxRegistries is how many login files may make us ask; who has more names some.
const maxRegistries = 20

// checkRegistries asks the registries that were named, else those that there is a login for.
func checkRegistries(ctx context.Context, p *patient) []Finding {
	opt := p.Registry
	opt.Stall, opt.Backoff, opt.Offline = p.Timeout, firstWait, p.Offline
	client := registry.New(opt)
	names, asked := p.Registries, true
	if len(names) == 0 {
		names, asked = client.Logins(), false
		names = names[:min(len(names), maxRegistries)]
	}
	if len(names) == 0 {
		return []Finding{note("none has a login here; `lithe doctor REGISTRY` asks one")}
	}
	if p.Offline {
		return notAsked()
	}
	found := make([]Finding, len(names))
	done := make(chan struct{})
	for i, name := range names {
		go func() {
			found[i] = p.registry(ctx, client, name)
			found[i].Needed = asked
			done <- struct{}{}
		}()
	}
	for range names {
		<-done
	}
	return found
}

// registry asks one.
func (p *patient) registry(ctx context.Context, client *registry.Client, name string) Finding {
	login, err := client.Answer(ctx, name)
	switch {
	case err != nil:
		return p.unanswered(ctx, fetch.Redact(name), err, "check the name and the network")
	case login == "":
		return fine("%s answers; there is no login for it", name)
	}
	return fine("%s answers and takes the login of %s", name, login)
}

const (
	// maxSkew is how far clocks may differ: certificates and signatures are made minutes before they are used.
	maxSkew = 5 * time.Minute
	// made is a day when this program did not exist, so that no clock before it is right.
	made = "2026-01-01"
)

// checkClock compares the clock with that of whoever answers: a wrong one makes valid signatures invalid.
func checkClock(ctx context.Context, p *patient) []Finding {
	fix := "set the clock, for instance by NTP"
	if p.Now.UTC().Format(time.DateOnly) < made {
		return []Finding{needed(lack(fix, "it is not %s: that is before lithe was made", p.Now.UTC().Format(time.DateTime)))}
	}
	if p.Offline {
		return notAsked()
	}
	opt, err := p.bases()
	if err != nil {
		return []Finding{note("nobody to compare it with")}
	}
	theirs, err := base.Now(ctx, p.client, opt)
	if err != nil {
		return []Finding{note("nobody to compare it with")}
	}
	skew := p.Now.Sub(theirs).Round(time.Second)
	if skew.Abs() <= maxSkew {
		return []Finding{fine("agrees with that of the Debian mirror")}
	}
	return []Finding{lack(fix, "differs by %v from that of the Debian mirror", skew.Abs())}
}
