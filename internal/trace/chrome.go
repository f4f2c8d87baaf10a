package trace

import (
	"encoding/json"
	"io"
	"slices"
	"time"
)

// event is one event of the format.
type event struct {
	Name      string         `json:"name"`
	Category  string         `json:"cat,omitempty"`
	Phase     string         `json:"ph"` // "X": complete, with a duration; "M": a name for a line
	Time      int64          `json:"ts"` // microseconds
	Duration  int64          `json:"dur,omitempty"`
	Process   int            `json:"pid"`
	Thread    int            `json:"tid"`
	Arguments map[string]any `json:"args,omitempty"`
}

// document is the object form of the format, which has room for the counts.
type document struct {
	Events []event `json:"traceEvents"`
	Unit   string  `json:"displayTimeUnit"`
	Other  Counts  `json:"otherData"`
}

// Write writes spans and counts in the format of chrome://tracing and Perfetto. The spans of a kind stand on as many lines
// as there were side by side at most.
func Write(w io.Writer, spans []Span, counts Counts) error {
	doc := document{Unit: "ms", Other: counts, Events: []event{{Name: "process_name", Phase: "M", Process: 1, Arguments: map[string]any{"name": "lithe"}}}}
	line := 0
	for _, kind := range kinds(spans) {
		lines := lanes(ofKind(spans, kind))
		for i, lane := range lines {
			line++
			doc.Events = append(doc.Events, event{Name: "thread_name", Phase: "M", Process: 1, Thread: line,
				Arguments: map[string]any{"name": laneName(kind, i, len(lines))}})
			for _, s := range lane {
				doc.Events = append(doc.Events, newEvent(s, line))
			}
		}
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(doc)
}

func newEvent(s Span, line int) event {
	e := event{Name: s.Name, Category: string(s.Kind), Phase: "X", Time: s.Start.Microseconds(),
		Duration: max(s.Duration().Microseconds(), 1), Process: 1, Thread: line}
	if s.Bytes > 0 {
		e.Arguments = map[string]any{"bytes": s.Bytes}
	}
	return e
}

func laneName(kind Kind, i, of int) string {
	if of == 1 {
		return string(kind)
	}
	return string(kind) + " " + string(rune('1'+min(i, 8)))
}

// kinds returns the kinds that there are, stages first and then as they began.
func kinds(spans []Span) (all []Kind) {
	for _, s := range append(ofKind(spans, Stage), spans...) {
		if !slices.Contains(all, s.Kind) {
			all = append(all, s.Kind)
		}
	}
	return all
}

func ofKind(spans []Span, kind Kind) (of []Span) {
	for _, s := range spans {
		if s.Kind == kind {
			of = append(of, s)
		}
	}
	return of
}

// lanes spreads spans, which are in the order of their beginnings, so that those of one lane do not overlap.
func lanes(spans []Span) (lanes [][]Span) {
	var free []time.Duration // when the last span of a lane ends
	for _, s := range spans {
		i := slices.IndexFunc(free, func(end time.Duration) bool { return end <= s.Start })
		if i < 0 {
			i, lanes, free = len(lanes), append(lanes, nil), append(free, 0)
		}
		lanes[i], free[i] = append(lanes[i], s), s.End
	}
	return lanes
}
