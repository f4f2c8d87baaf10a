package base

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/testkit/debmirror"
	"github.com/lithe-build/lithe/internal/testkit/golden"
)

var update = flag.Bool("update", false, "rewrite goldens")

// TestAssemble compares the listing of a whole synthetic base: merging, pruning, what is made, and in which part.
func TestAssemble(t *testing.T) {
	m := debmirror.New(t, syntheticSuites()...)
	c, _ := client(t)
	pins := mustResolve(t, c, options(m))
	stages := map[string]Event{}
	b, err := assemble(context.Background(), c, synthetic, pins, amd64, options(m),
		serialized(func(e Event) { stages[e.Stage] = e }))
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "testdata/synthetic.txt", []byte(listing(t, b)), *update)
	for stage, e := range stages {
		if e.Done != e.Total || e.Total == 0 {
			t.Errorf("%s ends with %d of %d", stage, e.Done, e.Total)
		}
	}
	if len(stages) != 2 {
		t.Errorf("stages %v, want fetch and unpack", stages)
	}
	checkMerged(t, b)
}

// listing prints a base: facts, then each part with its entries and small contents.
func listing(t *testing.T, b *Base) string {
	t.Helper()
	var out strings.Builder
	fmt.Fprintf(&out, "%s %s %s: Python %s %s, %s, %s\n", b.Name, b.Suite, b.Platform, b.Python, b.ABI, b.Libc, b.Interpreter)
	fmt.Fprintf(&out, "sources %s\n", strings.Join(b.StdlibSources, " "))
	for _, p := range b.Parts {
		fmt.Fprintf(&out, "\npart %s: %s\n", p.Kind, strings.Join(p.Packages, " "))
		for _, e := range p.Entries {
			switch e.Type {
			case entry.Dir:
				fmt.Fprintf(&out, "%v %s/\n", e.Mode, e.Path)
			case entry.Symlink:
				fmt.Fprintf(&out, "---------- %s -> %s\n", e.Path, e.Link)
			case entry.File:
				fmt.Fprintf(&out, "%v %s%s\n", e.Mode, e.Path, shown(t, e))
			}
		}
	}
	return out.String()
}

// shown returns text contents that fit on a line.
func shown(t *testing.T, e entry.Entry) string {
	t.Helper()
	data, err := e.Read()
	if err != nil {
		t.Fatal(err)
	}
	if len(data) > 120 || strings.ContainsRune(string(data), 0) {
		return " …"
	}
	return fmt.Sprintf(" %q", data)
}

// checkMerged holds what every base promises of its paths and modes.
func checkMerged(t *testing.T, b *Base) {
	t.Helper()
	seen := map[string]string{}
	for _, p := range b.Parts {
		for _, e := range p.Entries {
			if before, twice := seen[e.Path]; twice {
				t.Errorf("%s is in parts %s and %s", e.Path, before, p.Kind)
			}
			seen[e.Path] = p.Kind
			if mergedPath(e.Path) != e.Path {
				t.Errorf("%s lies below a link", e.Path)
			}
			switch {
			case e.Type == entry.Dir && e.Mode != 0o755 && e.Path != "tmp",
				e.Type == entry.File && e.Mode != 0o644 && e.Mode != 0o755, e.Type == entry.Symlink && e.Mode != 0:
				t.Errorf("%s has mode %v", e.Path, e.Mode)
			}
		}
	}
}

// TestAssembleTwice: neither the order of downloads nor the number of workers shows.
func TestAssembleTwice(t *testing.T) {
	m := debmirror.New(t, syntheticSuites()...)
	var first string
	for i, jobs := range []int{1, 8, 2} {
		c, _ := client(t)
		opt := options(m)
		opt.Jobs = jobs
		b, err := assemble(context.Background(), c, synthetic, mustResolve(t, c, opt), amd64, opt, serialized(nil))
		if err != nil {
			t.Fatal(err)
		}
		got := listing(t, b)
		if i > 0 && got != first {
			t.Errorf("with %d jobs:\n%s", jobs, cmp.Diff(first, got))
		}
		first = got
	}
}

