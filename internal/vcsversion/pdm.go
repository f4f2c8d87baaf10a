package vcsversion

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/lithe-build/lithe/internal/python/version"
	"github.com/lithe-build/lithe/internal/toml"
)

// changedDay stands where pdm-backend writes the day on which a changed tree is built: that of every file of an image.
const changedDay = "d19800102"

// pdmTag is the expression by which pdm-backend reads a version out of a tag.
const pdmTag = `^(?:[\w-]+-)?(?P<version>[vV]?\d+(?:\.\d+){0,2}[^\+]*)(?:\+.*)?$`

// askPDM asks for pdm-backend. It has no file to read, so that its version is computed, by its own rules.
func askPDM(ctx context.Context, q *question) (*Answer, error) {
	t := q.Pyproject.Table("tool", "pdm", "version")
	if t.String("source") != "scm" {
		return nil, nil
	}
	q.pos = t.KeyPos("source")
	for _, k := range t.Keys() {
		if !slices.Contains([]string{"source", "write_to", "write_template", "tag_regex", "tag_filter", "fallback_version"}, k) {
			return nil, q.unknown(t.KeyPos(k), "tool.pdm.version has %s", k)
		}
	}
	expression, err := q.expression(t)
	if err != nil {
		return nil, err
	}
	r, why, err := q.find(q.Dir, true)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return q.without(why), nil
	}
	glob := t.String("tag_filter")
	if glob == "" {
		glob = "*.*"
	}
	n, err := r.describe(ctx, "--dirty", "--tags", "--long", "--abbrev=40", "--match", glob)
	if err != nil {
		return nil, err
	}
	text := noTagYet
	if n.tagged {
		text = pdmVersion(expression, n.tag)
	}
	v, err := version.Parse(text)
	if err != nil {
		return nil, q.unknown(q.pos, "the tag %s is of no version", n.tag)
	}
	out, err := pdmFormat(v, n.description, n.Dirty)
	if err != nil {
		return nil, q.unknown(q.pos, "the tag %s: %v", n.tag, err)
	}
	n.Env = []string{Variable(q.tool) + "=" + out}
	return n.Answer, nil
}

// expression is the one that the project has for its tags, else pdm-backend's own.
func (q *question) expression(t *toml.Table) (*regexp.Regexp, error) {
	text := t.String("tag_regex")
	if text == "" {
		text = pdmTag
	}
	e, err := regexp.Compile(text) // Python's expressions can say more than Go's
	if err != nil || e.NumSubexp() != 1 && e.SubexpIndex("version") < 0 {
		return nil, q.unknown(t.KeyPos("tag_regex"), "tool.pdm.version.tag_regex is an expression of Python")
	}
	return e, nil
}

// pdmVersion reads a version out of a tag; one that does not match is 0.0.0, as pdm-backend has it.
func pdmVersion(e *regexp.Regexp, tag string) string {
	m := e.FindStringSubmatchIndex(tag)
	group := 1
	if e.NumSubexp() != 1 {
		group = e.SubexpIndex("version")
	}
	if m == nil || m[0] != 0 || m[2*group] < 0 || m[2*group] == m[2*group+1] {
		return "0.0.0"
	}
	return tag[m[2*group]:m[2*group+1]]
}

// pdmFormat is the version that pdm-backend makes where the project has no format of its own.
func pdmFormat(v version.Version, d description, dirty bool) (string, error) {
	text := v.String()
	var local []string
	if d.distance > 0 {
		next, err := pdmNext(text)
		if err != nil {
			return "", err
		}
		text, local = fmt.Sprintf("%s.dev%d", next, d.distance), append(local, d.short())
	}
	if dirty {
		local = append(local, changedDay)
	}
	if len(local) > 0 {
		text += "+" + strings.Join(local, ".")
	}
	return text, nil
}

// pdmNext is the version that comes after one.
func pdmNext(v string) (string, error) {
	v, _, _ = strings.Cut(v, "+")
	if i := strings.LastIndex(v, ".dev"); i >= 0 {
		if v[i+len(".dev"):] != "0" {
			return "", fmt.Errorf("pdm-backend supports .dev0 alone")
		}
		return v[:i], nil
	}
	i := len(strings.TrimRight(v, "0123456789"))
	n, err := strconv.ParseUint(v[i:], 10, 63)
	if err != nil {
		return "", fmt.Errorf("%s does not end with a number", v)
	}
	return v[:i] + strconv.FormatUint(n+1, 10), nil
}
