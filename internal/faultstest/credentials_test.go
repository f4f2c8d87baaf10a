package faultstest

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/lithe-build/lithe/internal/testkit/faults"
	"github.com/lithe-build/lithe/internal/testkit/pyindex"
)

// password is written differently in each encoding: percent, base64 and its variant for URLs, hex.
const (
	user     = "somebody"
	password = "Zx9?~tq>/J%w&Yk"
)

// place is where a user may put credentials.
type place struct {
	name string
	put  func(w *world)
}

// places are all that take credentials for an index or a mirror.
func places() []place {
	all := []place{
		{"netrc in the home folder", func(w *world) { w.write("home/.netrc", netrc(w.index.URL)) }},
		{"the file that NETRC names", func(w *world) {
			w.write("home/other", netrc(w.index.URL))
			w.env["NETRC"] = filepath.Join(w.root, "home", "other")
		}},
		{"index-url of pip.conf", func(w *world) {
			w.write("home/pip.conf", "[global]\nindex-url = "+withSecret(w.index.URL)+"\n")
			w.env["PIP_CONFIG_FILE"], w.env["LITHE_INDEX_URL"] = filepath.Join(w.root, "home", "pip.conf"), ""
		}},
		{"UV_INDEX_NAME_PASSWORD", named("UV_INDEX_PRIVATE_REPO_")},
		{"POETRY_HTTP_BASIC_NAME_PASSWORD", named("POETRY_HTTP_BASIC_PRIVATE_REPO_")},
		{"Poetry's auth.toml", configured("POETRY_CONFIG_DIR", "home/poetry", "auth.toml", "[http-basic.private-repo]\nusername = %q\npassword = %q\n")},
		{"PDM's config.toml", configured("PDM_CONFIG_FILE", "home/pdm.toml", "", "[pypi.private-repo]\nusername = %q\npassword = %q\n")},
		{"PDM_PYPI_PASSWORD", func(w *world) {
			w.lock("pdm.lock", pdmLock)
			_ = withVariables(w)
			w.env["PDM_PYPI_URL"] = w.index.URL
			w.env["PDM_PYPI_USERNAME"], w.env["PDM_PYPI_PASSWORD"] = user, password
		}},
		{"variables in [[tool.pdm.source]]", func(w *world) {
			w.lock("pdm.lock", pdmLock)
			w.write("app/pyproject.toml", pyproject+"\n[[tool.pdm.source]]\nname = \"pypi\"\nurl = \""+withVariables(w)+"\"\n")
		}},
		{"variables in a Pipfile.lock", func(w *world) {
			w.lock("Pipfile.lock", func(x *pyindex.Index, project []byte) ([]byte, error) { return pipfileLock(x, withVariables(w)) })
		}},
		{"keyring", func(w *world) {
			named("UV_INDEX_PRIVATE_REPO_")(w)
			w.env["UV_INDEX_PRIVATE_REPO_PASSWORD"], w.env["UV_KEYRING_PROVIDER"] = "", "subprocess"
			w.write("home/bin/keyring", "#!/bin/sh\ncat <<'EOF'\n"+password+"\nEOF\n")
			if err := os.Chmod(filepath.Join(w.root, "home", "bin", "keyring"), 0o755); err != nil {
				w.t.Fatal(err)
			}
			w.env["PATH"] = filepath.Join(w.root, "home", "bin") + string(os.PathListSeparator) + os.Getenv("PATH")
		}},
		{"LITHE_DEBIAN_MIRROR", func(w *world) {
			w.mirrorFaults.Play(faults.Rule{Path: "/debian/*/*/*/*/*", Break: faults.Password(user, password)},
				faults.Rule{Path: "/debian/dists/*/InRelease", Break: faults.Password(user, password)})
			w.env["LITHE_DEBIAN_MIRROR"] = withSecret(w.mirror.URL)
			w.write("home/.netrc", netrc(w.index.URL))
		}},
	}
	for _, variable := range []string{"LITHE_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"} {
		all = append(all, place{variable, func(w *world) {
			w.env["LITHE_INDEX_URL"] = ""
			w.env[variable] = withSecret(w.index.URL)
		}})
	}
	for _, variable := range []string{"UV_INDEX", "UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL"} {
		all = append(all, place{variable, func(w *world) {
			w.emptyDefault()
			w.env[variable] = withSecret(w.index.URL)
		}})
	}
	return all
}

