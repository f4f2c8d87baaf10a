package faultstest

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lithe-build/lithe/internal/testkit/faults"
)

// bigWheel is a file that comes in several reads.
const bigWheel = "big-1.0-py3-none-any.whl"

// brokenWheel breaks the download of a wheel.
func brokenWheel(times int, fault faults.Fault) func(*world) {
	return func(w *world) { w.on(bigWheel, times, fault) }
}

func wheelRows() section {
	return section{title: "Downloads of wheels", text: "A uv.lock has the address, the size and the hash of each file.", rows: []row{
		{name: "429 with `Retry-After`, once", fault: brokenWheel(1, faults.Status(429, "Retry-After", "1"))},
		{name: "503, twice", fault: brokenWheel(2, faults.Status(503))},
		{name: "500, always", fault: brokenWheel(0, faults.Status(500)), want: failure},
		{name: "a slow first byte", fault: brokenWheel(0, faults.Slow(300*time.Millisecond))},
		{name: "no answer, ever", ready: impatient, fault: brokenWheel(0, faults.Silence()), want: failure},
		{name: "a body that stops half way, once", ready: brisk, fault: brokenWheel(1, faults.Stall(50)), after: resumed},
		{name: "a body that never begins", ready: impatient, fault: brokenWheel(0, faults.Stall(0)), want: failure},
		{name: "a truncated body, once", fault: brokenWheel(1, faults.Truncate(50)), after: resumed},
		{name: "a body that ends before its first byte, always", fault: brokenWheel(0, faults.Truncate(0)), want: failure},
		{name: "the connection reset in the body, twice", fault: brokenWheel(2, faults.Reset(50)), after: resumed},
		{name: "the connection closed without an answer, always", fault: brokenWheel(0, faults.Hangup()), want: failure},
		{name: "wrong bytes", fault: brokenWheel(0, faults.Alter()), want: problem},
		{name: "a download of which an earlier, broken run left wrong bytes", ready: halfWrong, fault: brokenWheel(0, through)},
		{name: "the server ignores that only the rest is asked for", fault: func(w *world) {
			w.indexFaults.Play(faults.Rule{Path: bigWheel, Times: 1, Break: faults.Truncate(50)}, faults.Rule{Path: bigWheel, Break: noRanges})
		}},
		{name: "another length", fault: brokenWheel(0, faults.Shorten()), want: problem},
		{name: "a body without length and without end", fault: brokenWheel(0, faults.Endless()), want: failure},
		{name: "redirects in a circle", fault: brokenWheel(0, faults.Loop()), want: failure},
		{name: "a redirect to another host", ready: withPassword, fault: func(w *world) {
			w.on(bigWheel, 0, faults.Elsewhere(w.origin("elsewhere")))
		}, after: noPasswordElsewhere},
		{name: "HTML of something else (a captive portal)", fault: brokenWheel(0, faults.Page("text/html", "<h1>Welcome</h1>")), want: problem},
		{name: "401", fault: brokenWheel(0, faults.Password("somebody", "secret")), want: failure},
		{name: "403", fault: brokenWheel(0, faults.Status(403)), want: failure},
		{name: "404", fault: brokenWheel(0, faults.Status(404)), want: problem},
		{name: "410", fault: brokenWheel(0, faults.Status(410)), want: problem},
	}}
}

// through changes nothing: what is wrong lies elsewhere.
func through(w http.ResponseWriter, r *http.Request, next http.Handler) { next.ServeHTTP(w, r) }

// noRanges is a server that knows whole files alone.
func noRanges(w http.ResponseWriter, r *http.Request, next http.Handler) {
	r.Header.Del("Range")
	next.ServeHTTP(w, r)
}

// resumed wants a file that broke off to have been asked for again.
func resumed(w *world, _ result) error {
	n := 0
	for _, s := range w.indexFaults.Seen() {
		if strings.HasSuffix(s.Path, bigWheel) {
			n++
		}
	}
	if n < 2 {
		return fmt.Errorf("asked %d times", n)
	}
	return nil
}

// halfWrong leaves the first half of a wheel in the store, with a byte that is wrong.
func halfWrong(w *world) {
	w.on(bigWheel, 0, faults.Truncate(40))
	w.env["LITHE_ATTEMPTS"] = "1"
	if got := w.build(); got.code != failure {
		w.t.Fatal(got)
	}
	w.mend()
	left := files(filepath.Join(w.store, "partial"))
	if len(left) != 1 {
		w.t.Fatalf("left of the download: %q", left)
	}
	data, err := os.ReadFile(left[0])
	if err != nil {
		w.t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(left[0], data, 0o644); err != nil {
		w.t.Fatal(err)
	}
}
