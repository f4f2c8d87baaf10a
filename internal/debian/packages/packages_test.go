package packages

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const sum = "8becb1d6afede51c24a24b76bdb90b17cfbf9213f373b9df02ff85d6ddf52153"

// stanza returns a good stanza with some fields replaced or, by an empty value, left out.
func stanza(changes ...string) string {
	fields := []string{"Package", "evil", "Version", "1:1.0-1", "Architecture", "amd64",
		"Filename", "pool/e/evil_1.0-1_amd64.deb", "Size", "472", "MD5sum", sum[:32], "SHA256", sum}
	for i := 0; i < len(changes); i += 2 {
		found := false
		for j := 0; j < len(fields); j += 2 {
			if fields[j] == changes[i] {
				fields[j+1], found = changes[i+1], true
			}
		}
		if !found {
			fields = append(fields, changes[i], changes[i+1])
		}
	}
	var b strings.Builder
	for i := 0; i < len(fields); i += 2 {
		if fields[i+1] != "" {
			b.WriteString(fields[i] + ": " + fields[i+1] + "\n")
		}
	}
	return b.String() + "\n"
}

func readAll(r io.Reader) ([]Package, error) {
	var all []Package
	err := Read(r, "Packages", func(p Package) error { all = append(all, p); return nil })
	return all, err
}

func TestRead(t *testing.T) {
	in := stanza("Depends", "libc6 (>= 2.38),\n libz1 | zlib1g", "Pre-Depends", "aa", "Provides", "bb (= 1)",
		"Essential", "yes", "Multi-Arch", "same", "Source", "src (1.0)", "Conflicts", "cc", "Breaks", "dd (<< 1)",
		"Description", "nothing") + stanza("Package", "g++", "Filename", "./g++.deb", "SHA256", strings.ToUpper(sum))
	want := []Package{
		{Name: "evil", Version: "1:1.0-1", Architecture: "amd64", Source: "src (1.0)", MultiArch: "same", Essential: true,
			Depends: "libc6 (>= 2.38),\n libz1 | zlib1g", PreDepends: "aa", Provides: "bb (= 1)", Conflicts: "cc",
			Breaks: "dd (<< 1)", Filename: "pool/e/evil_1.0-1_amd64.deb", Hash: "sha256:" + sum, Size: 472, Line: 1},
		{Name: "g++", Version: "1:1.0-1", Architecture: "amd64", Filename: "g++.deb", Hash: "sha256:" + sum, Size: 472, Line: 19},
	}
	got, err := readAll(strings.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRefused(t *testing.T) {
	for name, test := range map[string]struct{ in, want string }{
		"no name":          {stanza("Package", ""), "package name"},
		"path as name":     {stanza("Package", "../x"), "package name"},
		"no version":       {stanza("Version", ""), "version"},
		"only MD5":         {stanza("SHA256", ""), "SHA256 is missing"},
		"short SHA256":     {stanza("SHA256", sum[:62]), "SHA256"},
		"long SHA256":      {stanza("SHA256", sum+"00"), "SHA256"},
		"SHA256 of no hex": {stanza("SHA256", sum[:63]+"g"), "SHA256"},
		"no Filename":      {stanza("Filename", ""), "Filename"},
		"climbing":         {stanza("Filename", "../../../etc/passwd"), "Filename"},
		"climbing inside":  {stanza("Filename", "pool/../../x.deb"), "Filename"},
		"only up":          {stanza("Filename", ".."), "Filename"},
		"up at the end":    {stanza("Filename", "pool/.."), "Filename"},
		"absolute":         {stanza("Filename", "/etc/passwd"), "Filename"},
		"double slash":     {stanza("Filename", "pool//x.deb"), "Filename"},
		"folder":           {stanza("Filename", "pool/"), "Filename"},
		"query":            {stanza("Filename", "pool/x.deb?y"), "Filename"},
		"fragment":         {stanza("Filename", "pool/x#.deb"), "Filename"},
		"backslash":        {stanza("Filename", `pool\..\x`), "Filename"},
		"space":            {stanza("Filename", "pool/x y.deb"), "Filename"},
		"two lines":        {stanza("Filename", "pool/\n x.deb"), "Filename"},
		"long":             {stanza("Filename", strings.Repeat("x", 1025)), "Filename"},
		"no Size":          {stanza("Size", ""), "Size"},
		"negative Size":    {stanza("Size", "-1"), "Size"},
		"zero Size":        {stanza("Size", "0"), "Size"},
		"huge Size":        {stanza("Size", "99999999999"), "Size"},
		"not a paragraph":  {"<html>\n", "is not \"Field"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readAll(strings.NewReader(stanza() + test.in))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error is %v, want %q", err, test.want)
			}
			if !strings.HasPrefix(err.Error(), "Packages:9: ") || len(got) != 1 {
				t.Errorf("%d packages, and the error has the wrong place: %v", len(got), err)
			}
		})
	}
}

func TestCallbackError(t *testing.T) {
	stop, calls := errors.New("enough"), 0
	err := Read(strings.NewReader(stanza()+stanza()), "Packages", func(Package) error { calls++; return stop })
	if err != stop || calls != 1 {
		t.Errorf("%d calls, error %v", calls, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(stanza() + stanza("Filename", "./x.deb"))
	f.Add(stanza("Filename", "../x"))
	f.Fuzz(func(t *testing.T, in string) {
		all, _ := readAll(strings.NewReader(in))
		for _, p := range all {
			if p.Name == "" || len(p.Hash) != len("sha256:")+64 || p.Size <= 0 || p.Line < 1 {
				t.Fatalf("%+v", p)
			}
			for part := range strings.SplitSeq(p.Filename, "/") {
				if part == "" || part == "." || part == ".." {
					t.Fatalf("Filename %q", p.Filename)
				}
			}
		}
	})
}

// A suite's Packages file has 69,000 stanzas; this one has 1,000.
func BenchmarkRead(b *testing.B) {
	data := strings.Repeat(stanza("Depends", "libc6 (>= 2.38), libssl3t64 (>= 3.0.0), zlib1g (>= 1:1.1.4)",
		"Maintainer", "A Person <person@example.org>", "Description", "a package", "Section", "libs",
		"Description-md5", sum[:32], "Homepage", "https://example.org", "Tag", "role::shared-lib"), 1000)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		err := Read(strings.NewReader(data), "Packages", func(Package) error { n++; return nil })
		if err != nil || n != 1000 {
			b.Fatal(n, err)
		}
	}
}
