package cli_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lithe-build/lithe/internal/testkit/debmirror"
)

// furtherFaults are the words that break a repository which is not Debian's.
var furtherFaults = map[string]debmirror.Faults{
	"good": {}, "expired": {Expired: true}, "unsigned": {Unsigned: true}, "unknown-key": {UnknownKey: true}, "altered": {Altered: true},
	"wrong-suite": {WrongSuite: true}, "other-debs": {DebsDiffer: true}, "other-indexes": {PackagesDiffer: true}, "gone": {DebsMissing: true},
	"weak": {ReleaseMD5Only: true}, "weak-packages": {MD5Only: true}, "climbing": {FilenameClimbs: true},
}

// publish shows what the mirror has, with the repository beside it.
func (w *world) publish() {
	all := slices.Clone(w.suites)
	if w.further != nil {
		all = append(all, *w.further)
	}
	w.mirror.Publish(all...)
}

func (w *world) aptRepository(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: aptrepo WORD... | KEY=VALUE...")
	}
	if w.further == nil {
		w.further = &debmirror.Suite{Name: "stable", Folder: "vendor", Architectures: []string{"amd64", "arm64"}, Key: debmirror.NewKey(debmirror.KeyOptions{})}
	}
	for _, word := range args {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "suite":
			w.further.Name = value
		case "component":
			w.further.Component = value
		case "folder":
			if w.further.Folder = value; value == "debian" {
				w.further.Key = w.mirror.Key()
			}
		case "flat":
			w.further.Flat, w.further.Architectures = true, []string{"amd64"}
		case "suites":
			w.further.Flat = false
		case "amd64":
			w.further.Architectures = []string{"amd64"}
		case "late":
			w.further.NotAutomatic = true
		case "older":
			w.further.Date = debmirror.DefaultDate.AddDate(0, 0, -3)
		case "private":
			w.mirror.Through(private)
		default:
			faults, ok := furtherFaults[word]
			if !ok {
				ts.Fatalf("aptrepo does not know %q", word)
			}
			w.further.Faults = faults
		}
	}
	ts.Setenv("APT_REPO", strings.TrimSuffix(w.mirror.URL, "debian")+w.further.Folder)
	ts.Setenv("APT_HOST", strings.Split(w.mirror.URL, "/")[2])
	ts.Setenv("DOLLAR", "$")
	w.publish()
}

// private asks whoever wants something of the repository for a login.
func private(mirror http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); strings.HasPrefix(r.URL.Path, "/vendor/") && (user != privateUser || password != privatePassword) {
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		mirror.ServeHTTP(rw, r)
	})
}

func (w *world) aptPackage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 6 || w.further == nil {
		ts.Fatalf("usage: aptdeb NAME VERSION [ARCH [DEPENDS [PROVIDES [LIBRARY]]]], after aptrepo")
	}
	defaults := []string{"", "", "amd64", "", "", ""}
	args = append(args, defaults[len(args):]...)
	p := debmirror.Package{Name: args[0], Version: args[1], Arch: args[2], Depends: args[3], Provides: args[4],
		Files: []debmirror.File{{Path: "usr/share/" + args[0] + "/text", Content: args[0] + " " + args[1] + "\n"}}}
	if args[5] != "" {
		p.Files = append(p.Files, debmirror.File{Path: "usr/lib/x86_64-linux-gnu/" + filepath.Base(args[5]), Content: ts.ReadFile(args[5])})
	}
	w.further.Packages = append(w.further.Packages, p)
	w.publish()
}

func (w *world) aptKey(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || w.further == nil {
		ts.Fatalf("usage: aptkey FILE [binary|other|private], after aptrepo")
	}
	data := debmirror.ArmoredKey(w.further.Key)
	switch form := strings.Join(args[1:], " "); form {
	case "":
	case "other":
		data = debmirror.ArmoredKey(debmirror.NewKey(debmirror.KeyOptions{}))
	case "binary", "private":
		var b bytes.Buffer
		if form == "binary" {
			ts.Check(w.further.Key.Serialize(&b))
		} else {
			ts.Check(w.further.Key.SerializePrivateWithoutSigning(&b, nil))
		}
		data = b.Bytes()
	default:
		ts.Fatalf("aptkey does not know %q", form)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o600))
}
