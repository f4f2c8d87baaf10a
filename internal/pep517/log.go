package pep517

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/lithe-build/lithe/internal/lazyregexp"
)

const (
	tailSize  = 256 << 10 // bytes of the end of a log that are looked through
	tailLines = 30        // that are shown
	maxLine   = 400       // bytes of a line that are shown; command lines of compilers are longer
)

// Failure is a build that went wrong, in the words of whoever knows: the backend, the compiler.
type Failure struct {
	What    string  // one sentence
	Excerpt string  // the lines of the log that tell most, each with a newline; "" for none
	Missing Missing // what the build did not find; the zero value where that was not it
}

// Error returns the sentence.
func (f *Failure) Error() string { return f.What }

// Log takes what hooks print: all of it, up to a limit, goes on, and the end is kept.
type Log struct {
	to      io.Writer
	written int64
	tail    []byte
}

// Write never fails for want of space: a build must not notice.
func (l *Log) Write(p []byte) (int, error) {
	if keep := min(int64(len(p)), maxLog-l.written); keep > 0 && l.to != nil {
		n, err := l.to.Write(p[:keep])
		l.written += int64(n)
		if err != nil {
			return n, err
		}
	}
	l.tail = append(l.tail, p...)
	if len(l.tail) > 2*tailSize {
		l.tail = append([]byte(nil), l.tail[len(l.tail)-tailSize:]...)
	}
	return len(p), nil
}

// Tail returns the last lines.
func (l *Log) Tail() string { return shown(lines(l.tail), tailLines) }

// The words in which compilers, linkers and Python say what is wrong.
var (
	missingHeader = lazyregexp.New(`fatal error: ([^\s:]+): No such file or directory`)
	compilerError = lazyregexp.New(`(?i)(^|[\s:])(fatal )?error(\[E[0-9]+\])?: |undefined reference to|cannot find -l|^\S*: command not found`)
	pythonError   = lazyregexp.New(`^([A-Za-z_]\w*\.)*[A-Za-z_]\w*(Error|Exception|Exit|Interrupt)\b`)
)

// failure finds the line that says why a hook ended, and shows it with the last ones.
func (l *Log) failure(hook string, code int) *Failure {
	all := lines(l.tail)
	f := &Failure{What: fmt.Sprintf("%s ended with exit code %d", hook, code), Excerpt: shown(all, tailLines)}
	for i, line := range all {
		if m := missingHeader.FindStringSubmatch(line); m != nil {
			f.What, f.Missing = "the compiler says: "+clip(line), Missing{Header, m[1]}
			f.Excerpt = around(all, i)
			return f
		}
	}
	f.Missing = missing(all)
	for i, line := range all {
		if compilerError.MatchString(line) {
			f.What = "the build says: " + clip(strings.TrimSpace(line))
			f.Excerpt = around(all, i)
			return f
		}
	}
	for i := len(all) - 1; i >= 0; i-- {
		if pythonError.MatchString(all[i]) {
			f.What = "the build says: " + clip(all[i])
			return f
		}
	}
	if n := len(all); n > 0 {
		f.What += ": " + clip(strings.TrimSpace(all[n-1]))
	}
	return f
}

// around shows a line with what follows, and the end where that is far away.
func around(all []string, i int) string {
	from := max(0, i-3)
	if len(all)-from <= tailLines {
		return shown(all, tailLines)
	}
	const half = tailLines / 2
	if from+half >= len(all)-half {
		return shown(all[from:], tailLines)
	}
	return shown(all[from:from+half], half) + "…\n" + shown(all, half)
}

// lines splits a log. What rewrites a line on a terminal is one line each.
func lines(log []byte) []string {
	text := strings.ToValidUTF8(string(bytes.TrimRight(log, "\r\n \t")), "?")
	if text == "" {
		return nil
	}
	return strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
}

// shown writes the last n lines, without what would do something to a terminal.
func shown(all []string, n int) string {
	var b strings.Builder
	for _, line := range all[max(0, len(all)-n):] {
		b.WriteString(clip(line) + "\n")
	}
	return b.String()
}

func clip(line string) string {
	line = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, line)
	if len(line) > maxLine {
		return strings.ToValidUTF8(line[:maxLine], "") + "…"
	}
	return line
}
