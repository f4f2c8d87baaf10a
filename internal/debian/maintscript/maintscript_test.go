package maintscript

import (
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lithe-build/lithe/internal/entry"
)

// image is a System of a few paths: with a slash at the end folders, with a star programs.
type image []string

func (i image) Lookup(name string, _ bool) (entry.Entry, bool) {
	for _, p := range i {
		switch {
		case p == name:
			return entry.NewFile(name[1:], []byte("g softhsm -\nu tss 104:tss \"TPM software\" /var/lib/tpm\n"), false), true
		case p == name+"*":
			return entry.NewFile(name[1:], nil, true), true
		case p == name+"/":
			return entry.NewDir(name[1:]), true
		}
	}
	return entry.Entry{}, false
}

func (i image) Names(dir string) (names []string) {
	for _, p := range i {
		if path.Dir(p) == dir {
			names = append(names, path.Base(p))
		}
	}
	return names
}

func (i image) Installed(name string) bool { return name == "thing" }
func (i image) User(name string) bool      { return name == "root" }
func (i image) Group(name string) bool     { return name == "root" }

func postinst(text string) Script {
	return Script{Package: "thing", Name: "postinst", Data: []byte("#!/bin/sh\n" + text), Args: []string{"configure", ""},
		Answers: map[string]string{"thing/style": "slight"}}
}

