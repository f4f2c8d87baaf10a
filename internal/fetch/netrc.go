package fetch

import (
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

const (
	maxNetrc      = 1 << 20 // bytes; real files have a few lines
	maxNetrcToken = 64 << 10
)

// Netrc is the machines of a netrc file, in order, as Python's netrc module reads it, which pip and uv follow.
// See https://www.gnu.org/software/inetutils/manual/html_node/The-_002enetrc-file.html.
type Netrc []machine

// machine is one entry.
type machine struct {
	host            string // "" is the default entry
	login, password string
}

// ReadNetrc reads the file that NETRC names, else .netrc in the home folder. A missing one is empty.
func ReadNetrc(env func(string) string, home string) (Netrc, error) {
	path, named := env("NETRC"), true
	if path == "" {
		if home == "" {
			return nil, nil
		}
		path, named = filepath.Join(home, ".netrc"), false
	}
	f, err := os.Open(path)
	if err != nil {
		if os.IsNotExist(err) || !named {
			return nil, nil // as curl and pip do: a file that is not ours to read is none
		}
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxNetrc+1))
	if err != nil {
		return nil, err
	}
	n, err := ParseNetrc(data)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	return n, nil
}

// ParseNetrc parses a netrc file. Its errors begin with the line and quote nothing of the file but keywords.
func ParseNetrc(data []byte) (Netrc, error) {
	if len(data) > maxNetrc {
		return nil, fmt.Errorf("1: more than %d bytes", maxNetrc)
	}
	l := &netrcLexer{data: string(data), line: 1}
	var all Netrc
	for {
		word, ok := l.next()
		switch {
		case l.err != nil:
			return nil, l.err
		case !ok:
			return all, nil
		case word == "machine":
			host, ok := l.next()
			if !ok || host == "" {
				return nil, fmt.Errorf("%d: machine without a name", l.line)
			}
			all = append(all, machine{host: host})
		case word == "default":
			all = append(all, machine{})
		case word == "macdef":
			l.skipMacro()
		case strings.HasPrefix(word, "#"):
			l.skipLine()
		case len(all) == 0:
			return nil, fmt.Errorf("%d: something stands before the first machine", l.line)
		default:
			if err := all[len(all)-1].set(word, l); err != nil {
				return nil, err
			}
		}
	}
}

// set reads the value of one keyword of a machine.
func (m *machine) set(word string, l *netrcLexer) error {
	line := l.line
	value, ok := l.next()
	switch {
	case l.err != nil:
		return l.err
	case !ok:
		return fmt.Errorf("%d: a keyword without a value", line)
	}
	switch word {
	case "login", "user":
		m.login = value
	case "password":
		m.password = value
	case "account":
	default:
		return fmt.Errorf("%d: expected login, password, account, machine, default or macdef", line)
	}
	return nil
}

// Lookup returns the credentials for a host: the first machine of that name, else the default.
func (n Netrc) Lookup(host string) (login, password string, ok bool) {
	if login, password, ok := n.Machine(host); ok {
		return login, password, true
	}
	for _, m := range n {
		if m.host == "" {
			return m.login, m.password, true
		}
	}
	return "", "", false
}

// Machine returns the credentials of the first machine of a name, without the default entry.
func (n Netrc) Machine(host string) (login, password string, ok bool) {
	for _, m := range n {
		if strings.EqualFold(m.host, host) && host != "" {
			return m.login, m.password, true
		}
	}
	return "", "", false
}

// Auth is Lookup for the host of a URL, as Options want it.
func (n Netrc) Auth(u *url.URL) (login, password string, ok bool) {
	return n.Lookup(u.Hostname())
}

// netrcLexer splits a file into words. Quotes hold white space; a backslash takes the next character as it is.
type netrcLexer struct {
	data string
	pos  int
	line int // of the word returned last
	err  error
}

// next returns the next word, false at the end of the file or after an error.
func (l *netrcLexer) next() (word string, ok bool) {
	for l.pos < len(l.data) && strings.IndexByte(" \t\r\n", l.data[l.pos]) >= 0 {
		l.step()
	}
	if l.pos >= len(l.data) || l.err != nil {
		return "", false
	}
	quoted := l.data[l.pos] == '"'
	if quoted {
		l.step()
	}
	var b strings.Builder
	for l.pos < len(l.data) {
		c := l.step()
		switch {
		case quoted && c == '"':
			return b.String(), true
		case !quoted && strings.IndexByte(" \t\r\n", c) >= 0:
			l.back(c)
			return b.String(), true
		case c == '\\' && l.pos < len(l.data):
			c = l.step()
		}
		if b.WriteByte(c); b.Len() > maxNetrcToken {
			l.err = fmt.Errorf("%d: a word of more than %d bytes", l.line, maxNetrcToken)
			return "", false
		}
	}
	if quoted {
		l.err = fmt.Errorf("%d: a quote is not closed", l.line)
		return "", false
	}
	return b.String(), true
}

// step takes one character and counts lines.
func (l *netrcLexer) step() byte {
	c := l.data[l.pos]
	l.pos++
	if c == '\n' {
		l.line++
	}
	return c
}

// back returns the character that ended a word, so that comments see the end of their line.
func (l *netrcLexer) back(c byte) {
	l.pos--
	if c == '\n' {
		l.line--
	}
}

// skipLine passes over a comment.
func (l *netrcLexer) skipLine() {
	for l.pos < len(l.data) && l.data[l.pos] != '\n' {
		l.pos++
	}
}

// skipMacro passes over a macro: all lines up to an empty one.
func (l *netrcLexer) skipMacro() {
	end := strings.Index(l.data[l.pos:], "\n\n")
	if end < 0 {
		end = len(l.data) - l.pos
	}
	l.line += strings.Count(l.data[l.pos:l.pos+end], "\n")
	l.pos += end
}
