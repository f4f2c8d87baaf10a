package sdist_test

import (
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/sdist"
	"github.com/lithe-build/lithe/internal/python/vectortest"
)

func TestParseFilename(t *testing.T) {
	tests := []struct{ in, name, version string }{ // name "" is refused
		{"click-8.1.7.tar.gz", "click", "8.1.7"},
		{"backports.ssl-match-hostname-3.7.0.1.zip", "backports.ssl-match-hostname", "3.7.0.1"},
		{"torch-2.5.1+cpu.tar.gz", "torch", "2.5.1+cpu"},
		{"click-8.1.7.tar.bz2", "", ""},
		{"click-8.1.7.whl", "", ""},
		{"click.tar.gz", "", ""},
		{"-8.1.7.tar.gz", "", ""},
		{"click-.tar.gz", "", ""},
		{"click-latest.tar.gz", "", ""},
		{strings.Repeat("c", 2000) + "-1.tar.gz", "", ""},
	}
	for _, tt := range tests {
		f, err := sdist.ParseFilename(tt.in)
		if f.Name != tt.name || f.Version.String() != tt.version || (err == nil) != (tt.name != "") {
			t.Errorf("ParseFilename(%.40q) = %+v, %v", tt.in, f, err)
		}
		if err != nil && !strings.Contains(err.Error(), "file name") {
			t.Errorf("ParseFilename(%.40q): the error does not say what is wrong: %v", tt.in, err)
		}
	}
}

func TestVectors(t *testing.T) {
	type parsed struct{ Name, Version string }
	for _, row := range vectortest.Read[vectortest.Row[string, vectortest.Result[parsed]]](t, "packaging/parse_sdist_filename.json") {
		f, err := sdist.ParseFilename(row.In)
		if (err != nil) != row.Out.Refused {
			t.Errorf("ParseFilename(%q): %v", row.In, err)
		}
		if got := (parsed{name.Normalize(f.Name), f.Version.String()}); err == nil && got != row.Out.Value {
			t.Errorf("ParseFilename(%q) = %+v, want %+v", row.In, got, row.Out.Value)
		}
	}
}

func FuzzFilename(f *testing.F) {
	f.Add("click-8.1.7.tar.gz")
	f.Add("a-b-1.zip")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := sdist.ParseFilename(s)
		if err != nil {
			return
		}
		again, err := sdist.ParseFilename(got.Name + "-" + got.Version.String() + ".tar.gz")
		if err != nil || again.Name != got.Name || !again.Version.Equal(got.Version) {
			t.Fatalf("%q is %+v, and printed and read again %+v, %v", s, got, again, err)
		}
	})
}
