package faultstest

import (
	"encoding/base64"
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"

	"github.com/lithe-build/lithe/internal/testkit/faults"
)

// logins are the places for the login of a registry.
func logins() []place {
	config := func(w *world, login map[string]string) string {
		text, err := json.Marshal(map[string]any{"auths": map[string]any{w.registry: login}})
		if err != nil {
			w.t.Fatal(err)
		}
		w.write("home/docker/config.json", string(text))
		return filepath.Join(w.root, "home", "docker", "config.json")
	}
	encoded := map[string]string{"auth": base64.StdEncoding.EncodeToString([]byte(user + ":" + password))}
	return []place{
		{"auth of Docker's configuration", func(w *world) { w.env["DOCKER_CONFIG"] = filepath.Dir(config(w, encoded)) }},
		{"password of Docker's configuration", func(w *world) {
			w.env["DOCKER_CONFIG"] = filepath.Dir(config(w, map[string]string{"username": user, "password": password}))
		}},
		{"REGISTRY_AUTH_FILE", func(w *world) { w.env["REGISTRY_AUTH_FILE"] = config(w, encoded) }},
		{"netrc", func(w *world) { w.write("home/.netrc", netrc("http://"+w.registry)) }},
	}
}

// TestPushCredentials is TestCredentials for logins of registries.
func TestPushCredentials(t *testing.T) {
	ends := map[string]struct {
		rules []faults.Rule
		want  int
	}{
		"success":      {nil, good},
		"may not push": {[]faults.Rule{{Method: "POST", Path: beginUpload, Break: refusal(403, "DENIED")}}, problem},
		"wrong":        {[]faults.Rule{{Path: "*", Break: faults.Status(401, "WWW-Authenticate", `Basic realm="other"`)}}, problem},
		"500":          {[]faults.Rule{{Method: "PUT", Path: manifest, Break: faults.Status(500)}}, failure},
		"closed":       {[]faults.Rule{{Method: "PUT", Path: manifest, Break: faults.Hangup()}}, failure},
		"other bytes":  {[]faults.Rule{{Method: "PUT", Path: upload, Break: refusal(400, "DIGEST_INVALID")}}, failure},
		"upload elsewhere": {[]faults.Rule{{Method: "POST", Path: beginUpload, Skip: 1, Break: faults.Status(202, "Location",
			"http://127.0.0.1:1/upload?state=1")}}, failure},
	}
	for _, p := range logins() {
		for name, end := range ends {
			t.Run(p.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.lockProject(false)
				withRegistry(w)
				p.put(w)
				w.env["LITHE_ATTEMPTS"] = "2"
				w.registryFaults.Play(append(slices.Clone(end.rules), rules(faults.Password(user, password))...)...)
				got := w.lithe(append(push(w), "--verbose", "--progress=json", "--metadata-file", filepath.Join(w.root, "images", "meta.json"),
					"-o", "oci:"+w.image)...)
				if got.code != end.want {
					t.Fatalf("want exit code %d: %v", end.want, got)
				}
				w.write("printed", got.String())
				if err := leaked(w, "printed", "app", "images", "store"); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// rules let one fault have every request.
func rules(fault faults.Fault) []faults.Rule { return []faults.Rule{{Path: "*", Break: fault}} }
