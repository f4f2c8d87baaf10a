package base

import (
	"cmp"
	"slices"
	"strings"
)

// Library is a package of Debian that is in an image because a Python distribution needs something of it.
type Library struct {
	Distribution string `json:"distribution"` // normalized name
	Library      string `json:"library"`      // "libgomp.so.1", or the program that it runs
	Package      string `json:"package"`      // "libgomp1"
}

// opened is a row of the table of distributions that open a library or run a program by its name, of which no file says so.
type opened struct {
	distribution string
	library      string   // what is opened
	packages     []string // that have it, by names of all released suites
	suites       []string // of which each has one of the packages alone, in their order; nil where the names are those of all suites
	part         string   // only where the project names this part of the distribution
	unless       []string // distributions that bring it
	pure         bool     // only where its wheel is for any platform; the others bring it
	refused      []string // packages whose scripts are not understood: nothing is added then, only told
	source       string   // who says so
}

// openedTable is made by hand: of a row each, its source says that the distribution does not work without.
var openedTable = []opened{
	{distribution: "cairocffi", library: "libcairo.so.2", packages: []string{"libcairo2"},
		source: "https://doc.courtbouillon.org/cairocffi/stable/overview.html"},
	{distribution: "django", part: "django.contrib.gis", library: "libgdal.so", packages: []string{"libgdal32", "libgdal36"}, suites: []string{"bookworm", "trixie"},
		source: "https://docs.djangoproject.com/en/stable/ref/contrib/gis/install/geolibs/"},
	{distribution: "pdf2image", library: "pdftoppm", packages: []string{"poppler-utils"}, source: "https://pypi.org/project/pdf2image/"},
	{distribution: "psycopg", library: "libpq.so.5", packages: []string{"libpq5"}, unless: []string{"psycopg-binary", "psycopg-c"},
		source: "https://www.psycopg.org/psycopg3/docs/basic/install.html"},
	{distribution: "pydub", library: "ffmpeg", packages: []string{"ffmpeg"}, refused: []string{"libgdk-pixbuf-2.0-0", "libsensors5", "shared-mime-info"},
		source: "https://github.com/jiaaro/pydub#dependencies"},
	{distribution: "pyenchant", library: "libenchant-2.so.2", packages: []string{"libenchant-2-2"}, pure: true, refused: []string{"emacsen-common"},
		source: "https://pyenchant.github.io/pyenchant/install.html"},
	{distribution: "pytesseract", library: "tesseract", packages: []string{"tesseract-ocr"}, source: "https://pypi.org/project/pytesseract/"},
	{distribution: "python-magic", library: "libmagic.so.1", packages: []string{"libmagic1"}, source: "https://github.com/ahupp/python-magic#installation"},
	{distribution: "pyusb", library: "libusb-1.0.so.0", packages: []string{"libusb-1.0-0"}, source: "https://github.com/pyusb/pyusb#requirements-and-platform-support"},
	{distribution: "pyzbar", library: "libzbar.so.0", packages: []string{"libzbar0"}, source: "https://pypi.org/project/pyzbar/"},
	{distribution: "sounddevice", library: "libportaudio.so.2", packages: []string{"libportaudio2"}, pure: true,
		source: "https://python-sounddevice.readthedocs.io/en/latest/installation.html"},
	{distribution: "soundfile", library: "libsndfile.so.1", packages: []string{"libsndfile1"}, pure: true,
		source: "https://python-soundfile.readthedocs.io/en/latest/#installation"},
	{distribution: "weasyprint", library: "libpango-1.0.so.0", packages: []string{"libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0"},
		source: "https://doc.courtbouillon.org/weasyprint/stable/first_steps.html"},
}

// Refused is something that a distribution opens and that cannot be added without being told to.
type Refused struct {
	Library
	Accept []string // packages whose scripts must be accepted for it
}

// in returns the packages that a suite has, "trixie". There are none for a suite that the table does not know.
func (o opened) in(suite string) []string {
	if o.suites == nil {
		return o.packages
	}
	if i := slices.Index(o.suites, suite); i >= 0 {
		return o.packages[i : i+1]
	}
	return nil
}

// Opened returns what the distributions of an image open at run time, by the table. name is that of the base with Debian's
// packages, wheels are the names of their files by normalized name, parts are what the project names of them.
func Opened(name string, wheels map[string]string, parts []string) (needed []Library, refused []Refused) {
	suite := strings.TrimPrefix(name, "debian:")
	for _, o := range openedTable {
		wheel, there := wheels[o.distribution]
		if !there || o.part != "" && !slices.Contains(parts, o.part) || o.pure && !strings.HasSuffix(wheel, "-any.whl") ||
			slices.ContainsFunc(o.unless, func(name string) bool { return has(wheels, name) }) {
			continue
		}
		for _, p := range o.in(suite) {
			l := Library{Distribution: o.distribution, Library: o.library, Package: p}
			if len(o.refused) > 0 {
				refused = append(refused, Refused{l, o.refused})
				continue
			}
			needed = append(needed, l)
		}
	}
	return needed, refused
}

func has(wheels map[string]string, name string) bool {
	_, ok := wheels[name]
	return ok
}

// IsOpened reports a library that the table has for its distribution.
func IsOpened(l Library) bool {
	return slices.ContainsFunc(openedTable, func(o opened) bool {
		return o.distribution == l.Distribution && o.library == l.Library && slices.Contains(o.packages, l.Package)
	})
}

// Part returns the part of a distribution that alone opens a library, by the table; "" for other libraries.
func (l Library) Part() string {
	for _, o := range openedTable {
		if o.distribution == l.Distribution && o.library == l.Library {
			return o.part
		}
	}
	return ""
}

// Wants returns what a platform's libraries add to what the project asks for.
func (s Selection) Wants(of func(distribution string) bool) []Want {
	var wants []Want
	known := map[string]bool{}
	for _, l := range s.Libraries {
		if of(l.Distribution) && !known[l.Package] {
			known[l.Package] = true
			wants = append(wants, Want{Name: l.Package})
		}
	}
	return wants
}

// Lacks reports a package that a platform's libraries name and that is not locked for them.
func (s Selection) Lacks() bool {
	return slices.ContainsFunc(s.Libraries, func(l Library) bool {
		if s.Image != nil && slices.Contains(s.Image.Has, l.Package) {
			return false
		}
		return !slices.ContainsFunc(s.Packages, func(p Pin) bool {
			return slices.Contains(p.For, l.Package) || p.Part != KindSystem && p.Name == l.Package
		})
	})
}

// Orphaned reports a locked package that neither the project nor a library asks for.
func (s Selection) Orphaned(wants []Want) bool {
	return slices.ContainsFunc(s.Packages, func(p Pin) bool {
		return slices.ContainsFunc(p.For, func(name string) bool {
			return !slices.ContainsFunc(wants, func(w Want) bool { return w.Name == name }) &&
				!slices.ContainsFunc(s.Libraries, func(l Library) bool { return l.Package == name })
		})
	})
}

// Compare orders libraries by distribution.
func (l Library) Compare(o Library) int {
	return cmp.Or(strings.Compare(l.Distribution, o.Distribution), strings.Compare(l.Library, o.Library), strings.Compare(l.Package, o.Package))
}
