package project

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lazyregexp"
)

const (
	procfile    = "Procfile"
	maxProcfile = 64 << 10 // bytes; people write a handful of lines
)

// process is a line of a Procfile: a program by name.
type process struct {
	name  string
	words []string
	pos   diag.Position
	port  bool // it names the port that it is given
}

// processLine is what a line says: https://devcenter.heroku.com/articles/procfile#procfile-format.
var processLine = lazyregexp.New(`^([A-Za-z0-9_-]+):[ \t]*(.+?)[ \t]*$`)

// readProcfile reads the Procfile of a project. Those of its lines that except names are the configuration's business.
func (p *Project) readProcfile(port string, except map[string][]string) ([]process, error) {
	if p.Script != "" {
		return nil, nil
	}
	data, err := p.readFile(procfile, maxProcfile)
	if err != nil {
		return nil, err
	}
	var all []process
	var problems diag.List
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if trimmed := strings.TrimSpace(line); trimmed == "" || trimmed[0] == '#' {
			continue
		}
		pos := diag.Position{File: p.name(procfile), Line: number}
		m := processLine.FindStringSubmatch(line)
		if m == nil {
			problems.Add(&diag.Error{Pos: pos, Code: "procfile", What: "this is no line of a Procfile", Hint: "write NAME: COMMAND"})
			continue
		}
		if _, configured := except[m[1]]; configured {
			continue
		}
		one := process{name: m[1], pos: pos}
		var why string
		if one.words, one.port, why = words(m[2], port); why == "" {
			one.words, why = runnable(one.words)
		}
		if why != "" {
			problems.Add(&diag.Error{Pos: pos, Code: "needs-shell", What: fmt.Sprintf("the process %s needs a shell, which the image does not have: %s", one.name, why),
				Hint: fmt.Sprintf("name program and arguments one by one: %s = [\"PROGRAM\", \"ARGUMENT\"] in %s", processKey(one.name), p.Config.Place())})
			continue
		}
		if slices.ContainsFunc(all, func(o process) bool { return o.name == one.name }) {
			problems.Add(&diag.Error{Pos: pos, Code: "procfile", What: fmt.Sprintf("the process %s stands twice", one.name)})
		}
		all = append(all, one)
	}
	return all, problems.Err()
}

// processKey is the key that overrides a process.
func processKey(name string) string {
	if name == webProcess {
		return "entrypoint"
	}
	return "processes." + name
}

// portVariable is the port in a command, with and without a number for when it is not set.
var portVariable = lazyregexp.New(`^\$(?:PORT\b|\{PORT(?::?-([0-9]{1,5}))?\})`)

// words splits a command line as a shell does, and says what of it only a shell could do. The variable PORT becomes a
// number, since nothing in an image would replace it when the program starts.
func words(line, port string) (out []string, usesPort bool, why string) {
	var word strings.Builder
	var quote byte
	begun := false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, begun = c, true
		case c == '\\' && quote != '\'' && i+1 < len(line):
			i++
			if quote == '"' && !strings.ContainsRune("\"\\$`", rune(line[i])) {
				word.WriteByte(c)
			}
			word.WriteByte(line[i])
			begun = true
		case c == '$' && quote != '\'':
			m := portVariable.FindStringSubmatch(line[i:])
			if m == nil {
				return nil, false, "it has the variable " + variableAt(line[i:])
			}
			word.WriteString(port)
			i, begun, usesPort = i+len(m[0])-1, true, true
		case c == '`' && quote != '\'':
			return nil, false, "it runs a command for its output"
		case quote != 0:
			word.WriteByte(c)
		case strings.IndexByte("|&;<>()*?[]{}~#!", c) >= 0 && !(word.Len() > 0 && strings.IndexByte("~#!{}[]", c) >= 0):
			return nil, false, fmt.Sprintf("it has %q outside of quotes", c)
		case c == ' ' || c == '\t':
			if begun {
				out = append(out, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteByte(c)
			begun = true
		}
	}
	if quote != 0 {
		return nil, false, "a quote is not closed"
	}
	if begun {
		out = append(out, word.String())
	}
	return out, usesPort, ""
}

// isWordRune reports what may be in the name of a variable.
func isWordRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

// variableAt shows the variable at the beginning of a text.
func variableAt(s string) string {
	end := strings.IndexFunc(s[1:], func(r rune) bool { return !strings.ContainsRune("_{}:-", r) && !isWordRune(r) })
	if end < 0 {
		return s
	}
	return s[:end+1]
}

var (
	setting = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*=`)
	// runners start a program in the environment that an image has anyway.
	runners = []string{"uv", "poetry", "pdm", "pipenv", "hatch", "rye"}
	shells  = []string{"sh", "bash", "dash", "zsh"}
	python  = lazyregexp.New(`^python(3(\.[0-9]+)?)?$`)
)

// runnable gives a command the absolute path of its program. What runs a program in the project's environment is left out.
func runnable(words []string) (out []string, why string) {
	if len(words) > 1 && words[0] == "exec" {
		words = words[1:]
	}
	if len(words) > 2 && slices.Contains(runners, words[0]) && words[1] == "run" && !strings.HasPrefix(words[2], "-") {
		words = words[2:]
	}
	if len(words) == 0 {
		return nil, "it is empty"
	}
	name := words[0]
	switch {
	case setting.MatchString(name):
		return nil, fmt.Sprintf("it sets the variable %s, which belongs to env", strings.TrimSuffix(setting.FindString(name), "="))
	case slices.Contains(shells, path.Base(name)) || strings.HasSuffix(name, ".sh"):
		return nil, fmt.Sprintf("it runs %s", name)
	case name == "cd" || name == "source" || name == "." || name == "export":
		return nil, fmt.Sprintf("%s is a command of the shell", name)
	case path.IsAbs(name):
	case strings.Contains(name, "/"):
		name = path.Join("/app", name)
	case python.MatchString(name):
		name = venvPython
	default:
		name = venvBin + name
	}
	return append([]string{name}, words[1:]...), ""
}

// fromProcfile makes candidates of processes: the web process, or the only one that keeps running.
func (in *surroundings) fromProcfile(all []process) []candidate {
	var out []candidate
	for _, one := range all {
		if one.name == webProcess {
			return []candidate{in.processCandidate(one, "the process web of the Procfile")}
		}
		if one.name != releaseProcess {
			out = append(out, in.processCandidate(one, "the only process of the Procfile that keeps running"))
		}
	}
	return out
}

// processCandidate completes the command of a process where its program is a known server.
func (in *surroundings) processCandidate(one process, reason string) candidate {
	c := candidate{name: one.name, command: one.words, reason: reason, pos: one.pos}
	if one.port {
		c.port = in.port(server{})
	}
	s, ok := serverCalled(path.Base(one.words[0]))
	if !ok || one.name == releaseProcess {
		return c
	}
	args := one.words[1:]
	var port string
	args, port, c.why = s.complete(args, in)
	c.command = append([]string{one.words[0]}, args...)
	if port != "" {
		c.port = port
	}
	return c
}
