package maintscript

import "strings"

// blank passes over spaces, continued lines and comments.
func (p *parser) blank() {
	for p.pos < len(p.src) {
		switch {
		case p.src[p.pos] == ' ' || p.src[p.pos] == '\t' || p.src[p.pos] == '\r':
			p.pos++
		case p.starts("\\\n"):
			p.pos += 2
		case p.src[p.pos] == '#':
			if end := strings.IndexByte(p.src[p.pos:], '\n'); end >= 0 {
				p.pos += end
			} else {
				p.pos = len(p.src)
			}
		default:
			return
		}
	}
}

// newlines passes over ends of lines as well, and over the bodies of here-documents that begin there.
func (p *parser) newlines() {
	for p.blank(); p.starts("\n"); p.blank() {
		p.pos++
		for _, h := range p.here {
			p.skipBody(h)
		}
		p.here = nil
	}
}

func (p *parser) skipBody(h *heredoc) {
	for p.pos < len(p.src) {
		text, _, _ := strings.Cut(p.src[p.pos:], "\n")
		p.pos = min(p.pos+len(text)+1, len(p.src))
		if h.strip {
			text = strings.TrimLeft(text, "\t")
		}
		if text == h.delimiter {
			return
		}
	}
	p.fail("the end of a here-document, %q, is missing", h.delimiter)
}

func (p *parser) starts(s string) bool { return strings.HasPrefix(p.src[min(p.pos, len(p.src)):], s) }

func (p *parser) expect(s string) {
	if !p.starts(s) {
		p.fail("%s is missing", s)
		return
	}
	p.pos += len(s)
}

// peek returns the plain word that stands here, which may be a reserved one.
func (p *parser) peek() string {
	rest := p.src[p.pos:]
	if end := strings.IndexAny(rest, " \t\r\n;&|()<>\"'$`\\#="); end >= 0 {
		rest = rest[:end]
	}
	return rest
}

// reserved reads a reserved word.
func (p *parser) reserved(word string) {
	p.blank()
	if p.peek() != word {
		p.fail("%s is missing", word)
		return
	}
	p.pos += len(word)
}

// word reads one word, which must be there.
func (p *parser) word() word {
	before := p.pos
	w := p.optionalWord()
	if p.pos == before {
		p.fail("a word is missing")
	}
	return w
}

func (p *parser) optionalWord() word { return p.until(" \t\r\n;&|()<>") }

// until reads pieces up to one of these characters outside of quotes.
func (p *parser) until(stops string) word {
	defer p.enter()()
	var w wordBuilder
	for p.pos < len(p.src) && !strings.ContainsRune(stops, rune(p.src[p.pos])) {
		switch p.src[p.pos] {
		case '\'':
			end := strings.IndexByte(p.src[p.pos+1:], '\'')
			if end < 0 {
				p.fail("a quote is not closed")
				return w.end()
			}
			w.begin(piece{text: p.src[p.pos+1 : p.pos+1+end], quoted: true})
			p.pos += end + 2
		case '"':
			p.pos++
			w.begin(p.quoted()...)
		case '\\':
			if p.pos+1 >= len(p.src) {
				p.fail("a backslash ends the script")
				return w.end()
			}
			if p.src[p.pos+1] != '\n' {
				w.begin(piece{text: p.src[p.pos+1 : p.pos+2], quoted: true})
			}
			p.pos += 2
		case '$':
			w.begin(p.dollar(false))
		case '`':
			w.begin(p.backquoted(false))
		default:
			w.add(p.src[p.pos:p.pos+1], false)
			p.pos++
		}
	}
	return w.end()
}

// wordBuilder puts pieces together, and runs of literal text to one piece.
type wordBuilder struct {
	word word
	text strings.Builder // more of the last piece
}

// begin adds pieces.
func (b *wordBuilder) begin(pieces ...piece) {
	b.word = append(b.end(), pieces...)
}

