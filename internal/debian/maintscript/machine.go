package maintscript

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/entry"
)

// value is a string, or the fact that nothing is known of it.
type value struct {
	text  string
	known bool
}

func known(s string) value { return value{s, true} }

// status is how a command ends.
type status uint8

const (
	maybe status = iota
	success
	failure
)

func statusOf(ok bool) status {
	if ok {
		return success
	}
	return failure
}

func (s status) not() status {
	switch s {
	case success:
		return failure
	case failure:
		return success
	}
	return maybe
}

// signal is what ends more than one command.
type signal uint8

const (
	goOn signal = iota
	stopLoop
	nextRound
	leaveFunction
	leaveScript
)

// machine follows one script.
type machine struct {
	script    Script
	system    System
	vars      map[string]value
	args      []value
	functions map[string]node
	made      map[string]entry.Type // paths that the script has made so far
	used      map[string]bool
	result    Result
	steps     int
	spent     int // bytes of text so far, see maxSpent
	line      int // of the command that is followed
	calls     int
	signal    signal
	uncertain bool                  // it is not known whether the branch is taken that is followed
	doubts    [leaveScript + 1]bool // of what may have been left before
}

// stopped reports that the rest does not run, or that it does not matter any more.
func (m *machine) stopped() bool { return m.signal != goOn || m.result.Unknown != nil }

func (m *machine) unknown(at int, command, why string) status {
	if m.result.Unknown == nil {
		m.result.Unknown = &Unknown{at, command, why}
	}
	return maybe
}

// list follows commands in turn and returns the status of the last.
func (m *machine) list(l list) status {
	last := success
	for _, n := range l {
		if m.stopped() {
			return last
		}
		last = m.node(n)
	}
	return last
}

func (m *machine) node(n node) status {
	if m.steps++; m.steps > maxSteps {
		return m.unknown(n.at(), "the script", "it is too long to be followed")
	}
	m.line = n.at()
	switch n := n.(type) {
	case simple:
		return m.simple(n)
	case pipeline:
		return m.pipeline(n)
	case andOr:
		return m.andOr(n)
	case ifNode:
		return m.ifNode(n)
	case caseNode:
		return m.caseNode(n)
	case forNode:
		return m.forNode(n)
	case loop:
		return m.loop(n)
	case function:
		m.functions[n.name] = n.body
		return success
	case group:
		return m.group(n)
	}
	return m.unknown(n.at(), "the script", "it has a command of no known kind")
}

// spend counts text that words stand for, and reports that it is too much: a variable may be twice itself in every line.
func (m *machine) spend(n int) bool {
	if m.spent += n; m.spent > maxSpent {
		m.unknown(m.line, "the script", "its words stand for more text than can be followed")
	}
	return m.spent <= maxSpent
}

// perhaps follows commands of which is not known whether they run.
func (m *machine) perhaps(follow func()) {
	before := m.uncertain
	m.uncertain = true
	follow()
	m.uncertain = before
}

// isolated follows what changes no variables of the script: a subshell or substitution.
func (m *machine) isolated(follow func()) {
	defer m.settle(stopLoop, nextRound, leaveFunction, leaveScript)()
	vars := m.vars
	if !m.spend(perPart * len(vars)) {
		return
	}
	m.vars = make(map[string]value, len(vars))
	for k, v := range vars {
		m.vars[k] = v
	}
	follow()
	m.vars = vars
	if m.signal != goOn { // it leaves the subshell alone
		m.signal = goOn
	}
}

// pipeline follows each command by itself: what runs through a pipe is not followed, so effects would be uncertain.
func (m *machine) pipeline(n pipeline) status {
	if len(n.parts) == 1 {
		return m.node(n.parts[0]).not()
	}
	for _, part := range n.parts {
		m.isolated(func() { m.perhaps(func() { m.node(part) }) })
	}
	return maybe
}

func (m *machine) andOr(n andOr) status {
	last := m.node(n.first)
	for _, next := range n.rest {
		if m.stopped() {
			return last
		}
		switch {
		case last == maybe:
			var s status
			m.perhaps(func() { s = m.node(next.node) })
			if s == success && !next.and || s == failure && next.and {
				last = s // either way
			}
		case (last == success) == next.and:
			last = m.node(next.node)
		}
	}
	return last
}

func (m *machine) ifNode(n ifNode) status {
	last := success
	unsure := false
	branch := func(l list) {
		if unsure {
			m.perhaps(func() { m.list(l) })
			last = maybe
			return
		}
		last = m.list(l)
	}
	for i, condition := range n.conditions {
		var s status
		if unsure {
			m.perhaps(func() { s = m.list(condition) })
		} else {
			s = m.list(condition)
		}
		switch {
		case m.stopped():
			return maybe
		case s == success:
			branch(n.bodies[i])
			return last
		case s == maybe:
			unsure = true
			branch(n.bodies[i])
		}
	}
	branch(n.otherwise)
	return last
}

func (m *machine) caseNode(n caseNode) status {
	subject := m.expand(n.subject)
	unsure := !subject.known
	last := success
	for _, a := range n.arms {
		for _, pattern := range a.patterns {
			matched := m.matches(subject, pattern)
			if matched == failure {
				continue
			}
			if matched == success && !unsure {
				return m.list(a.body)
			}
			unsure = true
			m.perhaps(func() { m.list(a.body) })
			last = maybe
			break
		}
		if m.stopped() {
			return last
		}
	}
	return last
}

