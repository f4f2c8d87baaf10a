package archive

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/testkit/debmirror"
)

// shape is an entry without its contents' form: "path mode size link contents".
func shape(t *testing.T, entries []entry.Entry) []string {
	t.Helper()
	var all []string
	for _, e := range entries {
		s := fmt.Sprintf("%s %v", e.Path, e.Mode)
		switch e.Type {
		case entry.Symlink:
			s = e.Path + " -> " + e.Link
		case entry.Dir:
			s = fmt.Sprintf("%s/ %v", e.Path, e.Mode)
		case entry.File:
			data, err := e.Read()
			if err != nil || int64(len(data)) != e.Size {
				t.Errorf("%s: %d bytes of %d, %v", e.Path, len(data), e.Size, err)
			}
			s += " " + string(data)
		}
		all = append(all, s)
	}
	return all
}

func TestRead(t *testing.T) {
	long := "usr/share/" + strings.Repeat("long/", 40) + strings.Repeat("n", 200)
	p := debmirror.Package{Name: "good", Version: "1:2.0-3", Depends: "libc6", Extra: []string{"Conffiles:", " /etc/good 1"},
		Scripts: map[string]string{"postinst": "#!/bin/sh\n", "md5sums": "x\n"},
		Files: []debmirror.File{
			{Path: "usr/bin/good", Content: "run", Mode: 0o4755},
			{Path: "usr/bin/alias", Link: "usr/bin/good"},
			{Path: "usr/bin/group", Content: "g", Mode: 0o2750},
			{Path: "etc/good", Content: "conf", Mode: 0o640},
			{Path: "usr/lib/good.so", Symlink: "../../etc/good"},
			{Path: "usr/lib/alias.so", Link: "usr/lib/good.so"},
			{Path: "tmp", Dir: true, Mode: 0o1777},
			{Path: "var/local", Dir: true, Mode: 0o2775},
			{Path: "usr/share/Főtan", Content: ""},
			{Path: long, Content: "deep"},
		}}
	want := []string{
		"usr/ -rwxr-xr-x", "usr/bin/ -rwxr-xr-x", "usr/bin/good -rwxr-xr-x run", "usr/bin/alias -rwxr-xr-x run",
		"usr/bin/group -rwxr-xr-x g", "etc/ -rwxr-xr-x", "etc/good -rw-r--r-- conf", "usr/lib/ -rwxr-xr-x",
		"usr/lib/good.so -> ../../etc/good", "usr/lib/alias.so -> ../../etc/good", "tmp/ trwxrwxrwx", "var/ -rwxr-xr-x",
		"var/local/ -rwxr-xr-x", "usr/share/ -rwxr-xr-x", "usr/share/Főtan -rw-r--r-- ",
	}
	for _, compression := range []string{"xz", "gz", "zst", "none"} {
		t.Run(compression, func(t *testing.T) {
			p.Compression = compression
			got, err := Read(iotest.HalfReader(bytes.NewReader(p.Deb())), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got.Name != "good" || got.Version != "1:2.0-3" || got.Architecture != "amd64" {
				t.Errorf("read %s %s %s", got.Name, got.Version, got.Architecture)
			}
			if diff := cmp.Diff(p.Control(), got.Control.String()); diff != "" {
				t.Error(diff)
			}
			wantScripts := []Script{{"md5sums", []byte("x\n")}, {"postinst", []byte("#!/bin/sh\n")}}
			if diff := cmp.Diff(wantScripts, got.Scripts); diff != "" {
				t.Error(diff)
			}
			lines := shape(t, got.Entries)
			if diff := cmp.Diff(want, lines[:len(want)]); diff != "" {
				t.Error(diff)
			}
			if last := lines[len(lines)-1]; last != long+" -rw-r--r-- deep" {
				t.Errorf("the long name became %q", last)
			}
			if diff := cmp.Diff([]string{"usr/bin/good", "usr/bin/group"}, got.Privileged); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestScript(t *testing.T) {
	p := Package{Scripts: []Script{{"postinst", []byte("x")}}}
	if data, ok := p.Script("postinst"); !ok || string(data) != "x" {
		t.Error("postinst is not found")
	}
	if _, ok := p.Script("prerm"); ok {
		t.Error("prerm is found")
	}
}

func TestCheckIs(t *testing.T) {
	p := Package{Name: "other", Version: "1.0", Architecture: "amd64"}
	all := Package{Name: "other", Version: "1.0", Architecture: "all"}
	for _, test := range []struct {
		p                   Package
		name, version, arch string
		ok                  bool
	}{
		{p, "other", "1.0", "amd64", true}, {p, "other", "0:1.0-0", "amd64", true}, {all, "other", "1.0", "arm64", true},
		{p, "evil", "1.0", "amd64", false}, {p, "other", "1.1", "amd64", false}, {p, "other", "1.0", "arm64", false},
	} {
		err := test.p.CheckIs(test.name, test.version, test.arch)
		if (err == nil) != test.ok || err != nil && !strings.Contains(err.Error(), "other") {
			t.Errorf("CheckIs(%s, %s, %s) = %v", test.name, test.version, test.arch, err)
		}
	}
}

// deb is a package with these members of data.tar, and no more.
func deb(members ...tar.Header) []byte {
	var all []debmirror.TarMember
	for _, h := range members {
		m := debmirror.TarMember{Header: h}
		if h.Typeflag == 0 || h.Typeflag == tar.TypeReg {
			m.Typeflag, m.Content, m.Size = tar.TypeReg, "x", 1
		}
		all = append(all, m)
	}
	return outer(debmirror.Member{Name: "data.tar", Data: debmirror.Tar(all)})
}

func controlTar(members ...debmirror.TarMember) debmirror.Member {
	return debmirror.Member{Name: "control.tar", Data: debmirror.Tar(members)}
}

func plain(name, content string) debmirror.TarMember {
	return debmirror.TarMember{Content: content,
		Header: tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(content)), Mode: 0o644}}
}

var (
	format      = debmirror.Member{Name: "debian-binary", Data: []byte("2.0\n")}
	goodControl = controlTar(plain("./control", "Package: evil\nVersion: 1.0\nArchitecture: amd64\n"))
	emptyData   = debmirror.Member{Name: "data.tar", Data: debmirror.Tar(nil)}
)

func outer(after ...debmirror.Member) []byte {
	return debmirror.Ar(append([]debmirror.Member{format, goodControl}, after...)...)
}

func TestHostileData(t *testing.T) {
	link := func(name, target string) tar.Header {
		return tar.Header{Name: name, Linkname: target, Typeflag: tar.TypeSymlink}
	}
	hard := func(name, target string) tar.Header {
		return tar.Header{Name: name, Linkname: target, Typeflag: tar.TypeLink}
	}
	folder := func(name string) tar.Header { return tar.Header{Name: name, Typeflag: tar.TypeDir} }
	for name, test := range map[string]struct {
		members []tar.Header
		want    string // "" means that it is fine
	}{
		"climbing path":          {[]tar.Header{{Name: "../../etc/pwned"}}, `".."`},
		"climbing inside":        {[]tar.Header{{Name: "./usr/../../etc/pwned"}}, `".."`},
		"absolute path":          {[]tar.Header{{Name: "/etc/pwned"}}, "absolute"},
		"control character":      {[]tar.Header{{Name: "./a\nb"}}, "control character"},
		"not UTF-8":              {[]tar.Header{{Name: "./\xff"}}, "UTF-8"},
		"long name":              {[]tar.Header{{Name: "./" + strings.Repeat("n", 256)}}, "too long"},
		"long path":              {[]tar.Header{{Name: strings.Repeat("n/", 2048) + "x"}}, "too long"},
		"through a link":         {[]tar.Header{link("./usr/e", "/etc"), {Name: "./usr/e/pwned"}}, "folder"},
		"through a file":         {[]tar.Header{{Name: "./usr/e"}, {Name: "./usr/e/pwned"}}, "folder"},
		"link over a folder":     {[]tar.Header{{Name: "./usr/e/x"}, link("./usr/e", "/etc")}, "same path"},
		"folder over a link":     {[]tar.Header{link("./usr/e", "/etc"), folder("./usr/e")}, "same path"},
		"file twice":             {[]tar.Header{{Name: "./usr/e"}, {Name: "usr//e"}}, "same path"},
		"folder twice":           {[]tar.Header{folder("./usr"), {Name: "./usr/x"}, folder("./usr/")}, ""},
		"link out":               {[]tar.Header{link("./usr/e", "../../etc")}, "climbs"},
		"link to the root":       {[]tar.Header{link("./usr/e", "..")}, ""},
		"link to nothing":        {[]tar.Header{link("./usr/e", "")}, "not a path"},
		"hard link out":          {[]tar.Header{hard("./e", "../etc/passwd")}, `".."`},
		"hard link to nothing":   {[]tar.Header{hard("./e", "./etc/passwd")}, "no file before it"},
		"hard link to a folder":  {[]tar.Header{folder("./d"), hard("./e", "./d")}, "no file before it"},
		"hard link to root":      {[]tar.Header{folder("./"), hard("./e", "./")}, "no file before it"},
		"hard link to no folder": {[]tar.Header{{Name: "./d/x"}, hard("./e", "./d")}, "no file before it"},
		"moved relative link":    {[]tar.Header{link("./a/b/l", "../../x"), hard("./l", "./a/b/l")}, "climbs"},
		"device":                 {[]tar.Header{{Name: "./dev/sda", Typeflag: tar.TypeBlock}}, "type"},
		"pipe":                   {[]tar.Header{{Name: "./p", Typeflag: tar.TypeFifo}}, "type"},
		"root is a file":         {[]tar.Header{{Name: "."}}, "root is not a folder"},
		"root is a link":         {[]tar.Header{link(".", "/etc")}, "root is not a folder"},
	} {
		t.Run(name, func(t *testing.T) {
			expect(t, deb(test.members...), Options{}, test.want)
		})
	}
}

func TestHostileOuter(t *testing.T) {
	data := emptyData
	good := outer(data)
	lie := bytes.Replace(good, fmt.Appendf(nil, "%-10d`", len(data.Data)), fmt.Appendf(nil, "%-10d`", 999_999_999), 1)
	xz := debmirror.Compress("xz", data.Data)
	spoiled := bytes.Clone(xz)
	spoiled[len(spoiled)-20] ^= 1 // in the index, which comes after all data
	for name, test := range map[string]struct {
		deb  []byte
		want string
	}{
		"good":              {good, ""},
		"empty":             {nil, "not a Debian package"},
		"only the magic":    {[]byte("!<arch>\n"), "unexpected EOF"},
		"cut in a header":   {good[:100], "unexpected EOF"},
		"cut in data":       {good[:len(good)-600], "unexpected EOF"},
		"size lie":          {lie, "cut off"},
		"negative size":     {bytes.Replace(good, []byte("4         `"), []byte("-4        `"), 1), "size"},
		"broken header":     {bytes.Replace(good, []byte("`\n"), []byte("  "), 1), "header is broken"},
		"odd padding":       {append(outer(data, debmirror.Member{Name: "_x", Data: []byte("y")})[:len(good)+61], 'Z'), "longer than"},
		"format 3":          {debmirror.Ar(debmirror.Member{Name: "debian-binary", Data: []byte("3.0\n")}, goodControl, data), "format 2"},
		"no format":         {debmirror.Ar(goodControl, data), "format 2"},
		"data first":        {debmirror.Ar(format, data, goodControl), "control.tar is expected"},
		"no data":           {debmirror.Ar(format, goodControl), "unexpected EOF"},
		"data twice":        {outer(data, data), "after data.tar"},
		"signature members": {debmirror.Ar(format, debmirror.Member{Name: "_gpg", Data: []byte("abc")}, goodControl, data), ""},
		"unknown format":    {outer(debmirror.Member{Name: "data.tar.rar", Data: []byte("x")}), "not supported"},
		"similar name":      {outer(debmirror.Member{Name: "data.target", Data: nil}), "data.tar is expected"},
		"not xz":            {outer(debmirror.Member{Name: "data.tar.xz", Data: []byte("not xz at all")}), "data.tar"},
		"spoiled checksum":  {outer(debmirror.Member{Name: "data.tar.xz", Data: spoiled}), "corrupt"},
		"cut xz":            {outer(debmirror.Member{Name: "data.tar.xz", Data: xz[:len(xz)-8]}), "data.tar"},
		"not a tar":         {outer(debmirror.Member{Name: "data.tar", Data: bytes.Repeat([]byte("x"), 1024)}), "data.tar"},
		"no control file":   {debmirror.Ar(format, controlTar(), data), "no control file"},
		"two control files": {debmirror.Ar(format, controlTar(plain("control", "A: 1"), plain("./control", "A: 2")), data), "two members"},
		"control in folder": {debmirror.Ar(format, controlTar(plain("./x/control", "A: 1")), data), "beside the control file"},
		"no Architecture":   {debmirror.Ar(format, controlTar(plain("control", "Package: evil\nVersion: 1\n")), data), "Architecture"},
		"bad version":       {debmirror.Ar(format, controlTar(plain("control", "Package: evil\nVersion: a\n")), data), "version"},
		"bad name":          {debmirror.Ar(format, controlTar(plain("control", "Package: ../x\nVersion: 1\n")), data), "package name"},
		"two paragraphs":    {debmirror.Ar(format, controlTar(plain("control", "A: 1\n\nB: 1\n")), data), "second paragraph"},
	} {
		t.Run(name, func(t *testing.T) { expect(t, test.deb, Options{}, test.want) })
	}
}

func TestSizeCap(t *testing.T) {
	bomb := debmirror.Package{Name: "bomb", Version: "1", Files: []debmirror.File{
		{Path: "a", Content: strings.Repeat("0", 1<<20)}, {Path: "b", Content: strings.Repeat("0", 1<<20)}, {Path: "c", Link: "a"}}}
	expect(t, bomb.Deb(), Options{MaxSize: 3 << 20}, "")
	expect(t, bomb.Deb(), Options{MaxSize: 3<<20 - 1}, "more than")
	expect(t, bomb.Deb(), Options{MaxSize: 1 << 20}, "more than")
}

func TestContent(t *testing.T) {
	p := debmirror.Package{Name: "pp", Version: "1", Files: []debmirror.File{{Path: "x", Content: "abc", Mode: 0o755}}}
	var seen []string
	got, err := Read(bytes.NewReader(p.Deb()), Options{Content: func(e entry.Entry, r io.Reader) (entry.Content, error) {
		data, err := io.ReadAll(r)
		seen = append(seen, fmt.Sprint(e.Path, e.Mode, e.Size, string(data)))
		return entry.Path("/elsewhere"), err
	}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{fmt.Sprint("x", fs.FileMode(0o755), 3, "abc")}, seen); diff != "" {
		t.Error(diff)
	}
	if got.Entries[0].Content != entry.Path("/elsewhere") {
		t.Error("the content is not the one that was given")
	}
	expect(t, p.Deb(), Options{Content: func(entry.Entry, io.Reader) (entry.Content, error) { return nil, nil }}, "0 bytes of 3")
	expect(t, p.Deb(), Options{Content: func(entry.Entry, io.Reader) (entry.Content, error) { return nil, os.ErrClosed }}, "closed")
}

// expect reads a package and compares the error: "" means none.
func expect(t *testing.T, deb []byte, opt Options, want string) {
	t.Helper()
	p, err := Read(bytes.NewReader(deb), opt)
	switch {
	case want == "" && err != nil:
		t.Errorf("refused: %v", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("error is %v, want %q", err, want)
	case err != nil && p != nil:
		t.Error("a package beside an error")
	}
}

// TestDeepPaths reads a package of files that are thousands of folders deep: the folders are looked at once, not for each file.
func TestDeepPaths(t *testing.T) {
	var members []tar.Header
	for i := range 1500 {
		members = append(members, tar.Header{Name: strings.Repeat("a/", maxPath/2-10) + strconv.Itoa(i), Mode: 0o644})
	}
	expect(t, deb(members...), Options{}, "")
	d := &data{opt: Options{}.withDefaults(), places: map[string]int{}, names: maxNames - 10}
	for i, want := range []bool{false, true} {
		if err := d.add(&tar.Header{Name: fmt.Sprintf("%08d", i), Typeflag: tar.TypeDir}, nil); want != (err != nil) {
			t.Errorf("%d bytes: %v", d.names, err)
		}
	}
}
