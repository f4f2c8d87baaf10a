package lazyregexp_test

import (
	"testing"

	"github.com/lithe-build/lithe/internal/lazyregexp"
)

func TestRegexp(t *testing.T) {
	r := lazyregexp.New(`^(a+)(b?)$`)
	if got := r.String(); got != `^(a+)(b?)$` {
		t.Errorf("it is written %q", got)
	}
	if !r.MatchString("aab") || r.MatchString("ba") || !r.Match([]byte("a")) {
		t.Error("it matches something else")
	}
	if got := r.FindStringSubmatch("aab"); len(got) != 3 || got[1] != "aa" || got[2] != "b" {
		t.Errorf("its groups are %q", got)
	}
	if got := r.FindString("aa"); got != "aa" {
		t.Errorf("it finds %q", got)
	}
	if got := r.ReplaceAllString("aab", "$2$1"); got != "baa" {
		t.Errorf("it replaces to %q", got)
	}
	if first := r.Get(); r.Get() != first {
		t.Error("it is compiled twice")
	}
}

func TestWrong(t *testing.T) {
	r := lazyregexp.New(`(`)
	defer func() {
		if recover() == nil {
			t.Error("a wrong expression does not panic when it is used")
		}
	}()
	r.MatchString("")
}
