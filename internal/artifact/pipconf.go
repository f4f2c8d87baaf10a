package artifact

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
)

// maxPipConf is in bytes; real files have a few lines.
const maxPipConf = 1 << 20

// readPipConf returns the settings of pip that lithe follows: of [global], and of [install], which pip puts above it.
// A later file overrides an earlier one. See https://pip.pypa.io/en/stable/topics/configuration/.
func readPipConf(env func(string) string, home string, system []string) (map[string]setting, error) {
	named := env("PIP_CONFIG_FILE")
	if named == os.DevNull {
		return nil, nil // pip's way to say: no files
	}
	paths := append(append([]string(nil), system...), userFiles(env, home)...)
	if named != "" {
		paths = append(paths, named)
	}
	merged := map[string]map[string]setting{"global": {}, "install": {}}
	for _, path := range paths {
		data, err := readSmall(path)
		if err != nil {
			if path == named && !os.IsNotExist(err) {
				return nil, &diag.Error{Pos: diag.Position{File: path}, Code: "pip-conf", What: "cannot be read: " + err.Error(),
					Hint: "correct PIP_CONFIG_FILE"}
			}
			continue // pip, too, passes over files that are not there
		}
		sections, err := parsePipConf(path, data)
		if err != nil {
			return nil, err
		}
		for section, values := range merged {
			for key, value := range sections[section] {
				values[key] = setting{path, strings.Fields(value)}
			}
		}
	}
	// pip lets the section of the command, whatever its file, stand above the general one.
	for key, value := range merged["install"] {
		merged["global"][key] = value
	}
	return merged["global"], nil
}

// readSmall reads a whole file unless it is too large to be a configuration.
func readSmall(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxPipConf+1))
	if err == nil && len(data) > maxPipConf {
		err = fmt.Errorf("more than %d bytes", maxPipConf)
	}
	return string(data), err
}

// parsePipConf reads the INI dialect of Python's RawConfigParser: comments are whole lines, values go on in lines that
// are indented. Keys come back as pip normalises them. Errors quote nothing of the file.
func parsePipConf(file, data string) (map[string]map[string]string, error) {
	sections := map[string]map[string]string{}
	var section map[string]string
	key, value := "", []string(nil) // the setting that may go on, and its lines
	end := func() {
		if key != "" {
			section[key] = strings.Join(value, "\n")
		}
		key = ""
	}
	data = strings.TrimPrefix(data, "\ufeff")
	for i, line := range strings.Split(data, "\n") {
		problem := func(what string) error {
			return &diag.Error{Pos: diag.Position{File: file, Line: i + 1}, Code: "pip-conf", What: what,
				Hint: "correct the line, or set PIP_CONFIG_FILE=" + os.DevNull}
		}
		// Indentation matters at the start of a line, and nothing does at its end.
		line = strings.TrimRight(line, " \t\r")
		text := strings.TrimLeft(line, " \t")
		switch {
		case text == "" || text[0] == '#' || text[0] == ';':
		case len(text) < len(line) && key != "":
			value = append(value, text)
		case text[0] == '[':
			title, _, ok := strings.Cut(text[1:], "]")
			if !ok {
				return nil, problem("the name of a section has no end")
			}
			if sections[title] == nil {
				sections[title] = map[string]string{}
			}
			end()
			section = sections[title]
		case section == nil:
			return nil, problem("a setting stands before the first section")
		default:
			at := strings.IndexAny(text, "=:")
			if at <= 0 {
				return nil, problem("expected key = value")
			}
			end()
			key, value = normalKey(text[:at]), []string{strings.TrimSpace(text[at+1:])}
		}
	}
	end()
	return sections, nil
}

// normalKey writes index_url and --index-url as index-url.
func normalKey(key string) string {
	key = strings.ToLower(strings.TrimSpace(key))
	return strings.TrimPrefix(strings.ReplaceAll(key, "_", "-"), "--")
}
