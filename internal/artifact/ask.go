package artifact

import (
	"context"
	"errors"

	"github.com/lithe-build/lithe/internal/fetch"
)

// wellKnown is a project that nearly every index has, and whose page is short.
const wellKnown = "wheel"

// Indexes returns the default index and the further ones, in the order in which they are asked.
func (o IndexOptions) Indexes() []string { return o.indexes("", "") }

// Ask asks an index for the page of one project, and checks that it is one. An index that does not have the project
// answers as well.
func Ask(ctx context.Context, client *fetch.Client, indexURL string) error {
	_, err := readProject(ctx, client, indexURL, wellKnown)
	if errors.Is(err, fetch.ErrNotFound) {
		return nil
	}
	return err
}
