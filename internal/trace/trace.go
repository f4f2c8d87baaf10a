// Package trace records where the time of a run goes, and counts what it did.
//
// Whoever does something tells a Recorder: a span has a kind, a name, a beginning and an end; a counter only grows. What
// comes out are the spans in the order of their beginnings, the counts, and a file that chrome://tracing and Perfetto read.
// A Recorder belongs to one run and is passed to whoever works for it. It always holds that a nil Recorder is one that
// nobody looks at: it takes everything, keeps nothing and costs nothing; and that nothing which a run makes depends on one.
// See https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU (Trace Event Format).
package trace

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Kind is what a span was spent on.
type Kind string

// The kinds of spans. Stages hold the others; within a kind spans may overlap.
const (
	Stage    Kind = "stage"    // a stage of the build
	Request  Kind = "request"  // from the request to the end of the answer's body
	Layer    Kind = "layer"    // making one layer
	Build    Kind = "build"    // making one wheel from source
	Bytecode Kind = "bytecode" // compiling the sources of one layer or distribution
	Process  Kind = "process"  // life of a process
	Lock     Kind = "lock"     // waiting for another goroutine or process
)

// Span is something that took time.
type Span struct {
	Kind  Kind
	Name  string        // "numpy 2.5.5", "GET pypi.org/simple/numpy/"
	Start time.Duration // since the recorder was made
	End   time.Duration
	Bytes int64 // that were moved or made; 0 where that has no meaning
}

// Duration is how long the span is.
func (s Span) Duration() time.Duration { return s.End - s.Start }

// Counts are what a run did. Each is a promise somewhere: an unchanged build makes no request, starts no process and makes
// no layer.
type Counts struct {
	Requests  int64 `json:"requests"`  // to package indexes, mirrors and registries, repeated ones included
	Received  int64 `json:"received"`  // bytes of the bodies of their answers
	Sent      int64 `json:"sent"`      // bytes of the bodies of the requests
	Engine    int64 `json:"engine"`    // requests to a container engine
	Processes int64 `json:"processes"` // programs that were started
	Compiled  int64 `json:"compiled"`  // sources that were compiled to bytecode
	Layers    int64 `json:"layers"`    // layers that were made
	Files     int64 `json:"files"`     // files of the project whose contents were read
	Records   int64 `json:"records"`   // records of the store that were read
}

// Counter names one of the Counts.
type Counter int

// The counters, in the order of Counts.
const (
	Requests Counter = iota
	Received
	Sent
	Engine
	Processes
	Compiled
	Layers
	Files
	Records
	counters
)

// Recorder takes spans and counts from any goroutine. Nil is a Recorder that keeps nothing.
type Recorder struct {
	start  time.Time
	counts [counters]atomic.Int64

	mu    sync.Mutex
	spans []Span
}

// New returns a Recorder whose clock starts now.
func New() *Recorder { return &Recorder{start: time.Now()} }

// Begin starts a span, which ends when the returned value's End is called.
func (r *Recorder) Begin(kind Kind, name string) Open {
	if r == nil {
		return Open{}
	}
	return Open{r, Span{Kind: kind, Name: name, Start: time.Since(r.start)}}
}

// Open is a span that has begun. Its zero value belongs to nobody.
type Open struct {
	recorder *Recorder
	span     Span
}

// End ends the span.
func (o Open) End() { o.EndWith(0) }

// EndWith ends a span that moved or made some bytes.
func (o Open) EndWith(bytes int64) {
	if o.recorder == nil {
		return
	}
	o.span.End, o.span.Bytes = time.Since(o.recorder.start), bytes
	o.recorder.mu.Lock()
	defer o.recorder.mu.Unlock()
	o.recorder.spans = append(o.recorder.spans, o.span)
}

// Duration is how long an open span has lasted, for whoever keeps only long ones.
func (o Open) Duration() time.Duration {
	if o.recorder == nil {
		return 0
	}
	return time.Since(o.recorder.start) - o.span.Start
}

// Add counts.
func (r *Recorder) Add(c Counter, n int64) {
	if r != nil {
		r.counts[c].Add(n)
	}
}

// Counts returns what was counted so far.
func (r *Recorder) Counts() Counts {
	if r == nil {
		return Counts{}
	}
	n := func(c Counter) int64 { return r.counts[c].Load() }
	return Counts{Requests: n(Requests), Received: n(Received), Sent: n(Sent), Engine: n(Engine), Processes: n(Processes),
		Compiled: n(Compiled), Layers: n(Layers), Files: n(Files), Records: n(Records)}
}

// Elapsed is how long the recorder's clock has run.
func (r *Recorder) Elapsed() time.Duration {
	if r == nil {
		return 0
	}
	return time.Since(r.start)
}

// Spans returns the spans that have ended, in the order of their beginnings.
func (r *Recorder) Spans() []Span {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	spans := slices.Clone(r.spans)
	slices.SortStableFunc(spans, func(a, b Span) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(b.End, a.End), cmp.Compare(a.Name, b.Name))
	})
	return spans
}
