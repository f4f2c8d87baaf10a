package destination

import (
	"bytes"
	"context"
	"errors"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/registry"
)

// worthLooking is how many blobs have to be in question before the image that a name has now is asked for: one answer
// tells of all of its blobs, and asking for each takes a request.
const worthLooking = 3

// maxMembers bounds the images of an index that are asked for: one for each platform.
const maxMembers = 16

// seen is what a repository said of itself a moment ago.
type seen struct {
	names map[string]string // digests by tag, "" where nothing has it

	mu    sync.Mutex
	blobs map[string]bool // those of an image that is there, and manifests of an index
}

// look asks what the repository's names say now, until one says something. A registry keeps what a manifest names, and
// refuses a manifest that names what it has not, so the blobs of that image need no request each: a changed source asks
// for two. An image that is there as it is to be is pushed again to mend what a registry lost: then each blob is asked for.
func (p *push) look(ctx context.Context) error {
	p.seen = &seen{names: map[string]string{}, blobs: map[string]bool{}}
	if p.unknown() < worthLooking {
		return nil
	}
	for _, version := range p.versions {
		remote, err := p.own(ctx, version)
		if err != nil {
			return err
		}
		p.seen.names[version] = remote.Digest
		if remote.Digest == p.content.root().digest.String() {
			return nil
		}
		if remote.Raw != nil {
			return p.learn(ctx, remote)
		}
	}
	return nil
}

// own asks for a manifest. One that is not there is empty, and so is one of something else than an image, or one that the registry
// does not tell of, as some do before the first push: what follows asks for what it needs.
func (p *push) own(ctx context.Context, version string) (registry.Remote, error) {
	remote, err := p.Client.Own(ctx, p.repository, version)
	if _, told := errors.AsType[*diag.Error](err); told {
		return registry.Remote{}, nil
	}
	if err != nil || remote == nil {
		return registry.Remote{}, err
	}
	return *remote, nil
}

// unknown counts the blobs that would have to be asked for.
func (p *push) unknown() (n int) {
	for _, b := range p.content.blobs() {
		if !p.isThere(b) {
			n++
		}
	}
	return n
}

// isThere reports whether the repository was seen to have a blob.
func (p *push) isThere(b blob) bool {
	digest := b.digest.String()
	return p.seen.has(digest) || p.Known != nil && p.Known(p.repository, digest)
}

// learn notes what a manifest or an index names. One that cannot be read says nothing.
func (p *push) learn(ctx context.Context, image registry.Remote) error {
	if !image.Index {
		p.seen.learn(image.Raw)
		return nil
	}
	list, err := v1.ParseIndexManifest(bytes.NewReader(image.Raw))
	if err != nil || len(list.Manifests) > maxMembers {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(p.Client.Jobs())
	for _, d := range list.Manifests {
		g.Go(func() error {
			member, err := p.own(ctx, d.Digest.String())
			if err == nil && member.Raw != nil && !member.Index {
				p.seen.note(member.Digest)
				p.seen.learn(member.Raw)
			}
			return err
		})
	}
	return g.Wait()
}

// learn notes the blobs of an image. Those that it has elsewhere, as Windows' bases do, need not be in the repository.
func (s *seen) learn(raw []byte) {
	m, err := v1.ParseManifest(bytes.NewReader(raw))
	if err != nil {
		return
	}
	s.note(m.Config.Digest.String())
	for _, l := range m.Layers {
		if l.MediaType.IsDistributable() && len(l.URLs) == 0 {
			s.note(l.Digest.String())
		}
	}
}

func (s *seen) note(digest string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blobs[digest] = true
}

// has reports whether a blob or a manifest of an index was seen.
func (s *seen) has(digest string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.blobs[digest]
}
