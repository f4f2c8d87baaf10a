package pyindex

import (
	"fmt"
	"slices"
	"strings"
)

// RequirementsTxt returns the requirements.txt of a project, given its pyproject.toml: its main dependencies pinned to the
// newest wheels of the index, with the hashes of all their files, as `pip-compile --generate-hashes` writes it.
func RequirementsTxt(x *Index, data []byte) ([]byte, error) {
	p, err := readProject(data)
	if err != nil {
		return nil, err
	}
	packages, err := resolve(p, x.Wheels())
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	b.WriteString("# written by a test\n")
	for _, c := range packages {
		if !slices.Contains(c.groups, "main") {
			continue
		}
		fmt.Fprintf(&b, "%s==%s", c.name, c.version)
		hashes := make([]string, len(c.wheels))
		for i, w := range c.wheels {
			hashes[i] = w.Hash()
		}
		slices.Sort(hashes)
		for _, h := range hashes {
			fmt.Fprintf(&b, " \\\n    --hash=%s", h)
		}
		b.WriteString("\n    # via app\n")
	}
	return []byte(b.String()), nil
}
