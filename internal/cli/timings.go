package cli

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/lithe-build/lithe/internal/store"
	"github.com/lithe-build/lithe/internal/trace"
)

// shownItems is how many of the longest items are printed. Of the chain that decided, those of a hundredth are not.
const shownItems = 10

// timings are the flags that tell where the time of a build went, and its recorder.
type timings struct {
	print    bool
	file     string
	recorder *trace.Recorder
}

// begin returns the recorder, nil where nobody asked.
func (t *timings) begin() *trace.Recorder {
	if t.print || t.file != "" {
		t.recorder = trace.New()
	}
	return t.recorder
}

// end writes what was asked for. A build that failed has a trace as well: it is the one that people look into.
func (t *timings) end(w io.Writer) error {
	if t.recorder == nil {
		return nil
	}
	spans, counts := t.recorder.Spans(), t.recorder.Counts()
	if t.print {
		printTimings(w, t.recorder.Elapsed(), spans, counts)
	}
	if t.file == "" {
		return nil
	}
	var data bytes.Buffer
	if err := trace.Write(&data, spans, counts); err != nil {
		return err
	}
	if err := store.Replace(t.file, &data); err != nil {
		return unwritable(t.file, "trace", err)
	}
	return nil
}

// printTimings prints stages, what was done side by side, the chain that decided, and the longest items.
func printTimings(out io.Writer, elapsed time.Duration, spans []trace.Span, counts trace.Counts) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "timings of %s\n\ntook\tfrom\tstage\n", seconds(elapsed))
	for _, s := range spans {
		if s.Kind == trace.Stage {
			fmt.Fprintf(w, "%s\t%s\t%s\n", seconds(s.Duration()), seconds(s.Start), s.Name)
		}
	}
	fmt.Fprint(w, "\nadded up\tby the clock\tside by side\n")
	for _, kind := range []trace.Kind{trace.Request, trace.Layer, trace.Build, trace.Bytecode, trace.Process, trace.Lock} {
		if sum, wall := trace.Busy(spans, kind); sum > 0 {
			fmt.Fprintf(w, "%s\t%s\t%s\n", seconds(sum), seconds(wall), kind)
		}
	}
	chain := slices.DeleteFunc(trace.CriticalPath(spans), func(s trace.Span) bool { return s.Duration() < elapsed/100 })
	printItems(w, "decided the time", chain)
	printItems(w, "longest", trace.Longest(spans, shownItems, trace.Request, trace.Layer, trace.Build, trace.Bytecode, trace.Lock))
	fmt.Fprintf(w, "\n%s, %s received, %s sent, %s to an engine\n", counted(counts.Requests, "request"), sizeText(counts.Received),
		sizeText(counts.Sent), counted(counts.Engine, "request"))
	fmt.Fprintf(w, "%s, %s compiled, %s made, %s and %s read\n", counted(counts.Processes, "program"), counted(counts.Compiled, "source"),
		counted(counts.Layers, "layer"), counted(counts.Files, "file"), counted(counts.Records, "record"))
	_ = w.Flush() // standard error may be closed; the build is done
}

func printItems(w io.Writer, heading string, items []trace.Span) {
	if len(items) == 0 {
		return
	}
	fmt.Fprintf(w, "\ntook\tfrom\tsize\t%s\n", heading)
	for _, s := range items {
		size := ""
		if s.Bytes > 0 {
			size = sizeText(s.Bytes)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s %s\n", seconds(s.Duration()), seconds(s.Start), size, s.Kind, printable(s.Name))
	}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f s", d.Seconds()) }

func counted(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
