package debmirror

import (
	"bytes"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// keyBirth is before any date that a suite has.
var keyBirth = time.Date(2020, time.January, 1, 0, 0, 0, 0, time.UTC)

// KeyOptions say what key to make. The zero value never expires.
type KeyOptions struct {
	Lifetime time.Duration // from 2020-01-01 on; 0 means for ever
}

// NewKey makes a fresh signing key, an Ed25519 one as Debian's stable release keys are.
func NewKey(opt KeyOptions) *openpgp.Entity {
	e, err := openpgp.NewEntity("Test Archive Key", "", "archive@example.org", &packet.Config{
		Algorithm:       packet.PubKeyAlgoEdDSA,
		Time:            func() time.Time { return keyBirth },
		KeyLifetimeSecs: uint32(opt.Lifetime / time.Second),
	})
	must(err)
	return e
}

// ClearSign returns an InRelease: the text, signed by each of the keys at this time.
func ClearSign(text string, at time.Time, keys ...*openpgp.Entity) []byte {
	var private []*packet.PrivateKey
	for _, k := range keys {
		private = append(private, k.PrivateKey)
	}
	var out bytes.Buffer
	w, err := clearsign.EncodeMulti(&out, private, &packet.Config{Time: func() time.Time { return at }})
	must(err)
	_, err = w.Write([]byte(text))
	must(err)
	must(w.Close())
	out.WriteByte('\n')
	return out.Bytes()
}

// ArmoredKey returns the public key as text.
func ArmoredKey(e *openpgp.Entity) []byte {
	var out bytes.Buffer
	w, err := armor.Encode(&out, openpgp.PublicKeyType, nil)
	must(err)
	must(e.Serialize(w))
	must(w.Close())
	return append(out.Bytes(), '\n')
}

// signingKey is the mirror's key, and one that nobody knows.
type signingKey struct{ known, unknown *openpgp.Entity }

// sign returns the suite's InRelease, with the faults that concern signatures.
func (s Suite) sign(text string, key *signingKey) []byte {
	date := s.Date
	if date.IsZero() {
		date = DefaultDate
	}
	switch {
	case s.Faults.Unsigned:
		return []byte(text)
	case s.Faults.UnknownKey:
		return ClearSign(text, date, key.unknown)
	}
	signed := ClearSign(text, date, key.known)
	if s.Faults.Altered {
		signed = []byte(strings.Replace(string(signed), "Origin: Debian", "Origin: Nobody", 1))
	}
	return signed
}
