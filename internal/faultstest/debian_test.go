package faultstest

import (
	"strings"

	"github.com/lithe-build/lithe/internal/testkit/debmirror"
	"github.com/lithe-build/lithe/internal/testkit/faults"
)

const (
	inRelease = "/debian/dists/trixie/InRelease"
	libc      = "libc6_*.deb"
)

// onMirror breaks requests of the mirror.
func onMirror(path string, times int, fault faults.Fault) func(*world) {
	return func(w *world) { w.mirrorFaults.Play(faults.Rule{Path: path, Times: times, Break: fault}) }
}

// suite breaks what the mirror publishes.
func suite(change func(*debmirror.Faults)) func(*world) {
	return func(w *world) { w.breakSuites(func(s *debmirror.Suite) { change(&s.Faults) }) }
}

// mainSuite breaks the main suite alone, so that one error is told and not three.
func mainSuite(change func(*debmirror.Suite)) func(*world) {
	return func(w *world) {
		w.breakSuites(func(s *debmirror.Suite) {
			if s.Name == "trixie" {
				change(s)
			}
		})
	}
}

func suiteRows() section {
	rows := []row{
		{name: "429 with `Retry-After`, once", fault: onMirror(inRelease, 1, faults.Status(429, "Retry-After", "1"))},
		{name: "502, always", fault: onMirror(inRelease, 0, faults.Status(502)), want: failure},
		{name: "no answer, ever", ready: impatient, fault: onMirror(inRelease, 0, faults.Silence()), want: failure},
		{name: "InRelease stops half way, once", ready: brisk, fault: onMirror(inRelease, 1, faults.Stall(50))},
		{name: "InRelease is truncated, always", fault: onMirror(inRelease, 0, faults.Truncate(50)), want: failure},
		{name: "the connection reset, once", fault: onMirror(inRelease, 1, faults.Reset(50))},
		{name: "redirects in a circle", fault: onMirror(inRelease, 0, faults.Loop()), want: failure},
		{name: "HTML of something else (a captive portal)", fault: onMirror(inRelease, 0, faults.Page("text/html", "<h1>Welcome</h1>")), want: problem},
		{name: "401", fault: onMirror(inRelease, 0, faults.Status(401)), want: failure},
		{name: "no such suite", fault: onMirror(inRelease, 0, faults.Status(404)), want: failure},
		{name: "an index past its Valid-Until", fault: mainSuite(func(s *debmirror.Suite) { s.Faults.Expired = true }), want: problem},
		{name: "a signature of a key that is not Debian's", fault: mainSuite(func(s *debmirror.Suite) { s.Faults.UnknownKey = true }), want: problem},
		{name: "no signature", fault: mainSuite(func(s *debmirror.Suite) { s.Faults.Unsigned = true }), want: problem},
		{name: "a text that was changed after it was signed", fault: mainSuite(func(s *debmirror.Suite) { s.Faults.Altered = true }), want: problem},
		{name: "a good signature on another suite", fault: mainSuite(func(s *debmirror.Suite) { s.Faults.WrongSuite = true }), want: problem},
		{name: "Packages has other bytes than InRelease says", fault: mainSuite(func(s *debmirror.Suite) { s.Faults.PackagesDiffer = true }), want: problem},
		{name: "Packages is truncated, once", fault: onMirror("/debian/dists/trixie/main/binary-amd64/by-hash/SHA256/*", 1, faults.Truncate(50))},
		{name: "Packages under its name is newer, a mirror in motion", fault: suite(func(f *debmirror.Faults) { f.OnlyByHash = true })},
		{name: "the mirror has no by-hash folders", fault: suite(func(f *debmirror.Faults) { f.NoByHash = true })},
		{name: "no SHA256 in InRelease", fault: mainSuite(func(s *debmirror.Suite) { s.Faults.ReleaseMD5Only = true }), want: failure},
		{name: "no SHA256 in Packages", fault: mainSuite(func(s *debmirror.Suite) { s.Faults.MD5Only = true }), want: failure},
		{name: "a file name that leaves the archive", fault: mainSuite(func(s *debmirror.Suite) { s.Faults.FilenameClimbs = true }), want: failure},
	}
	for i := range rows {
		rows[i].fresh = true
	}
	rows = append(rows, row{name: "an index older than the one that lithe.lock records, for `lithe lock --upgrade`",
		fault: mainSuite(func(s *debmirror.Suite) { s.Date = debmirror.DefaultDate.AddDate(0, -1, 0) }),
		run:   func(w *world) []string { return []string{"lock", "--upgrade", w.dir} }, want: problem})
	return section{title: "Debian's indexes", rows: rows, text: "A project without lithe.lock, so that the indexes of the suite are read."}
}

func packageRows() section {
	return section{title: "Debian packages", text: "lithe.lock names each package with its hash.", rows: []row{
		{name: "503, twice", fault: onMirror(libc, 2, faults.Status(503))},
		{name: "500, always", fault: onMirror(libc, 0, faults.Status(500)), want: failure},
		{name: "a body that stops half way, once", ready: brisk, fault: onMirror(libc, 1, faults.Stall(50))},
		{name: "a truncated body, once", fault: onMirror(libc, 1, faults.Truncate(50))},
		{name: "a body that ends before its first byte, always", fault: onMirror(libc, 0, faults.Truncate(0)), want: failure},
		{name: "the connection reset in the body, once", fault: onMirror(libc, 1, faults.Reset(50))},
		{name: "wrong bytes", fault: onMirror(libc, 0, faults.Alter()), want: problem},
		{name: "another length", fault: onMirror(libc, 0, faults.Shorten()), want: problem},
		{name: "redirects in a circle", fault: onMirror(libc, 0, faults.Loop()), want: failure},
		{name: "HTML of something else (a captive portal)", fault: onMirror(libc, 0, faults.Page("text/html", "<h1>Welcome</h1>")), want: problem},
		{name: "403", fault: onMirror(libc, 0, faults.Status(403)), want: failure},
		{name: "a version that is gone from the pool, and is in the snapshot archive", ready: withSnapshot, fault: superseded},
		{name: "a version that is gone everywhere", fault: superseded, want: problem},
		{name: "wrong bytes in the pool, the right ones in the snapshot archive", ready: withSnapshot, fault: func(w *world) {
			w.mirrorFaults.Play(faults.Rule{Path: "/debian/pool/*/*/*/" + libc, Break: faults.Alter()})
		}},
	}}
}

// withSnapshot names an archive that keeps what left the pool.
func withSnapshot(w *world) { w.env["LITHE_DEBIAN_SNAPSHOT"] = w.mirror.SnapshotURL }

// superseded publishes a newer version of a package, as time does.
func superseded(w *world) {
	w.breakSuites(func(s *debmirror.Suite) {
		if !strings.HasSuffix(s.Name, "-security") {
			return
		}
		s.Packages = append([]debmirror.Package(nil), s.Packages...)
		p := &s.Packages[0]
		newer := strings.Replace(p.Version, "+deb13u1", "+deb13u2", 1)
		p.Provides, p.Version = strings.Replace(p.Provides, p.Version, newer, 1), newer
	})
}
