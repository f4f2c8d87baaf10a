package backend

import (
	"strings"

	"github.com/lithe-build/lithe/internal/python/name"
)

// readSetupCfg reads setup.cfg. See https://setuptools.pypa.io/en/latest/userguide/declarative_config.html.
func (s *setuptools) readSetupCfg() {
	s.meta = setupMetadata{headers: map[string]string{}}
	s.discoverable = s.cfg.section("options").option("packages") == nil && s.cfg.section("options").option("py_modules") == nil
	for _, section := range s.cfg.sections() {
		read, ok := cfgSections[section.name]
		if !ok && strings.HasPrefix(section.name, "options") {
			s.refusef(section.pos, "setup.cfg has [%s]", section.name)
		}
		if !ok {
			continue
		}
		for _, o := range section.options {
			if strings.Contains(o.value, "%") {
				s.refusef(o.pos, "%q has a percent sign, which stands for other values", o.key)
			}
			if lists := strings.HasPrefix(section.name, "options"); lists && !s.few(o.pos, section.name, o.key, strings.Count(o.value, "\n")+strings.Count(o.value, ",")) {
				continue
			}
			read(s, o)
		}
	}
	s.cfgLicence()
	if len(s.problems) == 0 && s.err == nil {
		s.readCfgPackages()
	}
}

// cfgLicence reads the licence files of setup.cfg: patterns, which pyproject.toml may override, and one more.
func (s *setuptools) cfgLicence() {
	section := s.cfg.section("metadata")
	if o := section.option("license_files"); o != nil && s.licensePatterns == nil {
		s.licensePatterns = append([]text{}, o.items(",")...)
	}
	if o := section.option("license_file"); o != nil && o.value != "" {
		s.licensePatterns = append(s.licensePatterns, text{o.value, o.pos})
	}
}

// cfgSections read one option of a section.
var cfgSections = map[string]func(*setuptools, *iniOption){
	"metadata":               (*setuptools).cfgMetadata,
	"options":                (*setuptools).cfgOptions,
	"options.packages.find":  func(*setuptools, *iniOption) {}, // read with the packages
	"options.entry_points":   (*setuptools).cfgEntryPoints,
	"options.extras_require": (*setuptools).cfgExtra,
	"options.package_data": func(s *setuptools, o *iniOption) {
		s.packageData[strings.TrimPrefix(o.key, "*")] = o.strings()
	},
	"options.exclude_package_data": func(s *setuptools, o *iniOption) {
		s.excludeData[strings.TrimPrefix(o.key, "*")] = o.strings()
	},
	"options.data_files": func(s *setuptools, o *iniOption) {
		s.dataFiles = append(s.dataFiles, dataFiles{o.key, o.items(",")})
	},
}

// cfgHeaders are the keys of [metadata] that are copied as they are.
var cfgHeaders = map[string]string{"url": "Home-page", "home_page": "Home-page", "download_url": "Download-URL", "author": "Author",
	"author_email": "Author-email", "maintainer": "Maintainer", "maintainer_email": "Maintainer-email"}

// cfgMetadata reads an option of [metadata].
func (s *setuptools) cfgMetadata(o *iniOption) {
	key := strings.ToLower(strings.ReplaceAll(o.key, "-", "_"))
	if field, ok := cfgHeaders[key]; ok {
		s.oneLine(o.pos, key, o.value)
		s.meta.headers[field] = o.value
		return
	}
	switch key {
	case "name":
		if s.project.name = o.value; !name.Valid(o.value) {
			s.problemf(o.pos, "%q is not the name of a project", o.value)
		}
	case "version":
		s.versionPos = o.pos
		if attr, ok := strings.CutPrefix(o.value, "attr:"); ok {
			s.versionAttr = attr
		} else {
			s.project.versionText = strings.TrimSpace(s.cfgText(o))
		}
	case "description", "summary":
		s.meta.summary = s.cfgText(o)
	case "long_description":
		s.meta.description = s.cfgText(o)
	case "long_description_content_type":
		s.meta.contentType = o.value
	case "classifiers", "classifier":
		copied := *o
		copied.value = s.cfgText(o)
		s.meta.classifiers = copied.strings()
	case "keywords":
		s.meta.keywords = o.strings()
	case "platforms", "platform":
		s.meta.platforms = o.strings()
	case "license":
		if s.meta.license = o.value; strings.HasPrefix(o.value, "file:") {
			s.problemf(o.pos, "the licence cannot be a file")
		}
	case "license_files", "license_file": // read together
	case "project_urls":
		for _, item := range o.items(",") {
			label, url, ok := strings.Cut(item.s, "=")
			if !ok {
				s.problemf(o.pos, "%q is not a label with an address", item.s)
			}
			s.meta.urls = append(s.meta.urls, pair{strings.TrimSpace(label), strings.TrimSpace(url), o.pos})
		}
	default:
		s.refusef(o.pos, "[metadata] sets %q", o.key)
	}
}

