package base

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

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
	keys, err := parseKeys(data)
	if err != nil {
		return nil, &diag.Error{Code: "keyring", What: "the file of --debian-keyring holds no OpenPGP public keys",
			Hint: "export them with `gpg --export --armor`", Err: err}
	}
	return keys, nil
}

var (
	errNoKeys  = errors.New("holds no OpenPGP public keys")
	errPrivate = errors.New("holds a private key, which must not leave its owner")
)

// parseKeys reads public keys. A file of text may have several blocks, as files that were put together have.
func parseKeys(data []byte) (openpgp.EntityList, error) {
	if len(data) > maxKeyring {
		return nil, fmt.Errorf("has more than %d bytes", maxKeyring)
	}
	var keys openpgp.EntityList
	var err error
	text := bytes.Index(data, beginKey)
	if len(data) > 0 && data[0]&0x80 != 0 { // a packet: RFC 9580, 4.2
		text = -1
	}
	if text < 0 {
		keys, err = openpgp.ReadKeyRing(bytes.NewReader(data))
	} else {
		for _, block := range bytes.SplitAfter(data[text:], endKey) {
			if !bytes.Contains(block, beginKey) {
				continue // what stands behind the last one
			}
			var some openpgp.EntityList
			if some, err = openpgp.ReadArmoredKeyRing(bytes.NewReader(block)); err != nil {
				break
			}
			keys = append(keys, some...)
		}
	}
	if err != nil || len(keys) == 0 {
		return nil, errNoKeys
	}
	if slices.ContainsFunc(keys, func(e *openpgp.Entity) bool { return e.PrivateKey != nil }) {
		return nil, errPrivate
	}
	return keys, nil
}

// Lines around a block of text (RFC 9580, 6.2).
var (
	beginKey = []byte("-----BEGIN PGP ")
	endKey   = []byte("-----END PGP PUBLIC KEY BLOCK-----")
)
