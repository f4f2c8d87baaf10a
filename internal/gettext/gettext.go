// Package gettext compiles catalogues of messages: the text of a .po file goes in, the bytes of the .mo file that msgfmt would
// make of it come out, without the hash table, which readers do without.
//
// Messages that are not translated or are fuzzy are left out, as msgfmt leaves them out; the header stays. The same text
// gives the same bytes. Texts are UTF-8. That a translation has the conversions (%s) of its original is not looked at.
// See https://www.gnu.org/software/gettext/manual/html_node/PO-Files.html and …/MO-Files.html.
package gettext

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lithe-build/lithe/internal/diag"
)

// MaxSize is the most bytes of a .po file; Django's own largest have a tenth of a megabyte.
const MaxSize = 32 << 20

const (
	magic      = 0x950412de
	headerSize = 7 * 4
	context    = "\x04" // between a context and a message
)

// Compile compiles a catalogue. The file name is what positions of errors show.
func Compile(file string, po []byte) ([]byte, error) {
	if len(po) > MaxSize {
		return nil, &diag.Error{Pos: diag.Position{File: file}, Code: "too-large", What: fmt.Sprintf("more than %d bytes are too many", MaxSize)}
	}
	c := catalogue{file: file, texts: map[string]string{}, lines: map[string]int{}}
	if err := c.read(strings.TrimPrefix(string(po), "\ufeff")); err != nil {
		return nil, err
	}
	if charset := c.charset(); charset != "" && !slices.Contains([]string{"utf-8", "utf8", "us-ascii", "ascii", "charset"}, strings.ToLower(charset)) {
		return nil, c.problem(c.lines[""], "the catalogue is in %s: convert it to UTF-8", charset)
	}
	return c.write(), nil
}

// catalogue has the translations by what a program looks for: context, message, and the plural's message.
type catalogue struct {
	file  string
	texts map[string]string
	lines map[string]int
}

func (c *catalogue) problem(line int, format string, args ...any) error {
	return &diag.Error{Pos: diag.Position{File: c.file, Line: line}, Code: "bad-catalogue", What: fmt.Sprintf(format, args...)}
}

// message is an entry as it is read.
type message struct {
	line    int // of msgid
	fuzzy   bool
	context *string
	id      *string
	plural  *string
	texts   []string
}

// read reads the lines.
func (c *catalogue) read(po string) error {
	var m message
	var text *string         // that the next quoted line goes on with
	var more strings.Builder // what such lines have
	end := func() {
		if more.Len() > 0 {
			*text += more.String()
			more.Reset()
		}
	}
	n := 0
	for line := range strings.Lines(po) {
		n++
		line = strings.TrimSpace(line)
		if !utf8.ValidString(line) {
			return c.problem(n, "the line is not UTF-8")
		}
		if line == "" || line[0] != '"' {
			end()
		}
		switch {
		case line == "":
			text = nil
		case line[0] == '#':
			if m.texts != nil { // a comment begins the next entry
				if err := c.add(m); err != nil {
					return err
				}
				m, text = message{}, nil
			}
			m.fuzzy = m.fuzzy || strings.HasPrefix(line, "#,") && slices.ContainsFunc(strings.Split(line[2:], ","), func(f string) bool { return strings.TrimSpace(f) == "fuzzy" })
		case line[0] == '"':
			unquoted, err := unquote(line)
			if err == nil && text == nil {
				err = errors.New("the text belongs to no keyword")
			}
			if err != nil {
				return c.problem(n, "%v", err)
			}
			more.WriteString(unquoted)
		default:
			var err error
			if m, text, err = c.keyword(m, line, n); err != nil {
				return err
			}
		}
	}
	end()
	return c.add(m)
}

// keyword reads a line that begins with one, and returns the message and where its text goes on.
func (c *catalogue) keyword(m message, line string, n int) (message, *string, error) {
	word, rest, _ := strings.Cut(line, `"`)
	word = strings.TrimSpace(word)
	text, err := unquote(`"` + rest)
	if err != nil {
		return m, nil, c.problem(n, "%v", err)
	}
	begins := word == "msgctxt" || word == "msgid" && (m.id != nil || m.context == nil)
	if begins && m.texts != nil {
		if err := c.add(m); err != nil {
			return m, nil, err
		}
		m = message{}
	}
	switch {
	case word == "msgctxt" && m.context == nil && m.id == nil:
		m.context = &text
		return m, m.context, nil
	case word == "msgid" && m.id == nil:
		m.id, m.line = &text, n
		return m, m.id, nil
	case word == "msgid_plural" && m.id != nil && m.plural == nil && m.texts == nil:
		m.plural = &text
		return m, m.plural, nil
	case word == "msgstr" && m.id != nil && m.plural == nil && m.texts == nil,
		m.plural != nil && word == fmt.Sprintf("msgstr[%d]", len(m.texts)):
		m.texts = append(m.texts, text)
		return m, &m.texts[len(m.texts)-1], nil
	}
	return m, nil, c.problem(n, "%.40q is not expected here", word)
}