func TestEvaluate(t *testing.T) {
	files := image{"/usr/share/thing/thing.conf", "/usr/bin/there*", "/usr/share/thing/", "/etc/", "/usr/lib/sysusers.d/thing.conf"}
	for _, test := range []struct {
		name, script string
		want         Result
	}{
		{name: "nothing", script: "set -e\nexit 0\n"},
		{name: "case", script: "case \"$1\" in\n(configure|abort-upgrade)\n ldconfig;;\n*) unknown-thing; exit 1;;\nesac", want: Result{Commands: []string{"ldconfig"}}},
		{name: "an upgrade's branch", script: "if [ \"$1\" = configure ] && [ -n \"$2\" ]; then rm -rf /usr; fi"},
		{name: "versions", script: "if dpkg --compare-versions \"$2\" lt-nl 2.0; then wipe-all; fi"},
		{name: "an absent program", script: "if command -v update-thing >/dev/null 2>&1; then update-thing; fi; test -x \"`which other`\" || exit 0\nother"},
		{name: "debhelper for Python", script: "# Automatically added by dh_python3\nif command -v py3compile >/dev/null 2>&1; then\n\tpy3compile -p thing \nfi\n"},
		{
			name: "alternatives in a loop", script: "for p in a b; do\n update-alternatives --quiet --install /usr/bin/$p $p /usr/bin/${p}.x 30 \\\n  --slave /usr/share/man/$p.1 $p.1 /usr/share/man/$p.x.1\ndone",
			want: Result{Commands: []string{"update-alternatives"}, Effects: Effects{Alternatives: []Alternative{
				{Link: "/usr/bin/a", Name: "a", Path: "/usr/bin/a.x", Priority: 30, Slaves: []Alternative{{Link: "/usr/share/man/a.1", Name: "a.1", Path: "/usr/share/man/a.x.1"}}},
				{Link: "/usr/bin/b", Name: "b", Path: "/usr/bin/b.x", Priority: 30, Slaves: []Alternative{{Link: "/usr/share/man/b.1", Name: "b.1", Path: "/usr/share/man/b.x.1"}}}}}},
		},
		{
			name: "a function with arguments", script: "put() { local to=\"$2\"; [ -e \"$to\" ] || cp -a \"$1\" \"$to\"; }\nput /usr/share/thing/thing.conf /etc/thing.conf",
			want: Result{Commands: []string{"cp"}, Effects: Effects{Copies: []Copy{{"/usr/share/thing/thing.conf", "/etc/thing.conf"}}}},
		},
		{
			name: "debconf's default", script: ". /usr/share/debconf/confmodule\ndb_get thing/style\ncase \"$RET\" in slight) ln -s ../avail/$RET.conf /etc/$RET.conf;; esac",
			want: Result{Commands: []string{"debconf", "ln"}, Effects: Effects{Links: []Link{{"/etc/slight.conf", "../avail/slight.conf"}}}},
		},
		{
			name: "folders and empty files", script: "mkdir -p -m 755 /var/lib/thing /etc\n: > /etc/thing.list\ntouch /var/lib/thing/x\n[ -d /var/lib/thing ] || nonsense",
			want: Result{Commands: []string{"mkdir", "touch"}, Effects: Effects{Dirs: []string{"/var/lib/thing"}, Files: []string{"/etc/thing.list", "/var/lib/thing/x"}}},
		},
		{
			name: "accounts", script: "getent group one >/dev/null || addgroup --system one\nadduser --system --ingroup one --home /var/lib/one one\nid -u one || boom\nadduser one audio\nsystemd-sysusers ${DPKG_ROOT:+--root=\"$DPKG_ROOT\"} thing.conf",
			want: Result{Commands: []string{"addgroup", "adduser", "systemd-sysusers"}, Effects: Effects{Groups: []string{"one", "softhsm"}, Users: []User{
				{Name: "one", Group: "one", Home: "/var/lib/one", Shell: "/usr/sbin/nologin"},
				{Name: "tss", Group: "tss", Home: "/var/lib/tpm", Shell: "/usr/sbin/nologin", ID: 104}}}},
		},
		{
			name: "files of many packages", script: "update-gsfontmap\nodbcinst -i -d -f /usr/share/thing/thing.conf",
			want: Result{Commands: []string{"odbcinst", "update-gsfontmap"}, Effects: Effects{Joins: []Join{
				{nil, "/var/lib/ghostscript/fonts/Fontmap"}, {nil, "/var/lib/ghostscript/fonts/cidfmap"}, {[]string{"/usr/share/thing/thing.conf"}, "/etc/odbcinst.ini"}}}},
		},
		{name: "older packages", script: "for a in $(dpkg-query -W -f '${Architecture}\\n' old 2>/dev/null || true); do rm -rf /$a; done\nif x=$(dpkg-query --control-path old:amd64 postrm) && [ -n \"$x\" ]; then rm $x; fi"},
		{name: "a pattern without a folder", script: "rm -f /gone/*.bin", want: Result{Commands: []string{"rm"}}},
		{name: "a pattern that may match", script: "rm -f /etc/*.bin", want: Result{Unknown: &Unknown{2, "rm -f /etc/*.bin", "its arguments are not known before it runs"}}},
		{name: "schemas", script: "/usr/lib/glib-2.0/glib-compile-schemas /usr/share/glib-2.0/schemas", want: Result{Commands: []string{"glib-compile-schemas"}}},
		{
			name: "an alternative that may be given twice", script: "update-alternatives --install /etc/x x /etc/y 200\nupdate-alternatives --query x | grep -q y || update-alternatives --install /etc/x x /etc/y 500",
			want: Result{Commands: []string{"update-alternatives"}, Effects: Effects{Alternatives: []Alternative{{Link: "/etc/x", Name: "x", Path: "/etc/y", Priority: 200}}}},
		},
		{name: "certificates", script: "update-ca-certificates --fresh", want: Result{Commands: []string{"update-ca-certificates"}, Effects: Effects{Certificates: true}}},
		{name: "what is printed", script: "cat <<-EOF >&2\n\t$(evil)\n\tEOF\necho \"a $(basename /x/y)\" | grep -q y || true\nprintf 'x' 1>&2"},
		{name: "groups and subshells", script: "{ ldconfig; } 2>/dev/null; (cd /etc) || true", want: Result{Unknown: &Unknown{2, "cd /etc", "lithe does not know what it does"}}},
		{name: "a command of no table", script: "set -e\nrebuild-thing --all", want: Result{Unknown: &Unknown{3, "rebuild-thing --all", "lithe does not know what it does"}}},
		{name: "an uncertain branch", script: "if grep -q x /etc/hosts; then\n  ln -s a /etc/b\nfi", want: Result{Unknown: &Unknown{3, "ln -s a /etc/b", "it is not known before the script runs whether it gets here"}}},
		{name: "after an uncertain end", script: "grep -q x /etc/hosts && exit 0\nmkdir /srv/x", want: Result{Unknown: &Unknown{3, "mkdir /srv/x", "it is not known before the script runs whether it gets here"}}},
		{name: "after an uncertain failure", script: "grep -q x /etc/hosts || exit 1\nmkdir /srv/x", want: Result{Commands: []string{"mkdir"}, Effects: Effects{Dirs: []string{"/srv/x"}}}},
		{name: "uncertain names", script: "for f in /etc/*.conf; do rm -f $f; done", want: Result{Unknown: &Unknown{2, "rm -f $f", "its arguments are not known before it runs"}}},
		{name: "a file that is there", script: "rm -f /usr/share/thing/thing.conf", want: Result{Unknown: &Unknown{2, "rm -f /usr/share/thing/thing.conf", "lithe does not know what it does with these arguments"}}},
		{name: "output into a file", script: "echo x > /etc/x", want: Result{Unknown: &Unknown{2, "echo x > /etc/x", "what it writes to a file is not known before it runs"}}},
		{name: "logs and caches", script: "there 2>&1 > /var/log/x || fc-cache -s > /var/cache/y", want: Result{Unknown: &Unknown{2, "there 2>&1 > /var/log/x", "lithe does not know what it does"}}},
		{name: "a hidden command", script: "x=there\n$x; eval \"$x\"", want: Result{Unknown: &Unknown{3, "$x", "lithe does not know what it does"}}},
		{name: "a trap in a substitution", script: "x=$(rm -rf /etc)", want: Result{Unknown: &Unknown{2, "rm -rf /etc", "lithe does not know what it does with these arguments"}}},
		{name: "no shell", script: "", want: Result{Unknown: &Unknown{1, "#!/usr/bin/perl", "it is not a script of the shell"}}},
		{name: "no end", script: "if true; then", want: Result{Unknown: &Unknown{1, "the script", "it cannot be read as shell: line 2: fi is missing"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := postinst(test.script)
			if test.name == "no shell" {
				s.Data = []byte("#!/usr/bin/perl\n")
			}
			got := Evaluate(s, files)
			if test.want.Unknown != nil { // what came before does not matter then
				got.Commands, got.Effects = nil, Effects{}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestCompareVersions(t *testing.T) {
	for args, want := range map[string]status{
		"1 lt 2": success, "2 le 2": success, "2 gt 1:1": failure, "1 eq 1": success, "1 ne 1": failure, " lt 1": success, " lt-nl 1": failure,
		" ge-nl 1": success, "1 ge ": success, "1 << 2": success, "x y": maybe, "1 ?? 2": maybe, "a b c": maybe,
	} {
		if got := compareVersions(strings.Split(args, " ")); got != want {
			t.Errorf("%q is %d, want %d", args, got, want)
		}
	}
}

// TestEndless: what a script repeats is bounded.
func TestEndless(t *testing.T) {
	for _, script := range []string{
		"f() { f; }\nf", "while true; do true; done; " + strings.Repeat("true;", 30_000), strings.Repeat("(", 100_000),
		"for a in 1 2 3 4 5 6 7 8 9 0; do " + strings.Repeat("for b in 1 2 3 4 5 6 7 8 9 0; do ", 10) + "true" + strings.Repeat("; done", 11),
	} {
		if got := Evaluate(postinst(script), image{}); got.Unknown == nil {
			t.Errorf("%.40s… is understood", script)
		}
	}
}

// FuzzEvaluate: whatever a package has as its script, following it ends, and says the same twice.
func FuzzEvaluate(f *testing.F) {
	f.Add("A(){ 0\n  for 0")
	f.Add("case \"$1\" in configure) ldconfig;; esac")
	f.Add("f() { x=${2:-$1}; cat <<E\n$x\nE\n}; for i in a `f b`; do test ! -e /$i -o -n \"$x\" && ln -sf $i /etc/${i%.x}; done")
	f.Add("if ! [ -d /etc ]; then update-alternatives --install /a b /c 1; elif a | b; then :; else exit $?; fi >&2")
	f.Fuzz(func(t *testing.T, script string) {
		first := Evaluate(postinst(script), image{"/etc/"})
		if diff := cmp.Diff(first, Evaluate(postinst(script), image{"/etc/"})); diff != "" {
			t.Error(diff)
		}
		for _, l := range first.Links {
			if !cleanPath(l.Path) {
				t.Errorf("a link at %q", l.Path)
			}
		}
	})
}
