package wheeltag_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/vectortest"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
)

// parsed is what packaging says about the file name of a wheel.
type parsed struct {
	Name    string            `json:"name"`
	Version string            `json:"version"`
	Build   []json.RawMessage `json:"build"`
	Tags    []string          `json:"tags"`
}

func TestVectorsFilename(t *testing.T) {
	type options struct {
		Order bool `json:"validate_order"`
	}
	type input = vectortest.Pair[string, options]
	type row = vectortest.Row[input, vectortest.Result[parsed]]
	for _, row := range vectortest.Read[row](t, "packaging/parse_wheel_filename.json") {
		in := row.In.First
		got, err := wheeltag.ParseFilename(in)
		if row.In.Second.Order {
			continue // the order inside a compressed set is a matter for builders of wheels, not for installers
		}
		if (err != nil) != row.Out.Refused {
			t.Errorf("ParseFilename(%q): %v", in, err)
			continue
		}
		if err != nil {
			if !strings.Contains(err.Error(), "file name") {
				t.Errorf("ParseFilename(%q): the error does not say what is wrong: %v", in, err)
			}
			continue
		}
		if diff := cmp.Diff(row.Out.Value, facts(got)); diff != "" {
			t.Errorf("ParseFilename(%q) (-want +got):\n%s", in, diff)
		}
	}
}

func facts(f wheeltag.Filename) parsed {
	p := parsed{Name: name.Normalize(f.Name), Version: f.Version.String(), Build: []json.RawMessage{}}
	if !f.Build.IsZero() {
		for _, v := range []any{f.Build.Number(), f.Build.Suffix()} {
			data, _ := json.Marshal(v)
			p.Build = append(p.Build, data)
		}
	}
	p.Tags = texts(f.Tags)
	slices.Sort(p.Tags)
	return p
}

func texts(tags []wheeltag.Tag) []string {
	out := make([]string, len(tags))
	for i, t := range tags {
		out[i] = t.String()
	}
	return out
}

func TestVectorsSupported(t *testing.T) {
	type target struct {
		Environment map[string]string
		Glibc       [2]int
		Tags        []string
	}
	targets := vectortest.ReadOne[map[string]target](t, "targets/targets.json")
	minors := map[string]int{"3.11": 11, "3.12": 12, "3.13": 13, "3.14": 14}
	for id, want := range targets {
		arch := strings.Split(id, "-")[1]
		libc := wheeltag.Libc{Family: "glibc", Major: want.Glibc[0], Minor: want.Glibc[1]}
		minor, ok := minors[want.Environment["python_version"]]
		if !ok {
			t.Fatalf("%s has an unknown Python", id)
		}
		if got := wheeltag.Machine(arch); got != want.Environment["platform_machine"] {
			t.Errorf("%s: machine %s", id, got)
		}
		if diff := cmp.Diff(want.Tags, texts(wheeltag.Supported(3, minor, arch, libc).Tags())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", id, diff)
		}
	}
	if len(targets) != 5 {
		t.Errorf("%d targets", len(targets))
	}
}
