package closure

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// machine is what the loader of an architecture knows.
type machine struct {
	elf     string // as package layer names it
	class   int    // bits
	triplet string // of Debian's folders
	name    string // what $PLATFORM stands for; also in the name of musl's loader
}

// machines is by the architecture of a platform.
var machines = map[string]machine{
	"amd64":   {"EM_X86_64", 64, "x86_64-linux-gnu", "x86_64"},
	"arm64":   {"EM_AARCH64", 64, "aarch64-linux-gnu", "aarch64"},
	"386":     {"EM_386", 32, "i386-linux-gnu", "i386"},
	"arm":     {"EM_ARM", 32, "arm-linux-gnueabihf", "armhf"},
	"arm/v7":  {"EM_ARM", 32, "arm-linux-gnueabihf", "armhf"},
	"ppc64le": {"EM_PPC64", 64, "powerpc64le-linux-gnu", "powerpc64le"},
	"s390x":   {"EM_S390", 64, "s390x-linux-gnu", "s390x"},
	"riscv64": {"EM_RISCV", 64, "riscv64-linux-gnu", "riscv64"},
}

// maxFolders bounds the folders that a configuration names, and the patterns of files that it includes. Distributions name some
// ten.
const maxFolders = 1 << 10

// systemFolders returns where the loader looks for every file's libraries. With glibc that is what ld.so.cache was made
// of, then what is built in; distributions differ in that, so those of Debian, Red Hat and Arch are all here.
func (c *checker) systemFolders() []string {
	if c.in.Musl {
		if text, ok := c.tree.search["etc/ld-musl-"+c.machine.name+".path"]; ok {
			folders := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == ':' })
			return folders[:min(len(folders), maxFolders)]
		}
		return []string{"/lib", "/usr/local/lib", "/usr/lib"}
	}
	folders := c.configured("etc/ld.so.conf", map[string]bool{})
	folders = folders[:min(len(folders), maxFolders)]
	folders = append(folders, "/lib/"+c.machine.triplet, "/usr/lib/"+c.machine.triplet)
	if c.machine.class == 64 {
		folders = append(folders, "/lib64", "/usr/lib64")
	}
	return append(folders, "/lib", "/usr/lib")
}

// configured returns the folders that a configuration file of ldconfig names. Each file is read once, however often it is
// included.
func (c *checker) configured(name string, seen map[string]bool) []string {
	var folders []string
	if seen[name] {
		return nil
	}
	seen[name] = true
	for line := range strings.Lines(c.tree.search[name]) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "hwcap":
		case words[0] == "include":
			for _, pattern := range words[1:] {
				folders = append(folders, c.included(path.Dir("/"+name), pattern, seen)...)
			}
		default:
			dir, _, _ := strings.Cut(words[0], "=") // "folder=type" is from the time of libc5
			folders = append(folders, dir)
		}
	}
	return folders
}

// included returns the folders of the configuration files that a pattern means, by name.
func (c *checker) included(from, pattern string, seen map[string]bool) []string {
	if !path.IsAbs(pattern) {
		pattern = path.Join(from, pattern)
	}
	if c.globs++; c.globs > maxFolders {
		return nil
	}
	var folders []string
	for _, name := range slices.Sorted(maps.Keys(c.tree.search)) {
		if matches([]string{pattern}, "/"+name) {
			folders = append(folders, c.configured(name, seen)...)
		}
	}
	return folders
}

// splitFolders splits LD_LIBRARY_PATH.
func splitFolders(list string) []string {
	folders := strings.FieldsFunc(list, func(r rune) bool { return r == ':' || r == ';' })
	return folders[:min(len(folders), maxFolders)]
}

// expand replaces what a search path may hold: $ORIGIN, $LIB and $PLATFORM. A file that links lead to has several
// origins, and distributions differ in $LIB. Paths relative to the working directory are left out: nobody means them.
func (c *checker) expand(folders []string, f *file) []string {
	var out []string
	for _, dir := range folders {
		for _, plain := range c.plain(dir) {
			if !strings.Contains(plain, "$ORIGIN") {
				if path.IsAbs(plain) {
					out = append(out, plain)
				}
				continue
			}
			for _, origin := range append([]string{path.Dir(f.Path)}, f.aliases...) {
				out = append(out, strings.ReplaceAll(plain, "$ORIGIN", "/"+origin))
			}
		}
	}
	return out
}

// plain replaces what is the same for all files, and takes the braces off $ORIGIN.
func (c *checker) plain(dir string) []string {
	if !strings.ContainsAny(dir, "{LP") {
		return []string{dir}
	}
	dir = strings.NewReplacer("${ORIGIN}", "$ORIGIN", "${LIB}", "$LIB", "${PLATFORM}", c.machine.name, "$PLATFORM",
		c.machine.name).Replace(dir)
	if !strings.Contains(dir, "$LIB") {
		return []string{dir}
	}
	var out []string
	for _, lib := range []string{"lib/" + c.machine.triplet, "lib64", "lib"} {
		out = append(out, strings.ReplaceAll(dir, "$LIB", lib))
	}
	return out
}
