package debmirror

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lithe-build/lithe/internal/debian/archive"
	"github.com/lithe-build/lithe/internal/debian/compressed"
	"github.com/lithe-build/lithe/internal/debian/packages"
	"github.com/lithe-build/lithe/internal/debian/release"
)

// now is a time at which a mirror's suites hold.
var now = DefaultDate.AddDate(0, 0, 30)

// get returns the body of a file that must be there.
func get(t *testing.T, url string) []byte {
	t.Helper()
	status, body := tryGet(t, url)
	if status != http.StatusOK {
		t.Fatalf("%s: status %d", url, status)
	}
	return body
}

func tryGet(t *testing.T, url string) (int, []byte) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, nil
	}
	return response.StatusCode, body
}

func listed(t *testing.T, data []byte, name string) []packages.Package {
	t.Helper()
	r, err := compressed.NewReader(bytes.NewReader(data), name, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	var all []packages.Package
	if err := packages.Read(r, name, func(p packages.Package) error { all = append(all, p); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

// Whoever follows a suite from its signature to its files finds everything in order.
func TestMirror(t *testing.T) {
	m := New(t, Trixie("amd64", "arm64")...)
	for suite, root := range map[string]string{"trixie": m.URL, "trixie-updates": m.URL, "trixie-security": m.SecurityURL} {
		t.Run(suite, func(t *testing.T) {
			r, err := release.Open(get(t, root+"/dists/"+suite+"/InRelease"), m.Keyring)
			if err != nil {
				t.Fatal(err)
			}
			if err := r.CheckValid(now); err != nil {
				t.Error(err)
			}
			if err := r.CheckName(suite); err != nil {
				t.Error(err)
			}
			for _, arch := range []string{"amd64", "arm64"} {
				checkArchitecture(t, root, suite, arch, r)
			}
		})
	}
}

func checkArchitecture(t *testing.T, root, suite, arch string, r *release.Release) {
	t.Helper()
	forms, err := r.Packages("main", arch)
	if err != nil {
		t.Fatal(err)
	}
	var first []packages.Package
	for _, form := range forms {
		if !strings.Contains(form.Path, "Packages.") {
			continue // the plain form is listed and not served, as on Debian's mirrors
		}
		data := get(t, root+"/dists/"+suite+"/"+form.Path)
		if !bytes.Equal(data, get(t, root+"/dists/"+suite+"/"+form.ByHash)) || digest(data) != form.Hash {
			t.Errorf("%s: by name, by hash and the Release differ", form.Path)
		}
		all := listed(t, data, form.Path)
		if first == nil {
			first = all
		} else if diff := cmp.Diff(first, all); diff != "" {
			t.Error(diff)
		}
	}
	for _, p := range first {
		data := get(t, root+"/"+p.Filename)
		if digest(data) != p.Hash || int64(len(data)) != p.Size {
			t.Errorf("%s differs from Packages", p.Filename)
		}
		deb, err := archive.Read(bytes.NewReader(data), archive.Options{})
		if err != nil {
			t.Fatalf("%s: %v", p.Filename, err)
		}
		if err := deb.CheckIs(p.Name, p.Version, arch); err != nil {
			t.Error(err)
		}
	}
}

func digest(data []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(data)) }

func TestFaults(t *testing.T) {
	suite := func(f Faults) Suite {
		return Suite{Name: "one", Packages: []Package{{Name: "evil", Version: "1.0"}}, Faults: f}
	}
	for name, test := range map[string]struct {
		faults Faults
		want   string
	}{
		"none":              {Faults{}, ""},
		"expired":           {Faults{Expired: true}, "Valid-Until"},
		"unknown key":       {Faults{UnknownKey: true}, "is unknown"},
		"unsigned":          {Faults{Unsigned: true}, "signed message"},
		"altered":           {Faults{Altered: true}, "no good signature"},
		"wrong suite":       {Faults{WrongSuite: true}, "says that it is other"},
		"no SHA256":         {Faults{ReleaseMD5Only: true}, "SHA256"},
		"other Packages":    {Faults{PackagesDiffer: true}, "Packages differs"},
		"no by-hash":        {Faults{NoByHash: true}, "status 404"},
		"only by-hash":      {Faults{OnlyByHash: true}, ""},
		"MD5 in Packages":   {Faults{MD5Only: true}, "SHA256"},
		"Filename climbs":   {Faults{FilenameClimbs: true}, "Filename"},
		"debs differ":       {Faults{DebsDiffer: true}, "the .deb differs"},
		"debs missing":      {Faults{DebsMissing: true}, "status 404"},
		"another name":      {Faults{NameConfusion: true}, "other"},
		"truncated bodies":  {Faults{TruncatedBodies: true}, "status 0"},
		"gzip only missing": {Faults{OnlyXZ: true}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := New(t, suite(test.faults))
			err := follow(t, m)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error is %v, want %q", err, test.want)
			}
		})
	}
}

// follow does what a careful client does, up to the only package, and returns the first thing that is wrong.
func follow(t *testing.T, m *Mirror) error {
	r, err := release.Open(get(t, m.URL+"/dists/one/InRelease"), m.Keyring)
	if err != nil {
		return err
	}
	if err := r.CheckName("one"); err != nil {
		return err
	}
	if err := r.CheckValid(now); err != nil {
		return err
	}
	forms, err := r.Packages("main", "amd64")
	if err != nil {
		return err
	}
	status, data := tryGet(t, m.URL+"/dists/one/"+forms[0].ByHash)
	if status != http.StatusOK {
		return fmt.Errorf("status %d", status)
	}
	if digest(data) != forms[0].Hash {
		return fmt.Errorf("Packages differs")
	}
	plain, err := compressed.NewReader(bytes.NewReader(data), forms[0].Path, 1<<20)
	if err != nil {
		return err
	}
	return packages.Read(plain, "Packages", func(p packages.Package) error {
		status, data := tryGet(t, m.URL+"/"+p.Filename)
		if status != http.StatusOK {
			return fmt.Errorf("status %d", status)
		}
		deb, err := archive.Read(bytes.NewReader(data), archive.Options{})
		if err == nil {
			err = deb.CheckIs(p.Name, p.Version, "amd64")
		}
		if err == nil && digest(data) != p.Hash {
			err = fmt.Errorf("the .deb differs")
		}
		return err
	})
}

func TestPublish(t *testing.T) {
	one := func(version string) Suite {
		return Suite{Name: "one", Packages: []Package{{Name: "pp", Version: version}}}
	}
	m := New(t, one("1:1.0"))
	old := "/pool/main/p/pp/pp_1.0_amd64.deb"
	want := get(t, m.URL+old)
	m.Publish(one("1:2.0"))
	if status, _ := tryGet(t, m.URL+old); status != http.StatusNotFound {
		t.Errorf("the superseded package has status %d", status)
	}
	if got := get(t, m.SnapshotURL+"/debian/20250809T100000Z"+old); !bytes.Equal(got, want) {
		t.Error("the snapshot has another package")
	}
	asked := m.Requests()
	if len(asked) != 3 || !slices.Contains(asked, "/debian"+old) || len(m.Requests()) != 0 {
		t.Errorf("requests are %q", asked)
	}
}

// Two descriptions that are equal give equal files, whatever the key: digests may be golden.
func TestSameBytes(t *testing.T) {
	a, b := New(t, Trixie("amd64")...), New(t, Trixie("amd64")...)
	for name, data := range a.files {
		if !strings.HasSuffix(name, "/InRelease") && !bytes.Equal(data, b.files[name]) {
			t.Errorf("%s differs between two mirrors", name)
		}
	}
	if len(a.files) != len(b.files) || len(a.files) < 30 {
		t.Errorf("%d and %d files", len(a.files), len(b.files))
	}
}

func TestKeyLifetime(t *testing.T) {
	key := NewKey(KeyOptions{Lifetime: 10 * 24 * time.Hour})
	if end := key.PrimaryKey.CreationTime.AddDate(0, 0, 11); !key.PrimaryKey.KeyExpired(key.PrimaryIdentity().SelfSignature, end) {
		t.Error("the key does not expire")
	}
	if !bytes.Contains(ArmoredKey(key), []byte("BEGIN PGP PUBLIC KEY BLOCK")) {
		t.Error("the key is not armoured")
	}
}
