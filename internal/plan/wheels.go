package plan

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/lithe-build/lithe/internal/lock"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
)

// Misfit is a package that has wheels, and none of them for the target.
type Misfit struct {
	*lock.Package
	Sdist bool // it has a source distribution, which may do
}

// Misfits returns the packages that a target needs and that have wheels only for others, in the order of the lock. Packages
// without any wheel are none: they say nothing about a Python. The error is what stands against the target at all.
func Misfits(l *lock.Lock, t Target) ([]Misfit, error) {
	w, err := walked(l, t)
	if err != nil {
		return nil, err
	}
	tags, err := t.Tags()
	if err != nil {
		return nil, err
	}
	var out []Misfit
	for _, i := range w.selected() {
		p := &l.Packages[i]
		if !slices.ContainsFunc(p.Files, lock.File.IsWheel) {
			continue
		}
		best, _ := (&chooser{tags: tags}).best(p.Files)
		if !best.IsWheel() {
			out = append(out, Misfit{p, best.Name != ""})
		}
	}
	slices.SortFunc(out, func(a, b Misfit) int { return cmp.Compare(a.Pos.Line, b.Pos.Line) })
	return out, nil
}

// Coverage says for which Pythons and platforms there are wheels among files: "Python 3.9 to 3.12 on linux/amd64 and
// macOS". It is empty where there is none. A C library is named where the target's does not satisfy it.
func Coverage(files []lock.File, libc wheeltag.Libc) string {
	pythons := map[string]map[string]bool{} // by platform
	for _, f := range files {
		for _, tag := range f.Wheel.Tags {
			platform := systemOf(tag.Platform, libc)
			if pythons[platform] == nil {
				pythons[platform] = map[string]bool{}
			}
			pythons[platform][pythonOf(tag)] = true
		}
	}
	platforms := map[string][]string{} // by Pythons
	for platform, set := range pythons {
		text := describePythons(slices.Collect(maps.Keys(set)))
		platforms[text] = append(platforms[text], platform)
	}
	var parts []string
	for _, text := range slices.Sorted(maps.Keys(platforms)) {
		slices.SortFunc(platforms[text], bySystem)
		parts = append(parts, text+" on "+listed(platforms[text]))
	}
	return strings.Join(parts, "; ")
}

// bySystem orders platforms: those that images may have come first.
func bySystem(a, b string) int {
	others := func(s string) int {
		if strings.HasPrefix(s, "linux/") {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(others(a), others(b)), strings.Compare(a, b))
}

// systemOf names the platform of a tag as a user would: "manylinux_2_17_x86_64" is linux/amd64.
func systemOf(tag string, libc wheeltag.Libc) string {
	switch {
	case tag == "any":
		return "any platform"
	case strings.HasPrefix(tag, "macosx"):
		return "macOS"
	case strings.HasPrefix(tag, "win"):
		return "Windows"
	}
	for _, arch := range []string{"amd64", "arm64", "386", "arm", "ppc64le", "s390x", "riscv64", "loong64"} {
		if kind, ok := strings.CutSuffix(tag, "_"+wheeltag.Machine(arch)); ok {
			return "linux/" + arch + libcOf(kind, libc)
		}
	}
	return tag
}

// libcOf says what a tag such as manylinux_2_28 wants of the C library, if that is more than there is.
func libcOf(kind string, libc wheeltag.Libc) string {
	family := map[bool]string{true: "musl", false: "glibc"}[strings.HasPrefix(kind, "musllinux")]
	numbers := strings.Split(kind, "_")
	needs := wheeltag.Libc{Family: family, Major: libc.Major} // an old name, such as manylinux2014
	if len(numbers) == 3 {
		needs.Major, _ = strconv.Atoi(numbers[1])
		needs.Minor, _ = strconv.Atoi(numbers[2])
	}
	switch {
	case family != libc.Family:
		return " with " + family
	case needs.Major > libc.Major || needs.Major == libc.Major && needs.Minor > libc.Minor:
		return fmt.Sprintf(" with %s %d.%d", family, needs.Major, needs.Minor)
	}
	return ""
}

// pythonOf returns "3.12" for cp312, "3.9+" for a wheel that later Pythons run as well, "3.13t" for a free-threaded build,
// and the tag itself for other interpreters.
func pythonOf(tag wheeltag.Tag) string {
	pure := strings.HasPrefix(tag.Python, "py")
	digits := strings.TrimPrefix(strings.TrimPrefix(tag.Python, "py"), "cp")
	if _, err := strconv.Atoi(digits); err != nil || digits[0] != '3' {
		return tag.Python
	}
	minor := "3." + cmp.Or(digits[1:], "0")
	switch {
	case tag.ABI == "abi3" || pure:
		return minor + "+"
	case strings.HasSuffix(tag.ABI, "t"):
		return minor + "t"
	}
	return minor
}

// describePythons writes "Python 3.9 to 3.12, 3.14, pp310". Those that a wheel for later Pythons has are not repeated.
func describePythons(pythons []string) string {
	var minors []int
	var others []string
	from := math.MaxInt // the first Python of a wheel that later ones run as well
	for _, p := range pythons {
		number, plus := strings.CutSuffix(strings.TrimPrefix(p, "3."), "+")
		n, err := strconv.Atoi(number)
		switch {
		case !strings.HasPrefix(p, "3.") || err != nil:
			others = append(others, p)
		case plus:
			from = min(from, n)
		default:
			minors = append(minors, n)
		}
	}
	parts := ranges(slices.DeleteFunc(minors, func(n int) bool { return n >= from }))
	switch {
	case from == 0:
		parts, others = []string{"3"}, nil
	case from < math.MaxInt:
		parts = append(parts, fmt.Sprintf("3.%d and later", from))
	}
	slices.Sort(others)
	return "Python " + strings.Join(append(parts, others...), ", ")
}

// ranges writes minor versions: "3.9 to 3.12", "3.14".
func ranges(minors []int) (parts []string) {
	slices.Sort(minors)
	for len(minors) > 0 {
		n := 1
		for n < len(minors) && minors[n] == minors[n-1]+1 {
			n++
		}
		if n > 2 {
			parts, minors = append(parts, fmt.Sprintf("3.%d to 3.%d", minors[0], minors[n-1])), minors[n:]
			continue
		}
		parts, minors = append(parts, fmt.Sprintf("3.%d", minors[0])), minors[1:]
	}
	return parts
}

// listed writes "a, b and c".
func listed(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
