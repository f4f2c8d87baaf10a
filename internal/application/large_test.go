package application

import (
	"fmt"
	"strings"
	"testing"
)

// TestCircles asks modules that take all names of one another: there are 20^20 ways through them.
func TestCircles(t *testing.T) {
	var text, stars strings.Builder
	for i := range 20 {
		fmt.Fprintf(&stars, "from p.m%d import *\n", i)
	}
	for i := range 20 {
		fmt.Fprintf(&text, "== p/m%d.py\n%sx = missing\n", i, stars.String())
	}
	files := tree("== p/__init__.py\n" + text.String())
	if found := files.In("p/m0.py"); len(found) > 0 {
		t.Errorf("%+v", found)
	}
	value, _, _ := files.Text("p/m0.py", "missing")
	_, line := files.Assigns("p/m0.py", "missing")
	if _, said := files.Says("p/m0.py", "missing"); value != "" || line != 0 || said != 0 {
		t.Errorf("%q, lines %d and %d", value, line, said)
	}
}

// TestLongNames asks very often for what names with very many parts are, and for modules very far above.
func TestLongNames(t *testing.T) {
	long, often := "a"+strings.Repeat(".b", 8000), 2000
	for name, text := range map[string]string{
		"call":   "import a\ndef f():\n  return " + long + "()\n" + strings.Repeat("x = f()\n", often),
		"class":  "import a\nclass C(" + long + "): pass\n" + strings.Repeat("x = C()\n", often),
		"again":  "y = " + long + "\n" + strings.Repeat("x = y\n", often),
		"parent": "from " + strings.Repeat(".", 20000) + " import a\n" + strings.Repeat("x = a\n", often),
	} {
		t.Run(name, func(t *testing.T) {
			if found := tree("== m.py\n" + text).In("m.py"); len(found) > 0 {
				t.Errorf("%+v", found)
			}
		})
	}
}

// TestManyApplications finds all applications of a module that imports very much.
func TestManyApplications(t *testing.T) {
	const many = 4_000
	var text strings.Builder
	text.WriteString("from flask import Flask\n")
	for i := range many {
		fmt.Fprintf(&text, "import m%d\na%d = Flask('a')\n", i, i)
	}
	if found := tree("== m.py\n" + text.String()).In("m.py"); len(found) != many {
		t.Errorf("%d applications of %d", len(found), many)
	}
}

// TestManyModules asks for very many modules: what was read is forgotten, and the answers stay.
func TestManyModules(t *testing.T) {
	files := tree("== f.py\nfrom flask import Flask\ndef make():\n  return Flask('f')\n== a.py\nfrom f import make\nx = make()\n")
	for range 3 {
		files.kept = maxKept + 1
		if found := files.In("a.py"); len(found) != 1 || files.kept > 5000 || len(files.parsed) != 2 {
			t.Errorf("%+v, %d bytes of %d modules", found, files.kept, len(files.parsed))
		}
	}
	// Modules that one file leads to are read up to a limit.
	var text strings.Builder
	for i := range 30 {
		fmt.Fprintf(&text, "from m%d import *\n", i)
	}
	text.WriteString("x = y\n")
	for i := range 30 {
		fmt.Fprintf(&text, "== m%d.py\n#%s\n", i, strings.Repeat("#", maxModule-10))
	}
	files = tree("== a.py\n" + text.String())
	if found := files.In("a.py"); len(found) > 0 || len(files.parsed) > 10 {
		t.Errorf("%+v, %d modules", found, len(files.parsed))
	}
}