// cfgText returns a value, or the text of the files that it names.
func (s *setuptools) cfgText(o *iniOption) string {
	files, ok := strings.CutPrefix(o.value, "file:")
	if !ok {
		return o.value
	}
	if !s.few(o.pos, "setup.cfg", o.key, strings.Count(files, ",")) {
		return ""
	}
	var out []string
	for file := range strings.SplitSeq(files, ",") {
		out = append(out, s.textOf(strings.TrimSpace(file), o.pos))
	}
	return strings.Join(out, "\n")
}

// cfgOptions reads an option of [options]. What concerns tests has no effect on a wheel.
func (s *setuptools) cfgOptions(o *iniOption) {
	switch key := strings.ToLower(strings.ReplaceAll(o.key, "-", "_")); key {
	case "packages", "tests_require", "test_suite":
	case "py_modules":
		s.modules = o.strings()
	case "include_package_data":
		s.includeData = o.flag()
	case "zip_safe":
		s.zipSafe = o.flag()
	case "scripts":
		s.scripts = o.items(",")
	case "python_requires":
		s.meta.python = o.value
	case "install_requires":
		s.meta.requires = s.cfgRequirements(o)
	case "setup_requires":
		for _, d := range s.cfgRequirements(o) {
			if n := d.normalName(); n != "setuptools" && n != "wheel" {
				s.refusef(o.pos, "setup_requires names %s, which may be a plugin", d.name)
			}
		}
	case "package_dir":
		for _, item := range o.items(",") {
			name, dir, ok := strings.Cut(item.s, "=")
			if !ok {
				s.problemf(o.pos, "%q is not a package with a directory", item.s)
			}
			s.setPackageDir(strings.TrimSpace(name), strings.TrimSpace(dir), o.pos)
		}
	default:
		s.refusef(o.pos, "[options] sets %q", o.key)
	}
}

// cfgRequirements reads requirements, one a line.
func (s *setuptools) cfgRequirements(o *iniOption) []dependency {
	value := s.cfgText(o)
	if !strings.Contains(value, "\n") && strings.Contains(value, ";") {
		s.refusef(o.pos, "%q has a semicolon in one line, which separates requirements", o.key)
	}
	return s.requirementLines(value, o.pos)
}

// cfgExtra reads an extra.
func (s *setuptools) cfgExtra(o *iniOption) {
	if !validName(o.key) {
		s.refusef(o.pos, "the extra %.300q has a condition", o.key)
	}
	s.meta.extras = append(s.meta.extras, setupExtra{o.key, s.cfgRequirements(o)})
}

// cfgEntryPoints reads a group of entry points.
func (s *setuptools) cfgEntryPoints(o *iniOption) {
	g := group{name: o.key}
	for _, item := range o.items(",") {
		key, value, ok := strings.Cut(item.s, "=")
		switch {
		case strings.HasPrefix(item.s, "#"):
		case !ok:
			s.problemf(o.pos, "%q is not an entry point", item.s)
		default:
			g.entries = append(g.entries, pair{strings.TrimSpace(key), strings.TrimSpace(value), o.pos})
		}
	}
	s.meta.groups = append(s.meta.groups, g)
}

// readCfgPackages reads the list of packages, or how to find them.
func (s *setuptools) readCfgPackages() {
	o := s.cfg.section("options").option("packages")
	if o == nil {
		return
	}
	directive := strings.TrimSpace(o.value)
	if directive != "find:" && directive != "find_namespace:" {
		s.packages = o.strings()
		return
	}
	f := finder{include: []string{"*"}, namespaces: directive == "find_namespace:", pos: o.pos}
	roots := []string{""}
	if find := s.cfg.section("options.packages.find"); find != nil {
		for _, option := range find.options {
			switch items := option.strings(); {
			case option.key == "where" && len(items) > 0:
				roots = items[:1]
			case option.key == "include" && len(items) > 0:
				f.include = items
			case option.key == "exclude":
				f.exclude = items
			}
		}
	}
	s.findIn(roots, f)
}