// named puts credentials into the variables for an index with a name.
func named(prefix string) func(*world) {
	return func(w *world) {
		w.emptyDefault()
		w.env["UV_INDEX"] = "private-repo=" + w.index.URL
		w.env[prefix+"USERNAME"], w.env[prefix+"PASSWORD"] = user, password
	}
}

// withVariables is the address of the index with a login that the environment has.
func withVariables(w *world) string {
	w.env["LITHE_INDEX_URL"], w.env["WHO"], w.env["SECRET"] = "", user, password
	if err := os.Remove(filepath.Join(w.dir, "poetry.lock")); err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
	return strings.Replace(w.index.URL, "://", "://${WHO}:${SECRET}@", 1)
}

// pdmLock is a flat pdm.lock of all that the index has, with names and hashes of files. It has no hash of its project.
func pdmLock(x *pyindex.Index, _ []byte) ([]byte, error) {
	text := "[metadata]\ngroups = [\"default\"]\nstrategy = [\"inherit_metadata\"]\nlock_version = \"4.5.0\"\n"
	for _, w := range x.Wheels() {
		text += fmt.Sprintf("\n[[package]]\nname = %q\nversion = %q\ngroups = [\"default\"]\nfiles = [{file = %q, hash = %q}]\n", w.Name, w.Version, w.Filename(), w.Hash())
	}
	return []byte(text), nil
}

// pipfileLock is a Pipfile.lock of all that the index has, with hashes alone, from the index of an address.
func pipfileLock(x *pyindex.Index, address string) ([]byte, error) {
	packages := map[string]any{}
	for _, w := range x.Wheels() {
		packages[w.Name] = map[string]any{"version": "==" + w.Version, "index": "corp", "hashes": []string{w.Hash()}}
	}
	return json.Marshal(map[string]any{"_meta": map[string]any{"hash": map[string]any{"sha256": strings.Repeat("0", 64)}, "pipfile-spec": 6,
		"requires": map[string]any{}, "sources": []any{map[string]any{"name": "corp", "url": address, "verify_ssl": true}}}, "default": packages, "develop": map[string]any{}})
}

// configured puts credentials into a file of another tool, which a variable names, for an index with a name.
func configured(variable, path, file, text string) func(*world) {
	return func(w *world) {
		w.emptyDefault()
		w.env["UV_INDEX"] = "private-repo=" + w.index.URL
		w.env[variable] = filepath.Join(w.root, filepath.FromSlash(path))
		w.write(strings.TrimSuffix(path+"/"+file, "/"), fmt.Sprintf(text, user, password))
	}
}

// emptyDefault makes the default index one that has nothing, so that the others are asked.
func (w *world) emptyDefault() {
	w.elsewhere.Play(faults.Rule{Path: "*", Break: faults.Status(404)})
	w.env["LITHE_INDEX_URL"], w.env["UV_DEFAULT_INDEX"] = "", w.origin("elsewhere")+"/simple/"
}

func netrc(address string) string {
	u, _ := url.Parse(address)
	return fmt.Sprintf("machine %s\nlogin %s\npassword %s\n", u.Hostname(), user, password)
}

func withSecret(address string) string {
	u, _ := url.Parse(address)
	u.User = url.UserPassword(user, password)
	return u.String()
}

