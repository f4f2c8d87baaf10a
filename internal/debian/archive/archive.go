// Package archive reads .deb files: the control paragraph, the maintainer scripts beside it, and the files, as
// entries of an image. Nothing is written to a disk and nothing is executed.
//
// What comes out always holds this: paths are clean, relative and unique; no path runs through a symbolic link or a
// file of the same package; links stay inside the root; modes are 0644 or 0755 (1777 for a sticky folder); hard links
// are files with the contents of their target. Devices, pipes, climbing paths and archives that lie about sizes are
// refused, and so is anything after the last member. Paths are as packaged: merging /lib into /usr/lib is the
// caller's. Known caps bound memory and time for any input.
// See deb(5), https://www.debian.org/doc/debian-policy/ch-binary.html.
package archive

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/lithe-build/lithe/internal/debian/compressed"
	"github.com/lithe-build/lithe/internal/debian/control"
	"github.com/lithe-build/lithe/internal/debian/version"
	"github.com/lithe-build/lithe/internal/entry"
)

// Caps. Debian's largest packages unpack to some 4 GB and hold some 100,000 files.
const (
	defaultMaxSize = 8 << 30  // bytes of all files
	maxControlSize = 64 << 20 // bytes of control.tar unpacked; md5sums of a package with 100,000 files has 10 MB
	maxMembers     = 500_000  // entries of one tar
	maxNames       = 64 << 20 // bytes of all paths and targets of links
)

// Options say how to read. The zero value is the default.
type Options struct {
	// Content takes the contents of a file and says where they can be read again; nil keeps them in memory. It reads
	// to the end, or its error stops the reading. e has path, mode and size.
	Content func(e entry.Entry, r io.Reader) (entry.Content, error)
	MaxSize int64 // of all files together, unpacked; 0 means 8 GiB
}

// Package is a .deb in full.
type Package struct {
	Name, Version, Architecture string
	Control                     *control.Paragraph // DEBIAN/control; String gives it as written
	Scripts                     []Script           // the other members of control.tar, sorted by name
	Entries                     []entry.Entry      // in the order of the archive, without the root folder
	Privileged                  []string           // files whose setuid or setgid bit was dropped
}

// Script is a file beside the control file: a maintainer script, md5sums, conffiles, triggers, shlibs.
type Script struct {
	Name string
	Data []byte
}

// Script returns the contents of a member of control.tar, and whether it is there.
func (p *Package) Script(name string) ([]byte, bool) {
	for _, s := range p.Scripts {
		if s.Name == name {
			return s.Data, true
		}
	}
	return nil, false
}

// CheckIs refuses a package whose control file names another package, version or architecture than the index that it
// was found by; architecture "all" fits any.
func (p *Package) CheckIs(name, ver, architecture string) error {
	if p.Name != name || version.Compare(p.Version, ver) != 0 ||
		p.Architecture != architecture && p.Architecture != "all" {
		return fmt.Errorf("the archive holds %s %s %s where %s %s %s is expected",
			p.Name, p.Version, p.Architecture, name, ver, architecture)
	}
	return nil
}

func (o Options) withDefaults() Options {
	if o.MaxSize == 0 {
		o.MaxSize = defaultMaxSize
	}
	if o.Content == nil {
		o.Content = inMemory
	}
	return o
}

// Read reads a whole .deb from r, to its end.
func Read(r io.Reader, opt Options) (*Package, error) {
	opt = opt.withDefaults()
	outer, err := newArReader(bufio.NewReaderSize(r, 64<<10))
	if err != nil {
		return nil, err
	}
	if err := readFormat(outer); err != nil {
		return nil, err
	}
	p := &Package{}
	if err := readTar(outer, "control.tar", maxControlSize, p.readControl); err != nil {
		return nil, err
	}
	read := func(r io.Reader) error { return p.readData(r, opt) }
	// The tar's own headers and padding come on top of the files.
	if err := readTar(outer, "data.tar", opt.MaxSize+maxMembers*1024, read); err != nil {
		return nil, err
	}
	if name, err := nextMember(outer); err != io.EOF {
		if err == nil {
			err = fmt.Errorf("has a member %q after data.tar", name)
		}
		return nil, err
	}
	return p, nil
}

// readFormat reads the first member, which tells the version of the format.
func readFormat(outer *arReader) error {
	// Not nextMember: nothing may stand before the member that says what this is.
	name, err := outer.next()
	if err != nil {
		return noEOF(err)
	}
	data, err := io.ReadAll(io.LimitReader(outer, 64))
	if err != nil {
		return err
	}
	if name != "debian-binary" || !strings.HasPrefix(string(data), "2.") {
		return errors.New("is not a Debian package of format 2")
	}
	return nil
}

// readTar reads the next member, which must be the tar of this name in some compression, and checks that nothing is
// behind it and that the compression's checksum is right.
func readTar(outer *arReader, want string, limit int64, read func(io.Reader) error) error {
	name, err := nextMember(outer)
	if err != nil {
		return noEOF(err)
	}
	if name != want && !strings.HasPrefix(name, want+".") {
		return fmt.Errorf("has a member %q where %s is expected", name, want)
	}
	plain, err := compressed.NewReader(outer, name, limit)
	if err != nil {
		return err
	}
	defer plain.Close()
	// tar stops at its end marker, before the compression's checksum: the copy below reads on to it.
	if err := read(plain); err != nil {
		return fmt.Errorf("%s: %w", want, err)
	}
	_, err = io.Copy(io.Discard, plain)
	return err
}

// nextMember skips members whose names begin with an underscore, as deb(5) asks for: signatures, mostly.
func nextMember(outer *arReader) (string, error) {
	for {
		name, err := outer.next()
		if err != nil || !strings.HasPrefix(name, "_") {
			return name, err
		}
	}
}

// inMemory is the Content of callers that name none.
func inMemory(e entry.Entry, r io.Reader) (entry.Content, error) {
	// Reading grows with what really comes: the size in a header is only a claim.
	data, err := io.ReadAll(r)
	return entry.Bytes(data), err
}

// noEOF turns an end where more is expected into an error that no caller takes for the normal end.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
