package release

// Contents returns the Contents file of a component ("main") and an architecture, which says what package has what file;
// ok is false where the suite has none.
func (r *Release) Contents(component, architecture string) (index Index, ok bool) {
	// Debian's mirrors have the compressed form alone.
	for _, ext := range []string{".gz", ".xz", ""} {
		name := component + "/Contents-" + architecture + ext
		if row, listed := r.SHA256[name]; listed {
			return Index{Path: name, ByHash: r.byHash(name, row), File: row}, true
		}
	}
	return Index{}, false
}