func TestAssembleRefuses(t *testing.T) {
	file := debmirror.File{Path: "etc/same", Content: "x"}
	for _, test := range []struct {
		name       string
		tree, clib []debmirror.File
		want       string
	}{
		{"one file of two packages", []debmirror.File{file}, []debmirror.File{file}, "packages clib and tree both have /etc/same"},
		{"a file at a directory", []debmirror.File{file}, []debmirror.File{{Path: "etc/same", Dir: true}}, "both have /etc/same"},
		{
			"through a link of another package", []debmirror.File{{Path: "opt/x", Symlink: "../etc"}}, []debmirror.File{{Path: "opt/x/passwd", Content: "root"}},
			"both have /opt/x",
		},
		{"twice after merging", []debmirror.File{{Path: "lib/a", Content: "1"}, {Path: "usr/lib/a", Content: "2"}}, nil, "usr/lib/a stands in it twice"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := debmirror.New(t, debmirror.Suite{Name: "synth-updates"}, debmirror.Suite{Name: "synth-security"},
				debmirror.Suite{Name: "synth", Packages: []debmirror.Package{
					{Name: "tree", Version: "1", Files: test.tree}, {Name: "clib", Version: "2.41", Files: test.clib},
					{Name: "python3.99", Version: "3.99.1"},
				}})
			c, _ := client(t)
			err := resolveAndAssemble(c, synthetic, options(m))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

func TestCheckPathsThroughLink(t *testing.T) {
	err := checkPaths([]*unpacked{
		{pin: Pin{Name: "one"}, entries: []entry.Entry{entry.NewSymlink("opt/x", "../etc")}},
		{pin: Pin{Name: "two"}, entries: []entry.Entry{entry.NewFile("opt/x/deep/passwd", nil, false)}},
	})
	if err == nil || err.Error() != "package two has /opt/x/deep/passwd, but /opt/x of package one is no directory" {
		t.Errorf("error %v", err)
	}
}

func TestOtherPlatform(t *testing.T) {
	m := debmirror.New(t, syntheticSuites()...)
	c, _ := client(t)
	opt := options(m)
	pins := mustResolve(t, c, opt)
	if _, err := assemble(context.Background(), c, synthetic, pins, "linux/arm64", opt, serialized(nil)); err == nil ||
		!strings.Contains(err.Error(), "not locked for linux/arm64") {
		t.Errorf("a platform that is not locked: %v", err)
	}
	for platform, want := range map[string]string{"windows/amd64": "is not supported", "linux/arm64": "arm64"} {
		opt.Platforms = []string{platform}
		if _, err := resolve(context.Background(), c, synthetic, opt, serialized(nil)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", platform, err)
		}
	}
}

func TestCheckPins(t *testing.T) {
	good := Pin{Name: "a1", Part: KindBase, Archive: archiveMain, Path: "pool/main/a/a1/a1_1.0+b~c_amd64.deb"}
	sources := []SourcePin{{URL: vendor, Suite: "stable"}}
	added, theirs := good, good
	added.Archive, added.Part, theirs.Archive, theirs.Part = archiveLocal, KindSystem, vendor, KindSystem
	if err := checkPins([]Pin{good, added, theirs}, sources, KindBase, KindInterpreter, KindSystem); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*Pin){
		`part "other"`:    func(p *Pin) { p.Part = "other" },
		`archive "evil"`:  func(p *Pin) { p.Archive = "evil" },
		`archive "local"`: func(p *Pin) { p.Archive = archiveLocal },
		`archive "https`:  func(p *Pin) { p.Archive = vendor },
		`archive "http:`:  func(p *Pin) { p.Archive, p.Part = second, KindSystem },
		`"../../x"`:       func(p *Pin) { p.Path = "../../x" },
		`"/x"`:            func(p *Pin) { p.Path = "/x" },
		`"x?y"`:           func(p *Pin) { p.Path = "x?y" },
	} {
		bad := good
		change(&bad)
		err := checkPins([]Pin{good, bad}, sources, KindBase, KindInterpreter, KindSystem)
		if _, ok := diag.Problems(err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestCancelled(t *testing.T) {
	m := debmirror.New(t, syntheticSuites()...)
	c, st := client(t)
	opt := options(m)
	pins := mustResolve(t, c, opt)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := assemble(ctx, c, synthetic, pins, amd64, opt, serialized(nil)); err == nil {
		t.Error("a cancelled context assembles a base")
	}
	checkClean(t, st)
}

// TestPublicNames goes through the exported functions, with the packages that the table of suites names.
func TestPublicNames(t *testing.T) {
	var packages []debmirror.Package
	for _, name := range suites[0].roots {
		packages = append(packages, debmirror.Package{Name: name, Version: "2.41-1", Files: []debmirror.File{
			{Path: filepath.Join("usr/share/doc", name, "copyright"), Content: name}}})
	}
	packages = append(packages, debmirror.Package{Name: "python3.13", Version: "3.13.5-2", Files: []debmirror.File{
		{Path: "usr/bin/python3.13", Content: "elf", Mode: 0o755}}})
	m := debmirror.New(t, debmirror.Suite{Name: "trixie", Packages: packages}, debmirror.Suite{Name: "trixie-updates"},
		debmirror.Suite{Name: "trixie-security"})
	c, _ := client(t)
	pins, err := Resolve(context.Background(), c, options(m), nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Assemble(context.Background(), c, pins, amd64, options(m), nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := pins.Facts(amd64)
	if err != nil || f != b.Facts || f.Python != "3.13.5" || b.Suite != "trixie" {
		t.Errorf("facts %+v, base %+v, %v", f, b.Facts, err)
	}
	if _, err := Resolve(context.Background(), c, Options{Name: "nothing"}, nil); err == nil {
		t.Error("an unknown base resolves")
	}
}

// A mirror that wants credentials has them in its URL, and they are nobody's business.
func TestSupersededKeepsSecrets(t *testing.T) {
	err := superseded(Pin{Name: "zlib1g", Version: "1"}, []string{"https://me:secret@mirror.example/pool/z.deb"}, nil)
	if text := err.Error(); strings.Contains(text, "secret") || !strings.Contains(text, "mirror.example/pool/z.deb") {
		t.Error(text)
	}
}
