package base

import (
	"bytes"
	"fmt"

	"github.com/ProtonMail/go-crypto/openpgp"

	"github.com/lithe-build/lithe/internal/diag"
)

// maxKeyring is the largest keyring in bytes; Debian's own, with all its past keys, has some sixty thousand.
const maxKeyring = 4 << 20

// ParseKeyring reads the keys that may sign a suite: OpenPGP public keys, armoured or binary (RFC 9580).
func ParseKeyring(data []byte) (openpgp.EntityList, error) {
	if len(data) > maxKeyring {
		return nil, fmt.Errorf("a keyring of %d bytes is too large", len(data))
	}
	read := openpgp.ReadKeyRing
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("-----BEGIN")) {
		read = openpgp.ReadArmoredKeyRing
	}
	keys, err := read(bytes.NewReader(data))
	if err != nil || len(keys) == 0 {
		return nil, &diag.Error{Code: "keyring", What: "the file of --debian-keyring holds no OpenPGP public keys",
			Hint: "export them with `gpg --export --armor`", Err: err}
	}
	return keys, nil
}
