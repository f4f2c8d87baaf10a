package base

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lithe-build/lithe/internal/entry"
)

// contents returns path → what it is, for comparing.
func contents(t *testing.T, entries []entry.Entry) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, e := range entries {
		switch e.Type {
		case entry.Dir:
			out[e.Path] = "dir " + e.Mode.String()
		case entry.Symlink:
			out[e.Path] = "-> " + e.Link
		case entry.File:
			data, err := e.Read()
			if err != nil {
				t.Fatal(err)
			}
			if int64(len(data)) != e.Size {
				t.Errorf("%s: size %d, but %d bytes", e.Path, e.Size, len(data))
			}
			out[e.Path] = string(data)
		}
	}
	return out
}

// TestBundleOrder: update-ca-certificates sorts bytes, so that upper case stands before lower, and "A-b" before "A_b".
func TestBundleOrder(t *testing.T) {
	dir := "usr/share/ca-certificates/mozilla/"
	made, err := systemFiles([]entry.Entry{
		entry.NewFile(dir+"a.crt", []byte("lower"), false), entry.NewFile(dir+"A_b.crt", []byte("under\n"), false),
		entry.NewFile(dir+"B.crt", []byte("B\n\n"), false), entry.NewFile(dir+"A-b.crt", []byte("hyphen\n"), false),
	})
	if err != nil {
		t.Fatal(err)
	}
	got := contents(t, made)
	if diff := cmp.Diff("hyphen\nunder\nB\nlower\n", got["etc/ssl/certs/ca-certificates.crt"]); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for path, want := range map[string]string{
		"usr/lib/ssl/cert.pem": "-> /etc/ssl/certs/ca-certificates.crt",
		"var/run":              "-> /run",
		"tmp":                  "dir trwxrwxrwx",
	} {
		if got[path] != want {
			t.Errorf("%s: %q, want %q", path, got[path], want)
		}
	}
}

func TestInterpreterFiles(t *testing.T) {
	got := contents(t, interpreterFiles(Facts{Python: "3.13.5", Interpreter: "/usr/bin/python3.13"}))
	want := map[string]string{
		"usr/bin/python":                    "-> python3.13",
		"usr/bin/python3":                   "-> python3.13",
		"venv":                              "dir -rwxr-xr-x",
		"venv/bin":                          "dir -rwxr-xr-x",
		"venv/bin/python":                   "-> /usr/bin/python3.13",
		"venv/bin/python3":                  "-> python",
		"venv/bin/python3.13":               "-> python",
		"venv/lib":                          "dir -rwxr-xr-x",
		"venv/lib/python3.13":               "dir -rwxr-xr-x",
		"venv/lib/python3.13/site-packages": "dir -rwxr-xr-x",
		"venv/pyvenv.cfg": "home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.13.5\n" +
			"executable = /usr/bin/python3.13\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestDatabase(t *testing.T) {
	records, err := database("demo", "Package: demo\nVersion: 1\n\n", []entry.Entry{
		entry.NewFile("usr/lib/b", []byte("b"), false), entry.NewDir("usr"), entry.NewFile("etc/a", nil, false),
		entry.NewSymlink("usr/lib/l", "b"),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"var/lib/dpkg/status.d/demo": "Package: demo\nVersion: 1\n",
		"var/lib/dpkg/status.d/demo.md5sums": "d41d8cd98f00b204e9800998ecf8427e  etc/a\n" +
			"92eb5ffee6ae2fec3ad71c777531578f  usr/lib/b\n",
	}
	if diff := cmp.Diff(want, contents(t, records)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
