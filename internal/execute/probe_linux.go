package execute

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// probeNamespace sets up a sandbox on an empty root and starts nothing in it, so it needs what a real one needs.
func probeNamespace(ctx context.Context) error {
	root, err := os.MkdirTemp("", "lithe-probe-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	for _, dir := range mountPoints.dirs {
		if err := os.Mkdir(filepath.Join(root, dir), 0o755); err != nil {
			return err
		}
	}
	_, err = runSandbox(ctx, root, Command{})
	if r, ok := errors.AsType[*report](err); ok && errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w (some systems and containers limit what user namespaces may do; on Ubuntu it is the setting "+
			"kernel.apparmor_restrict_unprivileged_userns)", r)
	}
	return err
}

// explainClone says what usually stands behind a refused clone.
func explainClone(err error) error {
	switch {
	case errors.Is(err, syscall.EPERM):
		return fmt.Errorf("user namespaces are not permitted here (kernel setting, or the container's seccomp profile): %w", err)
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("the limit of user namespaces is reached (user.max_user_namespaces): %w", err)
	case errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.ENOSYS):
		return fmt.Errorf("this kernel lacks user namespaces: %w", err)
	}
	return fmt.Errorf("sandbox: %w", err)
}
