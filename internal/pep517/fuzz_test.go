package pep517

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzResult decodes what a build says that it returned.
func FuzzResult(f *testing.F) {
	f.Add([]byte(`{"return": "demo-1.0-py3-none-any.whl"}`))
	f.Add([]byte(`{"return": ["setuptools>=77"]}`))
	f.Fuzz(func(_ *testing.T, data []byte) {
		var name string
		var requires []string
		_ = decodeResult(data, "build_wheel", &name)
		_ = decodeResult(data, "get_requires_for_build_wheel", &requires)
	})
}

// FuzzLog looks for what went wrong in any output: what is shown is short, text, and harmless to a terminal.
func FuzzLog(f *testing.F) {
	f.Add([]byte("gcc -c x.c\nx.c:1:10: fatal error: foo.h: No such file or directory\n"))
	f.Add([]byte("Traceback (most recent call last):\nValueError: \x1b[31mred\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var l Log
		_, _ = l.Write(data)
		failure := l.failure("build_wheel", 1)
		for _, text := range []string{failure.What, failure.Excerpt} {
			if !utf8.ValidString(text) || strings.ContainsAny(text, "\x1b\r\x00") || len(text) > 40*(maxLine+10) {
				t.Fatalf("%q", text)
			}
		}
	})
}
