package project

import (
	"os"
	"path/filepath"
	"strings"
)

// never are names of files and directories that stay out of an image unless files.include names them: secrets, what a
// build or an editor leaves, and what would tie the image to things that do not run, as a lock file ties it to
// development dependencies.
var never = []struct{ reason, names string }{
	{"version control", ".git .gitignore .gitattributes .gitmodules .git-blame-ignore-revs .hg .hgignore .hgtags .svn .bzr .jj _darcs"},
	{"may hold secrets", ".env .env.* .envrc .netrc _netrc .pypirc .npmrc .git-credentials .htpasswd .pgpass .aws .ssh .gnupg .docker " +
		"id_rsa id_dsa id_ecdsa id_ed25519 *.key *.pem *.p12 *.pfx *.jks *.keystore *.kdbx"},
	{"virtual environment", ".venv .virtualenv __pypackages__ .pixi"},
	{"bytecode", "__pycache__ *.pyc *.pyo"},
	{"cache", ".cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .tox .nox .eggs *.egg-info .ipynb_checkpoints .pytype " +
		".pyre .coverage .coverage.* htmlcov .pdm-build .uv-cache node_modules .terraform"},
	{"lock file", "poetry.lock uv.lock pdm.lock Pipfile.lock pylock.toml pylock.*.toml lithe.lock .lithe.lock.* requirements*.txt requirements*.in requirements*.lock *.py.lock *.lithe.lock"},
	{"project file", "pyproject.toml lithe.toml Pipfile poetry.toml uv.toml pdm.toml .pdm.toml .pdm-python .python-version .tool-versions"},
	{"build file", "Dockerfile Dockerfile.* *.Dockerfile Containerfile .dockerignore *.dockerignore compose.yml compose.yaml compose.*.yml " +
		"compose.*.yaml docker-compose*.yml docker-compose*.yaml .github .gitlab-ci.yml .circleci .devcontainer .pre-commit-config.yaml"},
	{"editor", ".idea .vscode .vs .editorconfig *.swp *~ .DS_Store Thumbs.db"},
}

// neverRules are the patterns of never.
var neverRules = compileNever()

type neverRule struct {
	pattern
	reason string
}

func compileNever() (rules []neverRule) {
	for _, group := range never {
		for _, name := range strings.Fields(group.names) {
			rules = append(rules, neverRule{compile(name), group.reason})
		}
	}
	return rules
}

// neverReason says why a name stays out of an image, "" when it need not. Virtual environments are also known by what
// is in them, since people call them what they like.
func neverReason(full, name string, isDir bool) string {
	for _, r := range neverRules {
		if r.match(name) {
			return r.reason
		}
	}
	if isDir && (exists(filepath.Join(full, "pyvenv.cfg")) || exists(filepath.Join(full, "conda-meta"))) {
		return "virtual environment"
	}
	if isDir && name == "requirements" && onlyRequirements(full) {
		return "lock file"
	}
	return ""
}

// onlyRequirements tells a folder of requirements files from a package that happens to have the same name.
func onlyRequirements(full string) bool {
	entries, err := os.ReadDir(full)
	if err != nil {
		return false
	}
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); ext != ".txt" && ext != ".in" && ext != ".md" {
			return false
		}
	}
	return len(entries) > 0
}

func exists(file string) bool {
	_, err := os.Lstat(file)
	return err == nil
}
