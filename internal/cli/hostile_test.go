package cli

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/build"
	"github.com/lithe-build/lithe/internal/diag"
)

// A name that holds what a terminal obeys, such as a new title or a cleared screen, is shown without it.
func TestNoControlCharacters(t *testing.T) {
	const hostile = "x\x1b]0;title\x07\x1b[2J\u009b31m\ry"
	var out bytes.Buffer
	a := &app{sys: System{Stderr: &out}}
	a.renderError(errors.New(hostile))
	a.renderError(&diag.Error{Pos: diag.Position{File: hostile}, What: hostile, Hint: hostile})
	plain := &plainView{w: &out}
	plain.show(build.Event{Level: "warning", Text: hostile})
	plain.show(build.Event{Stage: "lock", Text: hostile, Ended: true})
	b := &bars{width: func() int { return 80 }}
	out.WriteString(b.line(&stage{name: "download", item: hostile + "\nz"}))
	if strings.ContainsAny(out.String(), "\x1b\x07\r\u009b") || strings.Count(out.String(), "\n") != 5 {
		t.Errorf("%q", out.String())
	}
}

// Exit code 1 means that the project is to be mended: a full disk is not the project's, though it comes with a hint.
func TestExitCodes(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want int
	}{
		{"nothing", nil, ExitOK},
		{"the network", errors.New("connection refused"), ExitFailure},
		{"usage", usagef("no"), ExitUsage},
		{"a problem", &diag.Error{Code: "no-wheel"}, ExitProblem},
		{"problems", diag.List{{Code: "no-wheel"}, {Code: "conflict"}}, ExitProblem},
		{"a full disk", fmt.Errorf("x: %w", &diag.Error{Code: "store-full"}), ExitFailure},
		{"no rights", &diag.Error{Code: "store-unwritable"}, ExitFailure},
		{"no sandbox", &diag.Error{Code: "no-executor"}, ExitFailure},
	} {
		if got := exitCode(tt.err); got != tt.want {
			t.Errorf("%s: %d, not %d", tt.name, got, tt.want)
		}
	}
}

// An offline mode that is misspelt must not use the network.
func TestOffline(t *testing.T) {
	for value, want := range map[string]bool{"": false, "0": false, "1": true, "true": true} {
		a := &app{sys: System{Getenv: func(string) string { return value }}}
		if got, err := a.offline(); err != nil || got != want {
			t.Errorf("%q: %t, %v", value, got, err)
		}
	}
	a := &app{sys: System{Getenv: func(string) string { return "yes" }}}
	if _, err := a.offline(); exitCode(err) != ExitUsage {
		t.Errorf("yes: %v", err)
	}
}
