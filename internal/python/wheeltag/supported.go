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

// Set is the tags that a target supports, best first. It is safe for use by several goroutines.
type Set struct {
	tags []Tag
	rank map[Tag]int
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
	platforms := platforms(Machine(arch), libc)
	python := func(implementation string, minor int) string {
		return implementation + strconv.Itoa(pythonMajor) + strconv.Itoa(minor)
	}
	var tags []Tag
	add := func(python, abi string) {
		for _, platform := range platforms {
			tags = append(tags, Tag{python, abi, platform})
		}
	}
	cp := python("cp", pythonMinor)
	add(cp, cp)
	add(cp, "abi3")
	add(cp, "none")
	for minor := pythonMinor - 1; minor >= 2; minor-- { // the stable ABI began with Python 3.2
		add(python("cp", minor), "abi3")
	}
	interpreters := []string{python("py", pythonMinor), "py" + strconv.Itoa(pythonMajor)}
	for minor := pythonMinor - 1; minor >= 0; minor-- {
		interpreters = append(interpreters, python("py", minor))
	}
	for _, py := range interpreters {
		add(py, "none")
	}
	for _, py := range append([]string{cp}, interpreters...) {
		tags = append(tags, Tag{py, "none", "any"})
	}
	return newSet(tags)
}

func newSet(tags []Tag) Set {
	rank := make(map[Tag]int, len(tags))
	for i, t := range tags {
		if _, seen := rank[t]; !seen {
			rank[t] = i
		}
	}
	return Set{tags, rank}
}

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

// Tags returns the supported tags, best first. The caller must not change them.
func (s Set) Tags() []Tag { return s.tags }

// Rank returns the place of the best of these tags in the set, 0 being the best; ok is false when none is supported.
func (s Set) Rank(tags []Tag) (rank int, ok bool) {
	for _, t := range tags {
		if r, found := s.rank[t]; found && (!ok || r < rank) {
			rank, ok = r, true
		}
	}
	return rank, ok
}
