package closure

import (
	"cmp"
	"slices"
)

// finding is something about a library that files of one distribution need.
type finding struct {
	User
	library   string
	elsewhere string   // of a missing one
	reason    Reason   // of an accepted one
	lacks     []string // versions that it does not have
	has       []string // versions that it has
}

// findings are told once for each distribution and library, however many files there are. What belongs to no
// distribution is told for each file.
type findings struct {
	at  map[[2]string]*finding
	all []*finding
}

// add returns the finding of a need, a new one for the first file. Files come in the order of their paths.
func (f *findings) add(n need) *finding {
	key := [2]string{cmp.Or(n.file.Package, "/"+n.file.Path), n.name}
	if old, ok := f.at[key]; ok {
		old.More++
		return old
	}
	if f.at == nil {
		f.at = map[[2]string]*finding{}
	}
	one := &finding{User: User{Package: n.file.Package, Object: n.file.Path}, library: n.name}
	f.at[key] = one
	f.all = append(f.all, one)
	return one
}

// sorted returns the findings by distribution, file and library.
func (f *findings) sorted() []*finding {
	slices.SortFunc(f.all, func(a, b *finding) int {
		return cmp.Or(cmp.Compare(a.Package, b.Package), cmp.Compare(a.Object, b.Object), cmp.Compare(a.library, b.library))
	})
	return f.all
}
