package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/execute"
)

// maxFirstLine is how far Linux looks for the interpreter of a script.
const maxFirstLine = 256

var shells = []string{"sh", "bash", "dash", "ash", "zsh"}

// explainStart says why a program did not start that needs something the image does not have. Linux has one error for the
// program and for its interpreter, and most who meet it asked for a shell.
func explainStart(root string, c execute.Command, err error) error {
	if !errors.Is(err, fs.ErrNotExist) || len(c.Args) == 0 {
		return err
	}
	const noShell = "images have no shell: name a program of the image and its arguments"
	file, found := locate(root, c)
	if !found {
		hint := "lock a package that brings it, or name another program by `entrypoint` in [tool.lithe]"
		if slices.Contains(shells, path.Base(c.Args[0])) {
			hint = noShell
		}
		return &diag.Error{Code: "no-program", What: fmt.Sprintf("there is no program %s in the image", c.Args[0]), Hint: hint, Err: err}
	}
	if interpreter := shebang(file); interpreter != "" {
		return &diag.Error{Code: "no-program",
			What: fmt.Sprintf("%s is run by %s, which is not in the image", c.Args[0], interpreter), Hint: noShell, Err: err}
	}
	return err
}

// explainPlatform says why a program of another architecture did not start, which the kernel calls a wrong format.
func explainPlatform(platform, host string, err error) error {
	if platform == host {
		return err
	}
	return &diag.Error{Code: "foreign-platform", What: fmt.Sprintf("this machine runs programs for %s, not for %s", host, platform),
		Hint: "build for its own platform, or let an engine run it that emulates the other", Err: err}
}

// locate returns the file of the program in the root. Links are not followed, since they are meant from the root.
func locate(root string, c execute.Command) (file string, found bool) {
	candidates := []string{path.Join(c.Dir, c.Args[0])}
	if path.IsAbs(c.Args[0]) {
		candidates = []string{c.Args[0]}
	}
	if !strings.Contains(c.Args[0], "/") {
		candidates = nil
		for _, v := range c.Env {
			if dirs, ok := strings.CutPrefix(v, "PATH="); ok {
				for dir := range strings.SplitSeq(dirs, ":") {
					candidates = append(candidates, path.Join(dir, c.Args[0]))
				}
			}
		}
	}
	for _, candidate := range candidates {
		file := filepath.Join(root, filepath.FromSlash(candidate))
		if _, err := os.Lstat(file); err == nil {
			return file, true
		}
	}
	return "", false
}

// shebang returns the interpreter that a script names, "" for other files.
func shebang(file string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	line, _ := bufio.NewReader(io.LimitReader(f, maxFirstLine)).ReadString('\n')
	words := strings.Fields(strings.TrimPrefix(line, "#!"))
	if !strings.HasPrefix(line, "#!") || len(words) == 0 {
		return ""
	}
	return words[0]
}
