package base

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/lithe-build/lithe/internal/testkit/debmirror"
)

func TestParseKeys(t *testing.T) {
	one, two := debmirror.NewKey(debmirror.KeyOptions{}), debmirror.NewKey(debmirror.KeyOptions{})
	var binary, private bytes.Buffer
	for _, err := range []error{one.Serialize(&binary), two.Serialize(&binary), one.SerializePrivateWithoutSigning(&private, nil)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	armored := debmirror.ArmoredKey(one)
	for name, test := range map[string]struct {
		data []byte
		keys int
		err  error
	}{
		"binary":              {binary.Bytes(), 2, nil},
		"armoured":            {armored, 1, nil},
		"two blocks":          {slices.Concat(armored, []byte("\n"), debmirror.ArmoredKey(two)), 2, nil},
		"text around":         {slices.Concat([]byte("The key of example.org:\n\n"), armored, []byte("\nEnd.\n")), 1, nil},
		"nothing":             {nil, 0, errNoKeys},
		"text":                {[]byte("hello\n"), 0, errNoKeys},
		"cut off":             {armored[:len(armored)/2], 0, errNoKeys},
		"second one cut off":  {slices.Concat(armored, debmirror.ArmoredKey(two)[:200]), 0, errNoKeys},
		"cut off in a packet": {binary.Bytes()[:30], 0, errNoKeys},
		"private":             {private.Bytes(), 0, errPrivate},
	} {
		t.Run(name, func(t *testing.T) {
			keys, err := parseKeys(test.data)
			if len(keys) != test.keys || !errors.Is(err, test.err) {
				t.Errorf("%d keys, %v; want %d, %v", len(keys), err, test.keys, test.err)
			}
		})
	}
	if _, err := parseKeys(make([]byte, maxKeyring+1)); err == nil {
		t.Error("a keyring may be of any size")
	}
}

func FuzzParseKeys(f *testing.F) {
	key := debmirror.NewKey(debmirror.KeyOptions{})
	var binary bytes.Buffer
	if err := key.Serialize(&binary); err != nil {
		f.Fatal(err)
	}
	f.Add(binary.Bytes())
	f.Add(debmirror.ArmoredKey(key))
	f.Add([]byte("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\n-----BEGIN PGP "))
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := parseKeys(data)
		if (err == nil) != (len(keys) > 0) {
			t.Errorf("%d keys, %v", len(keys), err)
		}
		for _, k := range keys {
			if k.PrivateKey != nil {
				t.Error("a private key")
			}
		}
	})
}
