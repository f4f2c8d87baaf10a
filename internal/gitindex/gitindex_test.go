package gitindex

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// item is an entry as tests write it.
type item struct {
	path  string
	mode  uint32
	stage uint16
	more  uint16 // second flags
}

func file(path string) item { return item{path: path, mode: 0o100644} }

// encode writes an index as git does, with what stands between entries and checksum as it is.
func encode(version uint32, sum hash.Hash, extensions string, items ...item) []byte {
	var b bytes.Buffer
	number := func(n any) { _ = binary.Write(&b, binary.BigEndian, n) }
	b.WriteString("DIRC")
	number(version)
	number(uint32(len(items)))
	before := ""
	for _, i := range items {
		start := b.Len()
		b.Write(make([]byte, modeAt))
		number(i.mode)
		b.Write(make([]byte, statSize-modeAt-4+sum.Size()))
		flags := i.stage<<12 | uint16(min(len(i.path), nameMask))
		if i.more != 0 {
			number(flags | extendedFlag)
			number(i.more)
		} else {
			number(flags)
		}
		if version == 4 {
			n := 0
			for n < min(len(before), len(i.path)) && before[n] == i.path[n] {
				n++
			}
			b.Write(variable(len(before) - n))
			b.WriteString(i.path[n:] + "\x00")
		} else {
			b.WriteString(i.path)
			b.Write(make([]byte, 8-(b.Len()-start)%8))
		}
		before = i.path
	}
	b.WriteString(extensions)
	sum.Write(b.Bytes())
	return sum.Sum(b.Bytes())
}

// variable writes a number as git's encode_varint does.
func variable(n int) []byte {
	out := []byte{byte(n & 0x7f)}
	for n >>= 7; n > 0; n >>= 7 {
		n--
		out = append([]byte{0x80 | byte(n&0x7f)}, out...)
	}
	return out
}

func paths(x *Index) []string { return slices.Collect(x.Below("")) }

func TestParse(t *testing.T) {
	long := strings.Repeat("d/", 300) + "x"
	longest := strings.Repeat("e", maxPath)
	all := []item{
		file("a"), {path: "a.sh", mode: 0o100755}, {path: "a/link", mode: 0o120000}, {path: "both", mode: 0o100644, stage: 1},
		{path: "both", mode: 0o100644, stage: 2}, {path: "both", mode: 0o100644, stage: 3}, file("b\xff"), file(long), file(longest), file("f"), {path: "sub", mode: 0o160000},
	}
	flagged := append(slices.Clone(all), item{path: "x", mode: 0o100644, more: 0x4000}, item{path: "y", mode: 0o100644, more: 0x2000})
	want := []string{"a", "a.sh", "a/link", "both", "b\xff", long, longest, "f", "sub"}
	optional := "TREE\x00\x00\x00\x03abcEOIE\x00\x00\x00\x00"
	tests := []struct {
		name  string
		data  []byte
		extra []string
	}{
		{"version 2", encode(2, sha1.New(), "", all...), nil},
		{"version 3", encode(3, sha1.New(), "", flagged...), []string{"x", "y"}},
		{"version 4", encode(4, sha1.New(), "", flagged...), []string{"x", "y"}},
		{"SHA-256", encode(2, sha256.New(), "", all...), nil},
		{"version 4 with SHA-256", encode(4, sha256.New(), optional, all...), nil},
		{"optional extensions", encode(2, sha1.New(), optional, all...), nil},
		{"no checksum", encode(2, zero{sha1.New()}, optional, all...), nil},
		{"no checksum with SHA-256", encode(4, zero{sha256.New()}, "", all...), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x, err := Parse(tt.data)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(append(slices.Clone(want), tt.extra...), paths(x)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			for path, tracked := range map[string]bool{"a": true, "a/link": true, "a/lin": false, "sub": true, "sub/x/y": true, "subs/x": false, "": false, "b": false} {
				if x.Tracked(path) != tracked {
					t.Errorf("Tracked(%q) is %v", path, !tracked)
				}
			}
			if got := slices.Collect(x.Below("a")); !slices.Equal(got, []string{"a/link"}) {
				t.Errorf("below a: %q", got)
			}
		})
	}
}

// zero is what index.skipHash makes of a checksum.
type zero struct{ hash.Hash }

func (z zero) Sum(b []byte) []byte { return append(b, make([]byte, z.Size())...) }

