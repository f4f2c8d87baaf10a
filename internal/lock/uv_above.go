package lock

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// WorkspaceAbove returns the nearest folder above a folder without a lock file of its own that holds a workspace of uv with
// its lock file, relative as the folder is; "" when there is none. Whether the folder is a member, the lock file says.
func WorkspaceAbove(dir string) string {
	for _, f := range formats {
		if _, err := os.Stat(filepath.Join(dir, f.file)); !errors.Is(err, fs.ErrNotExist) {
			return ""
		}
	}
	return uvWorkspaceAbove(dir)
}

// uvWorkspaceAbove returns the nearest folder above a folder that holds a workspace with its lock file, relative to the
// folder; "" when there is none. What cannot be read is passed over.
func uvWorkspaceAbove(dir string) string {
	here, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	for above := filepath.Dir(here); ; above = filepath.Dir(above) {
		project, err := readAtMost(filepath.Join(above, projectFile), maxProject)
		_, lockErr := os.Stat(filepath.Join(above, uvFormat.file))
		if err == nil && lockErr == nil && bytes.Contains(project, []byte("tool.uv.workspace")) {
			relative, err := filepath.Rel(here, above)
			if err != nil {
				return above
			}
			return filepath.Join(dir, relative)
		}
		if above == filepath.Dir(above) {
			return ""
		}
	}
}
