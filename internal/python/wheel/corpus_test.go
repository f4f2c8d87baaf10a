package wheel

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/version"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
	"github.com/lithe-build/lithe/internal/testkit/corpus"
)

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}

// TestBadWheels takes every hostile wheel to its end: refused with the words that help, or installed inside /venv.
func TestBadWheels(t *testing.T) {
	dir := corpus.Dir(t, "bad")
	var cases []struct {
		ID, Kind, Expect, Why string
		Mentions              []string `json:"error_mentions"`
		Files                 []string
	}
	readJSON(t, filepath.Join(dir, "index.json"), &cases)
	seen := 0
	for _, c := range cases {
		if c.Kind != "wheel" {
			continue
		}
		seen++
		t.Run(c.ID, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			in, err := installFile(filepath.Join(dir, c.ID), c.Files[0])
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
				t.Errorf("allocated %d bytes", used)
			}
			checkOutcome(t, c.Expect, c.Mentions, in, err)
		})
	}
	if seen < 40 {
		t.Fatalf("only %d wheels in index.json", seen)
	}
}

func checkOutcome(t *testing.T, expect string, mentions []string, in *Installed, err error) {
	t.Helper()
	if err != nil {
		if expect == "accept" {
			t.Fatalf("refused: %v", err)
		}
		if _, ok := errors.AsType[*diag.Error](err); !ok && !strings.Contains(err.Error(), "file name") {
			t.Errorf("not a diag.Error: %v", err)
		}
		for _, word := range mentions {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%v\ndoes not mention %q", err, word)
			}
		}
		t.Log(err)
		return
	}
	if expect == "reject" {
		t.Fatal("accepted")
	}
	for p := range contents(t, in) {
		if !strings.HasPrefix(p, "venv/") || strings.Contains(p, "..") || regexp.MustCompile(`^venv/bin/python`).MatchString(p) {
			t.Errorf("entry %s", p)
		}
	}
}

func installFile(dir, file string) (*Installed, error) {
	name, err := wheeltag.ParseFilename(file)
	if err != nil {
		return nil, err
	}
	w, err := Open(filepath.Join(dir, file), name)
	if err != nil {
		return nil, err
	}
	return Install(w, scheme, InstallOptions{})
}

func TestVectorsShebang(t *testing.T) {
	var cases []struct {
		In  struct{ Data, Interpreter string }
		Out string
	}
	readJSON(t, filepath.Join(corpus.Dir(t, "vectors", "installer"), "fix_shebang.json"), &cases)
	for _, c := range cases {
		if got := string(fixShebang([]byte(c.In.Data), c.In.Interpreter)); got != c.Out {
			t.Errorf("%q: got %q, want %q", c.In.Data, got, c.Out)
		}
	}
}

func TestVectorsEntryPoints(t *testing.T) {
	var cases []struct {
		In  string
		Out [][4]string
	}
	readJSON(t, filepath.Join(corpus.Dir(t, "vectors", "installer"), "parse_entrypoints.json"), &cases)
	for _, c := range cases {
		got, err := parseEntryPoints([]byte(c.In))
		if err != nil {
			t.Errorf("%q: %v", c.In, err)
		}
		if len(got) != len(c.Out) {
			t.Fatalf("%q: got %v, want %v", c.In, got, c.Out)
		}
		for i, want := range c.Out {
			if e := (EntryPoint{want[0], want[1], want[2], want[3] == "gui"}); got[i] != e {
				t.Errorf("%q: got %v, want %v", c.In, got[i], e)
			}
		}
	}
}

func TestVectorsRecord(t *testing.T) {
	var cases []struct {
		In struct {
			Data, Path string
			Hash       *string
			Size       *json.Number
		}
		Out bool
	}
	readJSON(t, filepath.Join(corpus.Dir(t, "vectors", "installer"), "record_validate.json"), &cases)
	for _, c := range cases {
		fields := []string{c.In.Path, "", ""}
		if c.In.Hash != nil {
			fields[1] = *c.In.Hash
		}
		if c.In.Size != nil {
			fields[2] = c.In.Size.String()
		}
		r, err := parseRow(fields)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.check(digestsOf(c.In.Data)); (err == nil) != c.Out {
			t.Errorf("%v: %v", fields, err)
		}
	}
}

// TestVectorsScripts compares what applies: ours has neither the sh form (no shell, no spaces in the interpreter)
// nor the lines for Windows.
func TestVectorsScripts(t *testing.T) {
	var cases []struct {
		In  struct{ Attr, Executable, Kind, Module, Name, Section string }
		Out struct{ Data, Error string }
	}
	readJSON(t, filepath.Join(corpus.Dir(t, "vectors", "installer"), "script_generate.json"), &cases)
	compared := 0
	for _, c := range cases {
		if c.In.Kind != "posix" || c.Out.Error != "" {
			continue
		}
		if strings.Contains(c.In.Executable, " ") {
			if err := (Scheme{Interpreter: c.In.Executable}).check(); err == nil {
				t.Errorf("%s: accepted", c.In.Executable)
			}
			continue
		}
		compared++
		got := string(EntryPoint{Name: c.In.Name, Module: c.In.Module, Attr: c.In.Attr}.script(c.In.Executable))
		var want []string
		for line := range strings.Lines(c.Out.Data) {
			if !strings.Contains(line, "coding") && !strings.Contains(line, "re.sub") && line != "import re\n" {
				want = append(want, line)
			}
		}
		if got != strings.Join(want, "") {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if compared < 2 {
		t.Fatalf("only %d scripts compared", compared)
	}
}

func TestVectorsFilename(t *testing.T) {
	var cases []struct {
		In  string
		Out struct{ Distribution, Version, Error string }
	}
	readJSON(t, filepath.Join(corpus.Dir(t, "vectors", "installer"), "parse_wheel_filename.json"), &cases)
	for _, c := range cases {
		got, err := wheeltag.ParseFilename(c.In)
		if (err != nil) != (c.Out.Error != "") {
			t.Errorf("%s: %v", c.In, err)
			continue
		}
		if err == nil && (got.Name != c.Out.Distribution || got.Version.Compare(version.MustParse(c.Out.Version)) != 0) {
			t.Errorf("%s: %+v", c.In, got)
		}
	}
}
