package syntax

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// scanner cuts Python source into logical lines of tokens.
type scanner struct {
	src, rest string
	number    int // of the token that begins at counted
	counted   int
}

// lineNow returns the line at which the rest begins.
func (s *scanner) lineNow() int {
	at := len(s.src) - len(s.rest)
	s.number += strings.Count(s.src[s.counted:at], "\n")
	s.counted = at
	return s.number
}

// indentation skips blank lines, comments and the white space before a line, and returns how much there was.
func (s *scanner) indentation() int {
	for {
		trimmed := strings.TrimLeft(s.rest, " \t\f")
		if strings.HasPrefix(trimmed, "#") {
			_, s.rest, _ = strings.Cut(trimmed, "\n")
			continue
		}
		if rest, ok := strings.CutPrefix(trimmed, "\n"); ok {
			s.rest = rest
			continue
		}
		indent := len(s.rest) - len(trimmed)
		s.rest = trimmed
		return indent
	}
}

// line reads a logical line; ok is false where a string or a bracket is not closed.
func (s *scanner) line() (tokens []Token, ok bool) {
	depth := 0
	for s.rest != "" {
		c := s.rest[0]
		switch {
		case c == '\n' && depth == 0:
			s.rest = s.rest[1:]
			return tokens, true
		case strings.IndexByte(" \t\f\n", c) >= 0:
			s.rest = s.rest[1:]
		case c == '#':
			end := strings.IndexByte(s.rest, '\n')
			if end < 0 {
				end = len(s.rest)
			}
			s.rest = s.rest[end:]
		case strings.HasPrefix(s.rest, "\\\n"):
			s.rest = s.rest[2:]
		default:
			number := s.lineNow()
			t, ok := s.token()
			t.Line = number
			if !ok {
				return nil, false
			}
			if t.Kind == 'o' && strings.Contains("([{", t.Text) {
				depth++
			} else if t.Kind == 'o' && strings.Contains(")]}", t.Text) {
				depth--
			}
			tokens = append(tokens, t)
		}
	}
	return tokens, depth <= 0
}

// operators are the operators that begin or end with an equals sign, which must not be taken for an assignment.
var operators = []string{"**=", "//=", ">>=", "<<=", "==", "!=", "<=", ">=", "+=", "-=", "*=", "/=", "%=", "&=", "|=",
	"^=", "@=", ":=", "->"}

// token reads one token.
func (s *scanner) token() (Token, bool) {
	// The longest prefix has two letters and three quotes; a match over all of the rest would cost as much.
	if m := prefixed.FindStringSubmatch(s.rest[:min(len(s.rest), 5)]); m != nil {
		prefix := strings.ToLower(strings.TrimSuffix(m[0], m[1]))
		s.rest = s.rest[len(m[0]):]
		return s.text(prefix, m[1])
	}
	if n := wordLength(s.rest); n > 0 {
		t := Token{Kind: 'n', Text: s.rest[:n]}
		s.rest = s.rest[n:]
		return t, true
	}
	i := slices.IndexFunc(operators, func(op string) bool { return strings.HasPrefix(s.rest, op) })
	if i >= 0 {
		s.rest = s.rest[len(operators[i]):]
		return Token{Kind: 'o', Text: operators[i]}, true
	}
	_, size := utf8.DecodeRuneInString(s.rest)
	t := Token{Kind: 'o', Text: s.rest[:size]}
	s.rest = s.rest[size:]
	return t, true
}

// wordLength returns the length of a name or a number at the beginning, with the fraction of the number.
func wordLength(s string) int {
	word := func(s string) int {
		end := strings.IndexFunc(s, func(r rune) bool { return !isWord(r) && !unicode.IsMark(r) })
		if end < 0 {
			return len(s)
		}
		return end
	}
	n := word(s)
	if n > 0 && s[0] >= '0' && s[0] <= '9' && strings.HasPrefix(s[n:], ".") {
		n += 1 + word(s[n+1:])
	}
	return n
}

// text reads a string literal behind its opening quotes. The value of bytes, of formatted strings, and of escapes other
// than the plain ones is not known.
func (s *scanner) text(prefix, quotes string) (Token, bool) {
	t := Token{Kind: 's', Plain: !strings.ContainsAny(prefix, "bft")}
	raw := strings.Contains(prefix, "r")
	var b strings.Builder
	for s.rest != "" {
		if rest, ok := strings.CutPrefix(s.rest, quotes); ok {
			s.rest, t.Text = rest, b.String()
			return t, true
		}
		switch c := s.rest[0]; {
		case c == '\\' && len(s.rest) > 1:
			if raw {
				b.WriteString(s.rest[:2])
			} else if !unescape(&b, s.rest[1]) {
				t.Plain = false
			}
			s.rest = s.rest[2:]
		case c == '\n' && len(quotes) == 1:
			return t, false
		default:
			b.WriteByte(c)
			s.rest = s.rest[1:]
		}
	}
	return t, false
}

// unescape writes what stands behind a backslash, and reports whether it is known.
func unescape(b *strings.Builder, c byte) bool {
	switch c {
	case '\n':
	case '\\', '\'', '"':
		b.WriteByte(c)
	case 'n':
		b.WriteByte('\n')
	case 't':
		b.WriteByte('\t')
	default:
		return false
	}
	return true
}

// Dotted returns the text that a backend makes of a version: of a tuple its parts with dots between them.
func (v Value) Dotted() (string, bool) {
	switch v.Kind {
	case 's', 'i':
		return v.Text, true
	case 'q':
		var parts []string
		for _, item := range v.Items {
			if item.Kind != 's' && item.Kind != 'i' {
				return "", false
			}
			parts = append(parts, item.Text)
		}
		return strings.Join(parts, "."), true
	}
	return "", false
}

// Quoted returns a statement as text, for comparing it with one that is expected.
func (s Statement) Quoted() string {
	var parts []string
	for _, t := range s {
		if t.Kind == 's' {
			parts = append(parts, strconv.Quote(t.Text))
		} else {
			parts = append(parts, t.Text)
		}
	}
	return strings.Join(parts, " ")
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }
