package destination

import (
	"slices"
	"strings"
)

// maxPlaces is how many repositories are remembered for one blob of one registry.
const maxPlaces = 8

// places is the store's record of where a blob was seen, newest last.
type places struct{ Repositories []string }

// source returns a repository of the same registry that has a blob, so that it need not be sent: where the layer comes
// from, else where we pushed it. Repositories go away; then the registry says so, and the blob is sent.
func (p *push) source(b blob) string {
	if b.origin != "" && b.origin != p.repository && registryOf(b.origin) == registryOf(p.repository) {
		return b.origin
	}
	known := p.known(b)
	for _, r := range slices.Backward(known.Repositories) {
		if r != p.repository {
			return r
		}
	}
	return ""
}

// known reads the record of a blob.
func (p *push) known(b blob) (known places) {
	if p.Store != nil {
		_, _ = p.Store.Record("pushed", p.key(b), &known) // without it a blob is sent once more
	}
	return known
}

// remember adds this repository to the record of a blob.
func (p *push) remember(b blob) {
	if p.Store == nil {
		return
	}
	known := p.known(b)
	if slices.Contains(known.Repositories, p.repository) {
		return
	}
	known.Repositories = append(known.Repositories, p.repository)
	known.Repositories = known.Repositories[max(0, len(known.Repositories)-maxPlaces):]
	_ = p.Store.PutRecord("pushed", p.key(b), known) // a store that is full must not fail a push
}

func (p *push) key(b blob) string { return registryOf(p.repository) + " " + b.digest.String() }

// registryOf returns the host of a repository.
func registryOf(repository string) string {
	host, _, _ := strings.Cut(repository, "/")
	return host
}
