package project

import (
	"path"
	"strings"

	"github.com/lithe-build/lithe/internal/entry"
)

// catalogueSuffix is that of the files from which Django's compilemessages makes what programs read.
const catalogueSuffix = ".po"

// Compiled returns the file that is made of a catalogue.
func Compiled(catalogue string) string { return strings.TrimSuffix(catalogue, catalogueSuffix) + ".mo" }

// addCatalogues adds the translations of a project of Django, as compilemessages has them: all that stand in a folder
// LC_MESSAGES. One that is compiled is left as it is, since a checkout does not tell which of two files is older.
func (in *surroundings) addCatalogues(e *EntryPoint) {
	pos, configured := in.target.Position("compilemessages")
	if configured && !in.target.Compilemessages || !configured && (in.Package || !in.has("django")) {
		return
	}
	there := map[string]bool{}
	for _, f := range in.App {
		there[f.Path] = true
	}
	for _, f := range in.App {
		isCatalogue := f.Type == entry.File && strings.HasPrefix(f.Path, "app/") && path.Ext(f.Path) == catalogueSuffix && path.Base(path.Dir(f.Path)) == "LC_MESSAGES"
		if isCatalogue && (configured || !there[Compiled(f.Path)]) {
			e.Catalogues = append(e.Catalogues, f.Path)
		}
	}
	if len(e.Catalogues) == 0 {
		return
	}
	reason := "the configuration says so"
	if !configured {
		pos, reason = in.position(strings.TrimPrefix(e.Catalogues[0], "app/"), 1), "there are translations for Django that are not compiled"
	}
	e.Evidence = append(e.Evidence, evidence("build step", []string{"compilemessages"}, reason, pos, "compilemessages")...)
}
