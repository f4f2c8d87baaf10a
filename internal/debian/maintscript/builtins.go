package maintscript

import (
	"slices"
	"strconv"
	"strings"

	"github.com/lithe-build/lithe/internal/debian/version"
	"github.com/lithe-build/lithe/internal/entry"
)

// builtin follows what the shell itself does, and what only asks about the system; ok is false for other commands.
func (m *machine) builtin(i invocation) (st status, ok bool) {
	switch i.name {
	case ":", "true", "set", "umask", "trap", "echo", "printf", "hash":
		return success, true
	case "false":
		return failure, true
	case "export", "readonly", "local":
		m.declare(i)
		return success, true
	case "unset":
		for _, a := range i.args {
			delete(m.vars, a.text)
		}
		return success, true
	case "shift":
		m.args = m.args[min(1, len(m.args)):]
		return success, true
	case "read": // from what is not followed
		for _, a := range i.args {
			m.vars[a.text] = value{}
		}
		return maybe, true
	case "break", "continue", "return", "exit":
		return m.leaves(i), true
	case "test", "[":
		return m.test(i), true
	case ".", "source":
		return m.source(i), true
	case "eval", "exec":
		return m.unknown(i.at, i.text, "lithe does not follow commands that are made by commands"), true
	}
	return m.asks(i)
}

// asks follows commands that only look at the system.
func (m *machine) asks(i invocation) (st status, ok bool) {
	texts, sure := i.texts()
	first := ""
	if len(texts) > 0 {
		first = texts[0]
	}
	switch {
	case i.name == "command" && len(i.args) > 0 && i.args[0] != known("-v"):
		return m.run(invocation{i.at, i.text, i.args[0].text, i.args[1:], i.sure}), true
	case i.name == "command" || i.name == "which" || i.name == "type":
		if !sure || len(texts) == 0 {
			return maybe, true
		}
		return statusOf(m.program(texts[len(texts)-1]) != ""), true
	case i.name == "dpkg" && first == "--compare-versions":
		return compareVersions(texts[1:]), true
	case i.name == "dpkg" && i.args != nil && i.args[0] == known("--compare-versions"):
		return maybe, true
	case i.name == "getent" && sure && len(texts) == 2, i.name == "id" && sure && len(texts) > 0:
		return statusOf(m.hasAccount(first, texts[len(texts)-1])), true
	case i.name == "dpkg-statoverride" && slices.Contains(texts, "--list"):
		return failure, true // nobody has overridden anything
	case strings.HasPrefix(i.name, "db_"):
		return m.debconf(i), true
	}
	return maybe, false
}

// declare sets the variables of export and local.
func (m *machine) declare(i invocation) {
	for _, a := range i.args {
		if name, v, set := strings.Cut(a.text, "="); set {
			m.vars[name] = value{v, a.known && !m.doubtful()}
		}
	}
}

func (m *machine) leaves(i invocation) status {
	code := known("0")
	if len(i.args) > 0 {
		code = i.args[0]
	}
	switch i.name {
	case "break":
		m.leave(stopLoop)
	case "continue":
		m.leave(nextRound)
	case "return":
		m.leave(leaveFunction)
	default:
		// A script that fails stops the installation: what is asked here is what it does when it does not.
		if m.doubtful() && code.known && code.text != "0" {
			return failure
		}
		m.leave(leaveScript)
	}
	if !code.known {
		return maybe
	}
	return statusOf(code.text == "0")
}

// source allows debconf's library and files that are not there.
func (m *machine) source(i invocation) status {
	if len(i.args) == 1 && i.args[0].known {
		if i.args[0].text == "/usr/share/debconf/confmodule" {
			m.used["debconf"] = true
			return success
		}
	}
	return m.unknown(i.at, i.text, "lithe does not follow scripts that read other scripts")
}

// debconf answers questions with their defaults, as an installation without a terminal does.
func (m *machine) debconf(i invocation) status {
	if i.name == "db_get" && len(i.args) > 0 {
		answer, ok := m.script.Answers[i.args[0].text]
		m.vars["RET"] = value{answer, ok && i.args[0].known && !m.doubtful()}
	}
	if i.name == "db_input" || i.name == "db_go" || i.name == "db_fset" || i.name == "db_metaget" {
		return maybe
	}
	return success
}

