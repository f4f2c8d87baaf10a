package base

// Expected returns the facts that a base had when this release of lithe was made. They serve for looking at a lock file
// before any index was read, and where no image is made; a build asks the pins.
func Expected(name string) (Facts, error) {
	su, err := suiteOf(name)
	if err != nil {
		return Facts{}, err
	}
	return su.facts(su.fullPython, "glibc-"+su.glibc)
}