func TestParseRefuses(t *testing.T) {
	damaged := encode(2, sha1.New(), "", file("a"))
	damaged[20] ^= 1
	counted := encode(2, zero{sha1.New()}, "", file("a"), file("b"))
	binary.BigEndian.PutUint32(counted[8:], 1<<31)
	tests := []struct {
		name, want  string
		data        []byte
		unsupported bool
	}{
		{"nothing", "does not begin", nil, false},
		{"another file", "does not begin", []byte("ref: refs/heads/main\n"), false},
		{"a header alone", "checksum", []byte("DIRC\x00\x00\x00\x02\x00\x00\x00\x00"), false},
		{"version 1", "version 1", encode(1, sha1.New(), ""), true},
		{"version 5", "version 5", encode(5, sha1.New(), ""), true},
		{"damaged", "the checksum is wrong", damaged, false},
		{"cut", "the checksum is wrong", encode(2, sha1.New(), "", file("a"))[:80], false},
		{"more entries than bytes", "ends too early", counted, false},
		{"split index", `extension "link"`, encode(2, sha1.New(), "link\x00\x00\x00\x01x", file("a")), true},
		{"sparse index", "sparse", encode(2, sha1.New(), "sdir\x00\x00\x00\x00", item{path: "d/", mode: 0o040000}), true},
		{"extension of the future", `extension "next"`, encode(2, sha1.New(), "next\x00\x00\x00\x00"), true},
		{"flag of the future", "flags 0x1", encode(3, sha1.New(), "", item{path: "a", mode: 0o100644, more: 1}), true},
		{"long extension", "ends too early", encode(2, sha1.New(), "TREE\x00\x00\x00\x09"), false},
		{"short extension", "ends too early", encode(2, sha1.New(), "TREE"), false},
		{"further flags in version 2", "version 2", encode(2, sha1.New(), "", item{path: "a", mode: 0o100644, more: 0x4000}), false},
		{"out of order", `"a" is out of order`, encode(2, sha1.New(), "", file("b"), file("a")), false},
		{"twice", `"a" is out of order`, encode(2, sha1.New(), "", file("a"), file("a")), false},
		{"no type", "unknown type", encode(2, sha1.New(), "", item{path: "a"}), false},
		{"no path, as in a split index", "split index", encode(2, sha1.New(), "", file("")), true},
		{"absolute", "is no path", encode(2, sha1.New(), "", file("/a")), false},
		{"directory", "is no path", encode(2, sha1.New(), "", file("a/")), false},
		{"long path", "no end", encode(2, sha1.New(), "", file(strings.Repeat("a", maxPath+1))), false},
		{"long path in parts", "longer than", encode(4, sha1.New(), "", file(strings.Repeat("a", maxPath)), file(strings.Repeat("a", maxPath)+"b")), false},
		{"NUL in a path", "does not have the length", encode(2, sha1.New(), "", file("a\x00b")), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x, err := Parse(tt.data)
			if err == nil || x != nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, %v; want %q", x, err, tt.want)
			}
			if errors.Is(err, ErrUnsupported) != tt.unsupported {
				t.Errorf("%v: unsupported is %v", err, !tt.unsupported)
			}
		})
	}
}

// What git itself writes is read as `git ls-files` reads it.
func TestParseGit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not on PATH")
	}
	for _, version := range []string{"2", "3", "4"} {
		for _, format := range []string{"sha1", "sha256"} {
			t.Run(version+" "+format, func(t *testing.T) {
				dir := t.TempDir()
				git := func(args ...string) string { return run(t, dir, args...) }
				git("init", "-q", "--object-format="+format)
				for _, name := range []string{"a", "dir/b", "dir/deep/c", "dir/d", "e f", "grüße", "later", "z" + strings.Repeat("z", 200)} {
					if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				git("add", "a", "dir", "e f", "grüße", "z"+strings.Repeat("z", 200))
				git("add", "--intent-to-add", "later")
				git("update-index", "--index-version", version)
				data, err := os.ReadFile(filepath.Join(dir, ".git", "index"))
				if err != nil {
					t.Fatal(err)
				}
				x, err := Parse(data)
				if err != nil {
					t.Fatal(err)
				}
				want := strings.Split(strings.TrimSuffix(git("ls-files", "-z"), "\x00"), "\x00")
				if diff := cmp.Diff(want, paths(x)); diff != "" {
					t.Errorf("-git +lithe:\n%s", diff)
				}
			})
		}
	}
}

func TestParseSplitByGit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not on PATH")
	}
	dir := t.TempDir()
	run(t, dir, "init", "-q")
	if err := os.WriteFile(filepath.Join(dir, "a"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "add", "a")
	run(t, dir, "update-index", "--split-index")
	data, err := os.ReadFile(filepath.Join(dir, ".git", "index"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse(data); !errors.Is(err, ErrUnsupported) {
		t.Errorf("a split index gives %v", err)
	}
}

// run runs git without what the machine's own settings say.
func run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %v: %v", args, err)
	}
	return string(out)
}

// TestManyModules asks for files of a repository with very many submodules.
func TestManyModules(t *testing.T) {
	x := &Index{}
	for i := range 100_000 {
		x.modules = append(x.modules, fmt.Sprintf("m/%06d", i))
	}
	x.paths = x.modules
	for i := range 100_000 {
		if name := fmt.Sprintf("m/%06d", i); !x.Tracked(name+"/a/b") || x.Tracked(name+"a/b") {
			t.Fatalf("what is in %s", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	for version := range uint32(4) {
		f.Add(encode(version+1, zero{sha1.New()}, "TREE\x00\x00\x00\x00", file("a"), file("a/b"), item{path: "c", mode: 0o160000}))
		f.Add(encode(version+1, zero{sha256.New()}, "", file("a"), file("ab")))
	}
	f.Add(encode(2, zero{sha1.New()}, "link\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := Parse(data)
		if (x == nil) == (err == nil) {
			t.Fatalf("%v, %v", x, err)
		}
		if err != nil {
			return
		}
		got := paths(x)
		if !slices.IsSorted(got) {
			t.Fatalf("%q is not sorted", got)
		}
		for _, p := range got {
			if p == "" || p[0] == '/' || len(p) > maxPath || !x.Tracked(p) {
				t.Fatalf("%q", p)
			}
		}
		// What is read is written and read back to the same.
		items := make([]item, len(got))
		for i, p := range got {
			items[i] = file(p)
		}
		again, err := Parse(encode(4, sha1.New(), "", items...))
		if err != nil || !slices.Equal(got, paths(again)) {
			t.Fatalf("%q again: %v", got, err)
		}
	})
}
