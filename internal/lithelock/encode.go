package lithelock

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const header = `# lithe.lock: what this project's images are made of, beside the Python packages that its own lock file names.
# Written by lithe and meant to be committed. "lithe lock" brings it up to date with the project,
# "lithe lock --upgrade" moves base and interpreter to their newest versions. Do not edit it by hand.
`

// Encode writes the lock, sorted whatever the order of its fields.
func (l *Lock) Encode() []byte {
	l = l.clone()
	l.normalize()
	var b bytes.Buffer
	b.WriteString(header)
	w := writer{&b}
	w.number("version", Version)
	w.number("format", int64(l.Format))
	w.pair("created", timestamp(l.Created))
	w.optional("python", l.Python)
	w.optional("compiler", l.Compiler)
	w.list("sizes", len(l.Sizes), func(i int) row { return l.Sizes[i].row() })

	b.WriteString("\n[base]\n")
	w.text("name", l.Base.Name)
	w.optional("digest", l.Base.Digest)
	if len(l.Base.System) > 0 {
		w.list("system-packages", len(l.Base.System), func(i int) row { return row{quote(l.Base.System[i])} })
	}
	if len(l.Base.Build) > 0 {
		w.list("build-packages", len(l.Base.Build), func(i int) row { return row{quote(l.Base.Build[i])} })
	}
	w.list("sources", len(l.Base.Sources), func(i int) row { return l.Base.Sources[i].row() })
	w.list("indexes", len(l.Base.Indexes), func(i int) row { return l.Base.Indexes[i].row() })

	for _, p := range l.Platforms {
		b.WriteString("\n[[platform]]\n")
		w.text("name", p.Name)
		if !p.Created.IsZero() {
			w.pair("created", timestamp(p.Created))
		}
		if p.Image != nil {
			w.image(p.Image)
		}
		if p.Standalone != nil {
			w.pair("standalone", p.Standalone.row().String())
		}
		w.list("libraries", len(p.Libraries), func(i int) row { return p.Libraries[i].row() })
		w.list("packages", len(p.Packages), func(i int) row { return p.Packages[i].row() })
		if p.Builder != nil {
			w.builder(p.Builder)
		}
	}
	for _, build := range l.Builds {
		w.build(build)
	}
	return b.Bytes()
}

func (l Library) row() row {
	return table("distribution", quote(l.Distribution), "library", quote(l.Library), "package", quote(l.Package))
}

// builder is a table below its platform.
func (w writer) builder(b *Builder) {
	w.WriteString("\n[platform.builder]\n")
	w.text("suite", b.Suite)
	w.pair("created", timestamp(b.Created))
	w.list("packages", len(b.Packages), func(i int) row { return b.Packages[i].row() })
}

// row has name before hash and size, as readers look for it.
func (s Size) row() row {
	return append(table("file", quote(s.File), "hash", quote(s.Hash), "size", strconv.FormatInt(s.Size, 10)), forRow(s.For)...)
}

// row leaves out what has its zero value.
func (i Index) row() row {
	r := table("suite", quote(i.Suite), "date", timestamp(i.Date))
	if i.Hash != "" {
		r = append(r, table("hash", quote(i.Hash))...)
	}
	if i.Expired {
		r = append(r, table("expired", "true")...)
	}
	return r
}

// row begins with name and version, side by side for bots that search for them, and leaves out what is empty.
func (p Package) row() row {
	r := table("name", quote(p.Name), "version", quote(p.Version), "architecture", quote(p.Architecture),
		"hash", quote(p.Hash), "size", strconv.FormatInt(p.Size, 10))
	for _, optional := range [][2]string{{"archive", p.Archive}, {"path", p.Path}, {"part", p.Part}, {"reason", p.Reason}} {
		if optional[1] != "" {
			r = append(r, table(optional[0], quote(optional[1]))...)
		}
	}
	r = append(r, forRow(p.For)...)
	if p.InsteadOf != "" {
		r = append(r, table("instead-of", quote(p.InsteadOf))...)
	}
	return r
}

// forRow says what something is for, nothing where it is for all.
func forRow(names []string) row { return textsRow("for", names) }

// textsRow is a list of texts on one line, nothing where there are none.
func textsRow(key string, texts []string) row {
	if len(texts) == 0 {
		return nil
	}
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = quote(text)
	}
	return table(key, "["+strings.Join(quoted, ", ")+"]")
}

// row is one element of a list: a plain value, or the pairs of an inline table.
type row []string

// table makes pairs of keys and encoded values.
func table(pairs ...string) row {
	var r row
	for i := 0; i < len(pairs); i += 2 {
		r = append(r, pairs[i]+" = "+pairs[i+1])
	}
	return r
}

// String writes an inline table, or a plain value as it is. Pairs begin with a bare key and plain values with a quote,
// so the two cannot be mixed up.
func (r row) String() string {
	if len(r) == 1 && strings.HasPrefix(r[0], `"`) {
		return r[0]
	}
	return "{ " + strings.Join(r, ", ") + " }"
}

// writer writes lines of TOML. A buffer takes everything, so there are no errors to pass on.
type writer struct{ *bytes.Buffer }

func (w writer) pair(key, value string)         { fmt.Fprintf(w, "%s = %s\n", key, value) }
func (w writer) text(key, value string)         { w.pair(key, quote(value)) }
func (w writer) number(key string, value int64) { w.pair(key, strconv.FormatInt(value, 10)) }

// optional leaves out what is not recorded.
func (w writer) optional(key, value string) {
	if value != "" {
		w.text(key, value)
	}
}

// list writes an element a line, each with a comma, so that one more element is one more line.
func (w writer) list(key string, n int, element func(i int) row) {
	if n == 0 {
		return
	}
	w.WriteString(key + " = [\n")
	for i := range n {
		w.WriteString("    " + element(i).String() + ",\n")
	}
	w.WriteString("]\n")
}

// timestamp writes an offset date-time in UTC, without fractions of a second, which no index has.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// quote writes a basic string of TOML.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteRune('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
