package cli_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/cli"
	"github.com/lithe-build/lithe/internal/testkit/corpus"
	"github.com/lithe-build/lithe/internal/testkit/pyindex"
)

// badCase is a row of the corpus' index of hostile and broken files.
type badCase struct {
	ID, Kind, Expect, Why string
	Mentions              []string `json:"error_mentions"`
	Files                 []string
}

// badCases returns the rows whose name begins with one of the prefixes, and the folder that they stand in.
func badCases(t *testing.T, prefixes ...string) (string, []badCase) {
	t.Helper()
	dir := corpus.Dir(t, "bad")
	data, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []badCase
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	return dir, slices.DeleteFunc(all, func(c badCase) bool {
		return !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(c.ID, p) })
	})
}

// run runs lithe in this process, in an environment of nothing but env.
func run(t *testing.T, env map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, messages bytes.Buffer
	code = cli.Main(t.Context(), args, cli.System{
		Getenv: func(name string) string { return env[name] }, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &messages,
	})
	return code, out.String(), messages.String()
}

// environment is a home and a store of a test's own, and the servers of w.
func (w *world) environment(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	return map[string]string{"HOME": dir, "LITHE_STORE": filepath.Join(dir, "store"), "LITHE_PROGRESS": "none",
		"LITHE_DEBIAN_MIRROR": w.mirror.URL, "LITHE_DEBIAN_SECURITY_MIRROR": w.mirror.SecurityURL,
		"LITHE_DEBIAN_KEYRING": w.keyring, "LITHE_INDEX_URL": w.index.URL, "LITHE_STANDALONE_MIRROR": w.pythons.URL}
}

const evilProject = `[project]
name = "app"
version = "0"
requires-python = ">=3.11"
dependencies = ["evil==1.0"]
[tool.lithe]
bytecode = false
`

// TestBadWheels takes every hostile or broken wheel through a whole build, under a lock that has its right hash: it is
// refused with the words that help and leaves nothing behind, or it does no harm.
func TestBadWheels(t *testing.T) {
	dir, cases := badCases(t, "wheel-")
	if len(cases) < 40 {
		t.Fatalf("only %d wheels in the corpus", len(cases))
	}
	shared := newWorld(t)
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(dir, c.ID, c.Files[0]))
			if err != nil {
				t.Fatal(err)
			}
			w := *shared
			w.index = pyindex.New(t, pyindex.Wheel{Name: "evil", Version: "1.0", File: c.Files[0], Raw: data})
			project := t.TempDir()
			lock, err := pyindex.UVLock(w.index, []byte(evilProject))
			if err != nil {
				t.Fatal(err)
			}
			write(t, project, map[string]string{"pyproject.toml": evilProject, "uv.lock": string(lock), "main.py": "print(1)\n"})
			env := w.environment(t)
			output := filepath.Join(t.TempDir(), "layout")
			code, stdout, stderr := run(t, env, "build", project, "-o", "oci:"+output)
			c.check(t, code, stdout, stderr)
			if err := checkStore(env["LITHE_STORE"]); err != nil {
				t.Error(err)
			}
			if code != cli.ExitOK {
				checkNothingMade(t, env["LITHE_STORE"], output)
				return
			}
			checkHarmless(t, output)
		})
	}
}

// TestBadSdists takes every hostile or broken source distribution through a whole build, under a lock that has its right
// hash. Those that a real builder must open are turned away as well, since no interpreter is in this one: what they do with one is
// the matter of pep517.TestHostileBuilds.
func TestBadSdists(t *testing.T) {
	dir, cases := badCases(t, "sdist-")
	if len(cases) < 10 {
		t.Fatalf("only %d source distributions in the corpus", len(cases))
	}
	w := newWorld(t)
	files := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(files.Close)
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(dir, c.ID, c.Files[0]))
			if err != nil {
				t.Fatal(err)
			}
			project := t.TempDir()
			write(t, project, map[string]string{"pyproject.toml": evilProject, "main.py": "print(1)\n", "uv.lock": fmt.Sprintf(evilSdistLock,
				files.URL+"/"+c.ID+"/"+c.Files[0], sha256.Sum256(data), len(data))})
			env := w.environment(t)
			output := filepath.Join(t.TempDir(), "layout")
			code, stdout, stderr := run(t, env, "build", project, "-o", "oci:"+output)
			c.Mentions = nil // they are about what a real builder finds
			if !strings.Contains(stderr, "start /build/env/bin/python") {
				c.check(t, code, stdout, stderr)
			}
			if code == cli.ExitOK || strings.Contains(stderr, "404 Not Found") {
				t.Fatal("it was built, or the test serves it not")
			}
			checkNothingMade(t, env["LITHE_STORE"], output)
		})
	}
}

const evilSdistLock = `version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "app"
version = "0"
source = { virtual = "." }
dependencies = [{ name = "evil" }]

[package.metadata]
requires-dist = [{ name = "evil", specifier = "==1.0" }]

[[package]]
name = "evil"
version = "1.0"
source = { registry = "https://pypi.org/simple" }
sdist = { url = "%s", hash = "sha256:%x", size = %d }
`

