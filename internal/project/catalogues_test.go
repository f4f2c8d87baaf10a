package project

import (
	"strings"
	"testing"
)

func TestCatalogues(t *testing.T) {
	const de, fr = "locale/de/LC_MESSAGES/django.po", "polls/locale/fr/LC_MESSAGES/djangojs.po"
	for name, tt := range map[string]struct{ config, locked, more, want, why string }{
		"by rule":      {"", "django=6", "", "app/" + de + " app/" + fr, de + ":1 there are translations for Django that are not compiled"},
		"compiled":     {"", "django=6", "polls/locale/fr/LC_MESSAGES/djangojs.mo", "app/" + de, de + ":1 there are translations for Django that are not compiled"},
		"no Django":    {"", "flask=3", "", "", ""},
		"switched off": {"compilemessages = false\n", "django=6", "", "", ""},
		"switched on":  {"compilemessages = true\n", "", "locale/de/LC_MESSAGES/django.mo", "app/" + de + " app/" + fr, "pyproject.toml:5 the configuration says so"},
	} {
		t.Run(name, func(t *testing.T) {
			files := names("main.py other.po " + de + " " + fr + " " + tt.more)
			files["pyproject.toml"] = anApplication + "[tool.lithe]\n" + tt.config
			got, err := runs(t, files, tt.locked)
			if err != nil {
				t.Fatal(err)
			}
			why := ""
			for _, e := range got.Evidence {
				if e.Override == "compilemessages" {
					why = e.Pos.String() + " " + e.Reason
				}
			}
			if paths := strings.Join(got.Catalogues, " "); paths != tt.want || why != tt.why {
				t.Errorf("got  %s, %s\nwant %s, %s", paths, why, tt.want, tt.why)
			}
		})
	}
	if got := Compiled("a/b.po"); got != "a/b.mo" {
		t.Error(got)
	}
}
