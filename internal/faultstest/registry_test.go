package faultstest

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/lithe-build/lithe/internal/testkit/baseimages"
	"github.com/lithe-build/lithe/internal/testkit/faults"
)

// Requests of a push, in their order.
const (
	beginUpload = "/v2/app/blobs/uploads/"
	upload      = "/v2/app/blobs/uploads/*"
	oneBlob     = "/v2/app/blobs/sha256:*"
	manifest    = "/v2/app/manifests/*"
	pulledTag   = "/v2/python/manifests/3.13-slim"
	pulledBlob  = "/v2/python/blobs/sha256:*"
)

// withRegistry starts a registry. Its host is a name of the world.
func withRegistry(w *world) {
	w.registryFaults = faults.New(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	server := httptest.NewServer(w.registryFaults)
	w.t.Cleanup(server.Close)
	w.names[server.URL] = "http://registry"
	w.registry = strings.TrimPrefix(server.URL, "http://")
}

func impatientWithRegistry(w *world) { withRegistry(w); impatient(w) }

// onRegistry breaks requests of the registry.
func onRegistry(method, path string, times int, fault faults.Fault) func(*world) {
	return func(w *world) {
		w.registryFaults.Play(faults.Rule{Method: method, Path: path, Times: times, Break: fault})
	}
}

// push is the arguments that push the image.
func push(w *world) []string {
	return []string{"build", w.dir, "--push", "-t", w.registry + "/app:1"}
}

// pushed looks at what the registry has: the whole image under its tag where the push succeeded, else no tag.
func pushed(w *world, got result) error {
	rules := w.registryFaults
	rules.Play()
	resp, err := http.Get("http://" + w.registry + "/v2/app/manifests/1")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if got.code != good {
		if resp.StatusCode != http.StatusNotFound {
			return fmt.Errorf("it failed, and the tag is there: %s", resp.Status)
		}
		return nil
	}
	digest := resp.Header.Get("Docker-Content-Digest")
	if want := w.registry + "/app@" + digest + "\n"; got.stdout != want {
		return fmt.Errorf("printed %q, the registry has %q", got.stdout, want)
	}
	if !strings.HasSuffix(digest, hexOf(readAll(resp.Body))) {
		return fmt.Errorf("the manifest is not the one of %s", digest)
	}
	return nil
}

func readAll(r io.Reader) string {
	data, _ := io.ReadAll(r) // a short read shows by the digest
	return string(data)
}

// pushAgain pushes without the fault.
func pushAgain(w *world) {
	w.registryFaults.Play()
	w.env["DOCKER_CONFIG"] = ""
	got := w.lithe(push(w)...)
	if got.code != good {
		w.t.Error(got)
		return
	}
	if err := pushed(w, got); err != nil {
		w.t.Error(err)
	}
}

// refusal is an error in the words of the specification.
func refusal(status int, code string) faults.Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"errors":[{"code":%q,"message":"said by the registry"}]}`, code)
	}
}

// withLogin gives docker's configuration a password for the registry that is wrong.
func withLogin(w *world) {
	withRegistry(w)
	w.write("home/docker/config.json", fmt.Sprintf(`{"auths":{%q:{"username":"somebody","password":"wrong"}}}`, w.registry))
	w.env["DOCKER_CONFIG"] = filepath.Join(w.root, "home", "docker")
}

func pushRows() section {
	captive := faults.Page("text/html", "<h1>Welcome</h1>")
	rows := []row{
		{name: "429 with `Retry-After`, once", fault: onRegistry("POST", beginUpload, 1, faults.Status(429, "Retry-After", "1"))},
		{name: "503 for the manifest, twice", fault: onRegistry("PUT", manifest, 2, faults.Status(503))},
		{name: "500 for the manifest, always", fault: onRegistry("PUT", manifest, 0, faults.Status(500)), want: failure},
		{name: "500 for an upload, once", fault: onRegistry("PATCH", upload, 1, faults.Status(500))},
		{name: "500 when an upload begins, always", fault: onRegistry("POST", beginUpload, 0, faults.Status(500)), want: failure},
		{name: "no answer, ever", ready: impatientWithRegistry, fault: onRegistry("PUT", manifest, 0, faults.Silence()), want: failure},
		{name: "the connection closed in the middle of an upload, once", fault: onRegistry("PATCH", upload, 1, faults.Hangup())},
		{name: "the connection closed while the manifest is sent, always", fault: onRegistry("PUT", manifest, 0, faults.Hangup()), want: failure},
		{name: "the registry wants a login, and there is none", fault: onRegistry("", "*", 0, faults.Password("a", "b")), want: problem},
		{name: "the login is wrong", ready: withLogin, fault: onRegistry("", "*", 0, faults.Password("a", "b")), want: problem},
		{name: "the login may not push", fault: onRegistry("POST", beginUpload, 0, refusal(403, "DENIED")), want: problem},
		{name: "a blob is lost between the check and the manifest, once", fault: onRegistry("PUT", manifest, 1, refusal(404, "MANIFEST_BLOB_UNKNOWN"))},
		{name: "the registry says that it has blobs which it has not", fault: onRegistry("HEAD", oneBlob, 8, there)},
		{name: "the registry got other bytes than were sent", fault: onRegistry("PUT", upload, 0, refusal(400, "DIGEST_INVALID")), want: failure},
		{name: "redirects in a circle", fault: onRegistry("", beginUpload, 0, faults.Loop()), want: failure},
		{name: "HTML of something else (a captive portal)", fault: onRegistry("", "*", 0, captive), want: failure},
		{name: "nobody listens", fault: func(w *world) { w.listening, w.registry = w.registry, "127.0.0.1:1" }, want: failure},
	}
	for i := range rows {
		r := &rows[i]
		if r.ready == nil {
			r.ready = withRegistry
		}
		r.run, r.mend = push, pushAgain
		r.after = func(w *world, got result) error {
			if w.listening != "" {
				w.registry = w.listening
			}
			return pushed(w, got)
		}
	}
	return section{title: "Pushing to a registry", rows: rows, text: "`lithe build --push`. After a failure the tag is not there."}
}

// there says that a blob is there.
func there(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	w.Header().Set("Content-Length", "1")
	w.WriteHeader(http.StatusOK)
}

// onImage puts the project on an image of the registry, and builds once with all well, for the digest that is right.
// What the build left is removed, but for lithe.lock.
func onImage(w *world) {
	w.t.Helper()
	withRegistry(w)
	img, err := baseimages.Image(baseimages.Slim("amd64", 5))
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := baseimages.Push(w.registry, "python:3.13-slim", []v1.Image{img}...); err != nil {
		w.t.Fatal(err)
	}
	w.env["LITHE_BASE"] = w.registry + "/python:3.13-slim"
	got := w.build()
	if got.code != good {
		w.t.Fatal(got)
	}
	w.digest = strings.TrimSpace(got.stdout)
	w.removeImage()
	if err := os.RemoveAll(w.store); err != nil {
		w.t.Fatal(err)
	}
}

// onNewImage is onImage without lithe.lock, so that the tag is looked up.
func onNewImage(w *world) {
	w.t.Helper()
	onImage(w)
	if err := os.Remove(filepath.Join(w.dir, "lithe.lock")); err != nil {
		w.t.Fatal(err)
	}
}

func pullRows() section {
	rows := []row{
		{name: "429 with `Retry-After` for the tag, once", ready: onNewImage, fault: onRegistry("", pulledTag, 1, faults.Status(429, "Retry-After", "1"))},
		{name: "500 for the tag, always", ready: onNewImage, fault: onRegistry("", pulledTag, 0, faults.Status(500)), want: failure},
		{name: "no such tag", ready: onNewImage, fault: onRegistry("", pulledTag, 0, refusal(404, "MANIFEST_UNKNOWN")), want: problem},
		{name: "the registry wants a login, and there is none", ready: onNewImage, fault: onRegistry("", "*", 0, faults.Password("a", "b")), want: problem},
		{name: "a manifest that is not the one of its digest", ready: onNewImage, fault: onRegistry("GET", "/v2/python/manifests/*", 0, faults.Alter()), want: failure},
		{name: "a truncated layer, once", fault: onRegistry("GET", pulledBlob, 1, faults.Truncate(50))},
		{name: "the connection reset in a layer, once", fault: onRegistry("GET", pulledBlob, 1, faults.Reset(50))},
		{name: "a layer with other bytes than its digest", fault: onRegistry("GET", pulledBlob, 0, faults.Alter()), want: failure},
		{name: "a layer that is gone", fault: onRegistry("GET", pulledBlob, 0, refusal(404, "BLOB_UNKNOWN")), want: failure},
	}
	for i := range rows {
		r := &rows[i]
		r.fresh = true
		if r.ready == nil {
			r.ready = onImage
		}
		r.mend = func(w *world) { w.registryFaults.Play() }
	}
	return section{title: "Pulling a base from a registry", rows: rows,
		text: "`base` names an image; lithe.lock has the digests of its manifest and layers, once it is written."}
}
