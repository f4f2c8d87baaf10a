package cli_test

import (
	"net/http"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lithe-build/lithe/internal/testkit/pyindex"
)

// The login of the private index of scripts.
const privateUser, privatePassword = "somebody", "hunter2"

// privateIndex starts a second index, which answers nobody without a login, and says where it is, with the hash of its
// wheel. The wheel's bytes differ from those of any other index: it has a size of its own.
func (w *world) privateIndex(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: privateindex NAME VERSION")
	}
	wheel := pyindex.Wheel{Name: args[0], Version: args[1], Size: 5000}
	x := pyindex.New(w.t, wheel)
	x.Through(func(index http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if user, password, _ := r.BasicAuth(); user != privateUser || password != privatePassword {
				rw.WriteHeader(http.StatusUnauthorized)
				return
			}
			index.ServeHTTP(rw, r)
		})
	})
	ts.Setenv("PRIVATE_INDEX", strings.TrimSuffix(x.URL, "/"))
	ts.Setenv("PRIVATE_FILE", x.FileURL(wheel))
	ts.Setenv("PRIVATE_HASH", wheel.Hash())
	for _, public := range w.index.Wheels() {
		if public.Filename() == wheel.Filename() {
			ts.Setenv("PUBLIC_HASH", public.Hash())
		}
	}
}

// fill puts the script's variables, ${NAME}, into files.
func fill(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: fill FILE...")
	}
	for _, file := range args {
		text := os.Expand(ts.ReadFile(file), func(name string) string {
			if value := ts.Getenv(name); value != "" {
				return value
			}
			return "${" + name + "}"
		})
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(text), 0o644))
	}
}
