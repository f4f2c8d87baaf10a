package faultstest

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/lithe-build/lithe/internal/testkit/faults"
	"github.com/lithe-build/lithe/internal/testkit/pyindex"
)

// bigPage is the page of a project on the index.
const bigPage = "/simple/big/"

// impatient is for rows in which a server says nothing, ever.
func impatient(w *world) { w.env["LITHE_TIMEOUT"], w.env["LITHE_ATTEMPTS"] = "1s", "2" }

// brisk is for rows in which a server falls silent once: soon asked again, and often, since a busy machine is slow as well.
func brisk(w *world) { w.env["LITHE_TIMEOUT"], w.env["LITHE_ATTEMPTS"] = "1500ms", "6" }

// on breaks requests for a path of the index.
func (w *world) on(path string, times int, fault faults.Fault) {
	w.indexFaults.Play(faults.Rule{Path: path, Times: times, Break: fault})
}

// page breaks requests for a project's page.
func brokenPage(times int, fault faults.Fault) func(*world) {
	return func(w *world) { w.on(bigPage, times, fault) }
}

func indexRows() section {
	rows := []row{
		{name: "429 with `Retry-After`, once", fault: brokenPage(1, faults.Status(429, "Retry-After", "1"))},
		{name: "429 that asks to come back in an hour", fault: brokenPage(0, faults.Status(429, "Retry-After", "3600")), want: failure},
		{name: "503, twice", fault: brokenPage(2, faults.Status(503))},
		{name: "500, always", fault: brokenPage(0, faults.Status(500)), want: failure},
		{name: "a slow first byte", fault: brokenPage(0, faults.Slow(300*time.Millisecond))},
		{name: "no answer, ever", ready: impatient, fault: brokenPage(0, faults.Silence()), want: failure},
		{name: "a body that stops half way, once", ready: brisk, fault: brokenPage(1, faults.Stall(50))},
		{name: "a body that stops half way, always", ready: impatient, fault: brokenPage(0, faults.Stall(50)), want: failure},
		{name: "a truncated body, once", fault: brokenPage(1, faults.Truncate(50))},
		{name: "a truncated body, always", fault: brokenPage(0, faults.Truncate(50)), want: failure},
		{name: "the connection reset in the body, once", fault: brokenPage(1, faults.Reset(50))},
		{name: "the connection closed without an answer, always", fault: brokenPage(0, faults.Hangup()), want: failure},
		{name: "redirects in a circle", fault: brokenPage(0, faults.Loop()), want: failure},
		{name: "a redirect to another host", ready: withPassword, fault: func(w *world) {
			w.on(bigPage, 0, faults.Elsewhere(w.origin("elsewhere")))
		}, after: noPasswordElsewhere},
		{name: "HTML of something else (a captive portal)", fault: brokenPage(0, faults.Page("text/html", "<h1>Welcome</h1><a href=/login>Log in</a>")), want: problem},
		{name: "JSON that is none", fault: brokenPage(0, faults.Page("application/vnd.pypi.simple.v1+json", "<h1>Welcome</h1>")), want: failure},
		{name: "a page of another type", fault: brokenPage(0, faults.Page("image/png", "PNG")), want: failure},
		{name: "401", fault: brokenPage(0, faults.Password("somebody", "secret")), want: failure},
		{name: "403", fault: brokenPage(0, faults.Status(403)), want: failure},
		{name: "no such project", fault: brokenPage(0, faults.Status(404)), want: problem},
		{name: "the file is not on the page", fault: brokenPage(0, faults.Page("text/html", "<a href=/files/big-2.0-py3-none-any.whl>big-2.0-py3-none-any.whl</a>")), want: problem},
		{name: "the page names another hash", fault: func(w *world) {
			w.index.Add(pyindex.Wheel{Name: "big", Version: "1.0", Size: 1<<20 + 1})
		}, want: problem, mend: func(w *world) { w.index.Add(wheels...) }},
		{name: "the page offers a file of another project with the right hash", fault: brokenPage(0, confused), want: problem},
	}
	for i := range rows {
		rows[i].poetry = true
	}
	return section{title: "The package index", rows: rows,
		text: "A poetry.lock has no addresses of files, so that the pages of the index are read."}
}

// confused offers a wheel under another project's name.
func confused(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	w.Header().Set("Content-Type", "text/html")
	_, _ = fmt.Fprintf(w, "<a href=\"/files/evil-1.0-py3-none-any.whl#%s\">evil-1.0-py3-none-any.whl</a>",
		strings.Replace(wheels[2].Hash(), ":", "=", 1))
}

const secret = "hunter2"

// withPassword gives the index's address a name and a password.
func withPassword(w *world) {
	w.env["LITHE_INDEX_URL"] = strings.Replace(w.index.URL, "://", "://somebody:"+secret+"@", 1)
}

// noPasswordElsewhere wants a server that was redirected to to have seen no credentials, and the first one to have.
func noPasswordElsewhere(w *world, _ result) error {
	for _, s := range w.indexFaults.Seen() {
		if s.Broken && s.Authorization == "" {
			return fmt.Errorf("%s came without credentials", s.Path)
		}
	}
	seen := w.elsewhere.Seen()
	if len(seen) == 0 {
		return fmt.Errorf("nobody followed the redirect")
	}
	for _, s := range seen {
		if s.Authorization != "" {
			return fmt.Errorf("%s came with credentials", s.Path)
		}
	}
	return nil
}
