package project

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/python/name"
	"github.com/lithe-build/lithe/internal/python/script"
)

// A script with its metadata (PEP 723) is a project of one file: the block in it says what it needs and how lithe is
// configured, and nothing else of the folder counts unless files.include names it.

// readScript reads the metadata of a script, and the configuration in it.
func (p *Project) readScript(list *diag.List) error {
	p.File, p.ConfigFile = p.name(p.Script), p.name(p.Script)
	data, err := p.readFile(p.Script, script.MaxSize)
	if err != nil {
		return err
	}
	if data == nil {
		return &diag.Error{Pos: diag.Position{File: p.File}, Code: "no-file", What: "there is no such script", Hint: "give a script of Python, or the folder of a project"}
	}
	if p.Pyproject, err = script.Parse(p.File, data); err != nil {
		return p.orFolder(err)
	}
	p.configure(list, "[tool.lithe]", p.Pyproject.Table("tool", "lithe"))
	return nil
}

// orFolder says of a script without metadata that it may be one of a project.
func (p *Project) orFolder(err error) error {
	problem, ok := errors.AsType[*diag.Error](err)
	if !ok || problem.Code != "no-script-block" || problem.Pos.Line > 0 {
		return err
	}
	for _, file := range []string{pyprojectFile, "uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml", "requirements.txt"} {
		if _, err := os.Stat(filepath.Join(p.Dir, file)); !errors.Is(err, fs.ErrNotExist) {
			told := *problem
			told.Hint = "to build the project of " + file + " give its folder, with entrypoint = [\"/venv/bin/python\", \"/app/" + p.Script + "\"] in its configuration; " +
				"to build the script alone, " + strings.TrimSuffix(problem.Hint, " writes one") + " writes its block"
			return &told
		}
	}
	return err
}

// readScriptMetadata reads what a block says. A script has no name but its file's, and no version.
func (p *Project) readScriptMetadata(list *diag.List) {
	if stem := strings.TrimSuffix(p.Script, ".py"); name.Valid(stem) {
		p.Name = stem
	}
	p.readStandardPython(list, p.Pyproject)
	for _, v := range p.Pyproject.Value("dependencies").Array() {
		if _, ok := v.Str(); !ok {
			list.Addf(v.Pos, "metadata", "a dependency is of type %s, not a string", v.Kind())
		}
	}
	p.setPackage(false, "it is a script with its metadata", diag.Position{File: p.File}, "files.include")
	p.reason.Value = "the script is copied to /app"
	p.Evidence[len(p.Evidence)-1] = p.reason
}

// literal makes a glob of a name that means this name alone.
var literal = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`)
