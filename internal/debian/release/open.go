package release

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/lithe-build/lithe/internal/diag"
)

// maxSignatures is the most signatures that are looked at; Debian's files have two or three.
const maxSignatures = 32

// Signer is a key that signed a Release.
type Signer struct {
	Fingerprint string    // of the primary key, in upper-case hexadecimal
	Identity    string    // the key's first name, "Debian Archive Automatic Signing Key (13/trixie) <…>"
	Signed      time.Time // as the signature says
	Expires     time.Time // when the signing key or its primary key expires, by which is first; zero: never
}

// begin is the first line of a clearsigned file. What stands before it would be unsigned.
var begin = []byte("-----BEGIN PGP SIGNED MESSAGE-----")

// Open verifies an InRelease file against a keyring and reads it. One good signature by a known key, valid when it
// signed, is enough, since archives sign with their next key long before everybody has it; all good ones are in
// Signers. Text outside the signed block, in front or behind, is refused.
func Open(inRelease []byte, keyring openpgp.EntityList) (*Release, error) {
	text, signers, err := verify(inRelease, keyring)
	if err != nil {
		return nil, err
	}
	r, err := Parse(text, "InRelease")
	if err != nil {
		return nil, err
	}
	r.Signers = signers
	return r, nil
}

func verify(inRelease []byte, keyring openpgp.EntityList) ([]byte, []Signer, error) {
	if len(inRelease) > maxRelease {
		return nil, nil, fmt.Errorf("InRelease has more than %d bytes", maxRelease)
	}
	if !bytes.HasPrefix(inRelease, begin) {
		return nil, nil, unsigned("does not begin with a signed message")
	}
	block, rest := clearsign.Decode(inRelease)
	if block == nil {
		return nil, nil, unsigned("is not one whole signed message")
	}
	// Readers that split by empty lines would take what follows for part of the file.
	if len(bytes.TrimSpace(rest)) > 0 {
		return nil, nil, unsigned("has text after its signature")
	}
	signers, faults, err := check(block, keyring)
	if err != nil {
		return nil, nil, unsigned(err.Error())
	}
	if len(signers) == 0 {
		return nil, nil, unsigned("has no good signature of a known key: " + strings.Join(faults, "; "))
	}
	return block.Plaintext, signers, nil
}

func unsigned(what string) error {
	return &diag.Error{Code: "bad-signature", What: "InRelease " + what,
		Hint: "check LITHE_DEBIAN_MIRROR; if the mirror is right, somebody may have changed its files on the way"}
}

// check tries every signature by itself, and says of each bad one what is wrong.
func check(block *clearsign.Block, keyring openpgp.EntityList) (good []Signer, faults []string, err error) {
	packets, err := signatures(block.ArmoredSignature.Body)
	if err != nil {
		return nil, nil, fmt.Errorf("has a broken signature: %w", err)
	}
	for _, one := range packets {
		signer, err := checkOne(block.Bytes, one, keyring)
		if err != nil {
			faults = append(faults, err.Error())
			continue
		}
		good = append(good, signer)
	}
	return good, faults, nil
}

// signatures cuts the armoured part into single packets, still in bytes.
func signatures(r io.Reader) ([][]byte, error) {
	var all [][]byte
	packets := packet.NewOpaqueReader(r)
	for {
		p, err := packets.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		if len(all) == maxSignatures {
			return nil, fmt.Errorf("more than %d signatures", maxSignatures)
		}
		var b bytes.Buffer
		if err := p.Serialize(&b); err != nil {
			return nil, err
		}
		all = append(all, b.Bytes())
	}
}

// allowedHashes are those that nobody can forge; a clearsigned "Hash:" header proves nothing.
var allowedHashes = []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512}

// checkOne verifies one signature at the time that it names.
func checkOne(signed, signature []byte, keyring openpgp.EntityList) (Signer, error) {
	// Parsed twice: here for the time, below by the library, which takes bytes.
	parsed, err := packet.Read(bytes.NewReader(signature))
	if err != nil {
		return Signer{}, err
	}
	s, ok := parsed.(*packet.Signature)
	if !ok || s.SigType != packet.SigTypeText || s.IssuerKeyId == nil {
		return Signer{}, errors.New("a packet is not a signature of a text")
	}
	at := func() time.Time { return s.CreationTime }
	_, entity, err := openpgp.VerifyDetachedSignatureAndHash(keyring, bytes.NewReader(signed),
		bytes.NewReader(signature), allowedHashes, &packet.Config{Time: at})
	switch {
	case errors.Is(err, pgperrors.ErrUnknownIssuer):
		return Signer{}, fmt.Errorf("key %016X is unknown", *s.IssuerKeyId)
	case err != nil:
		return Signer{}, fmt.Errorf("key %016X: %w", *s.IssuerKeyId, err)
	}
	signer := Signer{
		Fingerprint: fmt.Sprintf("%X", entity.PrimaryKey.Fingerprint),
		Signed:      s.CreationTime.UTC(),
		Expires:     expiry(entity, *s.IssuerKeyId),
	}
	if identity := entity.PrimaryIdentity(); identity != nil {
		signer.Identity = identity.Name
	}
	return signer, nil
}

// expiry returns when the key, be it a subkey, can no longer sign.
func expiry(entity *openpgp.Entity, keyID uint64) time.Time {
	first := time.Time{}
	consider := func(key *packet.PublicKey, self *packet.Signature) {
		if self == nil || self.KeyLifetimeSecs == nil || *self.KeyLifetimeSecs == 0 {
			return
		}
		end := key.CreationTime.Add(time.Duration(*self.KeyLifetimeSecs) * time.Second).UTC()
		if first.IsZero() || end.Before(first) {
			first = end
		}
	}
	// A subkey cannot outlive the primary key, whatever its own signature says.
	self, _ := entity.PrimarySelfSignature()
	consider(entity.PrimaryKey, self)
	for _, sub := range entity.Subkeys {
		if sub.PublicKey.KeyId == keyID {
			consider(sub.PublicKey, sub.Sig)
		}
	}
	return first
}
