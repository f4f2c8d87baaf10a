//go:build linux

package e2e

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// made returns the kinds of the layers that a build made.
func (m metadata) made() (kinds []string) {
	for _, l := range m.layers() {
		if l.Reused == "none" {
			kinds = append(kinds, l.Kind)
		}
	}
	return kinds
}

// maxBorrowed is in bytes: what a changed source moves to a machine that has nothing. The layers of base and interpreter have 20 MB.
const maxBorrowed = 7 << 20

// TestReuse builds on machines with empty stores, one after the other, that push to Debian's docker-registry: what the first
// one made, the others neither download nor make nor upload. With bytecode a changed source needs an interpreter, which
// comes from the registry, too.
func TestReuse(t *testing.T) {
	l := need(t, "docker-registry", "skopeo")
	t.Parallel()
	r := startRegistry(t, l, false)
	name := r.host + "/reuse/app:1"
	dir := l.project(t, "fastapi-service")
	build := func(counter *proxy, flags ...string) metadata {
		t.Helper()
		args := append([]string{"--locked", "--push", "--reuse=registry", "-t", strings.Replace(name, r.host, counter.host, 1)}, flags...)
		return l.build(t, dir, call{args: args, store: l.temp(t)})
	}
	first := build(startProxy(t, r.host, 1<<60))
	if got := first.made(); len(got) != len(first.layers()) {
		t.Errorf("the first machine made %q of %d layers", got, len(first.layers()))
	}
	same := startProxy(t, r.host, 1<<60)
	if again := build(same); again.Digest != first.Digest || len(again.made()) != 0 || again.Outputs[0].Sent != 0 {
		t.Errorf("nothing changed: %s, then %s; made %q", first.Digest, again.Digest, again.made())
	}
	write(t, filepath.Join(dir, "src", "fastapi_service", "notes.txt"), "a file that is not compiled\n")
	changed := startProxy(t, r.host, 1<<60)
	second := build(changed)
	if got := second.made(); !slices.Equal(got, []string{"project"}) {
		t.Errorf("after a change of the source %q were made", got)
	}
	t.Logf("image of %d bytes; nothing changed: %d bytes up, %d down; source changed: %d up, %d down", first.Platforms[0].Size,
		same.sent.Load(), same.received.Load(), changed.sent.Load(), changed.received.Load())
	if same.sent.Load()+same.received.Load() > 200_000 || changed.sent.Load() > 300_000 {
		t.Error("that is more than the first-party layer and a catalogue")
	}
	if got := changed.received.Load(); got > maxBorrowed {
		t.Errorf("%d bytes came, more than an interpreter that compiles and a catalogue", got)
	}
	if alone := l.build(t, dir, call{}); alone.Digest != second.Digest {
		t.Errorf("digest %s, without the registry %s", second.Digest, alone.Digest)
	}
	verified := build(startProxy(t, r.host, 1<<60), "--verify-layers=all")
	if got := verified.made(); len(got) != len(first.layers()) || verified.Digest != second.Digest {
		t.Errorf("verified %q, digest %s", got, verified.Digest)
	}
	command(t, "skopeo", "copy", "--quiet", "--src-tls-verify=false", "docker://"+name, "dir:"+l.temp(t))
}
