// Package control reads the files of Debian that hold paragraphs of "Field: value" lines: Packages, Release and the
// control file of a package.
//
// A Packages file of a suite holds about 69,000 paragraphs in 57 MB, so a Reader streams: a Paragraph points into
// its buffer and is valid until the next one is read; Get copies what is to stay. A paragraph that dpkg would
// misread or refuse (a field twice, a line that is none) is an error with its line, never a guess.
// See https://www.debian.org/doc/debian-policy/ch-controlfields.html and deb822(5).
package control

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
)

// Caps on one paragraph. The largest known is the only one of a Release file: 1.8 MB in unstable.
const (
	defaultMaxParagraph = 16 << 20 // bytes
	maxFields           = 256      // the largest known has under 60
	firstBuffer         = 256 << 10
)

// Options say how to read. The zero value is the default.
type Options struct {
	File         string // name for messages; "" means "control file"
	MaxParagraph int    // bytes of one paragraph; 0 means 16 MiB
}

// Reader reads one paragraph after the other.
type Reader struct {
	src       io.Reader
	opt       Options
	buf       []byte
	pos, end  int // unread part of buf
	line      int // number of the line at pos
	eof       bool
	paragraph Paragraph
}

// NewReader returns a Reader of r. It buffers by itself.
func NewReader(r io.Reader, opt Options) *Reader {
	if opt.File == "" {
		opt.File = "control file"
	}
	if opt.MaxParagraph == 0 {
		opt.MaxParagraph = defaultMaxParagraph
	}
	return &Reader{src: r, opt: opt, line: 1, buf: make([]byte, min(firstBuffer, opt.MaxParagraph+1))}
}

