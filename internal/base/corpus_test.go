package base

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/lithe-build/lithe/internal/testkit/corpus"
	"github.com/lithe-build/lithe/internal/testkit/debmirror"
)

// badCase is a row of the corpus' index of hostile files.
type badCase struct {
	ID       string   `json:"id"`
	Kind     string   `json:"kind"`
	Expect   string   `json:"expect"`
	Mentions []string `json:"error_mentions"`
	Why      string   `json:"why"`
}

// TestCorpus serves each hostile archive of the shared corpus as a suite, signed here, and expects what its row says.
func TestCorpus(t *testing.T) {
	dir := corpus.Dir(t, "bad")
	data, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []badCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, row := range cases {
		if row.Kind != "deb" {
			continue
		}
		ran++
		t.Run(row.ID, func(t *testing.T) { testBad(t, filepath.Join(dir, row.ID), row) })
	}
	if ran < 10 {
		t.Errorf("only %d cases", ran)
	}
}

func testBad(t *testing.T, dir string, row badCase) {
	t.Helper()
	// Everything else that a base needs is sound, so that only the given files can be at fault.
	m := debmirror.New(t, debmirror.Suite{Name: "stable-security"}, debmirror.Suite{Name: "stable-updates",
		Packages: []debmirror.Package{{Name: "clib", Version: "2.41"}, {Name: "python3.99", Version: "3.99.1"}}})
	key := debmirror.NewKey(debmirror.KeyOptions{})
	server := httptest.NewServer(around(t, dir, key, m))
	t.Cleanup(server.Close)
	su := suite{name: "stable", python: "3.99", libc: "clib", roots: []string{"evil", "clib"}, beside: withUpdates}
	c, st := client(t)
	opt := options(m)
	opt.Mirror = server.URL + "/debian"
	opt.Keyring = append(openpgp.EntityList{key}, m.Keyring...)
	err := resolveAndAssemble(c, su, opt)
	if row.Expect != "reject" {
		t.Fatalf("expectation %q is not handled", row.Expect)
	}
	if err == nil {
		t.Fatalf("accepted: %s", row.Why)
	}
	t.Log(err)
	for _, word := range row.Mentions {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error does not mention %q", word)
		}
	}
	if strings.Contains(err.Error(), "has no Date") || strings.Contains(err.Error(), "404 Not Found") {
		t.Error("refused for the test's own fault")
	}
	checkClean(t, st)
}

// around serves a case's files as suite "stable", signing its Release, and else a mirror.
func around(t *testing.T, dir string, key *openpgp.Entity, m *debmirror.Mirror) http.Handler {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "Release"))
	if err != nil {
		t.Fatal(err)
	}
	dated := "Date: " + debmirror.DefaultDate.Format("Mon, 02 Jan 2006 15:04:05 UTC") + "\n" + string(text)
	inRelease := debmirror.ClearSign(dated, debmirror.DefaultDate, key)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := path.Base(r.URL.Path)
		switch {
		case r.URL.Path == "/debian/dists/stable/InRelease":
			_, _ = w.Write(inRelease)
		case r.URL.Path == "/debian/dists/stable/main/binary-amd64/Packages", r.URL.Path == "/debian/pool/"+name:
			http.ServeFile(w, r, filepath.Join(dir, name))
		default:
			m.ServeHTTP(w, r)
		}
	})
}
