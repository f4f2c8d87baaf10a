package build

import (
	"testing"

	"github.com/lithe-build/lithe/internal/store/storetest"
)

// TestKeysHashEveryField fails on a field that would not change the key of its stage.
func TestKeysHashEveryField(t *testing.T) {
	part := wheelPart{Hash: "sha256:00", Filename: "a-1-py3-none-any.whl", DirectURL: "{}", Dropped: []string{"x"}}
	file := projectFile{Path: "app/main.py", Mode: 0o644, Link: "x", Digest: "sha256:00"}
	for name, sample := range map[string]any{
		"base": baseKey{Format: 1, Assembly: 1, Kind: "base", Packages: []string{"sha256:00"}, Compiler: "3.13.5"},
		"system": systemKey{Format: 1, Assembly: 1, Base: []string{"sha256:00"}, Packages: []string{"sha256:01"}, Wants: []string{"libpq5"},
			Accept: []string{"graphviz"}},
		"builder": builderKey{Format: 1, Packages: []string{"sha256:00"}, Interpreter: "3.12.15+20261021 sha256:00", Image: []string{"sha256:01"},
			Accept: []string{"libodd-dev"}},
		"skeleton": skeletonKey{Format: 1, Assembly: 1, Python: "3.13.5", Interpreter: "/usr/bin/python3.13"},
		"certs":    certificateKey{Format: 1, Below: []string{"sha256:00"}, Bundle: "/etc/ssl/cert.pem", Files: []string{"a.crt 00"}},
		"root":     interpreterKey{Choice: 1, Assembly: 1, Packages: []string{"sha256:00"}},
		"lent":     lentKey{Format: 1, Root: "00"},
		"seen":     seenKey{Format: 1, DiffID: "sha256:00"},
		"wheel":    wheelKey{Format: 1, Wheels: []wheelPart{part}, Python: "3.13", ABI: "cp313", Prefix: "venv", Compiler: "3.13.5"},
		"project":  projectKey{Format: 1, Files: []projectFile{file}, Python: "3.13", Compiler: "3.13.5"},
		"tree":     treeKey{Files: []projectFile{file}},
		"built": builtKey{Format: 1, Source: "sha256:00", Name: "a", Version: "1", Builder: "00", Requires: []string{"00"},
			Settings: map[string]string{"a": "b"}, Target: "linux/amd64 3.13 glibc-2.41", Env: []string{"A=b"}},
		"step":     stepKey{Format: 1, Run: []string{"a"}, Env: []string{"A=b"}, Outputs: []string{"b"}, Inputs: []projectFile{file}, Root: "00"},
		"steproot": stepRootKey{Layers: []string{"sha256:00"}},
		"verified": verifiedKey{Checks: 1, Hash: "sha256:00", Filename: "a-1-py3-none-any.whl"},
		"requires": requirementsKey{Hash: "sha256:00", Filename: "a-1-py3-none-any.whl"},
		"overlap":  overlapKey{Checks: 1, Wheels: []string{"sha256:00"}, Owners: map[string]string{"a": "b"}},
		"closure": closureKey{Format: 1, Layers: []string{"sha256:00"}, Arch: "amd64", Musl: true, Interpreter: "/usr/bin/python3.13",
			LibraryPath: "/opt", Accept: []string{"libx.so"}, Owner: "app"},
	} {
		t.Run(name, func(t *testing.T) { storetest.EveryFieldCounts(t, sample) })
	}
}
