package release

import (
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

func TestParseRefuses(t *testing.T) {
	row := func(s string) string { return "SHA256:\n " + s + "\n" }
	for name, test := range map[string]struct{ in, want string }{
		"date of no form":  {"Date: today\n", "Date"},
		"other zone":       {"Date: Sat, 09 Aug 2025 10:00:00 CEST\n", "not a date in UTC"},
		"Valid-Until":      {"Valid-Until: Sat, 99 Aug 2025 10:00:00 UTC\n", "Valid-Until"},
		"two columns":      {row(zeros + " main/x"), "three columns"},
		"four columns":     {row(zeros + " 1 main/x y"), "three columns"},
		"short hash":       {row("00 1 main/x"), "SHA256"},
		"negative size":    {row(zeros + " -1 main/x"), "size"},
		"huge size":        {row(zeros + " 99999999999999999999 main/x"), "size"},
		"climbing":         {row(zeros + " 1 ../x"), "climbs"},
		"climbing inside":  {row(zeros + " 1 main/../../x"), "climbs"},
		"absolute":         {row(zeros + " 1 /etc/passwd"), "climbs"},
		"twice, differing": {row(zeros + " 1 main/x\n " + zeros + " 2 main/x"), "stands twice"},
		"field twice":      {"Suite: a\nSuite: b\n", "stands twice"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse([]byte("Origin: x\n"+test.in), "Release"); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want %q", err, test.want)
			}
		})
	}
}

func TestDates(t *testing.T) {
	for _, s := range []string{"Sat, 09 Aug 2025 10:00:00 UTC", "Sat, 9 Aug 2025 10:00:00 GMT", "Sat,  9 Aug 2025 10:00:00 +0000",
		"Sat, 09 Aug 2025 10:00:00 Z"} {
		r, err := Parse([]byte("Date: "+s+"\n"), "Release")
		if err != nil || !r.Date.Equal(date) {
			t.Errorf("%q is %v, %v", s, r, err)
		}
	}
}

func TestPackages(t *testing.T) {
	one, two := strings.Repeat("1", 64), strings.Repeat("2", 64)
	const dir = "main/binary-amd64/"
	in := "Codename: trixie\nArchitectures: amd64\nComponents: main\nSHA256:\n " + one + " 5 " + dir + "Packages.gz\n " +
		two + " 4 " + dir + "Packages.xz\n " + two + " 4 " + dir + "Packages.xz\n " + one + " 4 main/source/Sources.xz\n"
	r, err := Parse([]byte(in), "Release")
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Packages("main", "amd64")
	if err != nil {
		t.Fatal(err)
	}
	want := []Index{{Path: dir + "Packages.xz", File: File{"sha256:" + two, 4}}, {Path: dir + "Packages.gz", File: File{"sha256:" + one, 5}}}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	r.ByHash = true
	got, err = r.Packages("main", "amd64")
	if err != nil || got[0].ByHash != dir+"by-hash/SHA256/"+two {
		t.Errorf("by-hash is %q, %v", got[0].ByHash, err)
	}
	if got, err = r.Packages("", "amd64"); err == nil {
		t.Errorf("a suite has packages side by side: %v", got)
	}
	folder, err := Parse([]byte("Acquire-By-Hash: yes\nNotAutomatic: yes\nSHA256:\n "+one+" 5 Packages.gz\n"), "Release")
	if err != nil || !folder.NotAutomatic || r.NotAutomatic {
		t.Fatal(folder, err)
	}
	if got, err = folder.Packages("", "amd64"); err != nil || got[0].Path != "Packages.gz" || got[0].ByHash != "by-hash/SHA256/"+one {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := r.Packages("main", "riscv64"); err == nil || !strings.Contains(err.Error(), "it has components main; architectures amd64") {
		t.Errorf("error is %v", err)
	}
	if _, err := (&Release{Suite: "old"}).Packages("main", "amd64"); err == nil || !strings.Contains(err.Error(), "no SHA256") {
		t.Errorf("error is %v", err)
	}
}

func TestCheckName(t *testing.T) {
	r := &Release{Suite: "stable-security", Codename: "trixie-security"}
	for asked, ok := range map[string]bool{"trixie-security": true, "stable-security": true, "bookworm-security": false, "": false} {
		if err := r.CheckName(asked); (err == nil) != ok {
			t.Errorf("CheckName(%q) = %v", asked, err)
		}
	}
	if got := (&Release{}).Name(); got != "(unnamed)" {
		t.Errorf("a Release without a name is called %q", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(text)
	f.Add("Date: Sat, 09 Aug 2025 10:00:00 UTC\nSHA256:\n x\n")
	f.Fuzz(func(t *testing.T, in string) {
		r, err := Parse([]byte(in), "Release")
		if err != nil {
			return
		}
		for name, file := range r.SHA256 {
			if strings.HasPrefix(name, "/") || strings.Contains("/"+name+"/", "/../") || len(file.Hash) != 71 || file.Size < 0 {
				t.Fatalf("%q: %+v", name, file)
			}
		}
	})
}
