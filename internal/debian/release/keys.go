package release

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"

	"github.com/ProtonMail/go-crypto/openpgp"
)

// keys holds one armoured file a key, out of Debian's package debian-archive-keyring 2025.1: keys/README.md.
//
//go:embed keys/*.asc
var keys embed.FS

// DebianKeys returns the keys that sign Debian's archive: its automatic, security and stable release keys.
func DebianKeys() (openpgp.EntityList, error) {
	names, err := fs.Glob(keys, "keys/*.asc")
	if err != nil {
		return nil, err
	}
	var all openpgp.EntityList
	for _, name := range names {
		data, err := keys.ReadFile(name)
		if err != nil {
			return nil, err
		}
		some, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, some...)
	}
	return all, nil
}
