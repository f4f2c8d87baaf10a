package maintscript

import (
	"bufio"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/lithe-build/lithe/internal/entry"
)

// takesValue is the options of adduser and its like that are followed by a value.
var takesValue = []string{"--home", "--gecos", "--comment", "--ingroup", "--shell", "--uid", "--gid", "--firstuid", "--lastuid", "-d", "-g",
	"-s", "-c", "-u", "-G", "--home-dir", "--stdoutmsglevel"}

// account reads the options of adduser, addgroup, useradd and groupadd.
func account(args []string) (options map[string]string, names []string) {
	options = map[string]string{}
	for n := 0; n < len(args); n++ {
		name, v, joined := strings.Cut(args[n], "=")
		switch {
		case !strings.HasPrefix(name, "-"):
			names = append(names, args[n])
		case !joined && slices.Contains(takesValue, name) && n+1 < len(args):
			n++
			options[name] = args[n]
		default:
			options[name] = v
		}
	}
	return options, names
}

// addGroup makes a group.
func addGroup(m *machine, args []string) (status, bool) {
	_, names := account(args)
	if len(names) != 1 || !accountName(names[0]) {
		return maybe, false
	}
	m.addedGroup(names[0])
	return success, true
}

func (m *machine) addedGroup(name string) {
	if !m.hasAccount("group", name) {
		m.result.Groups = append(m.result.Groups, name)
	}
}

// addUser makes a user, or makes one a member of a group, which concerns logins alone.
func addUser(m *machine, args []string) (status, bool) {
	options, names := account(args)
	if len(names) == 2 {
		return success, true
	}
	if len(names) != 1 || !accountName(names[0]) {
		return maybe, false
	}
	if m.hasAccount("passwd", names[0]) {
		return success, true
	}
	u := User{Name: names[0], Home: "/nonexistent", Shell: "/usr/sbin/nologin"}
	for _, option := range []string{"--home", "--home-dir", "-d"} {
		if dir := options[option]; cleanPath(dir) && !strings.ContainsAny(dir, ":") {
			u.Home = dir
		}
	}
	for _, option := range []string{"--ingroup", "--gid", "-g"} {
		if g := options[option]; accountName(g) {
			u.Group = g
		}
	}
	if u.Group == "nogroup" || u.Group == "nobody" {
		u.Group = "nogroup"
	}
	m.result.Users = append(m.result.Users, u)
	return success, true
}

// accountName reports a name that passwd can hold.
func accountName(s string) bool {
	for i, c := range []byte(s) {
		letter := c == '_' || c >= 'a' && c <= 'z'
		if !letter && (i == 0 || c != '-' && (c < '0' || c > '9')) {
			return false
		}
	}
	return s != "" && len(s) <= 32
}

// maxSysusers is the most bytes of a file of systemd-sysusers; they have a line or two.
const maxSysusers = 1 << 16

// sysusers reads the files of systemd-sysusers that the script names.
// See https://www.freedesktop.org/software/systemd/man/latest/sysusers.d.html.
func sysusers(m *machine, args []string) (status, bool) {
	_, files := operands(args)
	for _, f := range files {
		if !path.IsAbs(f) {
			f = "/usr/lib/sysusers.d/" + f
		}
		e, ok := m.lookup(f, true)
		if !ok || e.Type != entry.File || e.Content == nil || e.Size > maxSysusers {
			return maybe, false
		}
		data, err := e.Read()
		if err != nil || !m.spend(len(data)) || !m.sysusersFile(string(data)) {
			return maybe, false
		}
	}
	return success, len(files) > 0
}

func (m *machine) sysusersFile(text string) bool {
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		fields := splitQuoted(lines.Text())
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if len(fields) < 2 || !accountName(fields[1]) || m.result.Effects.count() > maxEffects {
			return false
		}
		switch strings.TrimRight(fields[0], "!-=") {
		case "g":
			m.addedGroup(fields[1])
		case "u":
			if !m.hasAccount("passwd", fields[1]) {
				m.result.Users = append(m.result.Users, sysuser(fields))
			}
		case "m", "r": // members and ranges concern logins and later users
		default:
			return false
		}
	}
	return lines.Err() == nil
}

// sysuser is a line "u name id[:group] gecos home shell".
func sysuser(fields []string) User {
	u := User{Name: fields[1], Home: "/nonexistent", Shell: "/usr/sbin/nologin"}
	if len(fields) > 2 {
		id, group, _ := strings.Cut(fields[2], ":")
		if n, err := strconv.Atoi(id); err == nil && n > 0 && n < 1000 {
			u.ID = n
		}
		if accountName(group) {
			u.Group = group
		}
	}
	if len(fields) > 4 && cleanPath(fields[4]) && !strings.Contains(fields[4], ":") {
		u.Home = fields[4]
	}
	return u
}

// splitQuoted splits at spaces, with double quotes around what has some.
func splitQuoted(s string) []string {
	var fields []string
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		if s[0] == '"' {
			if end := strings.IndexByte(s[1:], '"'); end >= 0 {
				fields = append(fields, s[1:1+end])
				s = s[end+2:]
				continue
			}
		}
		end := strings.IndexAny(s, " \t")
		if end < 0 {
			end = len(s)
		}
		fields = append(fields, s[:end])
		s = s[end:]
	}
	return fields
}
