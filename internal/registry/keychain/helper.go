package keychain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/lithe-build/lithe/internal/lazyregexp"
)

const (
	maxHelperOutput = 1 << 20 // bytes
	helperTime      = time.Minute
	// tokenUser is the name that helpers give identity tokens.
	tokenUser = "<token>"
	// hubKey is Docker Hub's name in logins that the docker command keeps.
	hubKey = "https://index.docker.io/v1/"
)

// helperName keeps a configuration file from naming a path.
var helperName = lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// helper asks docker-credential-NAME. See https://github.com/docker/docker-credential-helpers.
func (k *Keychain) helper(ctx context.Context, name string, t target) (Credentials, string, error) {
	if !helperName.MatchString(name) {
		return Credentials{}, "", errors.New("names a credential helper that cannot be one")
	}
	command := "docker-credential-" + name
	path, err := k.opt.LookPath(command)
	if err != nil {
		return Credentials{}, "", fmt.Errorf("%s is not installed", command)
	}
	key := t.host
	if t.host == "docker.io" {
		key = hubKey
	}
	out, err := runHelper(ctx, path, key)
	if err != nil {
		// Helpers say so on standard output, with a failing exit code.
		if strings.Contains(string(out), "not found") {
			return Credentials{}, fmt.Sprintf("%s: %s", command, noEntry(t)), nil
		}
		return Credentials{}, "", fmt.Errorf("%s failed: %w", command, err)
	}
	var answer struct{ Username, Secret string }
	if json.Unmarshal(out, &answer) != nil {
		return Credentials{}, "", fmt.Errorf("%s printed no JSON", command)
	}
	switch {
	case answer.Secret == "":
		return Credentials{}, fmt.Sprintf("%s: %s", command, noEntry(t)), nil
	case answer.Username == tokenUser:
		return Credentials{IdentityToken: answer.Secret}, "", nil
	}
	return Credentials{Username: answer.Username, Password: answer.Secret}, "", nil
}

// runHelper gives the helper a key and returns what it prints. Its standard error may hold anything and is left.
func runHelper(ctx context.Context, path, key string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, helperTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "get")
	cmd.Stdin = strings.NewReader(key)
	out := &cappedBuffer{left: maxHelperOutput}
	cmd.Stdout = out
	cmd.WaitDelay = time.Second // a child that it left must not hold us
	err := cmd.Run()
	return out.data.Bytes(), err
}

// cappedBuffer refuses more than it may hold. The buffer is no embedded one: its ReadFrom would know no cap.
type cappedBuffer struct {
	data bytes.Buffer
	left int
}

func (b *cappedBuffer) Write(p []byte) (int, error) {
	if len(p) > b.left {
		return 0, io.ErrShortBuffer
	}
	b.left -= len(p)
	return b.data.Write(p)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
