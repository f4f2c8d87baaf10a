package artifact

import (
	"errors"
	"html"
	"strings"
)

const (
	maxAnchors    = 1 << 20  // links of a page; the longest on PyPI have about ten thousand
	maxAttributes = 64       // of one tag
	maxText       = 64 << 10 // bytes of a file name or of an attribute
)

var errHTML = errors.New("the page has more, or longer, links than any index needs")

// anchor is a link of a page.
type anchor struct {
	text       string
	attributes map[string]string // names in lower case, entities resolved
}

// page is what an HTML page of the simple API says.
type page struct {
	base    string // of <base href>
	version string // of <meta name="pypi:repository-version">
	anchors []anchor
}

// parseHTML reads the links of a page. It is as tolerant as PEP 503 mirrors need: tags may be in any case, attributes
// quoted or not, anchors unclosed. Anything that is no link is passed over.
func parseHTML(data string) (page, error) {
	var p page
	var text strings.Builder // of the last anchor
	open := false
	end := func() {
		if open {
			p.anchors[len(p.anchors)-1].text = text.String()
		}
		open = false
		text.Reset()
	}
	for data != "" {
		lt := strings.IndexByte(data, '<')
		if lt < 0 {
			lt = len(data)
		}
		// Text beyond the limit is left out rather than refused: no file has such a name.
		if open && text.Len()+lt <= maxText {
			text.WriteString(data[:lt])
		}
		t, rest, err := nextTag(data[lt:])
		if err != nil {
			return page{}, err
		}
		data = rest
		switch t.name {
		case "a":
			if len(p.anchors) >= maxAnchors {
				return page{}, errHTML
			}
			end()
			p.anchors = append(p.anchors, anchor{attributes: t.attributes})
			open = true
		case "/a":
			end()
		case "base":
			if p.base == "" { // the first one counts
				p.base = t.attributes["href"]
			}
		case "meta":
			if strings.EqualFold(t.attributes["name"], "pypi:repository-version") {
				p.version = t.attributes["content"]
			}
		case "script", "style":
			data = skipRaw(data, t.name)
		}
	}
	end()
	for i := range p.anchors {
		p.anchors[i].text = strings.TrimSpace(html.UnescapeString(p.anchors[i].text))
	}
	return p, nil
}

// tag is one tag; the name of a closing one begins with a slash. A comment or a declaration has no name.
type tag struct {
	name       string
	attributes map[string]string
}

// nextTag reads the tag at the start of data, which is empty or begins with '<'.
func nextTag(data string) (t tag, rest string, err error) {
	if data == "" {
		return tag{}, "", nil
	}
	if strings.HasPrefix(data, "<!--") {
		_, rest, _ := strings.Cut(data[4:], "-->")
		return tag{}, rest, nil
	}
	if strings.HasPrefix(data, "<!") || strings.HasPrefix(data, "<?") {
		_, rest, _ := strings.Cut(data, ">")
		return tag{}, rest, nil
	}
	end := 1
	for end < len(data) && !space(data[end]) && data[end] != '>' && (data[end] != '/' || end == 1) {
		end++
	}
	if end == 1 || end > maxText { // a lone '<' is text
		return tag{}, data[end:], nil
	}
	t.name = strings.ToLower(data[1:end])
	t.attributes, rest, err = attributes(data[end:])
	return t, rest, err
}

// attributes reads up to the end of the tag.
func attributes(data string) (all map[string]string, rest string, err error) {
	for {
		data = strings.TrimLeft(data, " \t\r\n\f/")
		if data == "" {
			return all, "", nil
		}
		if data[0] == '>' {
			return all, data[1:], nil
		}
		var name, value string
		if name, value, data, err = attribute(data); err != nil {
			return nil, "", err
		}
		if all == nil {
			all = map[string]string{}
		}
		if _, twice := all[name]; !twice { // as browsers do
			all[name] = html.UnescapeString(value)
		}
		if len(all) > maxAttributes {
			return nil, "", errHTML
		}
	}
}

// attribute reads name, name=value, name='value' or name="value". Data is not empty and begins with none of " />".
func attribute(data string) (name, value, rest string, err error) {
	end := 1
	for end < len(data) && !space(data[end]) && strings.IndexByte("=>/", data[end]) < 0 {
		end++
	}
	name, rest = strings.ToLower(data[:end]), data[end:]
	after := strings.TrimLeft(rest, " \t\r\n\f")
	if !strings.HasPrefix(after, "=") {
		return name, "", rest, capped(name, "")
	}
	rest = strings.TrimLeft(after[1:], " \t\r\n\f")
	if rest != "" && (rest[0] == '"' || rest[0] == '\'') {
		value, rest, _ = strings.Cut(rest[1:], rest[:1])
		return name, value, rest, capped(name, value)
	}
	end = 0
	for end < len(rest) && !space(rest[end]) && rest[end] != '>' {
		end++
	}
	return name, rest[:end], rest[end:], capped(name, rest[:end])
}

// capped keeps what one tag may make us hold in check; the page as a whole has its own limit.
func capped(name, value string) error {
	if len(name)+len(value) > maxText {
		return errHTML
	}
	return nil
}

// skipRaw passes over text that holds no tags. The search is for letters of ASCII: strings.ToLower would change the
// length of a page that is no UTF-8, and with it every position.
func skipRaw(data, name string) string {
	for end := 0; ; end += len("</") {
		next := strings.Index(data[end:], "</")
		if next < 0 {
			return ""
		}
		end += next
		if after := data[end+len("</"):]; len(after) >= len(name) && strings.EqualFold(after[:len(name)], name) {
			return data[end:]
		}
	}
}

// space is what HTML calls ASCII white space.
func space(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'
}
