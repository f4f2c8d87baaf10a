package base

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lithe-build/lithe/internal/diag"
)

func TestParse(t *testing.T) {
	for name, want := range map[string]string{
		"":                "debian:trixie",
		"debian":          "debian:trixie",
		"debian:trixie":   "debian:trixie",
		"debian:bookworm": "debian:bookworm",

		"standalone":                 "standalone",
		"standalone:3.12":            "standalone:3.12",
		"standalone:3.9.25+20251031": "standalone:3.9.25+20251031",
		"standalone:3.12+20261021":   "standalone:3.12+20261021",
		"example/standalone:3.12":    "docker.io/example/standalone:3.12",
	} {
		if got, err := Parse(name); got != want || err != nil {
			t.Errorf("Parse(%q) = %q, %v", name, got, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for name, want := range map[string]string{
		"debian:":         `base "debian:" is not supported`,
		"debian:potato":   `lithe knows no suite "potato"`,
		"debian:trixie:x": `lithe knows no suite "trixie:x"`,
		"ubuntu":          `base "ubuntu" is not supported; use`,
	} {
		_, err := Parse(name)
		problems, ok := diag.Problems(err)
		if !ok || len(problems) != 1 {
			t.Errorf("Parse(%q): %v is not one problem", name, err)
			continue
		}
		if !strings.Contains(err.Error(), want) || problems[0].Code != "unknown-base" {
			t.Errorf("Parse(%q) = %v, want %q", name, err, want)
		}
		if !strings.Contains(problems[0].Hint, `"debian:trixie" (Python 3.13)`) {
			t.Errorf("Parse(%q): the hint %q does not say what is supported", name, problems[0].Hint)
		}
	}
}

func TestPythons(t *testing.T) {
	want := []Python{{"3.13", "debian:trixie", true}, {"3.11", "debian:bookworm", true}, {"3.14", "debian:forky", false}, {"3.13", "debian:forky", false},
		{"3.15", "debian:forky", false}, {"3.14", "debian:sid", false}, {"3.13", "debian:sid", false}, {"3.15", "debian:sid", false},
		{"3.15", "standalone:3.15", false}, {"3.14", "standalone:3.14", false}, {"3.13", "standalone:3.13", false}, {"3.12", "standalone:3.12", false},
		{"3.11", "standalone:3.11", false}, {"3.10", "standalone:3.10", false}, {"3.9", "standalone:3.9", false}}
	if diff := cmp.Diff(want, Pythons()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestFacts(t *testing.T) {
	pins := &Pins{Name: "debian:bookworm", Platforms: []Selection{{Platform: "linux/arm64", Packages: []Pin{
		{Name: "libc6", Version: "2.36-9+deb12u13"}, {Name: "python3.11", Version: "3.11.2-6+deb12u8"}}}}}
	f, err := pins.Facts("linux/arm64")
	if err != nil {
		t.Fatal(err)
	}
	got := []string{f.Python, f.Minor(), f.ABI, f.Libc.String(), f.Interpreter}
	if diff := cmp.Diff([]string{"3.11.2", "3.11", "cp311", "glibc-2.36", "/usr/bin/python3.11"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if _, err := pins.Facts("linux/amd64"); err == nil || !strings.Contains(err.Error(), "not locked for linux/amd64") {
		t.Errorf("another platform: %v", err)
	}
	pins.Platforms[0].Packages[1].Version = "3.12.1-1"
	if _, err := pins.Facts("linux/arm64"); err == nil || !strings.Contains(err.Error(), "no Python 3.11") {
		t.Errorf("another Python: %v", err)
	}
}

func TestUpstream(t *testing.T) {
	for in, want := range map[string]string{
		"2.41-12+deb13u4": "2.41", "1:4.4.38-1": "4.4.38", "3.14.0~rc2-1": "3.14.0", "5.3.28+dfsg2-9": "5.3.28", "1.": "1", "": "",
	} {
		if got := upstream(in); got != want {
			t.Errorf("upstream(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestExpected: the rows of all suites are whole, and what they had is a version of their Python.
func TestExpected(t *testing.T) {
	for _, p := range Pythons() {
		f, err := Expected(p.Base, p.Version)
		if err != nil {
			t.Error(err)
		}
		if f.Minor() != p.Version || f.Libc.Family != "glibc" || f.Libc.Minor == 0 || f.ABI != "cp"+strings.ReplaceAll(p.Version, ".", "") {
			t.Errorf("%s: %+v", p.Base, f)
		}
	}
	if _, err := Expected("nothing", ""); err == nil {
		t.Error("an unknown base has facts")
	}
	if _, err := Expected("debian:forky", "3.12"); err == nil || !strings.Contains(err.Error(), "has no Python 3.12, but 3.14, 3.13, 3.15") {
		t.Errorf("a Python that the suite lacks: %v", err)
	}
}

// TestSeveralPythons: which of a suite's Pythons a base has, its packages tell.
func TestSeveralPythons(t *testing.T) {
	pins := &Pins{Name: "debian:forky", Platforms: []Selection{{Platform: "linux/amd64", Packages: []Pin{
		{Name: "libc6", Version: "2.43-7"}, {Name: "python3.15", Version: "3.15.0-1", Part: KindInterpreter}}}}}
	f, err := pins.Facts("linux/amd64")
	if err != nil || f.Python != "3.15.0" || f.Interpreter != "/usr/bin/python3.15" {
		t.Errorf("facts %+v, %v", f, err)
	}
}