// matches compares a value with a pattern of case.
func (m *machine) matches(subject value, pattern word) status {
	text, ok := m.pattern(pattern)
	if !ok || !subject.known && text != "*" {
		return maybe
	}
	if text == "*" {
		return success
	}
	if !m.spend(len(text) + len(subject.text) + len(text)*len(subject.text)/64) {
		return maybe
	}
	// A pattern of the shell is one of path.Match, but that * stands for slashes as well.
	hidden := strings.NewReplacer("/", "\x01")
	ok, err := path.Match(hidden.Replace(text), hidden.Replace(subject.text))
	if err != nil {
		return maybe
	}
	return statusOf(ok)
}

// pattern returns a word as a pattern, with what is quoted protected.
func (m *machine) pattern(w word) (string, bool) {
	var b strings.Builder
	for _, p := range w {
		v := m.piece(p)
		if !v.known {
			return "", false
		}
		if p.quoted {
			v.text = strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(v.text)
		}
		b.WriteString(v.text)
	}
	return b.String(), true
}

func (m *machine) forNode(n forNode) status {
	defer m.settle(stopLoop, nextRound)()
	values, ok := m.fields(n.words)
	if !ok { // a list that is not known may be empty
		m.vars[n.name] = value{}
		m.perhaps(func() { m.list(n.body) })
		m.leaveLoop()
		return maybe
	}
	last := success
	for _, v := range values {
		m.vars[n.name] = v
		last = m.list(n.body)
		if m.signal == nextRound {
			m.signal = goOn
		}
		if m.stopped() {
			break
		}
	}
	m.leaveLoop()
	return last
}

func (m *machine) leaveLoop() {
	if m.signal == stopLoop || m.signal == nextRound {
		m.signal = goOn
	}
}

// loop follows the body of while or until once: how often it runs is not known.
func (m *machine) loop(n loop) status {
	defer m.settle(stopLoop, nextRound)()
	m.perhaps(func() {
		m.list(n.condition)
		m.list(n.body)
	})
	m.leaveLoop()
	return maybe
}

func (m *machine) group(n group) (last status) {
	if s := m.redirect(n.at(), "a group of commands", n.redirs, false); s == maybe && m.stopped() {
		return maybe
	}
	if !n.sub {
		return m.list(n.body)
	}
	m.isolated(func() { last = m.list(n.body) })
	return last
}

// call follows a function of the script.
func (m *machine) call(at int, body node, args []value) status {
	const maxCalls = 50
	if m.calls >= maxCalls {
		return m.unknown(at, "the script", "its functions call each other too deep")
	}
	defer m.settle(stopLoop, nextRound, leaveFunction)()
	m.calls++
	before := m.args
	m.args = args
	last := m.node(body)
	m.args = before
	m.calls--
	if m.signal == leaveFunction {
		m.signal = goOn
	}
	return last
}

// leave ends a loop, a function or the script. Where it is not known whether that happens, the rest of it is uncertain.
func (m *machine) leave(s signal) {
	if m.doubtful() {
		m.doubts[s] = true
		return
	}
	m.signal = s
}

// doubtful reports that it is not known whether the script gets here.
func (m *machine) doubtful() bool { return m.uncertain || m.doubts != [leaveScript + 1]bool{} }

// settle ends the doubts that a scope has raised about its own rest.
func (m *machine) settle(scope ...signal) func() {
	before := m.doubts
	return func() {
		for _, s := range scope {
			m.doubts[s] = before[s]
		}
	}
}

// lookup returns the kind of a file that the image has or that the script has made.
func (m *machine) lookup(name string, follow bool) (entry.Entry, bool) {
	if !path.IsAbs(name) {
		return entry.Entry{}, false
	}
	if t, ok := m.made[path.Clean(name)]; ok {
		return entry.Entry{Path: path.Clean(name)[1:], Type: t, Mode: 0o644}, true
	}
	return m.system.Lookup(path.Clean(name), follow)
}

// program returns the path of a program, "" if the image has none of this name.
func (m *machine) program(name string) string {
	if strings.Contains(name, "/") {
		if e, ok := m.lookup(name, true); ok && e.Type == entry.File && e.Mode&0o111 != 0 {
			return name
		}
		return ""
	}
	for _, dir := range []string{"/usr/sbin", "/usr/bin"} {
		if e, ok := m.lookup(dir+"/"+name, true); ok && e.Type == entry.File && e.Mode&0o111 != 0 {
			return dir + "/" + name
		}
	}
	return ""
}

// shell reports a script for /bin/sh, or for bash, which reads what is parsed here alike.
func shell(data []byte) bool {
	words := strings.Fields(strings.TrimPrefix(firstLine(data), "#!"))
	return len(words) > 0 && slices.Contains([]string{"/bin/sh", "/bin/bash", "/usr/bin/sh", "/bin/dash"}, words[0])
}

func firstLine(data []byte) string {
	text, _, _ := bytes.Cut(data, []byte("\n"))
	return string(text[:min(len(text), 200)])
}
