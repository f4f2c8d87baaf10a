package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lock"
	"github.com/lithe-build/lithe/internal/python/version"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
	"github.com/lithe-build/lithe/internal/testkit/corpus"
)

// expected is expected.json of a case: what the project's own tool selects.
type expected struct {
	Packages []expectedPackage             `json:"packages"`
	Targets  map[string]map[string]variant `json:"targets"`
}

type expectedPackage struct {
	Name, Version, Kind, Hash, Filename string
	Hashes                              []string
}

type variant struct {
	Status         string
	Packages       []int
	Warnings       []string                              `json:"oracle_warnings"`
	RequiresPython string                                `json:"requires_python"`
	IfStale        *struct{ Packages []expectedPackage } `json:"if_staleness_ignored"`
}

// argued lists rows that we hold to be wrong, as "case/target/variant", with the reason.
var argued = map[string]string{}

// arguedHashes are hashes that the oracle gives to another file than all locks with file names do.
var arguedHashes = map[string]string{
	"sha256:0fc71786e629cef478cbf29d7ea1923299181d0699dbe7c3c0f4a583811d9fc1": "pytokens 0.4.1 for cp38, says poetry.lock of poetry-gsa-notifications-api; py3-none-any, says the oracle",
}

// corpusTargets are the targets of the corpus, whose glibc is 2.36.
func corpusTargets(t *testing.T, dir string) map[string]Target {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "vectors", "targets", "targets.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rows map[string]struct {
		Environment map[string]string
		Glibc       [2]int
	}
	if err := json.Unmarshal(data, &rows); err != nil {
		t.Fatal(err)
	}
	out := map[string]Target{}
	for name, row := range rows {
		arch := map[string]string{"x86_64": "amd64", "aarch64": "arm64"}[row.Environment["platform_machine"]]
		out[name] = Target{Platform: Platform{"linux", arch}, Python: row.Environment["python_full_version"],
			Libc: wheeltag.Libc{Family: "glibc", Major: row.Glibc[0], Minor: row.Glibc[1]}}
	}
	return out
}

// withVariant chooses the part of the project that a variant of the corpus means.
func withVariant(t Target, variant string) Target {
	t.Name = Prod
	switch variant {
	case "dev":
		t.Name = Dev
	case "all-extras":
		t.AllExtras = true
	case "all-groups":
		t.AllGroups = true
	case "all-packages":
		t.AllPackages = true
	}
	return t
}

// corpusFormats are the names of cases of the formats that lithe reads.
var corpusFormats = []string{"poetry-*", "uv-*", "pdm-*", "pipfile-*", "pylock-*", "requirements-*"}

// corpusLock is the lock file of a case, whose name a format may leave open.
func corpusLock(path string) lock.Options {
	if found, _ := filepath.Glob(filepath.Join(path, "pylock.*toml")); len(found) > 0 {
		return lock.Options{Path: filepath.Base(found[0])}
	}
	return lock.Options{}
}

// knownFiles are the files that any lock of the corpus names, by hash: the index for locks that list hashes only.
func knownFiles(t *testing.T, dir string) map[string]lock.File {
	t.Helper()
	files := map[string]lock.File{}
	cases, _ := filepath.Glob(filepath.Join(dir, "locks", "*"))
	for _, path := range cases {
		for _, p := range expectations(t, path).Packages {
			if p.Filename != "" {
				files[p.Hash] = lock.File{Name: p.Filename, Hash: p.Hash}
			}
		}
		l, err := lock.Read(path, corpusLock(path))
		if err != nil {
			continue // a test of its own tells
		}
		for _, p := range l.Packages {
			for _, f := range p.Files {
				files[f.Hash] = f
			}
		}
	}
	return files
}

func TestSelectCorpus(t *testing.T) {
	dir := corpus.Dir(t)
	targets := corpusTargets(t, dir)
	counts := map[string]int{}
	files := knownFiles(t, dir)
	for _, pattern := range corpusFormats {
		cases, _ := filepath.Glob(filepath.Join(dir, "locks", pattern))
		for _, path := range cases {
			t.Run(filepath.Base(path), func(t *testing.T) { selectCase(t, path, targets, files, counts) })
		}
	}
	t.Logf("%d rows agree, %d are refused as the tool does, %d argued, %d without an oracle",
		counts["agreed"], counts["refused"], counts["argued"], counts["none"])
	if counts["agreed"] == 0 || counts["argued"] != len(argued) {
		t.Error("rows are missing, or the table of argued rows has some that agree")
	}
}

// expectations reads expected.json of a case.
func expectations(t *testing.T, path string) (want expected) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	return want
}

func selectCase(t *testing.T, path string, targets map[string]Target, files map[string]lock.File, counts map[string]int) {
	want := expectations(t, path)
	l, err := lock.Read(path, corpusLock(path))
	if err != nil {
		t.Fatal(err)
	}
	l = l.WithFiles(files)
	for _, target := range slices.Sorted(maps.Keys(want.Targets)) {
		for _, name := range slices.Sorted(maps.Keys(want.Targets[target])) {
			row := want.Targets[target][name]
			key := strings.Join([]string{filepath.Base(path), target, name}, "/")
			result, diff := compareRow(l, withVariant(targets[target], name), want, row)
			if _, ok := argued[key]; ok && diff != "" {
				result, diff = "argued", ""
			}
			counts[result]++
			if diff != "" {
				t.Errorf("%s: %s", key, diff)
			}
		}
	}
}

