package keychain

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// maxFile is in bytes of a file with logins, or a cloud's credentials.
const maxFile = 4 << 20

// loginFile is Docker's config.json or Podman's auth.json.
type loginFile struct {
	Auths       map[string]login  `json:"auths"`
	CredHelpers map[string]string `json:"credHelpers"`
	CredsStore  string            `json:"credsStore"`
}

// login is an entry of auths.
type login struct {
	Auth          string `json:"auth"` // base64 of "user:password"
	Username      string `json:"username"`
	Password      string `json:"password"`
	IdentityToken string `json:"identitytoken"`
	RegistryToken string `json:"registrytoken"`
}

// fileSource is a file with logins.
func fileSource(f File) source {
	name := f.Path
	if f.Name != "" {
		name = f.Name + " (" + f.Path + ")"
	}
	return source{name: name, get: func(ctx context.Context, k *Keychain, t target) (Credentials, string, error) {
		data, err := readFile(f.Path)
		if errors.Is(err, fs.ErrNotExist) {
			return Credentials{}, "no such file", nil
		}
		if err != nil {
			return Credentials{}, "", err
		}
		file, err := parseLogins(data)
		if err != nil {
			return Credentials{}, "", err
		}
		return file.find(ctx, k, t)
	}}
}

// parseLogins reads a file with logins. Its errors quote nothing of the file.
func parseLogins(data []byte) (*loginFile, error) {
	var file loginFile
	if json.Unmarshal(data, &file) != nil {
		return nil, errors.New("is not JSON as docker login writes it")
	}
	return &file, nil
}

// find returns the entry for a repository, else for its host: a helper of its own first, then what the file itself
// has, then the helper for all hosts. Docker writes an empty entry for a login that the helper keeps.
func (f *loginFile) find(ctx context.Context, k *Keychain, t target) (Credentials, string, error) {
	for _, key := range sortedKeys(f.CredHelpers) {
		if normalKey(key) == t.host {
			return k.helper(ctx, f.CredHelpers[key], t)
		}
	}
	entry, found := f.entry(t)
	if found {
		c, err := entry.credentials()
		if err != nil || !c.empty() {
			return c, "", err
		}
	}
	if f.CredsStore != "" {
		return k.helper(ctx, f.CredsStore, t)
	}
	return Credentials{}, noEntry(t), nil
}

// entry looks for the longest key: Podman keeps logins for parts of a registry, too.
func (f *loginFile) entry(t target) (login, bool) {
	keys := map[string]login{}
	for _, key := range sortedKeys(f.Auths) {
		if _, twice := keys[normalKey(key)]; !twice {
			keys[normalKey(key)] = f.Auths[key]
		}
	}
	for path := t.host + "/" + t.repository; ; {
		path = strings.TrimSuffix(path, "/")
		if l, ok := keys[path]; ok {
			return l, true
		}
		i := strings.LastIndex(path, "/")
		if i < 0 {
			return login{}, false
		}
		path = path[:i]
	}
}

// normalKey makes one form of the many in which a host stands in such files: "https://index.docker.io/v1/".
func normalKey(key string) string {
	key = strings.TrimPrefix(strings.TrimPrefix(key, "https://"), "http://")
	key = strings.TrimSuffix(key, "/")
	key = strings.TrimSuffix(strings.TrimSuffix(key, "/v1"), "/v2")
	host, rest, _ := strings.Cut(key, "/")
	switch host {
	case "index.docker.io", "registry-1.docker.io":
		host = "docker.io"
	}
	if rest == "" {
		return host
	}
	return host + "/" + rest
}

// credentials decodes an entry.
func (l login) credentials() (Credentials, error) {
	if l.IdentityToken != "" {
		return Credentials{IdentityToken: l.IdentityToken}, nil
	}
	if l.RegistryToken != "" {
		return Credentials{RegistryToken: l.RegistryToken}, nil
	}
	if l.Auth == "" {
		return Credentials{Username: l.Username, Password: l.Password}, nil
	}
	user, password, err := decodeAuth(l.Auth)
	return Credentials{Username: user, Password: password}, err
}

// decodeAuth reads "user:password" in base64, with or without padding. Docker once ended passwords with zeros.
func decodeAuth(auth string) (user, password string, err error) {
	data, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(auth, "=\r\n "))
	if err != nil {
		return "", "", errors.New("its auth is not base64")
	}
	user, password, ok := strings.Cut(strings.TrimRight(string(data), "\x00"), ":")
	if !ok || user == "" {
		return "", "", errors.New("its auth is not user:password in base64")
	}
	return user, password, nil
}

// readFile reads a file up to the cap.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		if at, ok := errors.AsType[*fs.PathError](err); ok {
			return nil, at.Err // the path stands before the outcome already
		}
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("more than %d bytes", maxFile)
	}
	return data, err
}
