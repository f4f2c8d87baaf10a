package build

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/gettext"
	"github.com/lithe-build/lithe/internal/project"
)

// compileCatalogues adds the compiled translations of the project to its files. Some hundred kilobytes are compiled in a
// millisecond, so that nothing of it is kept.
func (v *variant) compileCatalogues() error {
	var made []entry.Entry
	at := make(map[string]int, len(v.own.entries))
	for i, e := range slices.Backward(v.own.entries) {
		at[e.Path] = i
	}
	for _, path := range v.entry.Catalogues {
		i, ok := at[path]
		if !ok {
			return fmt.Errorf("%s is not among the files of /app", path)
		}
		mo, err := compiledCatalogue(v.own.entries[i])
		if err != nil {
			return err
		}
		made = append(made, entry.NewFile(project.Compiled(path), mo, false))
	}
	v.own.entries = replaced(v.own.entries, made)
	return nil
}

// compiledCatalogue compiles one.
func compiledCatalogue(e entry.Entry) ([]byte, error) {
	name := strings.TrimPrefix(e.Path, "app/")
	if e.Size > gettext.MaxSize {
		return nil, &diag.Error{Pos: diag.Position{File: name}, Code: "too-large", What: fmt.Sprintf("more than %d bytes are too many", gettext.MaxSize), Hint: catalogueHint}
	}
	po, err := e.Read()
	if err != nil {
		return nil, unreadable(err)
	}
	mo, err := gettext.Compile(name, po)
	if problem, ok := errors.AsType[*diag.Error](err); ok {
		problem.Hint = catalogueHint
	}
	return mo, err
}

// catalogueHint is for catalogues that cannot be compiled.
const catalogueHint = "correct it, or set `compilemessages = false`"
