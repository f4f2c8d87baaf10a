package debmirror

import (
	"cmp"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
)

// Suite describes a suite of a mirror.
type Suite struct {
	Name       string // "trixie", "trixie-updates"; a name that ends in -security goes to the security archive
	Packages   []Package
	Date       time.Time // zero means DefaultDate
	ValidUntil time.Time // zero leaves the field out
	// Architectures to have a Packages file for; nil means those of the packages, amd64 at least.
	Architectures []string
	Faults        Faults

	// Of a repository that is not Debian's own:
	Folder       string          // of the server; "" means that of Debian's archives
	Component    string          // "" means main
	Flat         bool            // packages lie side by side, without suites and components; Name is not used
	Key          *openpgp.Entity // that signs it; nil means that of the mirror
	NotAutomatic bool
}

// DefaultDate is the Date of a suite that names none. It lies in the past for any clock, and after the birth of the
// signing key.
var DefaultDate = time.Date(2025, time.August, 9, 10, 0, 0, 0, time.UTC)

// Faults are what can be wrong with a suite. The zero value is a good one.
type Faults struct {
	Expired         bool // Valid-Until is a week after Date, whatever the suite says: long ago
	UnknownKey      bool // signed with a key that is not in the mirror's keyring
	Unsigned        bool // no signature at all
	Altered         bool // the text was changed after signing
	WrongSuite      bool // a good signature on the Release of another suite
	PackagesDiffer  bool // Packages has other bytes than InRelease says
	NoByHash        bool // InRelease promises by-hash folders, and there are none
	OnlyByHash      bool // the plain names have newer bytes than InRelease says, by-hash is right: a mirror in motion
	OnlyXZ          bool // no .gz, as in Debian's security archive
	MD5Only         bool // no SHA256 in Packages
	ReleaseMD5Only  bool // no SHA256 in InRelease
	FilenameClimbs  bool // Filename leaves the archive
	DebsDiffer      bool // each .deb has other bytes than Packages says
	DebsMissing     bool // no .deb is there: superseded
	NameConfusion   bool // each .deb's control file names another package
	TruncatedBodies bool // each .deb ends early, while its length says otherwise
}

func (s Suite) security() bool { return strings.HasSuffix(s.Name, "-security") }

// archive is the folder of the server in which the suite lies.
func (s Suite) archive() string {
	if s.Folder != "" {
		return s.Folder
	}
	if s.security() {
		return "debian-security"
	}
	return "debian"
}

// publish adds the suite's files, by path below the server's root, to files.
func (s Suite) publish(files map[string][]byte, key *signingKey) {
	root := s.root()
	var rows []row
	debs := map[string][]byte{} // packages for "all" are in every index
	for _, arch := range s.architectures() {
		plain := []byte(s.packages(arch, files, debs))
		dir := s.component() + "/binary-" + arch + "/"
		if s.Flat {
			dir = ""
		}
		rows = append(rows, row{dir + "Packages", plain})
		forms := []string{"xz", "gz"}
		if s.Faults.OnlyXZ || s.security() {
			forms = forms[:1]
		}
		for _, form := range forms {
			data := Compress(form, plain)
			rows = append(rows, row{dir + "Packages." + form, data})
			s.publishIndex(files, root, dir, "Packages."+form, data)
		}
		if !s.security() && !s.Flat { // Debian's has none
			data := Compress("gz", s.contents(arch))
			rows = append(rows, row{s.component() + "/Contents-" + arch + ".gz", data})
			s.publishIndex(files, root, s.component()+"/", "Contents-"+arch+".gz", data)
		}
	}
	name := s.Name
	if s.Faults.WrongSuite {
		name = "other"
	}
	if s.Key != nil {
		key = &signingKey{known: s.Key, unknown: key.unknown}
	}
	files[root+"InRelease"] = s.sign(s.release(name, rows), key)
}

// root is the folder of the suite's indexes.
func (s Suite) root() string {
	if s.Flat {
		return s.archive() + "/"
	}
	return s.archive() + "/dists/" + s.Name + "/"
}

func (s Suite) component() string { return cmp.Or(s.Component, "main") }

// filename is where a package lies, below the archive.
func (s Suite) filename(p Package) string {
	if s.Flat {
		return p.FileName()
	}
	return "pool/" + s.component() + "/" + p.Name[:1] + "/" + p.Name + "/" + p.FileName()
}

