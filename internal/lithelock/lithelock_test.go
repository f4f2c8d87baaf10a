package lithelock_test

import (
	"bytes"
	"flag"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lithelock"
	"github.com/lithe-build/lithe/internal/testkit/golden"
)

var update = flag.Bool("update", false, "rewrite testdata")

func hash(c string) string { return "sha256:" + strings.Repeat(c, 64) }

// full has a value in every field. Its lists are out of order.
func full() *lithelock.Lock {
	day := time.Date(2026, 11, 14, 9, 30, 0, 0, time.FixedZone("", 3600))
	zlib := lithelock.Package{Name: "zlib1g", Version: "1:1.3.dfsg+really1.3.1-1+b1", Architecture: "amd64", Hash: hash("a"), Size: 88_000,
		Archive: "debian", Path: "pool/main/z/zlib/zlib1g_1.3.dfsg+really1.3.1-1+b1_amd64.deb", Part: "interpreter", Reason: "libpython3.13-stdlib"}
	files := lithelock.Package{Name: "base-files", Version: "13.8+deb13u1", Architecture: "amd64", Hash: hash("b"), Size: 72_000,
		Archive: "debian-security", Path: "pool/main/b/base-files/base-files_13.8+deb13u1_amd64.deb", Part: "base", Reason: "root"}
	pq := lithelock.Package{Name: "libpq5", Version: "17.6-0+deb13u1", Architecture: "amd64", Hash: hash("7"), Size: 240_000,
		Archive: "https://apt.example.org/debian", Path: "pool/main/p/postgresql-17/libpq5_17.6-0+deb13u1_amd64.deb", Part: "system", Reason: "root",
		For: []string{"psql", "libpq5"}, InsteadOf: "17.5-1"}
	further := []lithelock.Source{
		{URL: "https://apt.example.org/debian", Suite: "trixie", Components: []string{"main", "extra/more"}, Key: hash("4"), Date: day, Expired: true},
		{URL: "http://flat.example.org:8080", Suite: "./"}}
	gcc := lithelock.Package{Name: "gcc", Version: "4:14.2.0-1", Architecture: "arm64", Hash: hash("8"), Size: 5_000,
		Archive: "debian", Path: "pool/main/g/gcc-defaults/gcc_14.2.0-1_arm64.deb", Part: "builder", Reason: "root"}
	make := gcc
	make.Name, make.Path, make.Hash = "make", "pool/main/m/make-dfsg/make_4.4.1-2_arm64.deb", hash("9")
	return &lithelock.Lock{
		Version: 1, Format: 1, Created: day, Python: "3.13.5", Compiler: "3.13.5",
		Base: lithelock.Base{Name: "debian:trixie", System: []string{"libpq5", "libmagic1"}, Build: []string{"libpq-dev", "cmake"}, Sources: further, Indexes: []lithelock.Index{
			{Suite: "trixie-security", Date: day, Hash: hash("1"), Expired: true}, {Suite: "trixie", Date: day}}},
		Platforms: []lithelock.Platform{{Name: "linux/arm64", Created: day.AddDate(0, 0, 2), Packages: []lithelock.Package{files},
			Builder: &lithelock.Builder{Suite: "trixie", Created: day.AddDate(0, 0, 1), Packages: []lithelock.Package{make, gcc}}},
			{Name: "linux/amd64", Packages: []lithelock.Package{zlib, pq, files}, Libraries: []lithelock.Library{
				{Distribution: "psycopg", Library: "libpq.so.5", Package: "libpq5"}, {Distribution: "lightgbm", Library: "libgomp.so.1", Package: "libgomp1"}}}},
		Sizes: []lithelock.Size{{File: "numpy-2.5.5-cp313-cp313-manylinux_2_27_x86_64.whl", Hash: hash("c"), Size: 16_000_000},
			{File: "click-8.1.7-py3-none-any.whl", Hash: hash("d"), Size: 97_941, For: []string{"linux/s390x 3.13 glibc-2.41", "linux/ppc64le 3.13 glibc-2.41"}}},
		Builds: []lithelock.Build{
			{Name: "service", Source: ".", For: []string{"linux/arm64 3.13 glibc-2.41", "linux/amd64 3.13 glibc-2.41"}, Asked: []string{"wheel", "setuptools"}},
			{Name: "markupsafe", Version: "3.0.3", Source: hash("e"), For: []string{"linux/amd64 3.13 glibc-2.41"}, Asked: []string{"setuptools>=70.1"},
				Requires: []lithelock.Requirement{
					{Name: "wheel", Version: "0.46", File: "wheel-0.46-py3-none-any.whl", Hash: hash("f")},
					{Name: "setuptools", Version: "80.9.0", File: "setuptools-80.9.0-py3-none-any.whl", Hash: hash("9"), Size: 1_200_000,
						URL: "https://files.example.org/setuptools-80.9.0-py3-none-any.whl"},
				}},
		},
	}
}

