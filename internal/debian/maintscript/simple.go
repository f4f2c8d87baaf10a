package maintscript

import (
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/entry"
)

// simple follows one command.
func (m *machine) simple(s simple) status {
	if len(s.words) == 0 {
		return m.assignments(s)
	}
	before := map[string]value{}
	for _, a := range s.assigns { // they hold for this command alone
		before[a.name] = m.vars[a.name]
		m.vars[a.name] = m.expand(a.value)
	}
	args, sure := m.fields(s.words)
	for name, v := range before {
		m.vars[name] = v
	}
	if m.result.Unknown != nil {
		return maybe
	}
	if len(args) == 0 {
		return success
	}
	if !args[0].known {
		return m.unknown(s.at(), s.text, "its name is not known before it runs")
	}
	if st := m.redirect(s.at(), s.text, s.redirs, writesNothing[args[0].text]); st == maybe && m.stopped() {
		return maybe
	}
	return m.run(invocation{at: s.at(), text: s.text, name: args[0].text, args: args[1:], sure: sure})
}

// assignments sets variables, and makes the empty file of a command that is a redirection alone.
func (m *machine) assignments(s simple) status {
	last := success
	for _, a := range s.assigns {
		v := m.expand(a.value)
		if slices.ContainsFunc(a.value, func(p piece) bool { return p.kind == substitution }) {
			last = maybe // it is the command's
		}
		if m.doubtful() {
			v = value{} // it may also have its old value
		}
		m.vars[a.name] = v
	}
	if st := m.redirect(s.at(), s.text, s.redirs, true); st == maybe {
		return maybe
	}
	return last
}

// invocation is a command with its arguments.
type invocation struct {
	at   int
	text string // as written
	name string
	args []value
	sure bool // the number of arguments is known
}

// texts returns the arguments, if all are known.
func (i invocation) texts() ([]string, bool) {
	out := make([]string, len(i.args))
	for n, a := range i.args {
		if !a.known {
			return nil, false
		}
		out[n] = a.text
	}
	return out, i.sure
}

// run looks a command up: functions of the script, then the tables.
func (m *machine) run(i invocation) status {
	if body := m.functions[i.name]; body != nil {
		return m.call(i.at, body, i.args)
	}
	if st, ok := m.builtin(i); ok {
		return st
	}
	name := i.name
	if path.IsAbs(name) {
		name = path.Base(name)
	}
	switch {
	case ignored[name] != "":
		m.used[name] = true
		return success
	case reading[name]:
		return maybe
	}
	make, ok := effects[name]
	if !ok {
		return m.unknown(i.at, i.text, "lithe does not know what it does")
	}
	args, ok := i.texts()
	if !ok {
		return m.unknown(i.at, i.text, "its arguments are not known before it runs")
	}
	before, doubtful := m.result.Effects.count(), m.doubtful()
	st, ok := make(m, args)
	switch {
	case !ok:
		return m.unknown(i.at, i.text, "lithe does not know what it does with these arguments")
	case m.result.Effects.count() > maxEffects:
		return m.unknown(i.at, i.text, "it makes more than lithe follows")
	case doubtful && m.result.Effects.count() != before:
		return m.unknown(i.at, i.text, "it is not known before the script runs whether it gets here")
	}
	if m.result.Effects.count() != before || st == success {
		m.used[name] = true
	}
	return st
}

// count tells whether a command had an effect.
func (e *Effects) count() int {
	n := len(e.Dirs) + len(e.Files) + len(e.Links) + len(e.Copies) + len(e.Joins) + len(e.Alternatives) + len(e.Users) + len(e.Groups)
	if e.Certificates {
		n++
	}
	return n
}

// redirect looks at where a command reads and writes. Devices, logs and caches do not matter to an image. A command that
// prints nothing makes an empty file; another that writes to a file is unknown.
func (m *machine) redirect(at int, text string, redirs []redirection, silent bool) status {
	for _, r := range redirs {
		if strings.HasPrefix(r.op, "<") {
			continue
		}
		target := m.expand(r.target)
		if r.op == ">&" || target.known && beyond(target.text) {
			continue
		}
		if !target.known || !silent || m.doubtful() {
			return m.unknown(at, text, "what it writes to a file is not known before it runs")
		}
		m.makeFile(target.text)
	}
	return success
}

// writesNothing is the commands with nothing on their standard output.
var writesNothing = map[string]bool{":": true, "true": true}

// beyond reports places of which an image has nothing: devices, logs, temporary files and caches.
func beyond(name string) bool {
	name = path.Clean(name)
	for _, dir := range []string{"/dev", "/proc", "/sys", "/run", "/var/run", "/tmp", "/var/tmp", "/var/log", "/var/cache"} {
		if name == dir || strings.HasPrefix(name, dir+"/") {
			return true
		}
	}
	return false
}

// makeFile makes an empty file, unless there is one.
func (m *machine) makeFile(name string) {
	if _, ok := m.lookup(name, true); ok || beyond(name) {
		return
	}
	m.made[path.Clean(name)] = entry.File
	m.result.Files = append(m.result.Files, path.Clean(name))
}
