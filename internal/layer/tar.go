package layer

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/lithe-build/lithe/internal/entry"
)

// The tar is written by hand, since every byte of it is a promise: USTAR (POSIX.1-1988) where it fits, with a PAX
// header (POSIX.1-2001) before it for what does not.
const (
	blockSize   = 512
	maxName     = 100         // bytes of the name and link fields
	maxPrefix   = 155         // bytes of the prefix field
	maxOctal    = 1<<33 - 1   // the largest size in eleven octal digits
	paxName     = "PaxHeader" // readers ignore the name of a PAX header
	typeFile    = '0'
	typeSymlink = '2'
	typeDir     = '5'
	typePAX     = 'x'
)

// zeros pads a file to whole blocks and ends the archive.
var zeros [2 * blockSize]byte

// padding returns how many zeros follow a file.
func padding(size int64) int64 { return -size & (blockSize - 1) }

// header holds the fields that differ between the entries of our tars.
type header struct {
	name, prefix, link string
	mode, size         int64
	kind               byte
}

// tarHeader returns all that stands before the contents of an entry.
func tarHeader(e entry.Entry) []byte {
	h := header{link: e.Link, mode: tarMode(e), size: e.Size, kind: tarType(e.Type)}
	path := e.Path
	if e.Type == entry.Dir {
		path += "/"
	}
	var pax strings.Builder
	var ok bool
	if h.prefix, h.name, ok = splitName(path); !ok {
		pax.WriteString(paxRecord("path", path))
		h.prefix, h.name = "", fallback(path)
	}
	if !fits(h.link, maxName) {
		pax.WriteString(paxRecord("linkpath", h.link))
		h.link = fallback(h.link)
	}
	if h.size > maxOctal {
		pax.WriteString(paxRecord("size", strconv.FormatInt(h.size, 10)))
		h.size = 0
	}
	if pax.Len() == 0 {
		return h.block()
	}
	return append(paxHeader(pax.String()), h.block()...)
}

// tarType returns the type flag.
func tarType(t entry.Type) byte {
	return [...]byte{entry.File: typeFile, entry.Dir: typeDir, entry.Symlink: typeSymlink}[t]
}

// tarMode returns the mode field. Linux gives every link 0777.
func tarMode(e entry.Entry) int64 {
	if e.Type == entry.Symlink {
		return 0o777
	}
	mode := int64(e.Mode.Perm())
	if e.Mode&fs.ModeSticky != 0 {
		mode |= 0o1000
	}
	return mode
}

// splitName divides a path at a slash so that both parts fit into their fields.
func splitName(path string) (prefix, name string, ok bool) {
	if fits(path, maxName) {
		return "", path, true
	}
	if !fits(path, maxPrefix+1+maxName) {
		return "", "", false
	}
	// A directory's own slash at the end divides nothing.
	i := strings.LastIndexByte(strings.TrimSuffix(path[:min(len(path), maxPrefix+1)], "/"), '/')
	if i <= 0 || len(path)-i-1 > maxName {
		return "", "", false
	}
	return path[:i], path[i+1:], true
}

// fits reports whether a string can stand in a field as it is: USTAR promises ASCII only.
func fits(s string, limit int) bool {
	return len(s) <= limit && strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}

// fallback returns what readers without PAX would see.
func fallback(s string) string {
	ascii := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '_'
		}
		return r
	}, s)
	return ascii[:min(len(ascii), maxName)]
}

// paxRecord returns "length key=value\n", where the length counts its own digits too.
func paxRecord(key, value string) string {
	const rest = len(" =\n")
	n := len(key) + len(value) + rest
	size := n + len(strconv.Itoa(n))
	if len(strconv.Itoa(size)) != len(strconv.Itoa(n)) {
		size = n + len(strconv.Itoa(size))
	}
	return fmt.Sprintf("%d %s=%s\n", size, key, value)
}

// paxHeader returns the header, records and padding that change the header after them.
func paxHeader(records string) []byte {
	h := header{name: paxName, mode: 0o644, size: int64(len(records)), kind: typePAX}
	b := append(h.block(), records...)
	return append(b, zeros[:padding(h.size)]...)
}

// block returns the 512 bytes of a USTAR header.
func (h header) block() []byte {
	b := make([]byte, blockSize)
	copy(b[0:100], h.name)
	octal(b[100:108], h.mode)
	octal(b[108:116], 0) // uid
	octal(b[116:124], 0) // gid
	octal(b[124:136], h.size)
	octal(b[136:148], MTime)
	copy(b[148:156], "        ") // the sum is made with blanks in its own place
	b[156] = h.kind
	copy(b[157:257], h.link)
	copy(b[257:265], "ustar\x0000")
	octal(b[329:337], 0) // device
	octal(b[337:345], 0)
	copy(b[345:500], h.prefix)
	var sum int64
	for _, c := range b {
		sum += int64(c)
	}
	octal(b[148:155], sum) // six digits, NUL, blank
	return b
}

// octal fills a field with zero-padded digits and a final NUL.
func octal(field []byte, n int64) {
	copy(field, fmt.Sprintf("%0*o\x00", len(field)-1, n))
}
