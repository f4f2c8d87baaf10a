package artifact

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseHTML(t *testing.T) {
	for name, test := range map[string]struct {
		html string
		want []string // "text href"
	}{
		"PEP 503": {`<!DOCTYPE html><html><body><a href="https://f/a-1.0.tar.gz#sha256=00" data-requires-python="&gt;=3.8">a-1.0.tar.gz</a><br/>` +
			"\n<a href='b'>b</a></body></html>", []string{"a-1.0.tar.gz https://f/a-1.0.tar.gz#sha256=00", "b b"}},
		"upper case":      {`<A HREF="x">y</A>`, []string{"y x"}},
		"not quoted":      {`<a href=x>y</a><a href=x/y>z</a>`, []string{"y x", "z x/y"}},
		"spaces":          {"<a\n  href = \"x\"\t>\n y \n</a >", []string{"y x"}},
		"entities":        {`<a href="?a=1&amp;b=2">x&#x2d;y&lt;</a>`, []string{"x-y< ?a=1&b=2"}},
		"not closed":      {`<a href=1>x<a href=2>y`, []string{"x 1", "y 2"}},
		"tags inside":     {`<a href=1><b>x</b>-<i>y</i></a>z`, []string{"x-y 1"}},
		"comment":         {`<!-- <a href=1>x</a> --><a href=2>y</a>`, []string{"y 2"}},
		"comment open":    {`<a href=2>y</a><!-- <a href=1>`, []string{"y 2"}},
		"script":          {`<script>"<a href=1>x</a>"</script><a href=2>y</a>`, []string{"y 2"}},
		"script open":     {`<script>"<a href=1>x</a>"`, nil},
		"greater in text": {`<a href="a>b">c</a>`, []string{"c a>b"}},
		"lone less":       {`1 < 2 <a href=1>x < y</a>`, []string{"x  y 1"}},
		"twice":           {`<a href=1 href=2>x</a>`, []string{"x 1"}},
		"no value":        {`<a data-yanked href=1>x</a>`, []string{"x 1"}},
		"slash":           {`<a href=1 />x</a>`, []string{"x 1"}},
		"other tags":      {`<abbr href=1>x</abbr><link href=2><address>`, nil},
		"cut in a tag":    {`<a href="1`, []string{" 1"}},
		"cut in a name":   {`<a`, []string{" "}},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := parseHTML(test.html)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, a := range p.anchors {
				got = append(got, a.text+" "+a.attributes["href"])
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseHTMLHead(t *testing.T) {
	p, err := parseHTML(`<head><base href="/b/"><base href="/c/"><META content="1.1" name="PyPI:repository-version"></head>`)
	if err != nil || p.base != "/b/" || p.version != "1.1" {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestParseHTMLIsCapped(t *testing.T) {
	for name, text := range map[string]string{
		"links":      strings.Repeat("<a>", maxAnchors+1),
		"attributes": "<a " + attributesOf(maxAttributes+1) + ">",
		"value":      `<a href="` + strings.Repeat("x", maxText+1) + `">`,
	} {
		if _, err := parseHTML(text); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	p, err := parseHTML("<a>" + strings.Repeat("x", 10*maxText))
	if err != nil || len(p.anchors[0].text) > maxText {
		t.Errorf("text of %d bytes, %v", len(p.anchors[0].text), err)
	}
}

func attributesOf(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("a" + strings.Repeat("b", i) + "=1 ")
	}
	return b.String()
}

func FuzzParseHTML(f *testing.F) {
	f.Add(`<!DOCTYPE html><a href="x#sha256=00" data-yanked="why">y</a><!-- z -->`)
	f.Add(`<base href=/x><a href='a&amp;b'><b>c</a><script></script>`)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parseHTML(text)
		if err != nil {
			return
		}
		if n := strings.Count(strings.ToLower(text), "<a"); len(p.anchors) > n {
			t.Errorf("%d links in a page with %d", len(p.anchors), n)
		}
		for _, a := range p.anchors {
			if len(a.text) > 2*maxText || len(a.attributes) > maxAttributes {
				t.Errorf("a link of %d bytes with %d attributes", len(a.text), len(a.attributes))
			}
		}
	})
}
