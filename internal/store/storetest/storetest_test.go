package storetest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/lithe-build/lithe/internal/store/storetest"
)

type inner struct {
	Name string
	Size int64
}

type sample struct {
	Text    string
	Flag    bool
	Ratio   float64
	Count   uint8
	Day     time.Time
	Sum     [4]byte
	List    []inner
	Map     map[string]inner
	Pointer *inner
	Missing *inner
}

func full() sample {
	return sample{Text: "a", List: []inner{{"x", 1}}, Map: map[string]inner{"k": {"y", 2}}, Pointer: &inner{"z", 3}}
}

func TestEveryFieldCounts(t *testing.T) {
	s := full()
	storetest.EveryFieldCounts(t, s)
	storetest.EveryFieldCounts(t, &s)
	if got, want := fmt.Sprint(s.Map, s.List, *s.Pointer), fmt.Sprint(full().Map, full().List, *full().Pointer); got != want {
		t.Errorf("the sample was changed: %s, want %s", got, want)
	}
}

// recorder collects what a failing test would say.
type recorder struct {
	testing.TB
	said []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

func TestForgottenFieldsAreFound(t *testing.T) {
	r := &recorder{TB: t}
	storetest.EveryFieldMoves(r, full(), func(s sample) string {
		return fmt.Sprint(s.Text, s.Flag, s.Ratio, s.Count, s.Day, s.Sum, len(s.List), s.List[0].Name, s.Map["k"].Size,
			len(s.Map), s.Pointer, s.Missing != nil)
	}, "sample.Text", "sample.Gone")
	want := []string{
		"sample.List[0].Size does not count: the key stays the same when it changes",
		"sample.Map[k].Name does not count: the key stays the same when it changes",
		"sample.Text counts, though it should not",
		"sample.Gone is no field of storetest_test.sample",
	}
	for _, w := range want {
		if !slices.Contains(r.said, w) {
			t.Errorf("not said: %s", w)
		}
	}
	if len(r.said) != len(want) && len(r.said) != len(want)+1 { // the pointer may print as an address
		t.Errorf("said %q", r.said)
	}
}

func TestUnexportedFieldIsReported(t *testing.T) {
	type hidden struct {
		Open   int
		closed int
	}
	r := &recorder{TB: t}
	storetest.EveryFieldMoves(r, hidden{closed: 1}, func(h hidden) string { return fmt.Sprint(h.Open) })
	if want := []string{"hidden.closed: cannot change a int"}; !slices.Equal(r.said, want) {
		t.Errorf("said %q, want %q", r.said, want)
	}
}