// compareRow returns what became of a row, and how it differs from the expectation.
func compareRow(l *lock.Lock, target Target, want expected, row variant) (result, diff string) {
	got, err := Select(l, target)
	switch row.Status {
	case "python-excluded":
		problems, _ := diag.Problems(err)
		if len(problems) != 1 || problems[0].Code != "python-excluded" || !namesPython(problems[0].What, row.RequiresPython) {
			return "refused", fmt.Sprintf("got %v, want one problem python-excluded with %s", err, row.RequiresPython)
		}
		return "refused", ""
	case "native-error":
		if row.IfStale == nil {
			return "none", ""
		}
		if len(l.Stale) == 0 {
			return "refused", "the lock counts as fresh, and the tool calls it stale"
		}
		return "refused", comparePackages(row.IfStale.Packages, got, err)
	case "ok":
		var packages []expectedPackage
		for _, i := range row.Packages {
			packages = append(packages, want.Packages[i])
		}
		return "agreed", comparePackages(packages, withoutWarned(row.Warnings, got), err)
	}
	return "none", ""
}

// namesPython tells whether a message ends in a constraint that admits the same Pythons as the expected one.
func namesPython(what, want string) bool {
	_, got, ok := strings.Cut(what, "requires-python is ")
	if !ok {
		return false
	}
	for minor := range 20 {
		for micro := range 20 {
			v := version.MustParse(fmt.Sprintf("3.%d.%d", minor, micro))
			if admits(got, v) != admits(want, v) {
				return false
			}
		}
	}
	return true
}

func admits(constraint string, v version.Version) bool {
	specifiers, err := version.ParseSpecifiers(constraint)
	return err == nil && specifiers.Contains(v, true)
}

// withoutWarned leaves out repositories that the oracle says it could not read.
func withoutWarned(warnings []string, got []Package) []Package {
	return slices.DeleteFunc(slices.Clone(got), func(p Package) bool {
		return p.Kind == KindVCS && slices.ContainsFunc(warnings, func(w string) bool { return strings.HasSuffix(w, "#egg="+p.Name) })
	})
}

// asFarAsKnown settles for the hashes where the lock names no files: what is chosen must be among them, and those that
// may be chosen must be the same.
func asFarAsKnown(want expectedPackage, got []Package) expectedPackage {
	i := slices.IndexFunc(got, func(p Package) bool {
		return p.Name == want.Name || want.Name == "" && p.Kind == want.Kind // a folder, whose name the oracle does not know
	})
	switch {
	case i >= 0 && want.Name == "":
		want.Name = got[i].Name
	case i < 0:
	case want.Kind == KindURL && want.Hash == "" && got[i].Kind == KindVCS:
		want.Kind = KindVCS // the oracle for requirements files calls every address a url, be it of a repository or a file
	case len(want.Hashes) == 0:
	case got[i].Kind == KindUnknown && slices.Equal(slices.Sorted(slices.Values(want.Hashes)), got[i].Hashes):
		want.Kind, want.Hash = KindUnknown, ""
	case (want.Kind == KindUnknown || arguedHashes[want.Hash] != "") && slices.Contains(want.Hashes, got[i].Hash):
		want.Kind, want.Hash = got[i].Kind, got[i].Hash
	}
	return want
}

// comparePackages compares by name, version, kind and hash. A package of the kind "none" must be a problem, and then
// these are all problems there are.
func comparePackages(want []expectedPackage, got []Package, err error) string {
	var lines, without, found, problems []string
	want = slices.Clone(want)
	for i := range want {
		want[i] = asFarAsKnown(want[i], got)
	}
	for _, p := range want {
		if p.Kind == "none" {
			without = append(without, p.Name+" "+p.Version)
			continue
		}
		lines = append(lines, strings.Join([]string{p.Name, p.Version, p.Kind, p.Hash}, " "))
	}
	for _, p := range got {
		hash := p.Hash
		if p.Kind == KindLocal || p.Kind == KindVCS {
			hash = ""
		}
		found = append(found, strings.Join([]string{p.Name, p.Version, p.Kind, hash}, " "))
	}
	list, _ := diag.Problems(err)
	for _, e := range list {
		what := strings.Join(strings.Fields(e.What)[:2], " ")
		if e.Code != "no-wheel" && e.Code != "no-files" {
			what = e.Error()
		}
		problems = append(problems, what)
	}
	if err != nil && list == nil {
		return errors.Unwrap(err).Error()
	}
	slices.Sort(lines)
	slices.Sort(found)
	slices.Sort(without)
	slices.Sort(problems)
	return cmp.Diff(lines, found) + cmp.Diff(without, problems)
}