// All reads every paragraph of r. It stops after the first error.
func All(r io.Reader, opt Options) iter.Seq2[*Paragraph, error] {
	return func(yield func(*Paragraph, error) bool) {
		reader := NewReader(r, opt)
		for {
			p, err := reader.Next()
			if err == io.EOF || !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// One reads the only paragraph of data, as in a package's control file or a Release.
func One(data []byte, opt Options) (*Paragraph, error) {
	r := NewReader(bytes.NewReader(data), opt)
	p, err := r.Next()
	if err == io.EOF {
		return nil, fmt.Errorf("%s: is empty", r.opt.File)
	}
	if err != nil {
		return nil, err
	}
	only := p.clone()
	if _, err := r.Next(); err != io.EOF {
		return nil, fmt.Errorf("%s:%d: a second paragraph where one is expected", r.opt.File, r.line)
	}
	return only, nil
}

// Next returns the next paragraph, valid until the next call, or io.EOF.
func (r *Reader) Next() (*Paragraph, error) {
	if err := r.skipBlank(); err != nil {
		return nil, err
	}
	raw, err := r.readParagraph()
	if err != nil {
		return nil, err
	}
	p := &r.paragraph
	p.Line, p.raw, p.fields = r.line, raw, p.fields[:0]
	if err := r.parse(p); err != nil {
		return nil, err
	}
	return p, nil
}

// skipBlank moves to the first line that is not empty.
func (r *Reader) skipBlank() error {
	for {
		for r.pos < r.end && r.buf[r.pos] == '\n' {
			r.pos++
			r.line++
		}
		if r.pos < r.end {
			return nil
		}
		if err := r.fill(); err != nil {
			return err
		}
	}
}

// readParagraph returns the bytes up to and with the newline of the last line before an empty line.
func (r *Reader) readParagraph() ([]byte, error) {
	for from := 0; ; {
		window := r.buf[r.pos:r.end]
		if i := bytes.Index(window[from:], []byte("\n\n")); i >= 0 {
			raw := window[:from+i+1]
			r.pos += len(raw)
			return raw, nil
		}
		if len(window) > r.opt.MaxParagraph {
			return nil, fmt.Errorf("%s:%d: a paragraph has more than %d bytes", r.opt.File, r.line, r.opt.MaxParagraph)
		}
		from = max(0, len(window)-1) // the last newline may be the first of two
		if err := r.fill(); err == io.EOF {
			raw := r.buf[r.pos:r.end]
			r.pos = r.end
			return raw, nil
		} else if err != nil {
			return nil, err
		}
	}
}

// fill reads more, first moving what is unread to the front; a buffer that is full of it grows.
func (r *Reader) fill() error {
	if r.eof {
		return io.EOF
	}
	if r.pos > 0 { // paragraphs are small next to the buffer, so little is moved
		r.end = copy(r.buf, r.buf[r.pos:r.end])
		r.pos = 0
	}
	if r.end == len(r.buf) {
		r.buf = append(r.buf, make([]byte, len(r.buf))...)
	}
	n, err := io.ReadAtLeast(r.src, r.buf[r.end:], 1)
	r.end += n
	if errors.Is(err, io.EOF) {
		r.eof = true
		return io.EOF
	}
	if err != nil {
		return fmt.Errorf("%s: %w", r.opt.File, err)
	}
	return nil
}

// parse cuts the paragraph's bytes into fields and leaves r.line after them.
func (r *Reader) parse(p *Paragraph) error {
	for start := 0; start < len(p.raw); r.line++ {
		end := len(p.raw)
		if i := bytes.IndexByte(p.raw[start:], '\n'); i >= 0 {
			end = start + i
		}
		if err := p.addLine(start, end); err != nil {
			return fmt.Errorf("%s:%d: %w", r.opt.File, r.line, err)
		}
		start = end + 1
	}
	return nil
}

// Paragraph is a list of fields in the order of the file.
type Paragraph struct {
	Line   int // of its first field; from 1
	raw    []byte
	fields []field
}

// field is a place in the paragraph's bytes: the name up to the colon, the value from there to the end.
type field struct{ start, colon, end int }

// addLine adds raw[start:end] as a field, or to the last field's value.
func (p *Paragraph) addLine(start, end int) error {
	line := p.raw[start:end]
	if bytes.IndexByte(line, 0) >= 0 {
		return errors.New("a zero byte")
	}
	if line[0] == ' ' || line[0] == '\t' {
		return p.continueField(line, end)
	}
	colon := bytes.IndexByte(line, ':')
	if colon <= 0 {
		return fmt.Errorf("%q is not \"Field: value\"", shorten(line))
	}
	name := line[:colon]
	if !validName(name) {
		return fmt.Errorf("%q is not a field name", shorten(name))
	}
	if p.find(string(name)) >= 0 {
		return fmt.Errorf("field %s stands twice", name)
	}
	if len(p.fields) == maxFields {
		return fmt.Errorf("more than %d fields in a paragraph", maxFields)
	}
	p.fields = append(p.fields, field{start, start + colon, end})
	return nil
}

func (p *Paragraph) continueField(line []byte, end int) error {
	if len(p.fields) == 0 {
		return errors.New("a continuation line stands before any field")
	}
	if len(bytes.TrimSpace(line)) == 0 {
		// To dpkg an error, to others the end of the paragraph: two readings are one too many.
		return errors.New("a line of blanks only")
	}
	p.fields[len(p.fields)-1].end = end
	return nil
}

// find returns the place of the field, -1 when absent. Field names have no case.
func (p *Paragraph) find(name string) int {
	// A paragraph has some twenty fields: comparing lengths first is faster than any table.
	for i, f := range p.fields {
		if f.colon-f.start == len(name) && strings.EqualFold(string(p.raw[f.start:f.colon]), name) {
			return i
		}
	}
	return -1
}

func (p *Paragraph) value(f field) []byte { return bytes.TrimSpace(p.raw[f.colon+1 : f.end]) }

func (p *Paragraph) clone() *Paragraph {
	return &Paragraph{Line: p.Line, raw: bytes.Clone(p.raw), fields: slices.Clone(p.fields)}
}

// Bytes returns the value of the field with this name, in any case, without outer blanks; nil when absent. It
// points into the buffer and is valid as long as the paragraph.
func (p *Paragraph) Bytes(name string) []byte {
	if i := p.find(name); i >= 0 {
		return p.value(p.fields[i])
	}
	return nil
}

// Get returns a copy of the value; "" when absent. Lines after the first keep the blank they begin with.
func (p *Paragraph) Get(name string) string { return string(p.Bytes(name)) }

// Has reports whether the field stands there, be it empty.
func (p *Paragraph) Has(name string) bool { return p.find(name) >= 0 }

// Fields yields names as written and values as Bytes returns them, in the order of the file.
func (p *Paragraph) Fields() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for _, f := range p.fields {
			if !yield(string(p.raw[f.start:f.colon]), p.value(f)) {
				return
			}
		}
	}
}

// Lines returns the lines of a value that has one item a line, without blanks and empty lines.
func (p *Paragraph) Lines(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range bytes.Lines(p.Bytes(name)) {
			if line = bytes.TrimSpace(line); len(line) > 0 && !yield(string(line)) {
				return
			}
		}
	}
}

// String returns the paragraph as it was written, with a newline at its end.
func (p *Paragraph) String() string {
	return strings.TrimSuffix(string(p.raw), "\n") + "\n"
}

// validName follows policy 5.1: printable ASCII but for space and colon, not starting with # or a hyphen.
func validName(name []byte) bool {
	for _, c := range name {
		if c <= ' ' || c > '~' || c == ':' {
			return false
		}
	}
	return name[0] != '#' && name[0] != '-'
}

func shorten(b []byte) []byte { return b[:min(len(b), 80)] }
