package lock

import (
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/script"
	"github.com/lithe-build/lithe/internal/toml"
)

// readScript reads the lock of a script, which uv writes beside it under the script's name. What its block of metadata asks for
// are the requirements of a workspace without projects.
// See https://docs.astral.sh/uv/guides/scripts/#locking-dependencies.
func readScript(dir string, opt Options) (*Lock, error) {
	format := uvFormat
	format.lock = "uv lock --script " + opt.Script
	if opt.Path != "" {
		return nil, &diag.Error{Pos: diag.Position{File: opt.Path}, Code: "script-lock", What: "the lock of a script has its name: " + opt.Script + ".lock",
			Hint: "run `" + format.lock + "`, and name no other lock"}
	}
	path := opt.Script + ".lock"
	data, err := readAtMost(filepath.Join(dir, path), maxLock)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &diag.Error{Pos: diag.Position{File: opt.Script}, Code: "no-lock", What: "the script has no lock: there is no " + path, Hint: "run `" + format.lock + "`"}
	}
	if err != nil {
		return nil, problemOf(path, err)
	}
	format.decode = decodeScript
	s := &source{format: format, path: path, script: opt.Script, data: data, open: func(name string) ([]byte, error) {
		return readAtMost(filepath.Join(dir, filepath.FromSlash(name)), maxProject)
	}}
	return s.read()
}

// decodeScript parses the lock, and the metadata of the script.
func decodeScript(s *source) (err error) {
	if s.lock, err = toml.Parse(s.path, s.data); err != nil {
		return diag.List{asProblem(err)}
	}
	text, err := s.open(s.script)
	if err != nil {
		return problemOf(s.script, err)
	}
	if s.project, err = script.Parse(s.script, text); err != nil {
		return diag.List{asProblem(err)}
	}
	return nil
}
