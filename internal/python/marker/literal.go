package marker

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Literals are Python's, as packaging reads them: a text between quotes, with Python's escapes.

// simpleEscapes are Python's escapes of one letter.
var simpleEscapes = map[byte]string{
	'\\': "\\", '\'': "'", '"': "\"", 'a': "\a", 'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v", '\n': "",
}

// hexEscapes are Python's escapes with a number of hexadecimal digits.
var hexEscapes = map[byte]int{'x': 2, 'u': 4, 'U': 8}

// unquote returns what the text between two quotes means.
func unquote(s string) (string, error) {
	if !strings.ContainsAny(s, "\\\n\r\x00") {
		return s, nil
	}
	var b strings.Builder
	for s != "" {
		if strings.IndexByte("\n\r\x00", s[0]) >= 0 {
			return "", fmt.Errorf("a literal has a line break or a zero byte")
		}
		if s[0] != '\\' {
			b.WriteByte(s[0])
			s = s[1:]
			continue
		}
		n, err := unescape(&b, s)
		if err != nil {
			return "", err
		}
		s = s[n:]
	}
	return b.String(), nil
}

// unescape writes what the escape at the start of s means, and returns its length.
func unescape(b *strings.Builder, s string) (int, error) {
	if len(s) < 2 {
		return 0, fmt.Errorf("a literal ends in a backslash")
	}
	c := s[1]
	if text, ok := simpleEscapes[c]; ok {
		b.WriteString(text)
		return 2, nil
	}
	if n, ok := hexEscapes[c]; ok {
		return 2 + n, writeCode(b, s, 2, 2+n, 16)
	}
	switch {
	case '0' <= c && c <= '7':
		end := 2
		for end < len(s) && end < 4 && '0' <= s[end] && s[end] <= '7' {
			end++
		}
		return end, writeCode(b, s, 1, end, 8)
	case c == 'N':
		return 0, fmt.Errorf("a literal has an escape \\N, which is not supported")
	}
	b.WriteByte('\\') // Python keeps the backslash of an escape that it does not know
	return 1, nil
}

// writeCode writes the character whose number is s[from:to].
func writeCode(b *strings.Builder, s string, from, to, base int) error {
	if to > len(s) {
		return fmt.Errorf("a literal ends within an escape")
	}
	n, err := strconv.ParseUint(s[from:to], base, 32)
	if err != nil || !utf8.ValidRune(rune(n)) || n > utf8.MaxRune {
		return fmt.Errorf("a literal has the escape %s, which is no character", strconv.Quote(s[:to]))
	}
	b.WriteRune(rune(n))
	return nil
}

// quote writes a literal so that unquote reads the same text: in double quotes unless it has some.
func quote(b *strings.Builder, s string) {
	mark := byte('"')
	if strings.Contains(s, `"`) && !strings.Contains(s, `'`) {
		mark = '\''
	}
	b.WriteByte(mark)
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\\':
			b.WriteString(`\\`)
		case c == mark || c < ' ': // the grammar ends a literal at its quote, whether or not a backslash stands before it
			fmt.Fprintf(b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte(mark)
}
