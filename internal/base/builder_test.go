package base

import (
	"context"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/testkit/debmirror"
)

// lockedBuilder is the tiny trixie with a builder.
func lockedBuilder(t *testing.T, wants ...string) (*fetch.Client, *Pins, Options) {
	t.Helper()
	m := debmirror.New(t, debmirror.Trixie()...)
	c, _ := client(t)
	opt := options(m)
	opt.Name = "debian:trixie"
	for _, w := range wants {
		opt.Build = append(opt.Build, Want{Name: w})
	}
	pins, err := Resolve(t.Context(), c, opt, nil)
	if err != nil {
		t.Fatal(err)
	}
	if pins.Platforms[0].Builder != nil {
		t.Error("a base has a builder that nobody asked for")
	}
	pins, err = LockBuilders(t.Context(), c, pins, []string{amd64}, nil, opt, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c, pins, opt
}

// TestBuilder: the folder has what a compilation needs, the links that scripts would have made among it.
func TestBuilder(t *testing.T) {
	c, pins, opt := lockedBuilder(t, "libpq-dev")
	if !slices.Equal(pins.BuildPackages, []string{"libpq-dev"}) || pins.Platforms[0].Builder.Suite != "trixie" {
		t.Errorf("pins %+v", pins)
	}
	dir := t.TempDir()
	if err := AssembleBuilder(t.Context(), c, pins, amd64, dir, opt, nil); err != nil {
		t.Fatal(err)
	}
	for link, want := range map[string]string{"usr/bin/cc": "/etc/alternatives/cc", "etc/alternatives/cc": "/usr/bin/gcc", "usr/bin/c++": "/etc/alternatives/c++",
		"usr/bin/sh": "dash", "usr/bin/python3": "python3.13", "usr/bin/pkg-config": "pkgconf", "bin": "usr/bin", "lib64": "usr/lib64"} {
		if got, err := os.Readlink(filepath.Join(dir, link)); err != nil || got != want {
			t.Errorf("%s leads to %q, %v", link, got, err)
		}
	}
	for name, want := range map[string]string{"usr/include/python3.13/Python.h": "PY_VERSION", "usr/bin/pg_config": "perl", "etc/passwd": "root:",
		"etc/ssl/certs/ca-certificates.crt": "BEGIN", "usr/include/postgresql/libpq-fe.h": "PQ", "usr/lib/python3.13/os.py": "posix"} {
		if data, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%s has %q, %v", name, data, err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "usr/bin/pg_config"))
	if err != nil || info.Mode() != 0o755 || !info.ModTime().Equal(fileTime) {
		t.Errorf("pg_config: %v, %v", info, err)
	}
	for _, name := range BuilderDirs {
		if left, err := os.ReadDir(filepath.Join(dir, name)); err != nil || len(left) != 0 {
			t.Errorf("%s has %v, %v", name, left, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "usr/share/man/man1/x.1")); !os.IsNotExist(err) {
		t.Errorf("a manual: %v", err)
	}
}

// TestBuilderIsTheSame: two folders of the same pins have the same files.
func TestBuilderIsTheSame(t *testing.T) {
	c, pins, opt := lockedBuilder(t)
	var before map[string]string
	for range 2 {
		dir := t.TempDir()
		if err := AssembleBuilder(t.Context(), c, pins, amd64, dir, opt, nil); err != nil {
			t.Fatal(err)
		}
		now := filesIn(t, dir)
		if before != nil && !maps.Equal(before, now) {
			t.Error("the folders differ")
		}
		before = now
	}
}

func filesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text := info.Mode().String()
		switch {
		case info.Mode().IsRegular():
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text += info.ModTime().UTC().String() + string(data)
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			text += target
		}
		all[strings.TrimPrefix(path, dir)] = text
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestBuilderRefusesScripts: what build-packages bring is held to the same rule as system packages.
func TestBuilderRefusesScripts(t *testing.T) {
	c, pins, opt := lockedBuilder(t, "libodd-dev")
	err := AssembleBuilder(t.Context(), c, pins, amd64, t.TempDir(), opt, nil)
	problems, ok := diag.Problems(err)
	if !ok || len(problems) != 1 || problems[0].Code != "unknown-script" || !strings.Contains(problems[0].What, "libodd-dev") {
		t.Fatalf("got %v", err)
	}
	opt.AcceptScripts = []string{"libodd-dev"}
	if err := AssembleBuilder(t.Context(), c, pins, amd64, t.TempDir(), opt, nil); err != nil {
		t.Fatal(err)
	}
}

// TestBuilderOfAnotherPython: indexes that have moved to another Python than the locked base's give no builder for it.
func TestBuilderOfAnotherPython(t *testing.T) {
	c, pins, opt := lockedBuilder(t)
	pins.Platforms[0].Builder = nil
	for i, p := range pins.Platforms[0].Packages {
		if p.Name == "python3.13" {
			pins.Platforms[0].Packages[i].Version = "3.13.4-1"
		}
	}
	_, err := LockBuilders(t.Context(), c, pins, []string{amd64}, nil, opt, nil)
	problems, ok := diag.Problems(err)
	if !ok || problems[0].Code != "builder-mismatch" || !strings.Contains(problems[0].What, "3.13.5") || !strings.Contains(problems[0].What, "3.13.4") {
		t.Fatalf("got %v", err)
	}
}

// TestBuilderKeepsVersions: one more package to build with does not move the others, and no index may go back.
func TestBuilderKeepsVersions(t *testing.T) {
	c, pins, opt := lockedBuilder(t)
	opt.Build = []Want{{Name: "libpq-dev"}}
	more, err := LockBuilders(t.Context(), c, pins, []string{amd64}, nil, opt, nil)
	if err != nil {
		t.Fatal(err)
	}
	had := map[string]string{}
	for _, p := range more.Platforms[0].Builder.Packages {
		had[p.Name] = p.Version
	}
	for _, p := range pins.Platforms[0].Builder.Packages {
		if had[p.Name] != p.Version {
			t.Errorf("%s moved from %s to %s", p.Name, p.Version, had[p.Name])
		}
	}
	if had["libpq-dev"] == "" || had["libpq5"] == "" {
		t.Errorf("packages %v", had)
	}
	pins.Platforms[0].Builder.Created = now.AddDate(1, 0, 0)
	_, err = LockBuilders(context.Background(), c, pins, []string{amd64}, nil, opt, nil)
	if problems, ok := diag.Problems(err); !ok || problems[0].Code != "older-index" {
		t.Errorf("got %v", err)
	}
}

// TestCargo: the compiler of Rust is the one that the suite keeps new, where it has one.
func TestCargo(t *testing.T) {
	for _, test := range []struct {
		more []debmirror.Package
		want string
	}{
		{nil, "cargo"},
		{[]debmirror.Package{{Name: "cargo-web", Version: "1.96.0-1", Arch: "amd64", Files: []debmirror.File{{Path: "usr/bin/cargo", Mode: 0o755}}}}, "cargo-web"},
	} {
		suites := debmirror.Trixie()
		suites[0].Packages = append(suites[0].Packages, test.more...)
		m := debmirror.New(t, suites...)
		c, _ := client(t)
		opt := options(m)
		opt.Name, opt.Build = "debian:trixie", []Want{Cargo(diag.Position{})}
		pins, err := Resolve(t.Context(), c, opt, nil)
		if err != nil {
			t.Fatal(err)
		}
		if pins, err = LockBuilders(t.Context(), c, pins, []string{amd64}, nil, opt, nil); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range pins.Platforms[0].Builder.Packages {
			if strings.HasPrefix(p.Name, "cargo") {
				got = append(got, p.Name)
			}
		}
		if !slices.Equal(got, []string{test.want}) || !slices.Equal(pins.BuildPackages, []string{"cargo-web | cargo"}) {
			t.Errorf("have %v for %v, want %s", got, pins.BuildPackages, test.want)
		}
	}
}

func TestSuiteOf(t *testing.T) {
	for _, test := range []struct{ release, suite, system string }{
		{"PRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nVERSION_CODENAME=trixie\nID=debian\n", "trixie", "Debian GNU/Linux 13 (trixie)"},
		{"PRETTY_NAME=\"Distroless\"\nID=\"debian\"\nVERSION_ID=\"12\"\n", "bookworm", "Distroless"},
		{"NAME=\"Alpine Linux\"\nID=alpine\nPRETTY_NAME='Alpine Linux v3.22'\n", "", "Alpine Linux v3.22"},
		{"ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\n", "", "ubuntu"},
		{"ID=debian\nVERSION_CODENAME=buster\n", "", "debian"},
		{"", "", "a system that does not say what it is"},
	} {
		if suite, system := SuiteOf(test.release); suite != test.suite || system != test.system {
			t.Errorf("%q is %q of %q", test.release, suite, system)
		}
	}
}

// FuzzSuiteOf: whatever an image says of itself, the suite is one of the table.
func FuzzSuiteOf(f *testing.F) {
	f.Add("ID=debian\nVERSION_ID=\"13\"\n")
	f.Fuzz(func(t *testing.T, release string) {
		suite, system := SuiteOf(release)
		if _, known := debianSuite(suite); suite != "" && !known || system == "" {
			t.Errorf("%q of %q", suite, system)
		}
	})
}