// add adds an entry to the catalogue.
func (c *catalogue) add(m message) error {
	if m.id == nil && m.context == nil { // comments alone
		return nil
	}
	if m.id == nil || m.texts == nil {
		return c.problem(m.line, "the entry has no msgstr")
	}
	key := *m.id
	if m.context != nil {
		key = *m.context + context + key
	}
	if first, ok := c.lines[key]; ok {
		return c.problem(m.line, "the message is in line %d already", first)
	}
	c.lines[key] = m.line
	if header := key == ""; m.texts[0] == "" || m.fuzzy && !header {
		return nil
	}
	if key == "" {
		c.texts[key] = withoutDate(m.texts[0])
		return nil
	}
	if err := c.ends(m); err != nil {
		return err
	}
	if m.plural != nil {
		key += "\x00" + *m.plural
	}
	c.texts[key] = strings.Join(m.texts, "\x00")
	return nil
}

// withoutDate returns a header without the time at which its originals were collected, which msgfmt leaves out as well.
func withoutDate(header string) string {
	var b strings.Builder
	for line := range strings.Lines(header) {
		if !strings.HasPrefix(line, "POT-Creation-Date:") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// ends compares the first and last line breaks of an entry's texts, as msgfmt does.
func (c *catalogue) ends(m message) error {
	others := m.texts
	if m.plural != nil {
		others = append([]string{*m.plural}, others...)
	}
	for _, text := range others {
		if strings.HasPrefix(*m.id, "\n") != strings.HasPrefix(text, "\n") || strings.HasSuffix(*m.id, "\n") != strings.HasSuffix(text, "\n") {
			return c.problem(m.line, "message and translation do not both begin, or both end, with a line break")
		}
	}
	return nil
}

// charset is what the header says that the texts are in.
func (c *catalogue) charset() string {
	for line := range strings.Lines(c.texts[""]) {
		name, value, _ := strings.Cut(line, ":")
		if strings.EqualFold(strings.TrimSpace(name), "content-type") {
			_, charset, _ := strings.Cut(value, "charset=")
			return strings.TrimSpace(charset)
		}
	}
	return ""
}

// write lays the file out: a header, two tables of lengths and places, and the texts, each with a zero behind it.
func (c *catalogue) write() []byte {
	keys := slices.Sorted(maps.Keys(c.texts))
	n := uint32(len(keys)) //nolint:gosec // MaxSize bounds it, and all sums below
	head := []uint32{magic, 0, n, headerSize, headerSize + 8*n, 0, headerSize + 16*n}
	var texts []byte
	place := func(text string) {
		head = append(head, uint32(len(text)), headerSize+16*n+uint32(len(texts))) //nolint:gosec // as above
		texts = append(append(texts, text...), 0)
	}
	for _, k := range keys {
		place(k)
	}
	for _, k := range keys {
		place(c.texts[k])
	}
	var out []byte
	for _, v := range head {
		out = binary.LittleEndian.AppendUint32(out, v)
	}
	return append(out, texts...)
}

// escapes are those of one letter, as in C.
var escapes = map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f', 'v': '\v', 'a': '\a', '\\': '\\', '"': '"'}

// unquote reads a text in quotes. What stands behind the closing one is an error.
func unquote(quoted string) (string, error) {
	var out []byte
	for i := 1; i < len(quoted); i++ {
		switch c := quoted[i]; c {
		case '"':
			if rest := strings.TrimSpace(quoted[i+1:]); rest != "" {
				if rest[0] != '"' {
					return "", errors.New("something stands behind the closing quote")
				}
				i += strings.IndexByte(quoted[i+1:], '"') + 1 // texts one behind the other are one
				continue
			}
			if !utf8.Valid(out) {
				return "", errors.New("the text is not UTF-8 with its escapes")
			}
			return string(out), nil
		case '\\':
			i++
			if i == len(quoted) {
				return "", errors.New("the text has no closing quote")
			}
			value, size := escape(quoted[i:])
			if size == 0 || value == 0 {
				return "", fmt.Errorf("\\%c is no escape of a text", quoted[i])
			}
			out = append(out, value)
			i += size - 1
		default:
			out = append(out, c)
		}
	}
	return "", errors.New("the text has no closing quote")
}

// escape reads what stands behind a backslash: a letter, up to three octal or two hexadecimal digits. A size of 0 means neither.
func escape(s string) (value byte, size int) {
	if v, ok := escapes[s[0]]; ok {
		return v, 1
	}
	base, prefix, most, digits := 8, "", 3, "01234567"
	if s[0] == 'x' {
		base, prefix, most, digits = 16, "x", 2, "0123456789abcdefABCDEF"
	}
	rest := s[len(prefix):]
	n := len(rest) - len(strings.TrimLeft(rest, digits))
	n = min(n, most)
	v, err := strconv.ParseUint(rest[:n], base, 8)
	if err != nil {
		return 0, 0
	}
	return byte(v), len(prefix) + n
}
