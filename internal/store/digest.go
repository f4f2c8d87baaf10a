package store

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
)

// ParseDigest splits "sha256:<hex>" and checks both halves. Hex comes back in lower case. Of the algorithms that locks
// and indexes use, sha256, sha384 and sha512 are strong enough to name a file.
func ParseDigest(digest string) (algorithm, hexSum string, err error) {
	algorithm, hexSum, _ = strings.Cut(digest, ":")
	h := newHash(algorithm)
	if h == nil {
		return "", "", fmt.Errorf("digest %q: want sha256:, sha384: or sha512: and hex digits", clip(digest))
	}
	if _, err := hex.DecodeString(hexSum); err != nil || len(hexSum) != 2*h.Size() {
		return "", "", fmt.Errorf("digest %q: %s needs %d hex digits", clip(digest), algorithm, 2*h.Size())
	}
	return algorithm, strings.ToLower(hexSum), nil
}

// DigestBytes returns the sha256 digest of data.
func DigestBytes(data []byte) string {
	return fmt.Sprintf("sha256:%x", sha256.Sum256(data))
}

// newHash returns nil for an algorithm that cannot name a file.
func newHash(algorithm string) hash.Hash {
	switch algorithm {
	case "sha256":
		return sha256.New()
	case "sha384":
		return sha512.New384()
	case "sha512":
		return sha512.New()
	}
	return nil
}

// clip keeps a hostile digest from filling the screen.
func clip(s string) string {
	if len(s) > 140 {
		return s[:140] + "…"
	}
	return s
}
