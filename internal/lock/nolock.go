package lock

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/toml"
)

// noLock says what to do about a folder without a lock file. A member of a workspace has none of its own.
func noLock(dir string) error {
	if file := condaFile(dir); file != "" {
		return refusal(file, dir)
	}
	problem := &diag.Error{Code: "no-lock", What: "no lock file in " + dir,
		Hint: "run `uv lock`, `poetry lock`, `pdm lock`, `pipenv lock` or `pip-compile --generate-hashes`, or name a file with --lock"}
	if root := uvWorkspaceAbove(dir); root != "" {
		problem.Hint = "the lock file of the workspace is " + filepath.Join(root, uvFormat.file) + ": run lithe in that folder"
		return problem
	}
	if command := toolOf(dir); command != "" {
		problem.Hint = "run `" + command + "`, or name a file with --lock"
	}
	if found := lookalike(dir); found != "" {
		problem.Hint = "if " + found + " is the one, name it with --lock or the key `lock`"
	} else if found, meant := misspelt(dir); found != "" {
		problem.Hint = fmt.Sprintf("if %s is the one, rename it: it is called %s", found, meant)
	}
	return problem
}

// unknownName is the problem of a file that is named as the lock, and whose name tells no format.
func unknownName(path string) error {
	if base := filepath.Base(path); isConda(base) {
		return refusal(path, ".")
	}
	known := usualNames()
	problem := &diag.Error{Pos: diag.Position{File: path}, Code: "lock-format",
		What: fmt.Sprintf("%s is not the name of a lock file that lithe reads", filepath.Base(path)), Hint: "known are " + strings.Join(known, ", ")}
	if meant := meant(filepath.Base(path)); meant != "" {
		problem.Hint = "rename it, if it is a " + meant
	}
	return problem
}

// usualNames are the usual names of all formats.
func usualNames() (all []string) {
	for _, f := range formats {
		all = append(all, f.file)
	}
	return all
}

// condaLocks are lock files of conda and pixi, whose packages are no Python distributions: they come with a Python and C
// libraries of their own. condaProjects only say what is wanted, so they count where no other tool has a file.
var (
	condaLocks    = []string{"conda-lock.yml", "conda-lock.yaml", "*.conda-lock.yml", "pixi.lock"}
	condaProjects = []string{"pixi.toml", "environment.yml", "environment.yaml"}
)

func isConda(base string) bool {
	return slices.ContainsFunc(slices.Concat(condaLocks, condaProjects), func(pattern string) bool {
		ok, err := filepath.Match(pattern, base)
		return err == nil && ok
	})
}

// condaFile returns the file that tells a project of conda or pixi, "" for others.
func condaFile(dir string) string {
	if found := firstOf(dir, condaLocks); found != "" || toolOf(dir) != "" || lookalike(dir) != "" {
		return found
	}
	return firstOf(dir, condaProjects)
}

// refusal is the problem of a project of conda or pixi.
func refusal(file, dir string) error {
	tool := "conda"
	if strings.HasPrefix(filepath.Base(file), "pixi.") {
		tool = "pixi"
	}
	return &diag.Error{Pos: diag.Position{File: file}, Code: "unsupported-lock",
		What: fmt.Sprintf("the file is of %s, whose packages lithe does not install: they are no wheels", tool),
		Hint: fmt.Sprintf("list what the project needs from PyPI in pyproject.toml and run `%s`; Debian has the C libraries, by the key `system-packages`",
			cmp.Or(toolOf(dir), uvFormat.lock))}
}

// toolFiles tell the tool of a folder whose pyproject.toml does not.
var toolFiles = []struct{ file, command string }{
	{pipfile, pipenvFormat.lock},
	{"poetry.toml", poetryFormat.lock},
	{"pdm.toml", pdmFormat.lock},
	{"uv.toml", uvFormat.lock},
	{"requirements.in", "pip-compile --generate-hashes requirements.in"},
	{"setup.py", "pip-compile --generate-hashes setup.py"},
	{"setup.cfg", "pip-compile --generate-hashes setup.cfg"},
}

// toolOf returns the command that locks with the tool whose files are in the folder, "" when it is not known.
func toolOf(dir string) string {
	if command := toolOfProject(dir); command != "" {
		return command
	}
	for _, t := range toolFiles {
		if _, err := os.Stat(filepath.Join(dir, t.file)); err == nil {
			return t.command
		}
	}
	return ""
}

// toolOfProject reads pyproject.toml: its tables, then the build backend, which some tools have of their own.
func toolOfProject(dir string) string {
	data, err := readAtMost(filepath.Join(dir, projectFile), maxProject)
	if err != nil {
		return ""
	}
	project, err := toml.Parse(projectFile, data)
	if err != nil {
		return ""
	}
	for _, f := range []format{uvFormat, poetryFormat, pdmFormat} {
		if project.Table("tool", f.name) != nil {
			return f.lock
		}
	}
	backend, _, _ := strings.Cut(project.Table("build-system").String("build-backend"), ".")
	return map[string]string{"poetry": poetryFormat.lock, "pdm": pdmFormat.lock, "uv_build": uvFormat.lock}[backend]
}

// lookalikes are names that a lock file may have and that lithe does not look for by itself, some of them misspelt.
var lookalikes = []string{"requirements/*.txt", "requirements-*.txt", "requirements_*.txt", "requirements*.lock", "requirement.txt", "requirments.txt",
	"requirements.text", "pylock.*.toml", "Pipefile.lock", "pipfile.lock", "Poetry.lock", "UV.lock"}

// lookalike returns a file that is probably the lock, "" when there is none.
func lookalike(dir string) string { return firstOf(dir, lookalikes) }

// firstOf returns the first file that one of the patterns finds, "" when there is none.
func firstOf(dir string, patterns []string) string {
	for _, pattern := range patterns {
		if found, err := fs.Glob(os.DirFS(dir), pattern); err == nil && len(found) > 0 {
			return found[0]
		}
	}
	return ""
}

// maxTypos is how many letters of a misspelt name are wrong.
const maxTypos = 2

// meant returns the usual name that somebody may have meant who wrote another one; "" when none is near.
func meant(name string) string {
	for _, usual := range usualNames() {
		if diag.Distance(strings.ToLower(name), strings.ToLower(usual)) <= maxTypos && len(name) > 2*maxTypos {
			return usual
		}
	}
	return ""
}

// misspelt returns a file whose name is nearly that of a lock file, such as poetry.lck, and that name.
func misspelt(dir string) (found, usual string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", ""
	}
	for _, e := range entries {
		if usual := meant(e.Name()); usual != "" && e.Type().IsRegular() {
			return e.Name(), usual
		}
	}
	return "", ""
}
