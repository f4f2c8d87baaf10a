package execute

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/docker"
)

// stub is a mechanism that ends as it is told.
type stub struct {
	name string
	code int
	err  error
	runs int
}

func (s *stub) Name() string { return s.name }

func (s *stub) Run(context.Context, string, Command) (int, error) {
	s.runs++
	return s.code, s.err
}

func TestFallback(t *testing.T) {
	broken := errors.New("no namespaces here")
	first, second := &stub{name: "first", err: broken}, &stub{name: "second", code: 7}
	f := &fallback{executors: []Executor{first, second}}
	for range 2 {
		if code, err := f.Run(t.Context(), "/x", Command{Args: []string{"true"}}); code != 7 || err != nil {
			t.Errorf("it ended with %d, %v", code, err)
		}
	}
	if first.runs != 1 || second.runs != 2 || f.Name() != "second" {
		t.Errorf("what does not work was tried %d times, what does %d times; next comes %s", first.runs, second.runs, f.Name())
	}
	second.err = errors.New("no loader either")
	_, err := (&fallback{executors: f.executors}).Run(t.Context(), "/x", Command{Args: []string{"true"}})
	problem, ok := errors.AsType[*diag.Error](err)
	if !ok || problem.Code != "no-executor" || !strings.Contains(problem.What, "no namespaces here; second: no loader either") {
		t.Errorf("the error is %v", err)
	}
	limit := &LimitError{Resource: limitTime, Limit: "1s"}
	first.err, second.runs = limit, 0
	if _, err := (&fallback{executors: f.executors}).Run(t.Context(), "/x", Command{}); !errors.Is(err, limit) || second.runs != 0 {
		t.Errorf("after a limit: %v, %d runs of the next", err, second.runs)
	}
}

func TestFirstThatWorks(t *testing.T) {
	if _, err := FirstThatWorks("magic", docker.Options{}); err == nil || !strings.Contains(err.Error(), "magic") {
		t.Errorf("an unknown name: %v", err)
	}
	for _, name := range Names() {
		if e, err := FirstThatWorks(name, docker.Options{}); err != nil || e.Name() != name {
			t.Errorf("%s: %v", name, err)
		}
	}
}
