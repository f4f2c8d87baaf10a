package backend

import (
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lazyregexp"
)

// iniFile is a file in the language of Python's configparser, as setup.cfg is.
// See https://docs.python.org/3/library/configparser.html#supported-ini-file-structure.
type iniFile struct {
	list   []*iniSection
	byName map[string]*iniSection
}

// iniSection is a section with its options in the order of the file.
type iniSection struct {
	name    string
	pos     diag.Position
	options []*iniOption
	byKey   map[string]*iniOption
}

// iniOption is a key with its value, whose lines have no white space around them.
type iniOption struct {
	key, value string
	pos        diag.Position
}

var (
	iniHeader = lazyregexp.New(`^\[(.+)\]`)
	iniLine   = lazyregexp.New(`^(.*?)\s*[=:]\s*(.*)$`)
)

// maxOptions is how many sections and options a setup.cfg may have; real ones have some hundreds.
const maxOptions = 20_000

// iniParser is in the middle of a file.
type iniParser struct {
	file    string
	line    int
	out     iniFile
	section *iniSection
	option  *iniOption
	value   strings.Builder // of the option
	indent  int             // of the last key
	count   int             // of sections and keys
}

// parseINI reads a file. Sections and keys may stand once.
func parseINI(file, data string) (*iniFile, error) {
	p := &iniParser{file: file, out: iniFile{byName: map[string]*iniSection{}}}
	for line := range strings.SplitSeq(universalNewlines(strings.TrimPrefix(data, "\ufeff")), "\n") {
		p.line++
		if err := p.read(line); err != nil {
			return nil, err
		}
	}
	p.end()
	return &p.out, nil
}

// end gives the option its value, which has all of its lines by now.
func (p *iniParser) end() {
	if p.option != nil {
		p.option.value = strings.TrimRight(p.value.String(), " \t\n\v\f")
	}
	p.option = nil
	p.value.Reset()
}

// errorf makes an error at the line.
func (p *iniParser) errorf(what string) error {
	return &diag.Error{Pos: diag.Position{File: p.file, Line: p.line}, Code: "setup-cfg", What: what}
}

// read takes one line: nothing, a comment, the rest of a value, a section, or a key.
func (p *iniParser) read(line string) error {
	value := strings.TrimSpace(line)
	switch {
	case value == "":
		if p.option != nil {
			p.value.WriteByte('\n')
		}
		return nil
	case value[0] == '#' || value[0] == ';':
		return nil
	}
	indent := len(line) - len(strings.TrimLeft(line, " \t\v\f"))
	if p.option != nil && indent > p.indent {
		p.value.WriteByte('\n')
		p.value.WriteString(value)
		return nil
	}
	p.end()
	if p.count++; p.count > maxOptions {
		return p.errorf("there are too many keys")
	}
	p.indent = indent
	pos := diag.Position{File: p.file, Line: p.line}
	if m := iniHeader.FindStringSubmatch(value); m != nil {
		if p.out.section(m[1]) != nil || m[1] == "DEFAULT" {
			return p.errorf("the section [" + m[1] + "] stands twice, or is DEFAULT")
		}
		p.section = &iniSection{name: m[1], pos: pos, byKey: map[string]*iniOption{}}
		p.out.list = append(p.out.list, p.section)
		p.out.byName[m[1]] = p.section
		return nil
	}
	m := iniLine.FindStringSubmatch(value)
	switch {
	case p.section == nil || m == nil || m[1] == "":
		return p.errorf("this is neither a section nor a key with a value")
	case p.section.option(m[1]) != nil:
		return p.errorf("the key " + m[1] + " stands twice")
	}
	p.option = &iniOption{key: m[1], pos: pos}
	p.value.WriteString(m[2])
	p.section.options = append(p.section.options, p.option)
	p.section.byKey[m[1]] = p.option
	return nil
}

// sections returns the sections in the order of the file.
func (f *iniFile) sections() []*iniSection {
	if f == nil {
		return nil
	}
	return f.list
}

// section returns a section, nil if there is none.
func (f *iniFile) section(name string) *iniSection {
	if f == nil {
		return nil
	}
	return f.byName[name]
}

// configures returns the first section that describes a distribution, nil if there is none.
func (f *iniFile) configures() *iniSection {
	i := slices.IndexFunc(f.sections(), func(s *iniSection) bool {
		return len(s.options) > 0 && (s.name == "metadata" || s.name == "options" || strings.HasPrefix(s.name, "options."))
	})
	if i < 0 {
		return nil
	}
	return f.list[i]
}

// onlyLicence reports a file that says nothing of a distribution but its licence files, as many do beside
// pyproject.toml.
func (f *iniFile) onlyLicence() bool {
	for _, s := range f.sections() {
		for _, o := range s.options {
			if strings.HasPrefix(s.name, "options") || s.name == "metadata" && o.key != "license_file" && o.key != "license_files" {
				return false
			}
		}
	}
	return f.section("metadata") != nil
}

// option returns an option, nil if there is none.
func (s *iniSection) option(key string) *iniOption {
	if s == nil {
		return nil
	}
	return s.byKey[key]
}

// flag reads a boolean: what is not yes is no.
func (o *iniOption) flag() bool {
	return slices.Contains([]string{"1", "true", "yes"}, strings.ToLower(o.value))
}

// items splits a list: by lines where there are several, else by the separator.
func (o *iniOption) items(separator string) (out []text) {
	if strings.Contains(o.value, "\n") {
		separator = "\n"
	}
	for item := range strings.SplitSeq(o.value, separator) {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, text{item, o.pos})
		}
	}
	return out
}

// strings returns the items without their places.
func (o *iniOption) strings() (out []string) {
	for _, item := range o.items(",") {
		out = append(out, item.s)
	}
	return out
}
