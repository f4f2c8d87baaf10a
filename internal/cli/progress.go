package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/lithe-build/lithe/internal/build"
)

// view shows the progress of a build. close ends it: nothing of it moves afterwards.
type view interface {
	show(build.Event)
	close()
}

// newView returns the view that mode asks for; "auto" and "" choose bars on a terminal and plain lines elsewhere.
func newView(mode string, w io.Writer, width func() int, colour bool) (view, error) {
	switch mode {
	case "", "auto":
		if width() > 0 {
			return newBars(w, width, colour), nil
		}
		return &plainView{w: w}, nil
	case "bars":
		return newBars(w, width, colour), nil
	case "plain":
		return &plainView{w: w}, nil
	case "json":
		return &jsonView{enc: json.NewEncoder(w)}, nil
	case "none":
		return silentView{&plainView{w: w}}, nil
	}
	return nil, usagef("--progress is one of auto, plain, json and none, not %q", mode)
}

// silentView shows warnings only: they are no progress.
type silentView struct{ *plainView }

func (v silentView) show(e build.Event) {
	if e.Level != "" {
		v.plainView.show(e)
	}
}

// jsonView prints each event as one line, for programs.
type jsonView struct {
	mu  sync.Mutex
	enc *json.Encoder
}

func (v *jsonView) show(e build.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	_ = v.enc.Encode(e) // standard error may be closed; the build goes on
}

func (v *jsonView) close() {}

// plainView prints a line for what a log reader wants to know: the end of each stage, and warnings.
type plainView struct {
	mu sync.Mutex
	w  io.Writer
}

func (v *plainView) show(e build.Event) {
	if !e.Ended && e.Level == "" {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	fmt.Fprintln(v.w, eventLine(e))
}

func (v *plainView) close() {}

// eventLine is one event as a sentence.
func eventLine(e build.Event) string {
	if e.Level != "" {
		return e.Level + ": " + printable(e.Text)
	}
	return fmt.Sprintf("%-9s %s", e.Stage, printable(e.Text))
}

// bars draws one line for each stage under way below the lines of those that ended, ten times a second at most.
type bars struct {
	w      io.Writer
	width  func() int
	colour bool

	mu      sync.Mutex
	stages  []*stage // under way, in the order in which they began
	ended   []string // lines to print above them
	drawn   int      // lines on the screen that will be drawn over
	stop    chan struct{}
	stopped sync.WaitGroup
}

// stage adds up the items of a stage.
type stage struct {
	name, item  string
	unit        string
	items       map[string]build.Event
	done, total int64
}

const frame = 100 * time.Millisecond // between two drawings; faster only flickers

func newBars(w io.Writer, width func() int, colour bool) *bars {
	b := &bars{w: w, width: width, colour: colour, stop: make(chan struct{})}
	b.stopped.Go(b.loop)
	return b
}

func (b *bars) loop() {
	ticker := time.NewTicker(frame)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			b.draw()
		case <-b.stop:
			b.draw()
			return
		}
	}
}

func (b *bars) show(e build.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case e.Level != "":
		b.ended = append(b.ended, b.paint("33", eventLine(e)))
	case e.Ended:
		b.remove(e.Stage)
		b.ended = append(b.ended, b.paint("32", "✓")+" "+eventLine(e))
	default:
		b.stage(e.Stage).add(e)
	}
}

func (b *bars) close() {
	close(b.stop)
	b.stopped.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.drawn > 0 { // a failed build leaves no half-drawn stage behind
		fmt.Fprintf(b.w, "\x1b[%dA\x1b[J", b.drawn)
	}
}

// stage returns the line of a stage, made when it is new.
func (b *bars) stage(name string) *stage {
	for _, s := range b.stages {
		if s.name == name {
			return s
		}
	}
	s := &stage{name: name, items: map[string]build.Event{}}
	b.stages = append(b.stages, s)
	return s
}

func (b *bars) remove(name string) {
	for i, s := range b.stages {
		if s.name == name {
			b.stages = append(b.stages[:i], b.stages[i+1:]...)
			return
		}
	}
}

func (s *stage) add(e build.Event) {
	last := s.items[e.Item]
	s.items[e.Item] = e
	s.done += e.Done - last.Done
	s.total += e.Total - last.Total
	s.unit, s.item = e.Unit, e.Item
}

// draw moves back over what was drawn before and writes everything anew, in one write so that it cannot tear.
func (b *bars) draw() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.ended) == 0 && len(b.stages) == 0 && b.drawn == 0 {
		return
	}
	var out strings.Builder
	if b.drawn > 0 {
		fmt.Fprintf(&out, "\x1b[%dA\x1b[J", b.drawn)
	}
	for _, line := range b.ended {
		out.WriteString(line + "\n")
	}
	for _, s := range b.stages {
		out.WriteString(b.line(s) + "\n")
	}
	b.ended, b.drawn = nil, len(b.stages)
	_, _ = io.WriteString(b.w, out.String())
}

const barWidth = 24 // cells; leaves room for names on a terminal of 80

// line draws one stage, cut to the width of the terminal.
func (b *bars) line(s *stage) string {
	filled := 0
	if s.total > 0 {
		filled = int(min(s.done, s.total) * barWidth / s.total)
	}
	bar := strings.Repeat("━", filled)
	rest := strings.Repeat("─", barWidth-filled)
	item := strings.ReplaceAll(printable(s.item), "\n", " ") // one line, whatever a file is called
	text := fmt.Sprintf("  %-9s %s  %s", s.name, progressText(s), item)
	if room := max(b.width()-barWidth-1, 16); len([]rune(text)) > room { // 16: the head and a little, however narrow
		text = string([]rune(text)[:room])
	}
	head, tail := text[:12], text[12:]
	return head + b.paint("36", bar) + b.paint("2", rest) + " " + tail
}

// progressText is how far a stage is, in its unit.
func progressText(s *stage) string {
	switch {
	case s.total == 0:
		return ""
	case s.unit == "B":
		return fmt.Sprintf("%.1f/%.1f MB", float64(s.done)/1e6, float64(s.total)/1e6)
	default:
		return fmt.Sprintf("%d/%d", s.done, s.total)
	}
}

func (b *bars) paint(code, text string) string {
	if !b.colour || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
