// Package lazyregexp has regular expressions that are compiled when they are first used.
//
// An expression goes in, and what the standard library makes of it comes out, once. The program has some seventy of them
// as package variables, and most runs use none: compiling them all at the start cost a third of a build that changes
// nothing. A wrong expression panics at its first use, so each must be used by a test of its package.
// The standard library does the same for itself. See https://pkg.go.dev/regexp/syntax for what an expression may say.
package lazyregexp

import (
	"regexp"
	"sync"
)

// Regexp is an expression that need not be compiled yet. It may be used by several goroutines.
type Regexp struct {
	text string
	once sync.Once
	done *regexp.Regexp
}

// New returns an expression for a package variable.
func New(text string) *Regexp { return &Regexp{text: text} }

// Get returns the compiled expression.
func (r *Regexp) Get() *regexp.Regexp {
	r.once.Do(func() { r.done = regexp.MustCompile(r.text) })
	return r.done
}

// String returns the expression as it was written.
func (r *Regexp) String() string { return r.text }

// MatchString is regexp.Regexp.MatchString.
func (r *Regexp) MatchString(s string) bool { return r.Get().MatchString(s) }

// Match is regexp.Regexp.Match.
func (r *Regexp) Match(b []byte) bool { return r.Get().Match(b) }

// FindString is regexp.Regexp.FindString.
func (r *Regexp) FindString(s string) string { return r.Get().FindString(s) }

// FindStringSubmatch is regexp.Regexp.FindStringSubmatch.
func (r *Regexp) FindStringSubmatch(s string) []string { return r.Get().FindStringSubmatch(s) }

// ReplaceAllString is regexp.Regexp.ReplaceAllString.
func (r *Regexp) ReplaceAllString(s, with string) string { return r.Get().ReplaceAllString(s, with) }

// FindStringIndex is regexp.Regexp.FindStringIndex.
func (r *Regexp) FindStringIndex(s string) []int { return r.Get().FindStringIndex(s) }

// FindAllStringSubmatch is regexp.Regexp.FindAllStringSubmatch.
func (r *Regexp) FindAllStringSubmatch(s string, n int) [][]string {
	return r.Get().FindAllStringSubmatch(s, n)
}

// ReplaceAllStringFunc is regexp.Regexp.ReplaceAllStringFunc.
func (r *Regexp) ReplaceAllStringFunc(s string, with func(string) string) string {
	return r.Get().ReplaceAllStringFunc(s, with)
}