// TestCredentials builds with a secret in every place that takes one, as loudly as lithe can, with every server asking
// for it, and breaks the build in several ways. The secret may then be nowhere: not in what was printed, not in
// lithe.lock, the metadata, the image or the store, and not in another spelling either.
func TestCredentials(t *testing.T) {
	ends := map[string]struct {
		rules []faults.Rule
		want  int
	}{
		"success":         {nil, good},
		"403":             {[]faults.Rule{{Path: "*", Break: faults.Status(403)}}, failure},
		"500":             {[]faults.Rule{{Path: bigWheel, Break: faults.Status(500)}}, failure},
		"circle":          {[]faults.Rule{{Path: bigWheel, Break: faults.Loop()}}, failure},
		"redirect":        {[]faults.Rule{{Path: bigPage, Break: faults.Elsewhere("http://" + user + ":" + url.QueryEscape(password) + "@127.0.0.1:1")}}, failure},
		"wrong bytes":     {[]faults.Rule{{Path: bigWheel, Break: faults.Alter()}}, problem},
		"page is garbage": {[]faults.Rule{{Path: bigPage, Break: faults.Page("application/json", "{")}}, failure},
	}
	for _, p := range places() {
		for name, end := range ends {
			t.Run(p.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.lockProject(true)
				w.env["LITHE_ATTEMPTS"] = "2"
				p.put(w)
				w.indexFaults.Play(append(slices.Clone(end.rules), faults.Rule{Path: "*", Break: faults.Password(user, password)})...)
				got := w.lithe("build", w.dir, "--verbose", "--progress=json", "--metadata-file", filepath.Join(w.root, "images", "meta.json"),
					"-o", "oci:"+w.image, "-o", "docker-archive:"+w.image+".tar")
				if got.code != end.want {
					t.Fatalf("want exit code %d: %v", end.want, got)
				}
				more := w.lithe("explain", w.dir, "--json")
				w.write("printed", got.String()+more.String())
				if err := leaked(w, "printed", "app", "images", "store"); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// leaked looks for the password in files and folders below the root, and in what is compressed there.
func leaked(w *world, names ...string) error {
	looked := 0
	for _, name := range names {
		for _, path := range files(filepath.Join(w.root, name)) {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			looked++
			for _, form := range append(unpacked(data), data) {
				if spelling := secretIn(form); spelling != "" {
					return fmt.Errorf("%s has the password, as %s", path, spelling)
				}
			}
		}
	}
	if looked < 2 {
		return fmt.Errorf("looked into %d files: the search is broken", looked)
	}
	return nil
}

// unpacked returns what is in compressed bytes: layers are gzip, the index of a suite is zstd.
func unpacked(data []byte) (forms [][]byte) {
	if z, err := gzip.NewReader(bytes.NewReader(data)); err == nil {
		if inner, err := io.ReadAll(z); err == nil {
			forms = append(forms, inner)
		}
	}
	if z, err := zstd.NewReader(bytes.NewReader(data)); err == nil {
		if inner, err := io.ReadAll(z); err == nil {
			forms = append(forms, inner)
		}
		z.Close()
	}
	return forms
}

// secretIn returns which spelling of the password is in some bytes, "" for none.
func secretIn(data []byte) string {
	for name, spelling := range spellings() {
		if bytes.Contains(data, []byte(spelling)) {
			return name
		}
	}
	return ""
}

// spellings are the ways in which a password may be written.
func spellings() map[string]string {
	all := map[string]string{
		"plain text":           password,
		"percent encoding":     url.QueryEscape(password),
		"path of a URL":        url.PathEscape(password),
		"user of a URL":        strings.TrimPrefix(url.UserPassword("", password).String(), ":"),
		"hex":                  hex.EncodeToString([]byte(password)),
		"upper case hex":       strings.ToUpper(hex.EncodeToString([]byte(password))),
		"quoted text":          strings.Trim(fmt.Sprintf("%q", password), `"`),
		"text of HTML in JSON": strings.NewReplacer(">", `\u003e`, "&", `\u0026`).Replace(password),
	}
	// In base64 it depends on what stands before how bytes are cut; what its neighbours take part in is left out.
	for before := range 3 {
		for name, encoding := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64 of URLs": base64.RawURLEncoding} {
			text := encoding.EncodeToString([]byte(strings.Repeat("x", before) + password))
			first := (before*8 + 5) / 6
			all[fmt.Sprintf("%s after %d", name, before)] = text[first : (before+len(password))*8/6]
		}
	}
	return all
}

// The search finds the password in all its spellings, and in what is compressed.
func TestSpellings(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	fmt.Fprintf(z, "auth: %s", password)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	forms := map[string]string{
		"plain": "x" + password + "y", "header": base64.StdEncoding.EncodeToString([]byte(user + ":" + password)),
		"one more": base64.StdEncoding.EncodeToString([]byte(user + "1:" + password)), "two more": base64.URLEncoding.EncodeToString([]byte(user + "12:" + password)),
		"hex": hex.EncodeToString([]byte(user + password)), "URL": withSecret("https://host/simple/"),
		"query": url.Values{"p": {password}}.Encode(), "gzip": zipped.String(), "zstd": string(encoder.EncodeAll([]byte(password), nil)),
	}
	for name, text := range forms {
		found := secretIn([]byte(text)) != ""
		for _, inner := range unpacked([]byte(text)) {
			found = found || secretIn(inner) != ""
		}
		if !found {
			t.Errorf("%s: not found in %q", name, text)
		}
	}
	if name := secretIn([]byte("nothing " + user)); name != "" {
		t.Errorf("found as %s where it is not", name)
	}
}
