package base

import (
	"cmp"
	"strings"
)

// suiteNumbers are the numbers that os-release of a suite says, where it says no name: that of distroless images does not.
var suiteNumbers = map[string]string{"12": "bookworm", "13": "trixie", "14": "forky"}

// SuiteOf reads the file os-release of an image and returns the suite of Debian that the image is made of, and what it calls
// itself. The suite is "" where it is another system, or one that no row of the table is about.
// See https://www.freedesktop.org/software/systemd/man/latest/os-release.html.
func SuiteOf(release string) (suite, system string) {
	values := map[string]string{}
	for line := range strings.Lines(release) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			values[key] = strings.Trim(value, `"'`)
		}
	}
	system = cmp.Or(values["PRETTY_NAME"], values["ID"], "a system that does not say what it is")
	if values["ID"] != "debian" {
		return "", system
	}
	suite = cmp.Or(values["VERSION_CODENAME"], suiteNumbers[values["VERSION_ID"]])
	if _, known := debianSuite(suite); !known || suite == "" {
		return "", system
	}
	return suite, system
}
