package release

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	gocmp "github.com/google/go-cmp/cmp"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/testkit/corpus"
	"github.com/lithe-build/lithe/internal/testkit/debmirror"
)

const (
	zeros = "0000000000000000000000000000000000000000000000000000000000000000"
	text  = "Origin: Debian\nSuite: stable\nCodename: trixie\nDate: Sat, 09 Aug 2025 10:00:00 UTC\n" +
		"Acquire-By-Hash: yes\nArchitectures: all amd64\nComponents: main\nDescription:\n - dashes\n" +
		"MD5Sum:\n 00 1 main/binary-amd64/Packages.xz\nSHA256:\n " + zeros + " 17 main/binary-amd64/Packages.xz\n"
)

var (
	date  = debmirror.DefaultDate
	first = debmirror.NewKey(debmirror.KeyOptions{})
	other = debmirror.NewKey(debmirror.KeyOptions{})
	// A key that was valid at date, and no longer is a year later.
	brief = debmirror.NewKey(debmirror.KeyOptions{Lifetime: 6 * 365 * 24 * time.Hour})
	// A key that was past before date.
	past = debmirror.NewKey(debmirror.KeyOptions{Lifetime: 24 * time.Hour})
)

func TestOpen(t *testing.T) {
	r, err := Open(debmirror.ClearSign(text, date, first), openpgp.EntityList{other, first})
	if err != nil {
		t.Fatal(err)
	}
	want := &Release{Origin: "Debian", Suite: "stable", Codename: "trixie", Date: date, ByHash: true,
		Architectures: []string{"all", "amd64"}, Components: []string{"main"},
		SHA256: map[string]File{"main/binary-amd64/Packages.xz": {Hash: "sha256:" + zeros, Size: 17}},
		Signers: []Signer{{Fingerprint: fmt.Sprintf("%X", first.PrimaryKey.Fingerprint), Signed: date,
			Identity: "Test Archive Key <archive@example.org>"}},
	}
	if diff := gocmp.Diff(want, r); diff != "" {
		t.Error(diff)
	}
}

func TestOpenRefuses(t *testing.T) {
	signed := string(debmirror.ClearSign(text, date, first))
	replace := func(old, with string) string {
		if !strings.Contains(signed, old) {
			t.Fatalf("the signed text has no %q", old)
		}
		return strings.Replace(signed, old, with, 1)
	}
	for name, test := range map[string]struct{ in, want string }{
		"nothing":                {"", "does not begin"},
		"unsigned":               {text, "does not begin"},
		"text before":            {"Origin: Evil\n\n" + signed, "does not begin"},
		"newline before":         {"\n" + signed, "does not begin"},
		"text after":             {signed + "Origin: Evil\n", "after its signature"},
		"second message":         {signed + string(debmirror.ClearSign("A: 1\n", date, other)), "after its signature"},
		"changed":                {replace("Origin: Debian", "Origin: Evil"), "no good signature"},
		"changed row":            {replace(" 17 main", " 18 main"), "no good signature"},
		"field in the headers":   {replace("\nHash: ", "\nOrigin: Evil\nHash: "), "not one whole"},
		"line before the text":   {replace("\n\nOrigin", "\n\nVersion: 1\nOrigin"), "no good signature"},
		"cut":                    {signed[:len(signed)-60], "not one whole"},
		"no signature":           {signed[:strings.Index(signed, "-----BEGIN PGP SIGNATURE")], "not one whole"},
		"unknown key":            {string(debmirror.ClearSign(text, date, other)), "is unknown"},
		"key past when it signs": {string(debmirror.ClearSign(text, date, past)), "expired"},
		"two paragraphs":         {string(debmirror.ClearSign(text+"\nOrigin: x\n", date, first)), "second paragraph"},
		"empty text":             {string(debmirror.ClearSign("", date, first)), "is empty"},
		"broken armour":          {replace("-----BEGIN PGP SIGNATURE-----\n\n", "-----BEGIN PGP SIGNATURE-----\n\nAAAA"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Open([]byte(test.in), openpgp.EntityList{first, past})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error is %v, want %q", err, test.want)
			}
			if r != nil {
				t.Error("a Release beside an error")
			}
		})
	}
}

