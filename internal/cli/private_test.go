package cli_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
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

// fill puts the script's variables, ${NAME}, into files, and what the index has: ${hash:FILE} and ${url:FILE} of a wheel.
func (w *world) fill(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: fill FILE...")
	}
	known := map[string]string{}
	for _, wheel := range w.index.Wheels() {
		known["hash:"+wheel.Filename()], known["url:"+wheel.Filename()] = wheel.Hash(), w.index.FileURL(wheel)
	}
	for _, file := range args {
		text := os.Expand(ts.ReadFile(file), func(name string) string {
			if value := cmp.Or(known[name], ts.Getenv(name)); value != "" {
				return value
			}
			return "${" + name + "}"
		})
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(text), 0o644))
	}
}

// layerSame prints which layers of one image are the same in another, by what they hold: two files of --metadata-file.
func layerSame(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: layersame FILE FILE")
	}
	var images [2]map[string]string
	for i, file := range args {
		var metadata struct {
			Platforms []struct {
				Layers []struct {
					Digest   string
					Packages []string
				}
			}
		}
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(file)), &metadata))
		images[i] = map[string]string{}
		for _, l := range metadata.Platforms[0].Layers {
			images[i][strings.Join(l.Packages, ", ")] = l.Digest
		}
	}
	for _, packages := range slices.Sorted(maps.Keys(images[0])) {
		switch other, ok := images[1][packages]; {
		case ok && other == images[0][packages]:
			fmt.Fprintln(ts.Stdout(), "same", packages)
		case ok:
			fmt.Fprintln(ts.Stdout(), "differs", packages)
		}
	}
}

// wheelFile writes a wheel into the project.
func wheelFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: wheelfile NAME VERSION FILE")
	}
	wheel := pyindex.Wheel{Name: args[0], Version: args[1]}
	ts.Setenv("WHEEL_HASH", wheel.Hash())
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), wheel.Bytes(), 0o644))
}
