package base

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lithe-build/lithe/internal/debian/archive"
	"github.com/lithe-build/lithe/internal/debian/maintscript"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/store"
)

// TestSurvey follows the maintainer scripts of Debian's packages that projects ask for most, and prints the table of
// docs/reference/system-packages.md. It downloads some 600 MB into the folder that LITHE_SURVEY names:
//
//	LITHE_SURVEY=/var/tmp/survey go test ./internal/base -run TestSurvey -v -timeout 30m
func TestSurvey(t *testing.T) {
	dir := os.Getenv("LITHE_SURVEY")
	if dir == "" {
		t.Skip("LITHE_SURVEY names no folder")
	}
	s := newSurvey(t, dir)
	names, err := os.ReadFile("testdata/survey.txt")
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	for name := range strings.Lines(string(names)) {
		if name = strings.TrimSpace(name); name != "" && !strings.HasPrefix(name, "#") {
			table.WriteString(s.row(t, name))
		}
	}
	if err := os.WriteFile(dir+"/table.md", []byte(table.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + table.String())
}

// survey is a suite as it is today, and the packages that were looked at.
type survey struct {
	client    *fetch.Client
	catalogue *catalogue
	pins      *Pins
	known     map[string]*unpacked
}

func newSurvey(t *testing.T, dir string) *survey {
	trixie, _ := suites[0].with("")
	return newSurveyOf(t, dir, trixie)
}

func newSurveyOf(t *testing.T, dir string, su suite) *survey {
	st, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	s := &survey{client: fetch.New(st, fetch.Options{}), known: map[string]*unpacked{}, pins: &Pins{}}
	archives, releases, err := openArchives(context.Background(), s.client, su, Options{Now: time.Now()}, serialized(nil))
	if err != nil {
		t.Fatal(err)
	}
	s.pins.Releases, s.pins.Created = releases, newest(releases)
	if s.catalogue, err = readCatalogue(context.Background(), archives, "amd64"); err != nil {
		t.Fatal(err)
	}
	return s
}

// row resolves one package and follows the scripts of all that it brings.
func (s *survey) row(t *testing.T, name string) string {
	trixie, _ := suites[0].with("")
	selected, err := selectPackages(s.catalogue, trixie, amd64, []Want{{Name: name}})
	if err != nil {
		return fmt.Sprintf("| %s | | | cannot be resolved: %v |\n", name, err)
	}
	var entries []entry.Entry
	var system []*unpacked
	var size int64
	for _, u := range s.unpack(t, selected) {
		entries = append(entries, u.entries...)
		if u.pin.Part == KindSystem {
			system = append(system, u)
			for _, e := range u.entries {
				size += e.Size
			}
		}
	}
	commands := map[string]bool{}
	image := newImageFiles(entries)
	for _, u := range system {
		image.packages[u.pin.Name] = true
	}
	for _, u := range system {
		for _, script := range u.scripts {
			for _, c := range maintscript.Evaluate(script, image).Commands {
				commands[c] = true
			}
		}
	}
	class := "no scripts"
	if len(commands) > 0 {
		class = "known: " + strings.Join(slices.Sorted(keysOf(commands)), ", ")
	}
	if _, err := followScripts(system, image, nil); err != nil {
		problems, _ := diag.Problems(err)
		class = "refused: "
		for i, p := range problems {
			if i > 0 {
				class += "; "
			}
			class += strings.ReplaceAll(p.What, "|", "\\|")
		}
	}
	return fmt.Sprintf("| `%s` | %d | %.1f | %s |\n", name, len(system), float64(size)/1e6, class)
}

func keysOf(set map[string]bool) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range set {
			if !yield(k) {
				return
			}
		}
	}
}

// unpack reads packages without their contents.
func (s *survey) unpack(t *testing.T, pins []Pin) []*unpacked {
	t.Helper()
	var missing []Pin
	for _, p := range pins {
		if s.known[p.Name] == nil {
			missing = append(missing, p)
		}
	}
	files, err := fetchPackages(context.Background(), s.client, missing, s.pins.asOf(Selection{}), Options{}, serialized(nil))
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range missing {
		s.known[p.Name] = withoutContents(t, files[i], p)
	}
	var out []*unpacked
	for _, p := range pins {
		u := *s.known[p.Name]
		u.pin = p
		out = append(out, &u)
	}
	return out
}

func withoutContents(t *testing.T, file string, pin Pin) *unpacked {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := archive.Read(bytes.NewReader(data), archive.Options{Content: func(e entry.Entry, r io.Reader) (entry.Content, error) {
		if strings.Contains(e.Path, "sysusers.d/") {
			data, err := io.ReadAll(r)
			return entry.Bytes(data), err
		}
		_, err := io.Copy(io.Discard, r)
		return entry.Bytes(nil), err
	}})
	if err != nil {
		t.Fatal(err)
	}
	u := &unpacked{pin: pin, scripts: scripted(p)}
	for _, e := range p.Entries {
		if e, ok := merged(e); ok {
			u.entries = append(u.entries, e)
		}
	}
	return u
}
