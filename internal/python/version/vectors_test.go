package version_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/python/vectortest"
	"github.com/lithe-build/lithe/internal/python/version"
)

// facts are the properties that packaging reports of a version.
type facts struct {
	Input         string          `json:"input"`
	Text          string          `json:"str"`
	Base          string          `json:"base"`
	BaseVersion   string          `json:"base_version"`
	Public        string          `json:"public"`
	Local         *string         `json:"local"`
	Epoch         int             `json:"epoch"`
	Release       []int           `json:"release"`
	Pre           json.RawMessage `json:"pre"`
	Post          *int            `json:"post"`
	Dev           *int            `json:"dev"`
	Prerelease    bool            `json:"prerelease"`
	Postrelease   bool            `json:"postrelease"`
	Devrelease    bool            `json:"devrelease"`
	IsPrerelease  bool            `json:"is_prerelease"`
	IsPostrelease bool            `json:"is_postrelease"`
	IsDevrelease  bool            `json:"is_devrelease"`
}

func TestVectorsParse(t *testing.T) {
	for _, want := range vectortest.Read[facts](t, "packaging/versions_parse.json") {
		checkFacts(t, want.Input, want)
	}
	for _, row := range vectortest.Read[vectortest.Row[string, vectortest.Result[facts]]](t, "packaging/version_parse.json") {
		if v, err := version.Parse(row.In); row.Out.Refused {
			if err == nil {
				t.Errorf("Parse(%q) = %v, want an error", row.In, v)
			}
			continue
		}
		want := row.Out.Value
		want.Base, want.Prerelease = want.BaseVersion, want.IsPrerelease
		want.Postrelease, want.Devrelease = want.IsPostrelease, want.IsDevrelease
		checkFacts(t, row.In, want)
	}
}

func checkFacts(t *testing.T, in string, want facts) {
	t.Helper()
	v, err := version.Parse(in)
	if err != nil {
		t.Errorf("Parse(%q): %v", in, err)
		return
	}
	got := facts{Input: want.Input, Text: v.String(), Base: v.Base(), BaseVersion: want.BaseVersion, Public: v.Public(),
		Epoch: v.Epoch(), Release: v.Release(), Pre: json.RawMessage("null"), Prerelease: v.IsPrerelease(),
		Postrelease: v.IsPostrelease(), Devrelease: v.IsDevrelease(), IsPrerelease: want.IsPrerelease,
		IsPostrelease: want.IsPostrelease, IsDevrelease: want.IsDevrelease}
	if local := v.Local(); local != "" {
		got.Local = &local
	}
	if n, ok := v.Post(); ok {
		got.Post = &n
	}
	if n, ok := v.Dev(); ok {
		got.Dev = &n
	}
	if letter, n := v.Pre(); letter != "" {
		got.Pre, _ = json.Marshal([]any{letter, n})
	}
	compact := cmp.Transformer("compact", func(m json.RawMessage) (v any) { _ = json.Unmarshal(m, &v); return v })
	if diff := cmp.Diff(want, got, compact); diff != "" {
		t.Errorf("Parse(%q) (-want +got):\n%s", in, diff)
	}
}

func TestVectorsInvalid(t *testing.T) {
	for _, in := range vectortest.Read[string](t, "packaging/versions_invalid.json") {
		if v, err := version.Parse(in); err == nil {
			t.Errorf("Parse(%q) = %v, want an error", in, v)
		}
	}
	for _, in := range vectortest.Read[string](t, "packaging/specifiers_invalid.json") {
		if s, err := version.ParseSpecifiers(in); err == nil {
			t.Errorf("ParseSpecifiers(%q) = %v, want an error", in, s)
		}
	}
}

func TestVectorsOrder(t *testing.T) {
	var groups [][]string
	for _, one := range vectortest.Read[string](t, "packaging/versions_listed_order.json") {
		groups = append(groups, []string{one})
	}
	checkOrder(t, groups)
	checkOrder(t, vectortest.Read[[]string](t, "packaging/versions_ordered_groups.json"))
}

// checkOrder compares every version with every other: equal within a group, less than all of later groups.
func checkOrder(t *testing.T, groups [][]string) {
	t.Helper()
	type one struct {
		v     version.Version
		group int
	}
	var all []one
	for i, g := range groups {
		for _, s := range g {
			all = append(all, one{version.MustParse(s), i})
		}
	}
	for _, a := range all {
		for _, b := range all {
			want := min(max(a.group-b.group, -1), 1)
			if got := a.v.Compare(b.v); min(max(got, -1), 1) != want {
				t.Errorf("%v compared with %v gives %d, want %d", a.v, b.v, got, want)
			}
		}
	}
}