// hasAccount answers getent and id.
func (m *machine) hasAccount(database, name string) bool {
	if database == "group" {
		return m.system.Group(name) || slices.Contains(m.result.Groups, name)
	}
	return m.system.User(name) || slices.ContainsFunc(m.result.Users, func(u User) bool { return u.Name == name })
}

// compareVersions is dpkg --compare-versions.
func compareVersions(args []string) status {
	args = slices.DeleteFunc(slices.Clone(args), func(s string) bool { return s == "--" })
	if len(args) != 3 {
		return maybe
	}
	a, op, b := args[0], args[1], args[2]
	op, late := strings.CutSuffix(op, "-nl") // an empty version is later than any
	var order int
	switch {
	case a == b:
	case a == "" || b == "":
		order = -1
		if (a == "") == late {
			order = 1
		}
	case version.Check(a) != nil || version.Check(b) != nil:
		return maybe
	default:
		order = version.Compare(a, b)
	}
	switch op {
	case "lt", "<<", "<":
		return statusOf(order < 0)
	case "le", "<=":
		return statusOf(order <= 0)
	case "eq", "=":
		return statusOf(order == 0)
	case "ne":
		return statusOf(order != 0)
	case "ge", ">=":
		return statusOf(order >= 0)
	case "gt", ">>", ">":
		return statusOf(order > 0)
	}
	return maybe
}

// test is the command of that name, and its other form with brackets.
func (m *machine) test(i invocation) status {
	args := i.args
	if i.name == "[" && len(args) > 0 && args[len(args)-1] == known("]") {
		args = args[:len(args)-1]
	}
	if !i.sure {
		return maybe
	}
	return m.condition(args)
}

// maxTest is how many arguments of test are looked at. POSIX says nothing of more than four.
const maxTest = 100

func (m *machine) condition(args []value) status {
	if len(args) > maxTest {
		return maybe
	}
	for n := len(args) - 1; n > 0; n-- {
		if args[n] == known("-o") {
			return either(m.condition(args[:n]), m.condition(args[n+1:]))
		}
	}
	for n := len(args) - 1; n > 0; n-- {
		if args[n] == known("-a") {
			return either(m.condition(args[:n]).not(), m.condition(args[n+1:]).not()).not()
		}
	}
	switch {
	case len(args) == 0:
		return failure
	case len(args) > 1 && args[0] == known("!"):
		return m.condition(args[1:]).not()
	case len(args) == 1:
		return m.unary("-n", args[0])
	case len(args) == 2 && args[0].known:
		return m.unary(args[0].text, args[1])
	case len(args) == 3 && args[0].known && args[1].known && args[2].known:
		return binary(args[0].text, args[1].text, args[2].text)
	}
	return maybe
}

func either(a, b status) status {
	switch {
	case a == success || b == success:
		return success
	case a == failure && b == failure:
		return failure
	}
	return maybe
}

func (m *machine) unary(op string, v value) status {
	if !v.known {
		return maybe
	}
	e, there := m.lookup(v.text, op != "-L" && op != "-h")
	switch op {
	case "-n":
		return statusOf(v.text != "")
	case "-z":
		return statusOf(v.text == "")
	case "-e":
		return statusOf(there)
	case "-f":
		return statusOf(there && e.Type == entry.File)
	case "-d":
		return statusOf(there && e.Type == entry.Dir)
	case "-L", "-h":
		return statusOf(there && e.Type == entry.Symlink)
	case "-x":
		return statusOf(there && (e.Type == entry.Dir || e.Mode&0o111 != 0))
	case "-r", "-w":
		return statusOf(there)
	case "-s":
		return statusOf(there && e.Size > 0)
	case "-S", "-p", "-b", "-c", "-t":
		return failure // an image has no sockets, pipes, devices and terminals
	}
	return maybe
}

func binary(a, op, b string) status {
	switch op {
	case "=", "==":
		return statusOf(a == b)
	case "!=":
		return statusOf(a != b)
	}
	x, errX := strconv.Atoi(a)
	y, errY := strconv.Atoi(b)
	if errX != nil || errY != nil {
		return maybe
	}
	switch op {
	case "-eq":
		return statusOf(x == y)
	case "-ne":
		return statusOf(x != y)
	case "-lt":
		return statusOf(x < y)
	case "-le":
		return statusOf(x <= y)
	case "-gt":
		return statusOf(x > y)
	case "-ge":
		return statusOf(x >= y)
	}
	return maybe
}
