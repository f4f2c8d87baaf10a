package trace_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/trace"
)

func TestCounts(t *testing.T) {
	r := trace.New()
	var all sync.WaitGroup
	for c := trace.Requests; c <= trace.Records; c++ {
		for range int(c) + 1 {
			all.Go(func() { r.Add(c, 1) })
		}
	}
	all.Wait()
	counts := reflect.ValueOf(r.Counts())
	for i := range counts.NumField() {
		if got := counts.Field(i).Int(); got != int64(i)+1 {
			t.Errorf("%s is %d, not %d: the counters are not in the order of the fields", counts.Type().Field(i).Name, got, i+1)
		}
	}
}

func TestNobodyLooks(t *testing.T) {
	var r *trace.Recorder
	name := "numpy 2.5.5"
	if n := testing.AllocsPerRun(100, func() {
		span := r.Begin(trace.Layer, name)
		r.Add(trace.Layers, 1)
		_ = span.Duration()
		span.EndWith(7)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if r.Spans() != nil || r.Counts() != (trace.Counts{}) || r.Elapsed() != 0 {
		t.Error("a nil recorder keeps something")
	}
	base := http.NewFileTransport(http.Dir("."))
	if got := trace.Transport(base, nil); got != base {
		t.Error("a transport that nobody looks at is another one")
	}
}

func TestSpansInOrder(t *testing.T) {
	r := trace.New()
	outer, inner := r.Begin(trace.Stage, "outer"), r.Begin(trace.Layer, "inner")
	inner.EndWith(12)
	outer.End()
	spans := r.Spans()
	if len(spans) != 2 || spans[0].Name != "outer" || spans[1].Name != "inner" || spans[1].Bytes != 12 {
		t.Fatalf("%+v", spans)
	}
	if spans[0].Duration() < spans[1].Duration() {
		t.Errorf("what is inside lasts longer: %+v", spans)
	}
}

func TestTransport(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, strings.Repeat("x", 1000))
	}))
	defer server.Close()
	r := trace.New()
	client := http.Client{Transport: trace.Transport(http.DefaultTransport, r)}
	for range 2 {
		resp, err := client.Post(strings.Replace(server.URL, "://", "://user:hunter2@", 1)+"/a/b?sig=hunter3", "text/plain", strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	if got, want := r.Counts(), (trace.Counts{Requests: 2, Received: 2000, Sent: 10}); got != want {
		t.Errorf("%+v, not %+v", got, want)
	}
	spans := r.Spans()
	if len(spans) != 2 || spans[0].Bytes != 1000 || spans[0].Name != "POST "+strings.TrimPrefix(server.URL, "http://")+"/a/b" {
		t.Errorf("%+v", spans)
	}
	if _, err := client.Get("http://127.0.0.1:1/"); err == nil || len(r.Spans()) != 3 {
		t.Errorf("a request that failed is no span: %v, %d", err, len(r.Spans()))
	}
}

// at makes a span of milliseconds.
func at(kind trace.Kind, name string, from, to int) trace.Span {
	return trace.Span{Kind: kind, Name: name, Start: time.Duration(from) * time.Millisecond, End: time.Duration(to) * time.Millisecond}
}

var build = []trace.Span{
	at(trace.Stage, "base", 0, 50), at(trace.Request, "small", 0, 10), at(trace.Request, "large", 0, 40), at(trace.Request, "later", 12, 30),
	at(trace.Stage, "layers", 50, 100), at(trace.Layer, "numpy", 45, 100), at(trace.Layer, "tiny", 45, 60),
}

func TestCriticalPath(t *testing.T) {
	want := []trace.Span{at(trace.Request, "large", 0, 40), at(trace.Layer, "numpy", 45, 100)}
	if diff := cmp.Diff(want, trace.CriticalPath(build)); diff != "" {
		t.Error(diff)
	}
	if got := trace.CriticalPath(nil); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

func TestLongestAndBusy(t *testing.T) {
	want := []trace.Span{at(trace.Layer, "numpy", 45, 100), at(trace.Request, "large", 0, 40)}
	if diff := cmp.Diff(want, trace.Longest(build, 2, trace.Layer, trace.Request)); diff != "" {
		t.Error(diff)
	}
	if sum, wall := trace.Busy(build, trace.Request); sum != 68*time.Millisecond || wall != 40*time.Millisecond {
		t.Errorf("%v added up, %v by the clock", sum, wall)
	}
}

// What is written is the documented format, and no two events of one line overlap.
func TestWrite(t *testing.T) {
	var out bytes.Buffer
	if err := trace.Write(&out, build, trace.Counts{Requests: 3}); err != nil {
		t.Fatal(err)
	}
	var doc struct {
		TraceEvents []struct {
			Name, Ph, Cat     string
			Ts, Dur, Pid, Tid int
			Args              map[string]any
		}
		OtherData map[string]int
	}
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	ends, names, complete := map[int]int{}, map[int]string{}, 0
	for _, e := range doc.TraceEvents {
		switch e.Ph {
		case "M":
			names[e.Tid], _ = e.Args["name"].(string)
		case "X":
			complete++
			if e.Ts < ends[e.Tid] {
				t.Errorf("%s begins at %d, when line %d is taken until %d", e.Name, e.Ts, e.Tid, ends[e.Tid])
			}
			if !strings.HasPrefix(names[e.Tid], e.Cat) || e.Pid != 1 || e.Dur < 1 {
				t.Errorf("%+v on line %q", e, names[e.Tid])
			}
			ends[e.Tid] = e.Ts + e.Dur
		default:
			t.Errorf("phase %q", e.Ph)
		}
	}
	if complete != len(build) || doc.OtherData["requests"] != 3 {
		t.Errorf("%d events, counts %v", complete, doc.OtherData)
	}
}
