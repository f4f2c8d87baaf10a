// Package faults stands between a server of a test and its clients, and breaks what the test says: a status, silence, a
// body that ends early, wrong bytes, a connection that is reset.
//
// A Script wraps any http.Handler. It holds rules by path and count; a request that no rule wants reaches the handler
// untouched. Rules are tried in their order, and each counts the requests that it took, so that "the first two answers
// are 503" is one rule. Nothing here depends on the clock but what is meant to be slow.
// See https://www.rfc-editor.org/rfc/rfc9110 for what a server may do.
package faults

import (
	"net/http"
	"path"
	"sync"
)

// Rule says which requests go wrong, and how.
type Rule struct {
	Method string // "" means any
	Path   string // as path.Match has it, or a whole path; a pattern without a slash is for the last part alone
	Skip   int    // requests that are let through first
	Times  int    // requests that are broken after those; 0 means all
	Break  Fault
}

// Fault answers a request in place of the handler, or lets it answer and spoils that.
type Fault func(w http.ResponseWriter, r *http.Request, next http.Handler)

// Seen is a request as it came in.
type Seen struct {
	Method, Path  string
	Authorization string // of the header, "" for none
	Broken        bool   // some rule took it
}

// Script is an http.Handler that misbehaves as its rules say.
type Script struct {
	next http.Handler

	mu    sync.Mutex
	rules []Rule
	taken []int // requests that each rule matched
	seen  []Seen
}

// New returns a script without rules.
func New(next http.Handler) *Script { return &Script{next: next} }

// Play replaces the rules, and forgets what they counted. None mends the server.
func (s *Script) Play(rules ...Rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules, s.taken = rules, make([]int, len(rules))
}

// Seen returns the requests since the last call, in order.
func (s *Script) Seen() []Seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	s.seen = nil
	return seen
}

// ServeHTTP lets the first rule that wants a request have it.
func (s *Script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault := s.choose(r)
	if fault == nil {
		s.next.ServeHTTP(w, r)
		return
	}
	fault(w, r, s.next)
}

// choose counts a request, and returns what breaks it, nil for nothing.
func (s *Script) choose(r *http.Request) (fault Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, rule := range s.rules {
		if !rule.wants(r) {
			continue
		}
		n := s.taken[i]
		s.taken[i]++
		if n >= rule.Skip && (rule.Times == 0 || n < rule.Skip+rule.Times) {
			fault = rule.Break
			break
		}
	}
	s.seen = append(s.seen, Seen{Method: r.Method, Path: r.URL.Path, Authorization: r.Header.Get("Authorization"), Broken: fault != nil})
	return fault
}

// wants compares method and path.
func (r Rule) wants(req *http.Request) bool {
	if r.Method != "" && r.Method != req.Method {
		return false
	}
	whole, _ := path.Match(r.Path, req.URL.Path)
	last, _ := path.Match(r.Path, path.Base(req.URL.Path))
	return whole || last
}
