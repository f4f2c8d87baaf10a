package base

import (
	"slices"

	"github.com/lithe-build/lithe/internal/diag"
)

// built is a row of the table of distributions whose source needs headers, libraries or programs of Debian's that its own
// metadata has no word for.
type built struct {
	distribution string
	packages     []string // of Debian, by names of all released suites
	source       string   // who says so
}

// builtTable is made by hand: of a row each, its source says that building needs the packages, or their like.
var builtTable = []built{
	{"argon2-cffi-bindings", []string{"libffi-dev"}, "https://argon2-cffi.readthedocs.io/en/stable/installation.html"},
	{"cffi", []string{"libffi-dev"}, "https://cffi.readthedocs.io/en/stable/installation.html"},
	{"cryptography", []string{"libssl-dev"}, "https://cryptography.io/en/latest/installation/"},
	{"h5py", []string{"libhdf5-dev"}, "https://docs.h5py.org/en/stable/build.html"},
	{"lxml", []string{"libxml2-dev", "libxslt1-dev"}, "https://lxml.de/installation.html"},
	{"mysqlclient", []string{"default-libmysqlclient-dev"}, "https://pypi.org/project/mysqlclient/"},
	{"pillow", []string{"libjpeg-dev", "zlib1g-dev"}, "https://pillow.readthedocs.io/en/stable/installation/building-from-source.html"},
	{"psycopg-c", []string{"libpq-dev"}, "https://www.psycopg.org/psycopg3/docs/basic/install.html"},
	{"psycopg2", []string{"libpq-dev"}, "https://www.psycopg.org/docs/install.html"},
	{"pycairo", []string{"libcairo2-dev"}, "https://pycairo.readthedocs.io/en/latest/getting_started.html"},
	{"pycurl", []string{"libcurl4-openssl-dev", "libssl-dev"}, "https://pypi.org/project/pycurl/"},
	{"pygraphviz", []string{"libgraphviz-dev"}, "https://pygraphviz.github.io/documentation/stable/install.html"},
	{"pyodbc", []string{"unixodbc-dev"}, "https://github.com/mkleehammer/pyodbc/wiki/Install"},
	{"python-ldap", []string{"libldap-dev", "libsasl2-dev"}, "https://www.python-ldap.org/en/latest/installing.html"},
	{"pyyaml", []string{"libyaml-dev"}, "https://pyyaml.org/wiki/PyYAMLDocumentation"},
	{"shapely", []string{"libgeos-dev"}, "https://shapely.readthedocs.io/en/stable/installation.html"},
	{"xmlsec", []string{"libxmlsec1-dev"}, "https://pypi.org/project/xmlsec/"},
}

// Building returns the Debian packages that the source of a distribution is built with, by the table, and who says so; none
// for a distribution that is not in it. The name is normalized.
func Building(distribution string) (packages []string, source string) {
	i := slices.IndexFunc(builtTable, func(b built) bool { return b.distribution == distribution })
	if i < 0 {
		return nil, ""
	}
	return slices.Clone(builtTable[i].packages), builtTable[i].source
}

// Cargo returns what code in Rust is built with, beside what every builder has: cargo, which brings the compiler. Crates soon ask
// for a newer one than a suite was released with, so that it is the one which Debian keeps new for its browsers, in suites that
// have it.
func Cargo(pos diag.Position) Want { return Want{Name: "cargo-web", Or: "cargo", Pos: pos} }

// IsCargo reports a want by which a builder has cargo.
func IsCargo(w Want) bool { return w.Name == "cargo-web" || w.Name == "cargo" }
