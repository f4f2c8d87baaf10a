package wheeltag

import (
	"fmt"
	"strconv"
	"strings"
)

// Libc is the C library of a target.
type Libc struct {
	Family       string // "glibc" or "musl"
	Major, Minor int
}

// ParseLibc reads "glibc-2.41" or "musl-1.2".
func ParseLibc(s string) (Libc, error) {
	family, v, _ := strings.Cut(s, "-")
	major, minor, ok := strings.Cut(v, ".")
	x, err1 := strconv.ParseUint(major, 10, 8)
	y, err2 := strconv.ParseUint(minor, 10, 8)
	if !ok || err1 != nil || err2 != nil || family != "glibc" && family != "musl" {
		return Libc{}, fmt.Errorf("%q is not a C library such as glibc-2.41 or musl-1.2", s)
	}
	return Libc{family, int(x), int(y)}, nil
}

// String returns what ParseLibc reads.
func (l Libc) String() string { return fmt.Sprintf("%s-%d.%d", l.Family, l.Major, l.Minor) }

// Set is the tags that a target supports, best first. It is safe for use by several goroutines. The tags are those of each
// pair with each platform, and then those for any platform; a thousand, of which most builds look for a few, so that they are
// not written out.
type Set struct {
	pairs     ranks[pair]
	platforms ranks[string]
	pure      ranks[string] // Pythons of tags for any platform
}

// pair is what a tag says beside the platform.
type pair struct{ python, abi string }

// ranks are places in a list without repetitions.
type ranks[T comparable] struct {
	list []T
	at   map[T]int
}

func rankedBy[T comparable](list []T) ranks[T] {
	r := ranks[T]{list: list, at: make(map[T]int, len(list))}
	for i, v := range list {
		r.at[v] = i
	}
	return r
}

// machines are the names of OCI's architectures in tags.
var machines = map[string]string{
	"amd64": "x86_64", "arm64": "aarch64", "386": "i686", "arm": "armv7l", "ppc64le": "ppc64le", "s390x": "s390x",
	"riscv64": "riscv64", "loong64": "loongarch64",
}

// Machine returns what Python calls an architecture of OCI, which is also the marker variable platform_machine.
func Machine(arch string) string {
	if m, ok := machines[arch]; ok {
		return m
	}
	return arch
}

// Supported returns the tags of CPython on Linux. The architecture has OCI's name, such as amd64.
func Supported(pythonMajor, pythonMinor int, arch string, libc Libc) Set {
	python := func(implementation string, minor int) string {
		return implementation + strconv.Itoa(pythonMajor) + strconv.Itoa(minor)
	}
	cp := python("cp", pythonMinor)
	pairs := []pair{{cp, cp}, {cp, "abi3"}, {cp, none}}
	for minor := pythonMinor - 1; minor >= 2; minor-- { // the stable ABI began with Python 3.2
		pairs = append(pairs, pair{python("cp", minor), "abi3"})
	}
	interpreters := []string{python("py", pythonMinor), "py" + strconv.Itoa(pythonMajor)}
	for minor := pythonMinor - 1; minor >= 0; minor-- {
		interpreters = append(interpreters, python("py", minor))
	}
	for _, py := range interpreters {
		pairs = append(pairs, pair{py, none})
	}
	return Set{rankedBy(pairs), rankedBy(platforms(Machine(arch), libc)), rankedBy(append([]string{cp}, interpreters...))}
}

// Words of tags that need no ABI, and no platform.
const (
	none        = "none"
	anyPlatform = "any"
)

// platforms returns the platform tags of a machine, newest C library first, and the plain one last: pip may accept a
// wheel that was built for the machine it runs on, but one that names its C library promises more.
func platforms(machine string, libc Libc) []string {
	var out []string
	if libc.Family == "musl" {
		for minor := libc.Minor; minor >= 0; minor-- {
			out = append(out, fmt.Sprintf("musllinux_%d_%d_%s", libc.Major, minor, machine))
		}
	} else {
		for minor := libc.Minor; libc.Major == 2 && minor >= oldestGlibc(machine); minor-- {
			out = append(out, fmt.Sprintf("manylinux_2_%d_%s", minor, machine))
			if legacy, ok := legacyManylinux[minor]; ok {
				out = append(out, legacy+"_"+machine)
			}
		}
	}
	return append(out, "linux_"+machine)
}

// legacyManylinux are the older names of glibc 2's minor versions (PEP 513, 571, 599).
var legacyManylinux = map[int]string{17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}

// oldestGlibc is the minor version of glibc 2 where manylinux begins: CentOS 5 on x86, else CentOS 7.
func oldestGlibc(machine string) int {
	if machine == "x86_64" || machine == "i686" {
		return 5
	}
	return 17
}

// Tags returns the supported tags, best first.
func (s Set) Tags() []Tag {
	var tags []Tag
	for _, p := range s.pairs.list {
		for _, platform := range s.platforms.list {
			tags = append(tags, Tag{p.python, p.abi, platform})
		}
	}
	for _, py := range s.pure.list {
		tags = append(tags, Tag{py, none, anyPlatform})
	}
	return tags
}

// Rank returns the place of the best of these tags in the set, 0 being the best; ok is false when none is supported.
func (s Set) Rank(tags []Tag) (rank int, ok bool) {
	for _, t := range tags {
		if r, found := s.rank(t); found && (!ok || r < rank) {
			rank, ok = r, true
		}
	}
	return rank, ok
}

// rank is the place of a tag in Tags.
func (s Set) rank(t Tag) (int, bool) {
	if t.Platform == anyPlatform {
		i, ok := s.pure.at[t.Python]
		return len(s.pairs.list)*len(s.platforms.list) + i, ok && t.ABI == none
	}
	i, known := s.pairs.at[pair{t.Python, t.ABI}]
	j, ok := s.platforms.at[t.Platform]
	return i*len(s.platforms.list) + j, known && ok
}
