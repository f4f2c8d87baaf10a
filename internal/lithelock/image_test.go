package lithelock_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lithelock"
	"github.com/lithe-build/lithe/internal/testkit/golden"
)

// onImage is the lock of a project on an image of a registry, with a value in every field.
func onImage() *lithelock.Lock {
	image := lithelock.Image{
		Manifest: hash("1"), Python: "3.13.5", ABI: "cp313", Libc: "glibc-2.41", Interpreter: "/usr/local/bin/python3.13",
		User: "1000:1001", Certificates: "/etc/ssl/certs/ca-certificates.crt", Env: []string{"PATH=/usr/local/bin:/usr/bin", `QUOTE="`, "EMPTY="},
		Layers: []lithelock.Layer{{Digest: hash("2"), DiffID: hash("3"), Size: 29_000_000, Unpacked: 80_000_000},
			{Digest: hash("4"), DiffID: hash("5"), Size: 1_000, Unpacked: 2_048, MediaType: "application/vnd.oci.image.layer.v1.tar+zstd"}},
	}
	return &lithelock.Lock{Version: 1, Format: 1, Created: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Python: "3.13.5", Compiler: "3.13.5",
		Base:      lithelock.Base{Name: "docker.io/library/python:3.13-slim", Digest: hash("6")},
		Platforms: []lithelock.Platform{{Name: "linux/amd64", Image: &image}}}
}

func TestEncodeImage(t *testing.T) {
	text := onImage().Encode()
	golden.Compare(t, "testdata/image.lock", text, *update)
	back, err := lithelock.Parse("lithe.lock", text)
	if diff := cmp.Diff(onImage(), back); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// TestEveryFieldOfAnImageIsWritten changes each value of the file's text in turn.
func TestEveryFieldOfAnImageIsWritten(t *testing.T) {
	text := string(onImage().Encode())
	for _, change := range [][2]string{
		{`digest = "` + hash("6"), `digest = "` + hash("7")}, {`manifest = "` + hash("1"), `manifest = "` + hash("7")},
		{"python = \"3.13.5\"\nabi", "python = \"3.13.6\"\nabi"}, {"cp313", "cp312"}, {"glibc-2.41", "musl-1.2"},
		{"bin/python3.13", "bin/python3"}, {"1000:1001", "1000:1002"}, {"certs/ca-", "certs/cb-"}, {":/usr/bin", ":/bin"},
		{hash("2"), hash("7")}, {hash("3"), hash("7")}, {"29000000", "29000001"}, {"80000000", "80000001"}, {"tar+zstd", "tar"},
	} {
		changed := strings.Replace(text, change[0], change[1], 1)
		l, err := lithelock.Parse("lithe.lock", []byte(changed))
		if err != nil || changed == text || string(l.Encode()) != changed {
			t.Errorf("the change from %s to %s is lost, or was none (%v)", change[0], change[1], err)
		}
	}
}

func TestParseRefusesImage(t *testing.T) {
	good := string(onImage().Encode())
	for name, test := range map[string]struct{ old, new, want string }{
		"no manifest":        {"manifest = \"" + hash("1") + "\"\n", "", "lithe.lock:14: manifest is missing"},
		"short digest":       {hash("6"), "sha256:66", `digest cannot be "sha256:66"`},
		"no Python":          {"python = \"3.13.5\"\nabi", "python = \"3 13\"\nabi", "python cannot be"},
		"another ABI":        {"cp313", "pp310", "abi cannot be"},
		"another libc":       {"glibc-2.41", "uclibc-1.0", "libc cannot be"},
		"libc of text":       {"glibc-2.41", "glibc-2.x", "libc cannot be"},
		"relative program":   {`"/usr/local/bin/python3.13"`, `"python3"`, "interpreter cannot be"},
		"climbing program":   {`"/usr/local/bin/python3.13"`, `"/usr/../../python3"`, "interpreter cannot be"},
		"root as user":       {"1000:1001", "0:1001", "user cannot be"},
		"name as user":       {"1000:1001", "app:1001", "user cannot be"},
		"no variable":        {"EMPTY=", "EMPTY", "env[2] is no variable KEY=value"},
		"variable of a line": {"EMPTY=", `A=\n`, "env[2] is no variable KEY=value"},
		"no size":            {"29000000", "0", "size is no number of bytes"},
		"media type":         {"application/vnd", "vnd", "media-type cannot be"},
		"unknown key":        {"diff-id", "diffid", `unknown key "diffid"`},
		"no layers":          {"layers = [", "layers = []\nold = [", "layers is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(good, test.old, test.new, 1)
			_, err := lithelock.Parse("lithe.lock", []byte(text))
			if _, ok := diag.Problems(err); !ok || text == good || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want %q in it", err, test.want)
			}
		})
	}
}
