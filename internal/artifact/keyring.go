package artifact

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	// keyringTime is how long the host's keyring may take: somebody may have to unlock it.
	keyringTime = time.Minute
	// maxKeyringOutput is in bytes; tokens of clouds have some kilobytes.
	maxKeyringOutput = 1 << 20
)

// askKeyring runs the host's `keyring get SERVICE USER` for one service after the other, as uv and pip do with
// keyring-provider = subprocess. What the program says on its standard error is for nobody: it may quote a secret.
func askKeyring(searchPath string, services []string, user string) (string, error) {
	path := findProgram(searchPath, "keyring")
	if path == "" {
		return "", errors.New("there is no program keyring")
	}
	ctx, cancel := context.WithTimeout(context.Background(), keyringTime)
	defer cancel()
	for _, service := range services {
		if strings.HasPrefix(service, "-") || strings.HasPrefix(user, "-") {
			continue // an option, as the program would take it
		}
		var out bytes.Buffer
		cmd := exec.CommandContext(ctx, path, "get", service, user)
		cmd.Stdout, cmd.WaitDelay = &cappedOutput{&out}, time.Second
		err := cmd.Run()
		if ctx.Err() != nil {
			return "", fmt.Errorf("keyring did not answer within %s", keyringTime)
		}
		if password := strings.TrimRight(out.String(), "\r\n"); err == nil && password != "" {
			return password, nil
		}
	}
	return "", errors.New("keyring has none for it")
}

// findProgram returns the program of the first folder that has it, "" for none. Folders relative to the working directory
// are passed over, since a project must not bring the program.
func findProgram(searchPath, name string) string {
	for _, dir := range filepath.SplitList(searchPath) {
		if !filepath.IsAbs(dir) {
			continue
		}
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	return ""
}

// cappedOutput takes as many bytes as a password may have.
type cappedOutput struct{ out *bytes.Buffer }

func (c *cappedOutput) Write(p []byte) (int, error) {
	if c.out.Len()+len(p) > maxKeyringOutput {
		return 0, io.ErrShortWrite
	}
	return c.out.Write(p)
}
