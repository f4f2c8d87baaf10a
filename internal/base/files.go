package base

import (
	"bytes"
	"cmp"
	"io/fs"
	"path"
	"slices"

	"github.com/lithe-build/lithe/internal/entry"
)

// What maintainer scripts would have written, and a little that no package brings.

// The user of an image. The number is what counts: engines and clusters check that it is not 0.
const (
	passwd = "root:x:0:0:root:/root:/usr/sbin/nologin\n" +
		"nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n" +
		"nonroot:x:65532:65532:nonroot:/tmp:/usr/sbin/nologin\n"
	group = "root:x:0:\n" +
		"tty:x:5:\n" +
		"staff:x:50:\n" +
		"nogroup:x:65534:\n" +
		"nonroot:x:65532:\n"
	// Without this file glibc asks services that are not here before it asks DNS.
	nsswitch = "passwd: files\n" +
		"group: files\n" +
		"shadow: files\n" +
		"hosts: files dns\n" +
		"networks: files\n" +
		"protocols: files\n" +
		"services: files\n" +
		"ethers: files\n" +
		"rpc: files\n"
)

// Where certificates are. OpenSSL's built-in default is openssldir, a directory of the dropped package openssl;
// without the link a program that loses SSL_CERT_FILE would trust nobody.
const (
	caBundle   = "etc/ssl/certs/ca-certificates.crt"
	opensslDir = "usr/lib/ssl"
)

// systemFiles returns the files of the base part that no package has. certificates are the files that the bundle is
// made of.
func systemFiles(certificates []entry.Entry) ([]entry.Entry, error) {
	bundle, err := concatenate(certificates)
	if err != nil {
		return nil, err
	}
	return []entry.Entry{
		entry.NewFile("etc/passwd", []byte(passwd), false),
		entry.NewFile("etc/group", []byte(group), false),
		entry.NewFile("etc/nsswitch.conf", []byte(nsswitch), false),
		entry.NewSymlink("etc/localtime", "/usr/share/zoneinfo/Etc/UTC"), // what asks for the local zone gets an answer
		entry.NewFile(caBundle, bundle, false),
		entry.NewDir(opensslDir),
		entry.NewSymlink(opensslDir+"/cert.pem", "/"+caBundle),
		entry.NewSymlink(opensslDir+"/certs", "/etc/ssl/certs"),
		entry.NewSymlink("var/run", "/run"),
		tmp,
	}, nil
}

// tmp is the one directory that every user may write to.
var tmp = entry.Entry{Path: "tmp", Type: entry.Dir, Mode: 0o777 | fs.ModeSticky}

// concatenate joins certificates in the order of their paths as bytes, as update-ca-certificates does in the C
// locale; each ends with a newline.
func concatenate(certificates []entry.Entry) ([]byte, error) {
	sorted := slices.SortedFunc(slices.Values(certificates), func(a, b entry.Entry) int { return cmp.Compare(a.Path, b.Path) })
	var bundle bytes.Buffer
	for _, e := range sorted {
		data, err := e.Read()
		if err != nil {
			return nil, err
		}
		bundle.Write(bytes.TrimRight(data, "\n"))
		bundle.WriteByte('\n')
	}
	return bundle.Bytes(), nil
}

// interpreterFiles returns the files of the interpreter part that no package has: names for the interpreter, and a
// virtual environment on it.
func interpreterFiles(f Facts) []entry.Entry {
	dir, program := path.Split(f.Interpreter[1:])
	return append(venvFiles(f), entry.NewSymlink(dir+"python", program), entry.NewSymlink(dir+"python3", program))
}