func TestBuild(t *testing.T) {
	l := full()
	if b := l.Build(".", "linux/arm64 3.13 glibc-2.41"); b == nil || b.Name != "service" {
		t.Errorf("have %v", b)
	}
	if b := l.Build(hash("e"), "linux/arm64 3.13 glibc-2.41"); b != nil {
		t.Errorf("have %v", b)
	}
	one, other := l.Builds[1], l.Builds[1]
	other.For = []string{"linux/arm64 3.13 glibc-2.41"}
	merged := lithelock.MergeBuilds([]lithelock.Build{other, l.Builds[0], one})
	if len(merged) != 2 || len(merged[0].For) != 2 || len(one.For) != 1 {
		t.Errorf("have %+v", merged)
	}
}

func TestChoices(t *testing.T) {
	got := full().Choices("linux/s390x 3.13 glibc-2.41")
	if len(got) != 1 || got[hash("d")].File != "click-8.1.7-py3-none-any.whl" {
		t.Errorf("got %v", got)
	}
	if got := (*lithelock.Lock)(nil).Choices("linux/s390x 3.13 glibc-2.41"); len(got) != 0 {
		t.Errorf("without a lock: %v", got)
	}
}

func TestEncode(t *testing.T) {
	l := full()
	golden.Compare(t, "testdata/full.lock", l.Encode(), *update)
	if diff := cmp.Diff(full(), l); diff != "" {
		t.Errorf("encoding changed the lock: %s", diff)
	}
	shuffled := full()
	slices.Reverse(shuffled.Platforms)
	slices.Reverse(shuffled.Sizes)
	slices.Reverse(shuffled.Builds)
	slices.Reverse(shuffled.Builds[0].Requires)
	slices.Reverse(shuffled.Base.Indexes)
	slices.Reverse(shuffled.Base.System)
	if !bytes.Equal(shuffled.Encode(), l.Encode()) {
		t.Error("the order of the fields shows in the file")
	}
}

