package project

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lithe-build/lithe/internal/entry"
)

// TestManyScripts reads very many console scripts: to look for each among the others would need minutes.
func TestManyScripts(t *testing.T) {
	var text strings.Builder
	text.WriteString("[project]\nname = 'a'\nversion = '1'\n[project.scripts]\n")
	const many = 40_000
	for i := range many {
		fmt.Fprintf(&text, "s%d = 'a:b'\n", i)
	}
	if p := read(t, map[string]string{"pyproject.toml": text.String()}); len(p.Scripts) != many {
		t.Errorf("%d scripts", len(p.Scripts))
	}
}

// TestManyCatalogues looks for the compiled files of very many catalogues.
func TestManyCatalogues(t *testing.T) {
	const many = 50_000
	in := (&Project{}).surroundings(Target{}, Code{Locked: map[string]Locked{"django": {}}})
	for i := range many {
		for _, suffix := range []string{".po", ".mo"} {
			in.App = append(in.App, entry.NewFile(fmt.Sprintf("app/%d/LC_MESSAGES/x%s", i, suffix), nil, false))
		}
	}
	var e EntryPoint
	if in.addCatalogues(&e); len(e.Catalogues) > 0 {
		t.Errorf("%d catalogues are to be compiled", len(e.Catalogues))
	}
}

// TestManyStars has a glob of very many `**`, which all mean what one means.
func TestManyStars(t *testing.T) {
	g := compileGlob(strings.Repeat("**/", 1300) + "*.py")
	s := g.start()
	for range 10_000 {
		s = g.next(s, "a", false)
	}
	if s = g.next(s, "b.py", false); !g.matches(s) || len(g.parts) != 2 {
		t.Errorf("%d parts, %v", len(g.parts), s)
	}
}

// TestEffort goes past what comparing files with rules may take, and what all files with rules may have.
func TestEffort(t *testing.T) {
	dir := tree(t, map[string]string{"a": "", "b/.gitignore": "*.x\n"})
	walk := func(w walker) error {
		w.project, w.all, w.from = &Project{Dir: dir}, true, map[string]string{}
		return w.dir("", w.start())
	}
	for want, w := range map[string]walker{
		"comparing them takes more than 10000000000 steps":               {spent: maxEffort, dockerRules: 1},
		"all files called .gitignore have more than 33554432 bytes toge": {ignoreBytes: maxIgnoreFiles},
	} {
		if err := walk(w); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("have %v, want %q", err, want)
		}
	}
	if err := walk(walker{}); err != nil {
		t.Error(err)
	}
	p := read(t, map[string]string{"pyproject.toml": anApplication, ".dockerignore": strings.Repeat("a\n", maxDockerRules+1)})
	if _, err := p.Files(); err == nil || !strings.Contains(err.Error(), "it has more than 10000 lines") {
		t.Error(err)
	}
}

// TestLargeConfiguration goes past the limits of tables and texts.
func TestLargeConfiguration(t *testing.T) {
	var keys, targets strings.Builder
	for i := range maxItems + 1 {
		fmt.Fprintf(&keys, "k%d = ''\n", i)
		fmt.Fprintf(&targets, "[tool.lithe.targets.t%d]\n", i)
	}
	for text, want := range map[string]string{
		keys.String():                                    "[tool.lithe] has 10001 keys, more than 10000",
		"[tool.lithe.env]\n" + keys.String():             "[tool.lithe.env] has 10001 keys, more than 10000",
		"[tool.lithe.config-settings]\n" + keys.String(): "[tool.lithe.config-settings] has 10001 keys",
		targets.String():                                 "targets has 10001 tables, more than 100",
		"[tool.lithe.files]\nexclude = ['" + strings.Repeat("**/", maxIgnoreLine) + "a']\n": "files.exclude[0] has 12289 bytes, more than 4096",
	} {
		if _, _, err := parseConfig(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("have %v, want %q", err, want)
		}
	}
}
