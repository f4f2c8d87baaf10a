package plan

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lock"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
	"github.com/lithe-build/lithe/internal/testkit/corpus"
)

// badTarget is an ordinary target, for locks that no target should accept.
var badTarget = Target{Name: Prod, Platform: Platform{"linux", "amd64"}, Python: "3.13.5",
	Libc: wheeltag.Libc{Family: "glibc", Major: 2, Minor: 41}}

// readFormats are the names of the lock files that lithe reads.
var readFormats = []string{"uv.lock", "poetry.lock", "Pipfile.lock", "pylock.toml", "requirements.txt"}

// onlyTheIndexTells are locks that nothing is wrong with before an index is asked.
var onlyTheIndexTells = []string{"lock-hash-mismatch"}

// TestBadLocks reads the broken and hostile locks of the corpus as a build would.
func TestBadLocks(t *testing.T) {
	dir := corpus.Dir(t, "bad")
	data, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []struct {
		ID, Kind, Expect, Why string
		Mentions              []string `json:"error_mentions"`
		Files                 []string
	}
	if err := json.Unmarshal(data, &rows); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, row := range rows {
		if row.Kind != "lock" || !slices.ContainsFunc(row.Files, func(f string) bool { return slices.Contains(readFormats, f) }) {
			continue
		}
		seen++
		t.Run(row.ID, func(t *testing.T) {
			err := readAsBuild(filepath.Join(dir, row.ID))
			if err == nil && slices.Contains(onlyTheIndexTells, row.ID) {
				return
			}
			if err == nil && row.Expect == "reject" {
				t.Fatalf("accepted: %s", row.Why)
			}
			if err == nil {
				return
			}
			problems, ok := diag.Problems(err)
			if !ok {
				t.Fatalf("%v is no problem of the user's", err)
			}
			for _, word := range row.Mentions {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%v does not mention %q", err, word)
				}
			}
			for _, p := range problems {
				if p.Pos.Line == 0 || p.Code == "" {
					t.Errorf("%v has no line or code", p)
				}
			}
		})
	}
	if seen == 0 {
		t.Error("no rows")
	}
}

// readAsBuild reads and selects, and takes a stale lock for a problem.
func readAsBuild(dir string) error {
	l, err := lock.Read(dir, lock.Options{})
	if err != nil {
		return err
	}
	if _, err := Select(l, badTarget); err != nil {
		return err
	}
	if err := l.Stale.Err(); err != nil {
		return append(l.Stale, l.Warnings...).Err() // as people see them
	}
	return nil
}

func FuzzSelect(f *testing.F) {
	f.Add("poetry.lock", []byte("[[package]]\nname = \"a\"\nversion = \"1\"\ngroups = [\"main\"]\nfiles = [{file = \"a-1-py3-none-any.whl\", hash = \"sha256:0\"}]\n"+
		"[metadata]\nlock-version = \"2.1\"\n"), []byte(""))
	f.Add("poetry.lock", []byte("[[package]]\nname = \"a\"\nversion = \"1\"\n[package.dependencies]\na = \"*\"\n[[package]]\nname = \"a\"\nversion = \"2\"\n"+
		"[package.dependencies]\na = \"<2\"\n[metadata]\nlock-version = \"1.1\"\n"), []byte("[tool.poetry.dependencies]\na = \"*\"\n"))
	f.Add("uv.lock", []byte("version = 1\nconflicts = [[{package = \"a\", extra = \"x\"}, {package = \"a\", extra = \"y\"}]]\n[[package]]\nname = \"a\"\n"+
		"source = { editable = \".\" }\ndependencies = [{name = \"a\", extra = [\"x\", \"y\"], marker = \"extra != 'extra-1-a-x'\"}]\n"+
		"[package.optional-dependencies]\nx = [{name = \"a\", extra = [\"y\"]}]\ny = [{name = \"a\", extra = [\"x\"]}]\n"), []byte(""))
	f.Fuzz(func(t *testing.T, file string, data, project []byte) {
		l, err := lock.Parse(file, data, project)
		if err != nil {
			return
		}
		target := badTarget
		target.AllExtras, target.AllGroups = true, true
		packages, err := Select(l, target)
		again, errAgain := Select(l, target)
		if (err == nil) != (errAgain == nil) || len(packages) != len(again) {
			t.Fatalf("%v, %v, and then %v, %v", packages, err, again, errAgain)
		}
		for i, p := range packages {
			if again[i].Name != p.Name || p.Kind == "" {
				t.Fatalf("%+v and %+v", p, again[i])
			}
			if (p.Kind == KindWheel || p.Kind == KindSdist) && p.Hash == "" {
				t.Fatalf("%+v has no hash", p)
			}
		}
	})
}
