package toml

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lithe-build/lithe/internal/diag"
)

func TestParseValues(t *testing.T) {
	table, err := Parse("a.toml", []byte(`
title = "x"
n = 1_000
hex = 0xff
f = 1.5
yes = true
no = false
when = 1979-05-27T07:32:00Z
list = ["a", "b", 3]
"quoted key" = '''
lit'''
dotted.a.b = 1
dotted.c = 2

[table.sub]
k = {a = 1, b.c = [1, [2]]}

[[array]]
name = "one"
[array.inner]
x = 1
[[array]]
name = "two"
[array.inner]
x = 2
`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"title": "x", "n": int64(1000), "hex": int64(255), "f": 1.5, "yes": true, "no": false,
		"when": "1979-05-27T07:32:00Z", "list": []any{"a", "b", int64(3)}, "quoted key": "lit",
		"dotted": map[string]any{"a": map[string]any{"b": int64(1)}, "c": int64(2)},
		"table": map[string]any{"sub": map[string]any{"k": map[string]any{
			"a": int64(1), "b": map[string]any{"c": []any{int64(1), []any{int64(2)}}}}}},
		"array": []any{
			map[string]any{"name": "one", "inner": map[string]any{"x": int64(1)}},
			map[string]any{"name": "two", "inner": map[string]any{"x": int64(2)}},
		},
	}
	if diff := cmp.Diff(want, table.Any()); diff != "" {
		t.Error(diff)
	}
}

func TestPositions(t *testing.T) {
	table, err := Parse("p.toml", []byte("a = 'x'\n[b]\n  c = [\n    1,\n    {d = [ ], e   =   true},\n    [[7]],\n  ]\n[[f]]\n"))
	if err != nil {
		t.Fatal(err)
	}
	list := table.Table("b").Value("c").Array()
	inner, _ := list[1].AsTable()
	for name, tt := range map[string]struct {
		pos          diag.Position
		line, column int
	}{
		"document":        {table.Pos, 1, 1},
		"key":             {table.KeyPos("a"), 1, 1},
		"value":           {table.Value("a").Pos, 1, 5},
		"header":          {table.Table("b").Pos, 2, 2},
		"indented key":    {table.Table("b").KeyPos("c"), 3, 3},
		"array":           {table.Table("b").Value("c").Pos, 3, 7},
		"element":         {list[0].Pos, 4, 5},
		"inline table":    {list[1].Pos, 5, 5},
		"key in it":       {inner.KeyPos("d"), 5, 6},
		"empty array":     {inner.Value("d").Pos, 5, 10},
		"boolean":         {inner.Value("e").Pos, 5, 23},
		"nested array":    {list[2].Pos, 6, 7},
		"array of tables": {table.Tables("f")[0].Pos, 8, 3},
		"absent key":      {table.Table("b").KeyPos("none"), 2, 2},
	} {
		t.Run(name, func(t *testing.T) {
			want := diag.Position{File: "p.toml", Line: tt.line, Column: tt.column}
			if diff := cmp.Diff(want, tt.pos); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		in   string
		line int
		what string
	}{
		"duplicate key":            {"a = 1\na = 2", 2, `"a" is defined twice`},
		"duplicate table":          {"[a]\n[a]", 2, "twice"},
		"table over value":         {"a = 1\n[a]", 2, "twice"},
		"table through value":      {"a = 1\n[a.b]", 2, "twice"},
		"array over table":         {"[a]\n[[a]]", 2, "twice"},
		"table over array":         {"[[a]]\n[a]", 2, "twice"},
		"header into array value":  {"a = [{}]\n[[a]]", 2, "twice"},
		"header into inline":       {"a = {}\n[a.b]", 2, "twice"},
		"dotted into inline":       {"a = {}\na.b = 1", 2, "twice"},
		"dotted into header":       {"[a.b]\n[a]\nb.c = 1", 3, "twice"},
		"header over dotted":       {"a.b = 1\n[a]", 2, "twice"},
		"duplicate in inline":      {"a = {b = 1, b = 2}", 1, "twice"},
		"value over dotted":        {"a.b = 1\na = 2", 2, "twice"},
		"bad date":                 {"a = 2021-13-01", 1, ""},
		"leading zero":             {"a = 012", 1, ""},
		"huge integer":             {"a = 99999999999999999999", 1, ""},
		"long number":              {"a = " + strings.Repeat("1", 300), 1, "200"},
		"unterminated":             {"a = 1\nb = \"x", 2, "unterminated"},
		"end of input":             {"a = 1\nb = [1,\n2", 3, "incomplete"},
		"not UTF-8":                {"a = \"\xff\"", 1, "UTF-8"},
		"deep array":               {"a = " + strings.Repeat("[", 101) + strings.Repeat("]", 101), 1, "nested"},
		"deep dotted key":          {strings.Repeat("a.", 101) + "b = 1", 1, "nested"},
		"deep header":              {"[" + strings.Repeat("a.", 101) + "b]", 1, "nested"},
		"deep by header and value": {"[" + strings.Repeat("a.", 60) + "b]\nx = " + strings.Repeat("[", 60) + strings.Repeat("]", 60), 2, "nested"},
		"conflict":                 {"a = 1\n<<<<<<< HEAD\n", 2, "merge conflict"},
		"conflict, end":            {"a = 1\n>>>>>>> x\n", 2, "merge conflict"},
		"stack":                    {"x = " + strings.Repeat("[", 1<<20), 1, "nested"},
	} {
		t.Run(name, func(t *testing.T) {
			table, err := Parse("f.toml", []byte(tt.in))
			problem, ok := err.(*diag.Error)
			if !ok {
				t.Fatalf("got %v, %v; want a *diag.Error", table, err)
			}
			if problem.Pos.Line != tt.line || problem.Pos.File != "f.toml" || !strings.Contains(problem.What, tt.what) {
				t.Errorf("got %v; want line %d and %q", problem, tt.line, tt.what)
			}
		})
	}
}

func TestParseAccepts(t *testing.T) {
	for name, in := range map[string]string{
		"empty":                     "",
		"carriage returns":          "a = 1\r\n[b]\r\n",
		"header after longer one":   "[a.b]\n[a]\nc = 1",
		"subtable of dotted":        "[a]\nb.c = 1\n[a.b.d]",
		"dotted in inline":          "a = {b.c = 1, b.d = 2}",
		"same key, other element":   "[[a]]\nb = 1\n[[a]]\nb = 1",
		"no line end after comment": "# x",
		"more keys than a map has":  "a=1\nb=1\nc=1\nd=1\ne=1\nf=1\ng=1\nh=1\ni=1\nj=1\n[k]\na=1",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse("f.toml", []byte(in)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestFloats(t *testing.T) {
	table, err := Parse("f.toml", []byte("a = inf\nb = -inf\nc = nan\nd = 1e400\ne = 6.626e-34\nf = 1_0.5"))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]float64{"a": math.Inf(1), "b": math.Inf(-1), "d": math.Inf(1), "e": 6.626e-34, "f": 10.5} {
		if got := table.Value(key).Data; got != want {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
	if c, ok := table.Value("c").Data.(float64); !ok || !math.IsNaN(c) {
		t.Errorf("c is %v, want nan", table.Value("c").Data)
	}
}

func TestGettersOfNothing(t *testing.T) {
	var table *Table
	if table.Has("x") || table.Value("x") != nil || table.Table("x", "y") != nil || table.String("x") != "" ||
		table.Strings("x") != nil || table.Tables("x") != nil || table.Keys() != nil || table.Any() != nil {
		t.Error("a nil table is not empty")
	}
	if pos := table.KeyPos("x"); pos != (diag.Position{}) {
		t.Errorf("position %v", pos)
	}
	if kind := table.Value("x").Kind(); kind != "nothing" {
		t.Errorf("kind %q", kind)
	}
	full, err := Parse("f.toml", []byte("s = 'x'\nl = ['a', 1, {}]\nt = {}\nb = true\ni = 1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := full.Bool("s"); ok {
		t.Error("a string is no boolean")
	}
	if n, ok := full.Int("i"); !ok || n != 1 {
		t.Errorf("got %d, %v", n, ok)
	}
	if diff := cmp.Diff([]string{"a"}, full.Strings("l")); diff != "" {
		t.Error(diff)
	}
	if got := len(full.Tables("l")); got != 1 {
		t.Errorf("%d tables", got)
	}
	if diff := cmp.Diff([]string{"s", "l", "t", "b", "i"}, full.Keys()); diff != "" {
		t.Error(diff)
	}
	kinds := ""
	for _, key := range full.Keys() {
		kinds += full.Value(key).Kind() + " "
	}
	if kinds != "string array table boolean integer " {
		t.Error(kinds)
	}
}

func TestParseSize(t *testing.T) {
	_, err := Parse("f.toml", make([]byte, maxSize+1))
	if err == nil || !strings.Contains(err.Error(), "64 MiB") {
		t.Errorf("got %v", err)
	}
}
