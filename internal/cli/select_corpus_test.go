package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/testkit/corpus"
)

// corpusRow is one row of expected.json: what the project's own tool selects for a target and a part of the project.
type corpusRow struct {
	Status   string
	Packages []int
	Warnings []string         `json:"oracle_warnings"`
	IfStale  *json.RawMessage `json:"if_staleness_ignored"`
}

type corpusPackage struct {
	Name, Version, Kind, Hash string
	Hashes                    []string
}

// TestSelectCommandCorpus runs `lithe select --json` as a user would on every given lock, without a network. The package
// plan compares the same rows in more detail; here the flags, the output and the exit code are what is tested.
func TestSelectCommandCorpus(t *testing.T) {
	dir := corpus.Dir(t)
	var targets map[string]struct {
		Environment map[string]string
		Glibc       [2]int
	}
	readJSON(t, filepath.Join(dir, "vectors", "targets", "targets.json"), &targets)
	counts := map[string]int{}
	for _, pattern := range []string{"poetry-*", "uv-*", "pdm-*", "pipfile-*", "pylock-*", "requirements-*"} {
		cases, _ := filepath.Glob(filepath.Join(dir, "locks", pattern))
		for _, path := range cases {
			var want struct {
				Packages []corpusPackage
				Targets  map[string]map[string]corpusRow
			}
			readJSON(t, filepath.Join(path, "expected.json"), &want)
			for _, target := range slices.Sorted(maps.Keys(want.Targets)) {
				env := targets[target]
				args := []string{"select", path, "--json", "--python", env.Environment["python_full_version"],
					"--platform", map[string]string{"x86_64": "linux/amd64", "aarch64": "linux/arm64"}[env.Environment["platform_machine"]],
					"--libc", fmt.Sprintf("glibc-%d.%d", env.Glibc[0], env.Glibc[1])}
				if strings.HasPrefix(filepath.Base(path), "pylock-") {
					args = append(args, "--stale", "warn") // its oracle looks at the lock alone, and pylock-comfy-cli is stale
				}
				for variant, row := range want.Targets[target] {
					counts[checkRow(t, append(args, variantFlags[variant]...), row, want.Packages)]++
				}
			}
		}
	}
	t.Logf("%d rows agree, %d are refused as the tool does, %d have no oracle", counts["agreed"], counts["refused"], counts["none"])
	if counts["agreed"] < 100 {
		t.Errorf("only %d rows were compared", counts["agreed"])
	}
}

var variantFlags = map[string][]string{
	"prod": nil, "dev": {"--target", "dev"}, "all-extras": {"--all-extras"}, "all-groups": {"--all-groups"},
	"all-packages": {"--all-packages"},
}

// checkRow runs one selection and says how it compares.
func checkRow(t *testing.T, args []string, row corpusRow, packages []corpusPackage) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	offline := func(name string) string { return map[string]string{"LITHE_OFFLINE": "1", "HOME": t.TempDir()}[name] }
	code := Main(t.Context(), args, System{Getenv: offline, Stdout: &stdout, Stderr: &stderr})
	var got struct {
		Packages []corpusPackage
		Problems []struct{ Code, Message string }
	}
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(args, " "), err, stdout.Bytes(), stderr.Bytes())
	}
	want, without := expectedLines(row, withHashes(packages, got.Packages))
	switch {
	case row.Status == "native-error" && row.IfStale == nil, row.Status == "no-oracle":
		return "none"
	case row.Status != "ok" || len(without) > 0:
		if code != ExitProblem || len(got.Problems) == 0 {
			t.Errorf("%s: exit code %d and %d problems, want a refusal", strings.Join(args, " "), code, len(got.Problems))
		}
		return "refused"
	}
	var lines []string
	for _, p := range got.Packages {
		if p.Kind == "vcs" && slices.ContainsFunc(row.Warnings, func(w string) bool { return strings.HasSuffix(w, "#egg="+p.Name) }) {
			continue // the oracle could not read it, and says so
		}
		lines = append(lines, line(p))
	}
	slices.Sort(lines)
	if diff := cmp.Diff(want, lines); diff != "" || code != ExitOK {
		t.Errorf("%s: exit code %d, packages (-want +got):\n%s%s", strings.Join(args, " "), code, diff, stdout.Bytes())
	}
	return "agreed"
}

// withHashes expects the hashes of a package and no more where its lock names no file and no index is asked.
func withHashes(want, got []corpusPackage) []corpusPackage {
	want = slices.Clone(want)
	for i, p := range want {
		at := slices.IndexFunc(got, func(g corpusPackage) bool {
			return g.Name == p.Name && g.Version == p.Version || p.Name == "" && g.Kind == p.Kind
		})
		switch {
		case at < 0:
		case got[at].Kind == "unknown" && slices.Equal(got[at].Hashes, slices.Sorted(slices.Values(p.Hashes))):
			want[i].Kind, want[i].Hash = "unknown", ""
		case p.Name == "": // a folder, whose name the oracle does not know
			want[i].Name = got[at].Name
		case got[at].Kind == "vcs" && p.Kind == "url" && p.Hash == "": // the oracle has one word for both
			want[i].Kind = "vcs"
		}
	}
	return want
}

// expectedLines returns the packages of a row, and those for which the lock has no files at all.
func expectedLines(row corpusRow, packages []corpusPackage) (lines, without []string) {
	for _, i := range row.Packages {
		if packages[i].Kind == "none" {
			without = append(without, packages[i].Name)
			continue
		}
		lines = append(lines, line(packages[i]))
	}
	slices.Sort(lines)
	return lines, without
}

func line(p corpusPackage) string {
	return strings.Join([]string{p.Name, p.Version, p.Kind, p.Hash}, " ")
}

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
