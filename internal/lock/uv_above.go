package lock

import (
	"bytes"
	"os"
	"path/filepath"
)

// uvWorkspaceAbove returns the nearest folder above a folder that holds a workspace with its lock file, relative to the
// folder; "" when there is none. It is only for a hint, so that what cannot be read is passed over.
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
