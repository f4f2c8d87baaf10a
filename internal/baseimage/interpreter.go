package baseimage

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/elffile"
	"github.com/lithe-build/lithe/internal/lazyregexp"
)

// program is an interpreter that was found, or a library of it.
type program struct {
	path   string // real
	data   []byte
	elf    *elf.File
	loader string // PT_INTERP; "" for a program that is linked statically, and for a library

	needed   []string // DT_NEEDED
	exported string   // version of Python by its constant; "" without one
}

// usual are the directories to look in after those of the image's own PATH.
var usual = []string{"/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/opt/python/bin"}

// names of an interpreter, the best first: what `python3` means is what the image's own programs run.
var names = []string{"python3", "python"}

// versioned matches the name of an interpreter that has nothing but its version.
var versioned = lazyregexp.New(`^python3\.\d{1,2}t?$`)

// search looks for an interpreter, and remembers what it met in its place.
type search struct {
	ctx  context.Context
	tree *tree
	env  []string
	met  []string
	left int // files that may still be looked into: each is a whole layer to read
}

// findInterpreter returns the interpreter of the image.
func findInterpreter(ctx context.Context, t *tree, env []string) (*program, error) {
	s := &search{ctx: ctx, tree: t, env: env, left: maxLooked}
	dirs := append(searchPath(env), usual...)
	for _, name := range names {
		for _, dir := range dirs {
			if p, err := s.at(path.Join(dir, name), 0); err != nil || p != nil {
				return p, err
			}
		}
	}
	for _, dir := range dirs {
		for _, name := range t.list(dir) {
			if !versioned.MatchString(name) {
				continue
			}
			if p, err := s.at(path.Join(dir, name), 0); err != nil || p != nil {
				return p, err
			}
		}
	}
	if len(s.met) > 0 {
		return nil, problem("base-no-python", "it has no Python that lithe can use: %s", strings.Join(s.met, "; "))
	}
	return nil, problem("base-no-python", "it has no Python: neither python3 nor python is in %s", strings.Join(dirs, ", "))
}

// searchPath returns the directories of the image's PATH, as far as they are absolute.
func searchPath(env []string) []string {
	var dirs []string
	for _, dir := range strings.Split(variable(env, "PATH"), ":") {
		if path.IsAbs(dir) && len(dirs) < maxDirs {
			dirs = append(dirs, path.Clean(dir))
		}
	}
	return dirs
}

const (
	maxDirs   = 100      // of a PATH
	maxHops   = 5        // from a virtual environment or a shim to an interpreter
	maxLooked = 20       // files that might be an interpreter; real images have two or three
	maxSmall  = 64 << 10 // bytes of pyvenv.cfg or a shim
	maxTables = 16 << 20 // bytes of passwd or group; directories of thousands of users have one
)

// at returns the interpreter that a name leads to, nil if it leads to none.
func (s *search) at(name string, hops int) (*program, error) {
	real, n, err := s.tree.lookup(name)
	if err != nil || n.kind != file || s.left == 0 {
		return nil, nil
	}
	s.left--
	if home := s.home(real); home != "" && hops < maxHops { // a copy of the interpreter in a virtual environment
		return s.at(path.Join(home, path.Base(name)), hops+1)
	}
	p, err := s.tree.open(s.ctx, real)
	if err != nil || p != nil {
		return p, err
	}
	if path.Base(path.Dir(real)) == "shims" && hops < maxHops {
		if p, err := s.shimmed(real, hops); err != nil || p != nil {
			return p, err
		}
	}
	if met := real + " is no program but a script"; len(s.met) < 10 {
		s.met = append(s.met, met)
	}
	return nil, nil
}

// home returns where a virtual environment has its interpreter from, "" for a path that is in none.
// See https://docs.python.org/3/library/venv.html, pyvenv.cfg.
func (s *search) home(interpreter string) string {
	dir := path.Dir(interpreter)
	for _, config := range []string{path.Join(path.Dir(dir), "pyvenv.cfg"), path.Join(dir, "pyvenv.cfg")} {
		data, err := s.tree.contents(s.ctx, config, maxSmall)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			key, value, ok := strings.Cut(line, "=")
			if value = strings.TrimSpace(value); ok && strings.TrimSpace(key) == "home" && path.IsAbs(value) {
				return path.Clean(value)
			}
		}
	}
	return ""
}

// shimmed follows a script of pyenv: PYENV_VERSION says which version it starts, else the file "version", else there is
// one only. See https://github.com/pyenv/pyenv#understanding-python-version-selection.
func (s *search) shimmed(shim string, hops int) (*program, error) {
	root := path.Dir(path.Dir(shim))
	wanted := variable(s.env, "PYENV_VERSION")
	if data, err := s.tree.contents(s.ctx, path.Join(root, "version"), maxSmall); wanted == "" && err == nil {
		wanted = string(data)
	}
	if have := s.tree.list(path.Join(root, "versions")); wanted == "" && len(have) == 1 {
		wanted = have[0]
	}
	for _, version := range strings.FieldsFunc(wanted, func(r rune) bool { return r == ':' || r == '\n' || r == ' ' }) {
		if p, err := s.at(path.Join(root, "versions", version, "bin", path.Base(shim)), hops+1); err != nil || p != nil {
			return p, err
		}
	}
	return nil, nil
}

// open reads an ELF file, nil for a file of another kind.
func (t *tree) open(ctx context.Context, name string) (*program, error) {
	data, err := t.contents(ctx, name, maxFile)
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(data, []byte(elf.ELFMAG)) {
		return nil, nil
	}
	p := &program{path: name, data: data}
	if err := p.parse(); err != nil {
		return nil, problem("base-file", "%s is a damaged program: %v", name, err)
	}
	return p, nil
}

// parse reads what is asked of a program. The package debug/elf is, by its own words, not hardened against hostile
// files: it may panic, and unpack a compressed section into any size.
func (p *program) parse() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	if p.elf, err = elffile.Open(bytes.NewReader(p.data)); err != nil {
		return err
	}
	if slices.ContainsFunc(p.elf.Sections, func(s *elf.Section) bool { return s.Flags&elf.SHF_COMPRESSED != 0 && s.Type != elf.SHT_PROGBITS }) {
		return errors.New("one of its tables is compressed")
	}
	for _, segment := range p.elf.Progs {
		if segment.Type == elf.PT_INTERP {
			text, err := io.ReadAll(io.LimitReader(segment.Open(), maxName))
			if err != nil {
				return err
			}
			p.loader = string(bytes.TrimRight(text, "\x00"))
		}
	}
	if p.needed, err = elffile.Needed(p.elf); err != nil {
		return err
	}
	p.exported = p.exportedVersion()
	return nil
}

// machines are ELF's names for the platforms that images are built for.
var machines = map[string]elf.Machine{"linux/amd64": elf.EM_X86_64, "linux/arm64": elf.EM_AARCH64}

// checkMachine refuses an image that says it is for a platform and holds programs for another one.
func (p *program) checkMachine(platform string) error {
	want, ok := machines[platform]
	if !ok {
		return fmt.Errorf("platform %q is not supported", platform)
	}
	if p.elf.Machine != want || p.elf.Class != elf.ELFCLASS64 {
		return problem("base-platform", "%s is for %v, and the image says that it is for %s", p.path, p.elf.Machine, platform)
	}
	return nil
}