func TestRoundTrip(t *testing.T) {
	for name, l := range map[string]*lithelock.Lock{
		"full":  full(),
		"least": {Version: 1, Format: 1, Created: time.Unix(0, 0).UTC(), Base: lithelock.Base{Name: "b"}},
		"odd strings": {Version: 1, Format: 1, Created: time.Unix(1e9, 0).UTC(), Base: lithelock.Base{Name: `a"b\c #é😀`},
			Sizes: []lithelock.Size{{File: `"`, Hash: hash("0"), Size: 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			back, err := lithelock.Parse("lithe.lock", l.Encode())
			if err != nil {
				t.Fatalf("%v in\n%s", err, l.Encode())
			}
			anyOrder := []cmp.Option{
				cmpopts.SortSlices(func(a, b lithelock.Package) bool { return a.Name < b.Name }),
				cmpopts.SortSlices(func(a, b lithelock.Library) bool { return a.Distribution < b.Distribution }),
				cmpopts.SortSlices(func(a, b lithelock.Platform) bool { return a.Name < b.Name }),
				cmpopts.SortSlices(func(a, b lithelock.Size) bool { return a.Hash < b.Hash }),
				cmpopts.SortSlices(func(a, b lithelock.Index) bool { return a.Suite < b.Suite }),
				cmpopts.SortSlices(func(a, b lithelock.Build) bool { return a.Name < b.Name }),
				cmpopts.SortSlices(func(a, b lithelock.Requirement) bool { return a.Name < b.Name }),
				cmpopts.SortSlices(func(a, b string) bool { return a < b }),
			}
			if diff := cmp.Diff(l, back, anyOrder...); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(string(l.Encode()), string(back.Encode())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestEveryFieldIsWritten changes each string and number of the file's text in turn, so that a field that is not read
// or not written is found.
func TestEveryFieldIsWritten(t *testing.T) {
	text := string(full().Encode())
	for _, change := range [][2]string{
		{"2026-11-14T08:30:00Z", "2026-11-14T08:30:01Z"}, {`python = "3.13.5"`, `python = "3.13.6"`},
		{`compiler = "3.13.5"`, `compiler = "3.13.4"`}, {`"debian:trixie"`, `"debian:forky"`}, {`"libmagic1"`, `"libmagic2"`},
		{`suite = "trixie"`, `suite = "trixie-x"`}, {hash("1"), hash("2")}, {", expired = true", ""}, {`"linux/arm64"`, `"linux/riscv64"`},
		{`"zlib1g"`, `"zlib2g"`}, {"1.3.1-1+b1\"", "1.3.1-1+b2\""}, {`"amd64"`, `"all"`}, {hash("a"), hash("e")}, {"88000", "88001"},
		{`"debian-security"`, `"debian"`}, {"z/zlib/", "z/zlob/"}, {`part = "interpreter"`, `part = "base"`},
		{`"libpython3.13-stdlib"`, `"root"`}, {"click-8", "Click-8"}, {hash("d"), hash("f")}, {`"psql"]`, `"psql2"]`}, {"97941", "97942"},
		{`name = "markupsafe"`, `name = "markup"`}, {`version = "3.0.3"`, `version = "3.0.4"`}, {hash("e"), "folder"},
		{`for = ["linux/amd64 3.13 glibc-2.41"]`, `for = ["linux/amd64 3.12 glibc-2.41"]`}, {`"setuptools>=70.1"`, `"setuptools>=70.2"`},
		{`name = "wheel"`, `name = "wheels"`}, {`version = "80.9.0"`, `version = "80.9.1"`}, {"wheel-0.46-", "wheel-0.47-"}, {hash("9"), hash("8")},
		{"1200000", "1200001"}, {"files.example.org", "files.example.com"},
	} {
		changed := strings.Replace(text, change[0], change[1], 1)
		if changed == text {
			t.Errorf("%s is not in the file", change[0])
			continue
		}
		l, err := lithelock.Parse("lithe.lock", []byte(changed))
		if err != nil {
			t.Errorf("%s: %v", change[1], err)
			continue
		}
		if again := string(l.Encode()); again == text {
			t.Errorf("the change from %s to %q is lost", change[0], change[1])
		}
	}
}

func TestLookups(t *testing.T) {
	l := full()
	if p := l.Platform("linux/amd64"); p == nil || len(p.Packages) != 3 {
		t.Errorf("platform is %v", p)
	}
	if p := l.Platform("linux/s390x"); p != nil {
		t.Errorf("platform is %v", p)
	}
	if n := l.SizesByHash()[hash("d")]; n != 97_941 {
		t.Errorf("size is %d", n)
	}
	if n := l.SizesByHash()[hash("9")]; n != 0 {
		t.Errorf("size is %d", n)
	}
	if !l.Base.AllowExpired() || (lithelock.Base{}).AllowExpired() {
		t.Error("expired indexes are not told")
	}
}

func TestParseRefuses(t *testing.T) {
	good := string(full().Encode())
	replace := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("%s is not in the file", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"empty":           {"", []string{"lithe.lock:1: no number stands behind version; delete the file and run `lithe lock`"}},
		"newer version":   {replace("version = 1\n", "version = 2\nwhat = {}\n"), []string{"lithe.lock:4: version 2 of lithe.lock is unknown", "update lithe"}},
		"text as version": {replace("version = 1\n", "version = \"1\"\n"), []string{"no number"}},
		"newer format":    {replace("format = 1\n", "format = 2\n"), []string{"lithe.lock:5: images of format 2 need a newer lithe; this one makes format 1; update lithe"}},
		"older format":    {replace("format = 1\n", "format = 0\n"), []string{"lithe.lock:5:", "delete the file and run `lithe lock`"}},
		"no format":       {replace("format = 1\n", ""), []string{"behind format"}},
		"conflict": {replace("    { name = \"zlib1g\"", "<<<<<<< HEAD\n    { name = \"zlib1g\""),
			[]string{": a merge conflict was left in the file; keep either side, then run `lithe lock`"}},
		"no TOML":               {"= = =", []string{"lithe.lock:1:"}},
		"unknown key":           {replace("[base]\n", "[base]\nflavour = 1\n"), []string{`unknown key "flavour"; update lithe`}},
		"missing name":          {replace("name = \"debian:trixie\"\n", ""), []string{"name is missing"}},
		"no base":               {"version = 1\nformat = 1\ncreated = 2026-01-01T00:00:00Z\n", []string{"[base] is missing"}},
		"local time":            {replace("created = 2026-11-14T08:30:00Z", "created = 2026-11-14T08:30:00"), []string{"created is no date"}},
		"text as time":          {replace("created = 2026-11-14T08:30:00Z", "created = \"2026-11-14T08:30:00Z\""), []string{"created is no date"}},
		"time too late":         {replace("created = 2026", "created = 9999"), []string{"created is no date"}},
		"login in a source":     {replace("url = \"https://apt", "url = \"https://u:p@apt"), []string{"url cannot be"}},
		"source by ftp":         {replace("url = \"https://apt", "url = \"ftp://apt"), []string{"url cannot be"}},
		"source twice":          {replace("url = \"http://flat.example.org:8080\", suite = \"./\"", "url = \"https://apt.example.org/debian\", suite = \"trixie\""), []string{"stands here and in line"}},
		"component that climbs": {replace("\"extra/more\"", "\"../more\""), []string{"components[1] is no component"}},
		"archive with a query":  {replace("archive = \"https://apt.example.org/debian\"", "archive = \"https://apt.example.org/debian?x\""), []string{"archive cannot be"}},
		"short hash":            {replace(hash("a"), "sha256:aa"), []string{`hash cannot be "sha256:aa"`}},
		"md5":                   {replace(hash("a"), "md5:"+strings.Repeat("a", 32)), []string{"hash cannot be"}},
		"upper case":            {replace(hash("a"), hash("A")), []string{"hash cannot be"}},
		"no size":               {replace("size = 88000", "size = 0"), []string{"size is no number of bytes"}},
		"negative size":         {replace("size = 88000", "size = -1"), []string{"size is no number of bytes"}},
		"absolute path":         {replace("pool/main/z", "/pool/main/z"), []string{"path cannot be"}},
		"climbing path":         {replace("pool/main/z", "../pool/main/z"), []string{"path cannot be"}},
		"unclean path":          {replace("pool/main/z", "pool/x/../main/z"), []string{"path cannot be"}},
		"query in path":         {replace("pool/main/z", "pool?x/z"), []string{"path cannot be"}},
		"bad name":              {replace(`name = "zlib1g"`, `name = "Zlib 1"`), []string{"name cannot be"}},
		"bad version":           {replace("1:1.3.dfsg", "1 1.3"), []string{"version cannot be"}},
		"line break":            {replace(`reason = "libpython3.13-stdlib"`, `reason = "a\nb"`), []string{"reason cannot be"}},
		"bad platform":          {replace("linux/arm64", "linux"), []string{"name cannot be"}},
		"wrong types": {replace("expired = true", "expired = 1"),
			[]string{"expired is neither true nor false"}},
		"string as list":    {replace("sizes = [", "sizes = \"[\"\nold = ["), []string{"sizes is of type string, not an array", `unknown key "old"`}},
		"numbers in list":   {replace("sizes = [", "sizes = [\n    7,"), []string{"sizes holds a value of type integer"}},
		"number as package": {replace(`"libmagic1"`, "7"), []string{"system-packages[0]"}},
		"package twice": {replace(`name = "zlib1g"`, `name = "base-files"`),
			[]string{`name "base-files" stands here and in line `}},
		"platform twice": {replace("linux/arm64", "linux/amd64"), []string{`name "linux/amd64" stands here and in line`}},
		"hash twice":     {replace(hash("c"), hash("d")), []string{"stands here and in line"}},
		"suite twice":    {replace(`"trixie-security"`, `"trixie"`), []string{"stands here and in line"}},
		"too large":      {strings.Repeat("#", 16<<20+1), []string{"more than 16777216"}},
		"long string":    {replace("libpython3.13-stdlib", strings.Repeat("x", 2000)), []string{"reason cannot be"}},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := lithelock.Parse("lithe.lock", []byte(test.text))
			if err == nil || l != nil {
				t.Fatalf("lock %v, error %v", l, err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error is %.500v, want %q in it", err, want)
				}
			}
			problems, ok := diag.Problems(err)
			if !ok {
				t.Fatalf("%v is no problem that a user can fix", err)
			}
			for _, p := range problems {
				if p.Pos.File != "lithe.lock" || p.Code == "" || len(p.What) > 300 {
					t.Errorf("problem %#v", p)
				}
			}
		})
	}
}

func TestParseReportsAllProblems(t *testing.T) {
	text := strings.NewReplacer("size = 88000", "size = 0", hash("d"), "none", "{ suite = \"trixie\"", "{ suite = 3", "\nsuite = \"trixie\"", "\nsuite = 3").Replace(string(full().Encode()))
	_, err := lithelock.Parse("lithe.lock", []byte(text))
	if problems, _ := diag.Problems(err); len(problems) != 4 {
		t.Errorf("%d problems, want 4: %v", len(problems), err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(full().Encode())
	f.Add(onImage().Encode())
	f.Add([]byte("version = 1\nformat = 1\ncreated = 1979-05-27T00:32:00.999-07:00\nbase = {name = \"\\u00e9\\\"\"}\n[[platform]]\nname='a/b'"))
	f.Add([]byte("version = 1\nformat = 1\nsizes = [{}, 1]\n[base]\n[platform]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := lithelock.Parse("lithe.lock", data)
		if err != nil {
			if _, ok := diag.Problems(err); !ok || l != nil {
				t.Fatalf("lock %v, error %v", l, err)
			}
			return
		}
		text := l.Encode()
		back, err := lithelock.Parse("lithe.lock", text)
		if err != nil {
			t.Fatalf("%v in what was written:\n%s", err, text)
		}
		if diff := cmp.Diff(l, back, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("read back: %s", diff)
		}
		if !bytes.Equal(back.Encode(), text) {
			t.Errorf("written again:\n%s\nwas\n%s", back.Encode(), text)
		}
	})
}
