package base

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lithe-build/lithe/internal/debian/maintscript"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
)

func TestOpened(t *testing.T) {
	needed, refused := Opened("debian:trixie", map[string]string{"app": "", "psycopg": "psycopg-3.3.9-py3-none-any.whl", "soundfile": "soundfile-0.13-py2.py3-none-manylinux_2_28_x86_64.whl",
		"pydub": "pydub-0.25-py2.py3-none-any.whl"}, nil)
	if diff := cmp.Diff([]Library{{"psycopg", "libpq.so.5", "libpq5"}}, needed); diff != "" {
		t.Error(diff)
	}
	if len(refused) != 1 || refused[0].Package != "ffmpeg" || len(refused[0].Accept) == 0 {
		t.Errorf("refused %v", refused)
	}
	if needed, _ := Opened("debian:trixie", map[string]string{"psycopg": "psycopg-3.3.9-py3-none-any.whl", "psycopg-binary": "x-manylinux_2_28_x86_64.whl"}, nil); needed != nil {
		t.Errorf("the wheel has it inside, and %v is added", needed)
	}
	if needed, _ := Opened("debian:trixie", map[string]string{"soundfile": "soundfile-0.13-py2.py3-none-any.whl"}, nil); len(needed) != 1 || !IsOpened(needed[0]) {
		t.Errorf("got %v", needed)
	}
	wheels := map[string]string{"django": "django-6.1-py3-none-any.whl"}
	for _, tt := range []struct{ base, part, want string }{
		{"debian:trixie", "django.contrib.gis", "libgdal36"}, {"debian:bookworm", "django.contrib.gis", "libgdal32"},
		{"debian:trixie", "", ""}, {"debian:sid", "django.contrib.gis", ""},
	} {
		got := ""
		if needed, _ := Opened(tt.base, wheels, []string{tt.part}); len(needed) == 1 && IsOpened(needed[0]) && needed[0].Part() == "django.contrib.gis" {
			got = needed[0].Package
		}
		if got != tt.want {
			t.Errorf("%s %q: got %q, want %q", tt.base, tt.part, got, tt.want)
		}
	}
}

// TestOpenedTable: every row says who says so, and is in the documentation.
func TestOpenedTable(t *testing.T) {
	page, err := os.ReadFile("../../docs/concepts/completeness.md")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(openedTable, func(a, b opened) int { return strings.Compare(a.distribution, b.distribution) }) {
		t.Error("the table is not sorted")
	}
	for _, o := range openedTable {
		row := "| `" + o.distribution + "` | `" + o.library + "` | `" + strings.Join(o.packages, "`, `") + "` |"
		if !strings.HasPrefix(o.source, "https://") || !strings.Contains(string(page), row) {
			t.Errorf("%s has the source %q; its row in the page is %s", o.distribution, o.source, row)
		}
	}
}

// TestOpenedInSuites holds the table against the released suites of today: packages exist, and their scripts are understood
// where the table says so. It downloads some 300 MB into the folder that LITHE_SURVEY names.
func TestOpenedInSuites(t *testing.T) {
	dir := os.Getenv("LITHE_SURVEY")
	if dir == "" {
		t.Skip("LITHE_SURVEY names no folder")
	}
	for _, name := range []string{"trixie", "bookworm"} {
		su, _ := debianSuite(name)
		s := newSurveyOf(t, dir, su)
		for _, o := range openedTable {
			var wants []Want
			for _, p := range o.in(name) {
				wants = append(wants, Want{Name: p})
			}
			selected, err := selectPackages(s.catalogue, su, amd64, wants)
			if err != nil {
				t.Errorf("%s: %s: %v", name, o.distribution, err)
				continue
			}
			var entries []entry.Entry
			var system []*unpacked
			for _, u := range s.unpack(t, selected) {
				entries = append(entries, u.entries...)
				if u.pin.Part == KindSystem {
					system = append(system, u)
				}
			}
			image := newImageFiles(entries)
			for _, u := range system {
				image.packages[u.pin.Name] = true
			}
			refused := map[string]bool{}
			for _, u := range system {
				for _, script := range u.scripts {
					if maintscript.Evaluate(script, image).Unknown != nil {
						refused[u.pin.Name] = true
					}
				}
			}
			if got := slices.Sorted(keysOf(refused)); (len(got) > 0) != (len(o.refused) > 0) {
				t.Errorf("%s: %s: scripts of %v are not understood, and the table says %v", name, o.distribution, got, o.refused)
			}
			if _, err := followScripts(system, image, o.refused); err != nil {
				problems, _ := diag.Problems(err)
				t.Errorf("%s: %s: %v", name, o.distribution, problems)
			}
		}
	}
}
