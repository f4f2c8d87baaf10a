package cargo

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/toml"
)

// maxReplacements is how many sources may replace one another, so that a circle ends.
const maxReplacements = 10

// Mirror is where crates come from in place of crates.io. The zero value means crates.io itself.
type Mirror struct {
	Address string      // "sparse+" and the address of an index, or that of downloads
	Problem *diag.Error // of what cargo's configuration says; it matters when a crate is wanted
}

// Settings returns what cargo's own configuration, in CARGO_HOME or ~/.cargo, puts in place of crates.io.
// See https://doc.rust-lang.org/cargo/reference/config.html.
func Settings(getenv func(string) string, home string) Mirror {
	dir := getenv("CARGO_HOME")
	if dir == "" && home != "" {
		dir = filepath.Join(home, ".cargo")
	}
	if dir == "" {
		return Mirror{}
	}
	for _, name := range []string{"config", "config.toml"} { // cargo prefers the old name, too
		file := filepath.Join(dir, name)
		config, err := readConfig(file)
		if problem, ok := errors.AsType[*diag.Error](err); ok {
			return Mirror{Problem: problem}
		}
		if err != nil {
			return Mirror{Problem: &diag.Error{Pos: diag.Position{File: file}, Code: "crates-mirror", What: "it cannot be read: " + err.Error(), Err: err,
				Hint: "let this user read it, or name a sparse index with --crates-mirror"}}
		}
		if config != nil {
			return mirrorOf(config, getenv)
		}
	}
	return Mirror{}
}

// readConfig reads one file, nil where there is none.
func readConfig(file string) (*toml.Table, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxConfig))
	if err != nil {
		return nil, err
	}
	return toml.Parse(file, data)
}

// mirrorOf follows replace-with from crates.io to the last source.
func mirrorOf(config *toml.Table, getenv func(string) string) Mirror {
	name, pos := "crates-io", diag.Position{}
	for range maxReplacements {
		source := config.Table("source", name)
		next := source.String("replace-with")
		if next != "" {
			name, pos = next, source.KeyPos("replace-with")
			continue
		}
		if name == "crates-io" {
			return Mirror{}
		}
		index := source.String("registry")
		if index == "" {
			index = config.Table("registries", name).String("index")
		}
		if v := getenv("CARGO_REGISTRIES_" + strings.ReplaceAll(strings.ToUpper(name), "-", "_") + "_INDEX"); v != "" {
			index = v
		}
		if strings.HasPrefix(index, sparse) {
			return Mirror{Address: index}
		}
		break
	}
	return Mirror{Problem: &diag.Error{Pos: pos, Code: "crates-mirror",
		What: fmt.Sprintf("cargo takes crates from %.80q in place of crates.io, which is no index that lithe reads", name),
		Hint: "name a sparse index there, or with --crates-mirror"}}
}
