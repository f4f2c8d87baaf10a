package artifact

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/fetch"
)

// PyPI is the index of those who name none.
const PyPI = "https://pypi.org/simple/"

// oldPyPI leads to PyPI, and stands in Pipfiles to this day.
const oldPyPI = "https://pypi.python.org/simple"

// IndexOptions say where packages come from. The zero value means PyPI without credentials.
type IndexOptions struct {
	URL   string   // of the default index, without credentials; "" means PyPI
	Extra []string // asked, in order, for what the default index lacks
	From  string   // what chose URL: a variable or a file; "" means nothing did

	also    []string        // what a lock file names beside the index of its packages
	pinned  map[string]bool // packages that are of their index alone, by name
	names   []label
	secrets []secret
	netrc   fetch.Netrc
	env     func(string) string
	home    string

	subprocess bool                                                 // the host's keyring is asked for the passwords of users
	keyring    func(services []string, user string) (string, error) // nil asks none

	general      pems // of all servers without their own
	certificates map[string]func() *tls.Config
	trusted      []setting
}

// setting is a list of URLs and the variable or file that has it.
type setting struct {
	from   string
	values []string
}

// Settings reads what the Python tools are told about indexes: LITHE_INDEX_URL, UV_DEFAULT_INDEX, UV_INDEX_URL,
// PIP_INDEX_URL, pip.conf, in this order of preference, their relatives for further indexes, and netrc.
func Settings(env func(string) string, home string) (IndexOptions, error) {
	return settings(env, home, systemFolders(env))
}

// settings is Settings with the places of system-wide files given, so that tests see none of the host's.
func settings(env func(string) string, home string, system []string) (IndexOptions, error) {
	o := IndexOptions{env: env, home: home}
	o.keyring = func(services []string, user string) (string, error) { return askKeyring(env("PATH"), services, user) }
	conf, err := readPipConf(env, home, system)
	if err != nil {
		return o, err
	}
	for _, provider := range []string{env("UV_KEYRING_PROVIDER"), env("PIP_KEYRING_PROVIDER"), strings.Join(conf["keyring-provider"].values, "")} {
		o.subprocess = o.subprocess || provider == "subprocess"
	}
	o.readTrusted(conf)
	if err := o.readCertificates(conf); err != nil {
		return o, err
	}
	if err := o.readIndexes(conf); err != nil {
		return o, err
	}
	if o.netrc, err = fetch.ReadNetrc(env, home); err != nil {
		return o, &diag.Error{Code: "netrc", What: err.Error(), Hint: "correct the file, or set NETRC to another one"}
	}
	return o, nil
}

// readIndexes reads which indexes there are.
func (o *IndexOptions) readIndexes(conf map[string]setting) (err error) {
	env := o.env
	fromEnv := func(name string) setting { return setting{name, strings.Fields(env(name))} }
	for _, s := range []setting{fromEnv("LITHE_INDEX_URL"), fromEnv("UV_DEFAULT_INDEX"), fromEnv("UV_INDEX_URL"),
		fromEnv("PIP_INDEX_URL"), conf["index-url"]} {
		if len(s.values) == 0 {
			continue
		}
		// The first word: uv and pip take one URL here.
		if o.URL, err = o.add(s.from, s.values[0]); err != nil {
			return err
		}
		o.From = s.from
		break
	}
	extras := []setting{fromEnv("UV_INDEX"), fromEnv("UV_EXTRA_INDEX_URL"), fromEnv("PIP_EXTRA_INDEX_URL"),
		conf["extra-index-url"]}
	if env("LITHE_INDEX_URL") != "" {
		extras = nil // whoever names one for lithe means this one
	}
	for _, s := range extras {
		for _, value := range s.values {
			address, err := o.add(s.from, value)
			if err != nil {
				return err
			}
			o.Extra = append(o.Extra, address)
		}
	}
	return nil
}

// add checks the URL of an index and takes the credentials out of it. uv puts a name before it: "name=URL".
func (o *IndexOptions) add(from, value string) (address string, err error) {
	label := ""
	if before, after, ok := strings.Cut(value, "="); ok && !strings.ContainsAny(before, ":/?") {
		label, value = before, after
	}
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return "", &diag.Error{Code: "index-url", What: fmt.Sprintf("%s: %s is no http or https URL", from, fetch.Redact(value)),
			Hint: "give the address of a simple index, such as " + PyPI}
	}
	o.addLogin(from, u)
	if err := o.checkTrusted(u.String()); err != nil {
		return "", err
	}
	if label != "" {
		err = o.Name(label, u.String())
	}
	return u.String(), err
}

// indexes returns where to look for a package. One whose lock names an index is of that one alone, so that nobody can offer
// another under its name; PyPI may have a stand-in. What no lock tells, the hash decides among all that are known.
func (o IndexOptions) indexes(pkg, locked string) []string {
	var all []string
	from := []string{locked}
	if !o.pinned[pkg] {
		from = append(from, o.also...)
	}
	for _, index := range from {
		if index == "" || isPyPI(index) {
			all = append(all, cmp.Or(o.URL, PyPI))
			if index == "" {
				all = append(all, o.Extra...)
			}
			continue
		}
		expanded, _ := o.expand(index)
		all = append(all, expanded)
	}
	var once []string
	for _, index := range all {
		if !slices.Contains(once, index) {
			once = append(once, index)
		}
	}
	return once
}

// isPyPI tells the default index, which a mirror stands in for, from one that a project chose on purpose.
func isPyPI(address string) bool {
	address = strings.TrimRight(address, "/")
	return address == strings.TrimRight(PyPI, "/") || address == oldPyPI
}

// systemFolders are where pip looks for pip.conf on behalf of all users.
func systemFolders(env func(string) string) []string {
	switch runtime.GOOS {
	case "darwin":
		return []string{"/Library/Application Support/pip/pip.conf"}
	case "windows":
		return []string{filepath.Join(env("PROGRAMDATA"), "pip", "pip.ini")}
	}
	dirs := env("XDG_CONFIG_DIRS")
	if dirs == "" {
		dirs = "/etc/xdg"
	}
	var all []string
	for _, dir := range filepath.SplitList(dirs) {
		all = append(all, filepath.Join(dir, "pip", "pip.conf"))
	}
	return append(all, "/etc/pip.conf")
}

// userFiles are where pip looks for pip.conf on behalf of this user.
func userFiles(env func(string) string, home string) []string {
	if home == "" {
		return nil
	}
	config := env("XDG_CONFIG_HOME")
	if config == "" {
		config = filepath.Join(home, ".config")
	}
	switch runtime.GOOS {
	case "darwin":
		support := filepath.Join(home, "Library", "Application Support", "pip")
		if info, err := os.Stat(support); err == nil && info.IsDir() {
			return []string{filepath.Join(home, ".pip", "pip.conf"), filepath.Join(support, "pip.conf")}
		}
	case "windows":
		return []string{filepath.Join(home, "pip", "pip.ini"), filepath.Join(env("APPDATA"), "pip", "pip.ini")}
	}
	return []string{filepath.Join(home, ".pip", "pip.conf"), filepath.Join(config, "pip", "pip.conf")}
}