// check compares the end of a build with what the row expects.
func (c badCase) check(t *testing.T, code int, stdout, stderr string) {
	t.Helper()
	t.Logf("%s: exit code %d\n%s", c.Why, code, stderr)
	if code == cli.ExitOK {
		if c.Expect == "reject" {
			t.Error("accepted")
		}
		return
	}
	if c.Expect == "accept" || code != cli.ExitProblem {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if stdout != "" {
		t.Errorf("standard output has %q", stdout)
	}
	for _, word := range c.Mentions {
		if !strings.Contains(stderr, word) {
			t.Errorf("the error does not mention %q: %s", word, stderr)
		}
	}
	if !strings.Contains("\n"+stderr, "\nerror: ") || strings.ContainsFunc(stderr, func(r rune) bool { return r < ' ' && r != '\n' }) {
		t.Errorf("the error is no plain text: %q", stderr)
	}
}

// checkNothingMade wants neither an output nor a layer of wheels.
func checkNothingMade(t *testing.T, store, output string) {
	t.Helper()
	if _, err := os.Stat(output); !os.IsNotExist(err) {
		t.Errorf("the output is there: %v", err)
	}
	records, err := filepath.Glob(filepath.Join(store, "records", "layer-*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		data, err := os.ReadFile(r)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte(`"kind":"wheel`)) || bytes.Contains(data, []byte("evil")) {
			t.Errorf("there is a layer of the wheel: %s", data)
		}
	}
}

// checkHarmless wants nothing of the layers above the base outside of /venv and /app, and the interpreter untouched.
func checkHarmless(t *testing.T, output string) {
	t.Helper()
	img, _, err := openImage(output)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	err = eachMember(img, func(layer int, h *tar.Header, _ io.Reader) error {
		if layer < 2 { // base and interpreter
			return nil
		}
		seen++
		top, rest, _ := strings.Cut(strings.TrimSuffix(h.Name, "/"), "/")
		if top != "venv" && top != "app" || slices.Contains(strings.Split(rest, "/"), "..") || strings.HasPrefix(rest, "bin/python") {
			return fmt.Errorf("layer %d has %q", layer, h.Name)
		}
		if h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeDir || h.Mode != 0o644 && h.Mode != 0o755 {
			return fmt.Errorf("layer %d has %q of type %q with mode %o", layer, h.Name, h.Typeflag, h.Mode)
		}
		return nil
	})
	if err != nil || seen < 5 {
		t.Errorf("%d files: %v", seen, err)
	}
}

// TestBadLocks builds from every hostile or broken lock. All end before the first request.
func TestBadLocks(t *testing.T) {
	dir, cases := badCases(t, "uv-", "poetry-", "req-", "pipfile-", "pylock-")
	if len(cases) < 40 {
		t.Fatalf("only %d locks in the corpus", len(cases))
	}
	w := newWorld(t)
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			project := t.TempDir()
			if err := os.CopyFS(project, os.DirFS(filepath.Join(dir, c.ID))); err != nil {
				t.Fatal(err)
			}
			write(t, project, map[string]string{"main.py": "print(1)\n"})
			env := w.environment(t)
			env["LITHE_OFFLINE"] = "1" // the good part of a lock names servers that are none of ours
			code, stdout, stderr := run(t, env, "build", project)
			if c.Expect != "reject" { // nothing is wrong with what is accepted but that there is no network
				if code == cli.ExitOK || !strings.Contains("\n"+stderr, "\nerror: ") {
					t.Errorf("exit code %d without a network: %s", code, stderr)
				}
				return
			}
			c.check(t, code, stdout, stderr)
			if !slices.ContainsFunc(c.Files, func(file string) bool { return strings.Contains(stderr, file) }) {
				t.Errorf("no file in the error: %s", stderr)
			}
			if _, err := os.Stat(filepath.Join(project, "lithe.lock")); !os.IsNotExist(err) {
				t.Errorf("lithe.lock was written: %v", err)
			}
		})
	}
	if asked := append(w.index.Requests(), w.mirror.Requests()...); len(asked) != 0 {
		t.Errorf("servers were asked: %q", asked)
	}
}

// TestBadHashes builds from a lock with a hash that the index's file does not have, and with one in another spelling.
func TestBadHashes(t *testing.T) {
	dir, cases := badCases(t, "lock-hash-")
	if len(cases) == 0 {
		t.Fatal("no locks in the corpus")
	}
	shared := newWorld(t)
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(dir, c.ID, c.Files[0]))
			if err != nil {
				t.Fatal(err)
			}
			w := *shared
			w.index = pyindex.New(t, pyindex.Wheel{Name: "evil", Version: "1.0", File: c.Files[0], Raw: data})
			project := t.TempDir()
			lock, err := os.ReadFile(filepath.Join(dir, c.ID, "requirements.txt"))
			if err != nil {
				t.Fatal(err)
			}
			write(t, project, map[string]string{"requirements.txt": string(lock), "main.py": "print(1)\n", "lithe.toml": "bytecode = false\nentrypoint = ['python', 'main.py']\n"})
			env := w.environment(t)
			output := filepath.Join(t.TempDir(), "layout")
			code, stdout, stderr := run(t, env, "build", project, "-o", "oci:"+output)
			c.check(t, code, stdout, stderr)
			if code == cli.ExitOK {
				checkHarmless(t, output)
				return
			}
			checkNothingMade(t, env["LITHE_STORE"], output)
			_, found, _ := strings.Cut(stderr, "has sha256:")
			if !strings.Contains(stderr, strings.TrimSpace(string(lock[bytes.Index(lock, []byte("sha256:")):]))) || len(found) < 64 {
				t.Errorf("not both hashes: %s", stderr)
			}
		})
	}
}

// write writes files of a project.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