// add adds literal text, to the last piece if that is one of its kind.
func (b *wordBuilder) add(s string, quoted bool) {
	if n := len(b.word); n == 0 || b.word[n-1].kind != literal || b.word[n-1].quoted != quoted {
		b.begin(piece{quoted: quoted})
	}
	b.text.WriteString(s)
}

// end returns the word.
func (b *wordBuilder) end() word {
	if b.text.Len() > 0 {
		b.word[len(b.word)-1].text += b.text.String()
		b.text.Reset()
	}
	return b.word
}

// quoted reads the inside of double quotes, and the quote that closes them.
func (p *parser) quoted() word {
	w := wordBuilder{word: word{{quoted: true}}} // "" is a word of its own
	for p.pos < len(p.src) {
		switch c := p.src[p.pos]; {
		case c == '"':
			p.pos++
			return w.end()
		case c == '\\' && p.pos+1 < len(p.src):
			next := p.src[p.pos+1 : p.pos+2]
			p.pos += 2
			if next == "\n" {
				continue
			}
			if !strings.Contains("$`\"\\", next) {
				next = `\` + next
			}
			w.add(next, true)
		case c == '$':
			w.begin(p.dollar(true))
		case c == '`':
			w.begin(p.backquoted(true))
		default:
			w.add(string(c), true)
			p.pos++
		}
	}
	p.fail("a double quote is not closed")
	return nil
}

// dollar reads what a dollar sign begins.
func (p *parser) dollar(quoted bool) piece {
	p.pos++
	switch {
	case p.starts("(("):
		end := strings.Index(p.src[p.pos:], "))")
		if end < 0 {
			p.fail(")) is missing")
			return piece{kind: opaque}
		}
		p.pos += end + 2
		return piece{kind: opaque, quoted: quoted}
	case p.starts("("):
		p.pos++
		body := p.list()
		p.newlines()
		p.expect(")")
		return piece{kind: substitution, body: body, quoted: quoted}
	case p.starts("{"):
		return p.braced(quoted)
	}
	if name := p.name(); name != "" {
		return piece{kind: variable, text: name, quoted: quoted}
	}
	return piece{text: "$", quoted: quoted}
}

// name reads the name of a variable or of a parameter.
func (p *parser) name() string {
	start := p.pos
	if p.pos < len(p.src) && strings.ContainsRune("@*#?$!-0123456789", rune(p.src[p.pos])) {
		p.pos++
		return p.src[start:p.pos]
	}
	p.pos = nameEnd(p.src, start)
	return p.src[start:p.pos]
}

// braced reads ${name}, with an operator or without.
func (p *parser) braced(quoted bool) piece {
	p.pos++
	if p.starts("#") && !p.starts("#}") {
		p.until("}")
		p.expect("}")
		return piece{kind: opaque, quoted: quoted}
	}
	v := piece{kind: variable, text: p.name(), quoted: quoted}
	if v.text == "" {
		p.fail("the name of a variable is missing")
		return v
	}
	for _, op := range []string{":-", ":+", ":=", ":?", "##", "%%", "-", "+", "=", "?", "#", "%"} {
		if p.starts(op) {
			p.pos += len(op)
			v.op, v.arg = op, p.until("}")
			break
		}
	}
	p.expect("}")
	return v
}

// backquoted reads a substitution of the old form, inside of which a backslash protects few characters.
func (p *parser) backquoted(quoted bool) piece {
	var body strings.Builder
	for p.pos++; p.pos < len(p.src) && p.src[p.pos] != '`'; p.pos++ {
		if p.src[p.pos] == '\\' && p.pos+1 < len(p.src) && strings.ContainsRune("`$\\", rune(p.src[p.pos+1])) {
			p.pos++
		}
		body.WriteByte(p.src[p.pos])
	}
	p.expect("`")
	inner := &parser{src: body.String(), depth: p.depth}
	l := inner.list()
	if inner.pos < len(inner.src) || inner.err != nil {
		p.fail("a substitution is no list of commands")
	}
	return piece{kind: substitution, body: l, quoted: quoted}
}