// publishIndex stores a Packages or Contents file under its name and its hash.
func (s Suite) publishIndex(files map[string][]byte, root, dir, name string, data []byte) {
	stored := data
	if s.Faults.PackagesDiffer {
		stored = Compress(strings.TrimPrefix(path.Ext(name), "."), []byte("Package: other\n"))
	}
	files[root+dir+name] = stored
	if s.Faults.OnlyByHash {
		files[root+dir+name] = Compress(strings.TrimPrefix(path.Ext(name), "."), []byte("Package: newer\n"))
	}
	if !s.Faults.NoByHash {
		files[root+dir+"by-hash/SHA256/"+hexSHA256(data)] = stored
	}
}

// architectures returns the list, or those that the packages have, sorted; "all" is in each of them.
func (s Suite) architectures() []string {
	if s.Architectures != nil {
		return s.Architectures
	}
	found := map[string]bool{"amd64": true}
	for _, p := range s.Packages {
		if p.arch() != "all" {
			found[p.arch()] = true
		}
	}
	return sortedKeys(found)
}

// packages returns the Packages file for an architecture, and adds its .debs to files. made has those made so far.
func (s Suite) packages(arch string, files, made map[string][]byte) string {
	var b strings.Builder
	for _, p := range s.Packages {
		if p.arch() != arch && p.arch() != "all" {
			continue
		}
		filename := s.filename(p)
		deb, ok := made[filename]
		if !ok {
			deb = s.deb(p)
			made[filename] = deb
		}
		stored := deb
		if s.Faults.DebsDiffer {
			stored = slices.Clone(deb)
			stored[len("!<arch>\n")+16] = '1' // the first member's time: same size, still a good .deb
		}
		if !s.Faults.DebsMissing {
			files[s.archive()+"/"+filename] = stored
		}
		if s.Faults.FilenameClimbs {
			filename = "../../../etc/passwd"
		} else if s.Flat {
			filename = "./" + filename
		}
		sum := md5.Sum(deb)
		fmt.Fprintf(&b, "%sFilename: %s\nSize: %d\nMD5sum: %s\n", p.Control(), filename, len(deb), hex.EncodeToString(sum[:]))
		if !s.Faults.MD5Only {
			fmt.Fprintf(&b, "SHA256: %s\n", hexSHA256(deb))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func (s Suite) deb(p Package) []byte {
	if s.Faults.NameConfusion {
		p.Name = "other"
	}
	return p.Deb()
}

// row is a file that a Release lists.
type row struct {
	name string
	data []byte
}

// release returns the text of the Release file.
func (s Suite) release(name string, rows []row) string {
	date, until := s.Date, s.ValidUntil
	if date.IsZero() {
		date = DefaultDate
	}
	if s.Faults.Expired {
		until = DefaultDate.AddDate(0, 0, 7)
	}
	component := s.component()
	if s.security() {
		component = "updates/main" // as Debian's does, although the path says only main
	}
	var b strings.Builder
	if s.Flat {
		fmt.Fprintf(&b, "Date: %s\n", stamp(date))
	} else {
		fmt.Fprintf(&b, "Origin: Debian\nLabel: Debian\nSuite: test-%s\nCodename: %s\nDate: %s\n", name, name, stamp(date))
	}
	if s.NotAutomatic {
		b.WriteString("NotAutomatic: yes\nButAutomaticUpgrades: yes\n")
	}
	if !until.IsZero() {
		fmt.Fprintf(&b, "Valid-Until: %s\n", stamp(until))
	}
	fmt.Fprintf(&b, "Acquire-By-Hash: yes\nArchitectures: all %s\nComponents: %s\n",
		strings.Join(s.architectures(), " "), component)
	b.WriteString("MD5Sum:\n")
	for _, r := range rows {
		sum := md5.Sum(r.data)
		fmt.Fprintf(&b, " %s %8d %s\n", hex.EncodeToString(sum[:]), len(r.data), r.name)
	}
	if s.Faults.ReleaseMD5Only {
		return b.String()
	}
	b.WriteString("SHA256:\n")
	for _, r := range rows {
		fmt.Fprintf(&b, " %s %8d %s\n", hexSHA256(r.data), len(r.data), r.name)
	}
	return b.String()
}

func stamp(t time.Time) string { return t.UTC().Format("Mon, 02 Jan 2006 15:04:05 UTC") }

func hexSHA256(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
