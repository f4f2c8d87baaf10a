// Package doctor looks at what this machine offers to lithe, and says what is missing, why, and what mends it.
//
// Options go in, as a build gets them; findings come out, in the order of the list in checks.go, whatever was quicker.
// Checks run side by side, each with a short time limit, and ask servers once. Nothing is changed but documents that
// the store remembers of servers. Whether a build would work is in Report.OK; all else that lacks costs a feature.
package doctor

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/lithe-build/lithe/internal/artifact"
	"github.com/lithe-build/lithe/internal/destination"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/registry"
	"github.com/lithe-build/lithe/internal/store"
)

// Status is how a check ended.
type Status string

// The ways.
const (
	OK   Status = "ok"
	Lack Status = "lack" // something does not work, or is not here
	Note Status = "note" // good to know
)

// Finding is what one check found.
type Finding struct {
	Check  string `json:"check"`
	Status Status `json:"status"`
	Needed bool   `json:"needed"` // `lithe build` does not work without it
	What   string `json:"what"`
	Fix    string `json:"fix,omitempty"` // what mends a lack
}

// Report is all findings.
type Report struct {
	OK       bool      `json:"ok"` // `lithe build` has what it needs
	Findings []Finding `json:"checks"`
}

// Options say what is looked at. The caller reads them from flags and the environment.
type Options struct {
	Store      string // folder
	Offline    bool   // ask no server
	Index      artifact.IndexOptions
	Mirrors    Mirrors
	Engine     destination.EngineOptions
	Registry   registry.Options
	Registries []string // to ask; none means those that the login files name

	Env     func(string) string
	Look    func(string) (string, error) // finds commands, as exec.LookPath does
	Now     time.Time
	Timeout time.Duration // of each check; 0 means 10 seconds
	Root    string        // folder that holds proc and /run; "" means /
}

// Mirrors are where Debian packages come from, as build.Options has them.
type Mirrors struct {
	Debian, Security, Snapshot string // URLs; "" means Debian's
	Keyring                    []byte // who may sign; nil means Debian's archive keys
	AllowExpired               bool
}

// defaultTimeout is for people who wait: a server that takes longer is of little use for a build.
const defaultTimeout = 10 * time.Second

// Run runs all checks.
func Run(ctx context.Context, opt Options) (*Report, error) {
	if opt.Timeout <= 0 {
		opt.Timeout = defaultTimeout
	}
	if opt.Root == "" {
		opt.Root = "/"
	}
	p := &patient{Options: opt, goos: runtime.GOOS, goarch: runtime.GOARCH}
	discard, err := p.open()
	if err != nil {
		return nil, err
	}
	defer discard()
	found := make([][]Finding, len(checks))
	var wg sync.WaitGroup
	for i, c := range checks {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, opt.Timeout)
			defer cancel()
			found[i] = c.run(ctx, p)
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	report := &Report{OK: true}
	for i, c := range checks {
		for _, f := range found[i] {
			f.Check = c.name
			report.Findings = append(report.Findings, f)
			report.OK = report.OK && !(f.Needed && f.Status == Lack)
		}
	}
	return report, nil
}

// patient is this machine, as the checks see it.
type patient struct {
	Options
	goos, goarch string
	store        *store.Store // nil if it cannot be opened
	storeErr     error
	client       *fetch.Client // asks once
}

// open opens the store. Where that fails, servers are still asked, with a store that is thrown away.
func (p *patient) open() (discard func(), err error) {
	st, err := store.Open(p.Store)
	p.store, p.storeErr = st, err
	discard = func() { _ = st.Close() }
	if err != nil {
		dir, err := os.MkdirTemp("", "lithe-doctor-")
		if err != nil {
			return nil, err
		}
		if st, err = store.Open(dir); err != nil {
			return nil, err
		}
		discard = func() { _ = os.RemoveAll(dir) }
	}
	p.client = fetch.New(st, fetch.Options{Offline: p.Offline, Auth: p.Index.Auth, Denied: p.Index.Denied, TLS: p.Index.TLS, Attempts: 1, Stall: p.Timeout})
	return discard, nil
}

// Makers of findings.

func fine(format string, args ...any) Finding {
	return Finding{Status: OK, What: fmt.Sprintf(format, args...)}
}

func note(format string, args ...any) Finding {
	return Finding{Status: Note, What: fmt.Sprintf(format, args...)}
}

// lack is something that costs a feature; needed makes it one without which nothing is built.
func lack(fix, format string, args ...any) Finding {
	return Finding{Status: Lack, What: fmt.Sprintf(format, args...), Fix: fix}
}

func needed(f Finding) Finding {
	f.Needed = true
	return f
}