func TestVectorsCompare(t *testing.T) {
	for _, row := range vectortest.Read[vectortest.Row[[3]string, bool]](t, "packaging/version_compare.json") {
		c := version.MustParse(row.In[0]).Compare(version.MustParse(row.In[2]))
		got := map[string]bool{"eq": c == 0, "ne": c != 0, "lt": c < 0, "le": c <= 0, "gt": c > 0, "ge": c >= 0}[row.In[1]]
		if got != row.Out {
			t.Errorf("%v gives %v", row.In, got)
		}
	}
}

func TestVectorsCanonical(t *testing.T) {
	type options struct {
		Strip *bool `json:"strip_trailing_zero"`
	}
	type input = vectortest.Pair[string, options]
	for _, row := range vectortest.Read[vectortest.Row[input, string]](t, "packaging/canonicalize_version.json") {
		got := row.In.First
		if v, err := version.Parse(got); err == nil {
			got = v.Canonical()
			if row.In.Second.Strip != nil && !*row.In.Second.Strip {
				got = v.String()
			}
		}
		if got != row.Out {
			t.Errorf("canonical form of %q is %q, want %q", row.In.First, got, row.Out)
		}
	}
}

func TestVectorsSpecifiersPrint(t *testing.T) {
	type valid struct{ Input, Str string }
	rows := vectortest.Read[valid](t, "packaging/specifiers_valid.json")
	for _, row := range vectortest.Read[vectortest.Row[string, string]](t, "packaging/specifierset_parse.json") {
		rows = append(rows, valid{row.In, row.Out})
	}
	for _, row := range rows {
		s, err := version.ParseSpecifiers(row.Input)
		if err != nil || s.String() != row.Str {
			t.Errorf("ParseSpecifiers(%q) = %q, %v, want %q", row.Input, s, err, row.Str)
		}
	}
}

func TestVectorsContains(t *testing.T) {
	type contains struct {
		Spec, Version  string
		Contains       bool
		AnyPrereleases bool `json:"contains_prereleases_true"`
	}
	for _, row := range vectortest.Read[contains](t, "packaging/specifier_contains.json") {
		s, err := version.ParseSpecifiers(row.Spec)
		if err != nil {
			t.Errorf("%s: %v", row.Spec, err)
			continue
		}
		if got := s.ContainsText(row.Version, true); got != row.AnyPrereleases {
			t.Errorf("%q contains %q: %v", row.Spec, row.Version, got)
		}
		// Of one version alone, packaging admits a pre-release, as there is no other to choose.
		if v, err := version.Parse(row.Version); err == nil && s.ContainsText(v.String(), true) == row.Contains {
			if got := len(s.Filter([]version.Version{v}, false)) == 1; got != row.Contains {
				t.Errorf("%q keeps %q: %v", row.Spec, row.Version, got)
			}
		}
	}
	type set struct{ Spec, Version string }
	for _, row := range vectortest.Read[vectortest.Row[set, bool]](t, "packaging/specifierset_contains.json") {
		s, err := version.ParseSpecifiers(row.In.Spec)
		if got := s.Contains(version.MustParse(row.In.Version), true); err != nil || got != row.Out {
			t.Errorf("%q contains %q: %v, %v", row.In.Spec, row.In.Version, got, err)
		}
	}
}

func TestVectorsFilter(t *testing.T) {
	type filter struct {
		Spec                             string
		Candidates, Default, Prereleases []string
	}
	for _, row := range vectortest.Read[filter](t, "packaging/specifier_filter.json") {
		s, err := version.ParseSpecifiers(row.Spec)
		if err != nil {
			t.Errorf("%s: %v", row.Spec, err)
			continue
		}
		candidates := parseAll(row.Candidates)
		if got := texts(s.Filter(candidates, false)); !slices.Equal(got, texts(parseAll(row.Default))) {
			t.Errorf("%q keeps %v, want %v", row.Spec, got, row.Default)
		}
		if got := texts(s.Filter(candidates, true)); !slices.Equal(got, texts(parseAll(row.Prereleases))) {
			t.Errorf("%q with pre-releases keeps %v, want %v", row.Spec, got, row.Prereleases)
		}
	}
}

func parseAll(list []string) (out []version.Version) {
	for _, s := range list {
		out = append(out, version.MustParse(s))
	}
	return out
}

func texts(list []version.Version) (out []string) {
	for _, v := range list {
		out = append(out, v.String())
	}
	return out
}
