package baseimage

import (
	"context"
	"debug/elf"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/lithe-build/lithe/internal/elffile"
	"github.com/lithe-build/lithe/internal/lazyregexp"
)

// python is what an interpreter is.
type python struct {
	version string // "3.13.5"
	abi     string // "cp313"
}

// The Pythons that lithe compiles for: bytecode of others has another form, or nobody has looked at it.
const (
	oldestMinor = 9
	newestMinor = 15
)

// readPython finds out the version of an interpreter from its own files. The standard library beside it says the minor
// version, which all that is read must agree with.
func readPython(ctx context.Context, t *tree, p *program, env []string) (python, error) {
	dirs := libraries(t, p)
	if len(dirs) == 0 {
		return python{}, problem("base-no-python", "%s has no standard library of CPython: there is no lib/python3.N/os.py beside it", p.path)
	}
	objects := []*program{p}
	shared, err := p.sharedLibrary(ctx, t)
	if err != nil {
		return python{}, err
	}
	if shared != nil {
		objects = append(objects, shared)
	}
	version := statedVersion(objects, dirs, env)
	if version == "" {
		return python{}, problem("base-python", "the version of %s cannot be told: neither it nor PYTHON_VERSION names a release of Python 3 "+
			"that %s belongs to", p.path, strings.Join(dirs, " or "))
	}
	minor := minorOf(version)
	i := slices.IndexFunc(dirs, func(dir string) bool { return libraryMinor(dir) == minor })
	if i < 0 {
		return python{}, problem("base-python", "%s is Python %s, but its standard library is %s", p.path, version, strings.Join(dirs, " and "))
	}
	if minor < oldestMinor || minor > newestMinor {
		return python{}, problem("base-python", "%s is Python %s, and lithe builds for 3.%d to 3.%d", p.path, version, oldestMinor, newestMinor)
	}
	if strings.HasSuffix(dirs[i], "t") {
		return python{}, problem("base-python", "%s is Python %s without the global lock (free-threaded), for which lithe cannot build yet", p.path, version)
	}
	return python{version: version, abi: fmt.Sprintf("cp3%d", minor)}, nil
}

// standardLibrary matches a directory of CPython's modules. A free-threaded one has a "t" behind it.
var standardLibrary = lazyregexp.New(`^python3\.(\d{1,2})t?$`)

// libraries returns the standard libraries beside an interpreter.
func libraries(t *tree, p *program) []string {
	var dirs []string
	prefix := path.Dir(path.Dir(p.path))
	for _, lib := range []string{"lib", "lib64"} {
		for _, name := range t.list(path.Join(prefix, lib)) {
			dir := path.Join(prefix, lib, name)
			if standardLibrary.MatchString(name) && (t.has(dir+"/os.py") || t.has(dir+"/os.pyc")) {
				dirs = append(dirs, dir)
			}
		}
	}
	return dirs
}

func libraryMinor(dir string) int {
	n, err := strconv.Atoi(standardLibrary.FindStringSubmatch(path.Base(dir))[1])
	if err != nil {
		return 0 // the pattern has digits only
	}
	return n
}

// minorOf returns 13 for "3.13.5".
func minorOf(version string) int {
	_, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	n, err := strconv.Atoi(minor)
	if err != nil {
		return 0
	}
	return n
}

// sharedLibrary returns libpython3.N.so, nil for an interpreter that has everything in itself.
func (p *program) sharedLibrary(ctx context.Context, t *tree) (*program, error) {
	i := slices.IndexFunc(p.needed, func(name string) bool { return strings.HasPrefix(name, "libpython3.") })
	if i < 0 {
		return nil, nil
	}
	prefix := path.Dir(path.Dir(p.path))
	for _, dir := range append([]string{prefix + "/lib", prefix + "/lib64"}, libraryDirs(p.elf.Machine)...) {
		if name := path.Join(dir, p.needed[i]); t.has(name) {
			return t.open(ctx, name)
		}
	}
	return nil, problem("base-no-python", "%s needs %s, which is not beside it", p.path, p.needed[i])
}

// multiarch is Debian's name for the library folder of an architecture.
var multiarch = map[elf.Machine]string{elf.EM_X86_64: "x86_64-linux-gnu", elf.EM_AARCH64: "aarch64-linux-gnu"}

// libraryDirs lists where dynamic loaders look by default.
func libraryDirs(machine elf.Machine) []string {
	triplet := multiarch[machine]
	return []string{"/usr/local/lib", "/lib/" + triplet, "/usr/lib/" + triplet, "/lib64", "/usr/lib64", "/lib", "/usr/lib"}
}

// statedVersion asks the surest witness first: the constant Py_Version that CPython exports since 3.11, then the text of
// PY_VERSION among the strings of the program, and last the variable that Docker's images set. Of the last two only what
// fits a standard library counts.
func statedVersion(objects []*program, dirs, env []string) string {
	for _, p := range objects {
		if p.exported != "" {
			return p.exported
		}
	}
	fits := func(v string) bool {
		return release.MatchString(v) && slices.ContainsFunc(dirs, func(dir string) bool { return libraryMinor(dir) == minorOf(v) })
	}
	for _, p := range objects {
		text, several := "", false
		for window := range windows(p.data, "\x003.") {
			m := embedded.Get().FindIndex(window)
			if m == nil {
				continue
			}
			v := strings.TrimSuffix(string(window[1:m[1]]), "+")
			if ends := m[1] < len(window) && window[m[1]] == 0; ends && fits(v) {
				several = several || text != "" && text != v
				text = v
			}
		}
		if text != "" && !several {
			return text
		}
	}
	if v := variable(env, "PYTHON_VERSION"); fits(v) {
		return v
	}
	return ""
}

// release is a full version of Python 3, and embedded is one behind the end of another string of a program.
var (
	release  = lazyregexp.New(`^3\.\d{1,2}\.\d{1,2}(?:(?:a|b|rc)\d{1,2})?$`)
	embedded = lazyregexp.New(`^\x003\.\d{1,2}\.\d{1,2}(?:(?:a|b|rc)\d{1,2})?\+?`)
)

// exportedVersion reads Py_Version, which has the form of PY_VERSION_HEX: 0x030d05f0 is 3.13.5.
// See https://docs.python.org/3/c-api/apiabiversion.html.
func (p *program) exportedVersion() string {
	var raw [8]byte
	found := false
	err := elffile.Symbols(p.elf, func(s elffile.Symbol) bool {
		if string(s.Name) != "Py_Version" || s.Section == elf.SHN_UNDEF {
			return true
		}
		found = p.at(s.Value, raw[:])
		return false
	})
	if err != nil || !found {
		return "" // without a table there is no symbol
	}
	n := p.elf.ByteOrder.Uint64(raw[:])
	if n>>24 != 3 {
		return ""
	}
	version := fmt.Sprintf("3.%d.%d", n>>16&0xff, n>>8&0xff)
	if stage, ok := map[uint64]string{0xa: "a", 0xb: "b", 0xc: "rc"}[n>>4&0xf]; ok {
		version += fmt.Sprintf("%s%d", stage, n&0xf)
	}
	if !release.MatchString(version) {
		return "" // a number that no Python will have: the symbol is something else's
	}
	return version
}

// at copies what the program has at an address when it is loaded.
func (p *program) at(address uint64, to []byte) bool {
	for _, s := range p.elf.Progs {
		if s.Type == elf.PT_LOAD && address >= s.Vaddr && address-s.Vaddr < s.Filesz {
			n, _ := s.ReadAt(to, int64(address-s.Vaddr))
			return n == len(to)
		}
	}
	return false
}
