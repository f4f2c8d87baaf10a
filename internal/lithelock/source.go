package lithelock

import (
	"net/url"
	"strings"

	"github.com/lithe-build/lithe/internal/toml"
)

// row leaves out what has its zero value.
func (s Source) row() row {
	r := table("url", quote(s.URL), "suite", quote(s.Suite))
	r = append(r, textsRow("components", s.Components)...)
	if s.Key != "" {
		r = append(r, table("key", quote(s.Key))...)
	}
	if !s.Date.IsZero() {
		r = append(r, table("date", timestamp(s.Date))...)
	}
	if s.Expired {
		r = append(r, table("expired", "true")...)
	}
	return r
}

// sources reads the further repositories of a base.
func (r *reader) sources(t *toml.Table) (all []Source) {
	seen := unique{}
	for _, e := range r.tables(t, "sources", maxElements) {
		r.only(e, "url", "suite", "components", "key", "date", "expired")
		s := Source{URL: r.text(e, "url", sourceURL), Suite: r.text(e, "suite", plainText)}
		for n, v := range r.list(e, "components", maxElements) {
			c, ok := v.Str()
			if !ok || !cleanPath(c) {
				r.bad(v.Pos, "components[%d] is no component", n)
			}
			s.Components = append(s.Components, c)
		}
		if e.Has("key") {
			s.Key = r.hash(e, "key")
		}
		if e.Has("date") {
			s.Date = r.time(e, "date")
		}
		if e.Has("expired") {
			s.Expired = r.boolean(e, "expired")
		}
		if s.URL != "" {
			r.once(seen, e, "url", s.URL+" "+s.Suite)
		}
		all = append(all, s)
	}
	return all
}

// archiveName is a word, or the URL of a source.
func archiveName(s string) bool { return packageName(s) || sourceURL(s) }

// sourceURL is an address without credentials and without a slash at its end.
func sourceURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && plainText(s) &&
		!strings.ContainsAny(s, "?#\\") && !strings.HasSuffix(s, "/")
}
