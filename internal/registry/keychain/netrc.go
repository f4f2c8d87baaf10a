package keychain

import (
	"context"
	"net"
)

// netrcSource is the file that curl, pip and git read. Its default entry is not for registries: they would all get it.
var netrcSource = source{name: "netrc", get: func(_ context.Context, k *Keychain, t target) (Credentials, string, error) {
	host := t.host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if user, password, ok := k.opt.Netrc.Machine(host); ok && user != "" {
		return Credentials{Username: user, Password: password}, "", nil
	}
	return Credentials{}, noEntry(t), nil
}}