// One known key is enough, and each good signature counts; one bad signature spoils nothing.
func TestManySignatures(t *testing.T) {
	keyring := openpgp.EntityList{first, brief}
	for name, test := range map[string]struct {
		keys []*openpgp.Entity
		want int
	}{
		"unknown first": {[]*openpgp.Entity{other, first}, 1},
		"unknown last":  {[]*openpgp.Entity{first, other}, 1},
		"two known":     {[]*openpgp.Entity{first, other, brief}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Open(debmirror.ClearSign(text, date, test.keys...), keyring)
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Signers) != test.want {
				t.Errorf("%d signers, want %d", len(r.Signers), test.want)
			}
		})
	}
}

func TestCheckValid(t *testing.T) {
	open := func(text string, keys ...*openpgp.Entity) *Release {
		r, err := Open(debmirror.ClearSign(text, date, keys...), openpgp.EntityList{first, brief})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	until := open(text+"Valid-Until: Sat, 16 Aug 2025 10:00:00 UTC\n", first)
	forever, short := open(text, first), open(text, brief)
	both := open(text, brief, first)
	for _, test := range []struct {
		name    string
		release *Release
		now     time.Time
		code    string
	}{
		{"fresh", until, date, ""},
		{"last second", until, date.AddDate(0, 0, 7), ""},
		{"past", until, date.AddDate(0, 0, 7).Add(time.Second), CodeExpired},
		{"without an end", forever, date.AddDate(50, 0, 0), ""},
		{"clock an hour behind", forever, date.Add(-time.Hour), ""},
		{"from the future", forever, date.AddDate(0, 0, -2), CodeFuture},
		{"key still valid", short, date.AddDate(0, 1, 0), ""},
		{"key past", short, date.AddDate(1, 0, 0), CodeExpiredKey},
		{"one of two keys past", both, date.AddDate(1, 0, 0), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.release.CheckValid(test.now)
			if test.code == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			problems, ok := diag.Problems(err)
			if !ok || problems[0].Code != test.code || problems[0].Hint == "" {
				t.Errorf("error is %v, want code %s", err, test.code)
			}
		})
	}
	if err := (&Release{}).CheckValid(date); err == nil {
		t.Error("a Release that nobody signed is valid")
	}
}

// The corpus has a replayed Release, to be signed here.
func TestCorpusExpired(t *testing.T) {
	data, err := os.ReadFile(corpus.Dir(t, "bad", "deb-expired", "Release"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Open(debmirror.ClearSign(string(data), date, first), openpgp.EntityList{first})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.CheckValid(date); err == nil || !strings.Contains(err.Error(), "Valid-Until") {
		t.Errorf("error is %v", err)
	}
}

func TestDebianKeys(t *testing.T) {
	entities, err := DebianKeys()
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("keys/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entities {
		self, _ := e.PrimarySelfSignature()
		if self == nil {
			t.Fatalf("%X has no self-signature", e.PrimaryKey.Fingerprint)
		}
		row := fmt.Sprintf("| %X | %s |", e.PrimaryKey.Fingerprint,
			expiry(e, e.PrimaryKey.KeyId).Format(time.DateOnly))
		if !bytes.Contains(readme, []byte(row)) {
			t.Errorf("keys/README.md has no row %q", row)
		}
		if !strings.Contains(e.PrimaryIdentity().Name, "debian.org>") || e.PrivateKey != nil {
			t.Errorf("%s is not a public key of Debian", e.PrimaryIdentity().Name)
		}
	}
	if rows := bytes.Count(readme, []byte("\n| debian-archive-")); rows != len(entities) || rows == 0 {
		t.Errorf("%d keys, and %d rows in keys/README.md", len(entities), rows)
	}
}

// Nothing that was not signed gets in: what opens has exactly the signed fields.
func FuzzOpen(f *testing.F) {
	signed := debmirror.ClearSign(text, date, first)
	f.Add(signed)
	f.Add(append([]byte("x\n"), signed...))
	f.Add(bytes.Replace(signed, []byte("\n\n"), []byte("\n \n"), 1))
	want, err := Parse([]byte(text), "InRelease")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Open(data, openpgp.EntityList{first})
		if err != nil {
			return
		}
		r.Signers = nil
		if diff := gocmp.Diff(want, r); diff != "" {
			t.Fatal(diff)
		}
	})
}
