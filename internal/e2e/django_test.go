//go:build linux

package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// TestDjangoUwsgi is the guide's application: psycopg2 and uWSGI come from source, PostgreSQL is a real one, the unit tests
// run in the dev target, and prod has nothing of how it was made.
func TestDjangoUwsgi(t *testing.T) {
	l := needDocker(t)
	t.Parallel()
	l.firstBuild(t, compiledExample)
	dir := l.project(t, compiledExample)
	image := l.load(t, dir)
	sockets := postgres(t, l)
	flags := append(hardened[:len(hardened):len(hardened)], "--volume", sockets+":/run/postgresql", "--env", "PGHOST=/run/postgresql",
		"--env", "PGUSER=shop", "--env", "DJANGO_SECRET_KEY=e2e")
	migrate := append([]string{"run", "--rm", "--network", "none", "--entrypoint", "/venv/bin/python"}, flags...)
	if out := docker(t, append(migrate, image, "manage.py", "migrate")...); !strings.Contains(out, "orders.0001_initial... OK") {
		t.Errorf("migrate printed\n%s", out)
	}
	name := container(t, append(flags, "--publish", "127.0.0.1::8000", image)...)
	url := "http://" + docker(t, "port", name, "8000/tcp")
	for want := 1; want < 3; want++ {
		var got struct {
			Orders   int
			Database string
		}
		eventually(t, url, func() bool {
			resp, err := http.Get(url)
			if err != nil {
				return false
			}
			defer resp.Body.Close()
			return json.NewDecoder(resp.Body).Decode(&got) == nil
		})
		if got.Orders != want || got.Database != "postgresql" {
			t.Errorf("it replied %+v, want %d orders", got, want)
		}
	}
	stopsServing(t, name, "spawned uWSGI worker 2")
	if text := logs(t, name); !strings.Contains(text, "goodbye to uWSGI") {
		t.Errorf("uWSGI did not say goodbye:\n%s", text)
	}
}

// TestDjangoUwsgiTests runs the unit tests in the dev target.
func TestDjangoUwsgiTests(t *testing.T) {
	l := needDocker(t)
	t.Parallel()
	l.firstBuild(t, compiledExample)
	dir := l.project(t, compiledExample)
	if got := l.run(t, call{args: []string{"test", dir}}); got.code != 0 || !strings.Contains(got.stdout+got.stderr, "1 passed") {
		t.Errorf("exit code %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	edit(t, dir+"/orders/views.py", "Order.objects.create()", "pass")
	if got := l.run(t, call{args: []string{"test", dir}}); got.code != 1 || !strings.Contains(got.stdout+got.stderr, "1 failed") {
		t.Errorf("a test that fails: exit code %d\n%s%s", got.code, got.stdout, got.stderr)
	}
}
