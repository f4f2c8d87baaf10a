package destination

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/registry"
	"github.com/lithe-build/lithe/internal/store"
)

// Checker is a destination that can say beforehand whether it will take an image.
type Checker interface {
	Check(ctx context.Context, tags []string) error
}

// Registry is the registries that the image's names say. It is no output of Parse: the names are the places.
type Registry struct {
	Client *registry.Client
	Store  *store.Store // remembers which repositories have which blobs; nil remembers nothing
	Known  Known        // nil knows nothing
}

// Known reports whether a repository was seen to have a blob a moment ago, so that it need not be asked again.
type Known = func(repository, digest string) bool

var _ = []Checker{Registry{}, layout(""), archive(""), ociArchive("")}

// Pushed is what one repository got.
type Pushed struct {
	Repository string // "registry.example/team/app"
	Reference  string // with the digest
	Sent       int64  // bytes that had to be moved
}

// hasOrigin is a layer that a repository has already, as those of a base from a registry are.
type hasOrigin interface{ Origin() string }

// CheckPushTags refuses names that say no registry: with Docker they would be Docker Hub's own images.
func CheckPushTags(tags []string) error {
	if len(tags) == 0 {
		return &diag.Error{Code: "no-tag", What: "an image that is pushed needs a name", Hint: "add `-t registry.example/team/app:1.0`"}
	}
	var problems diag.List
	for _, t := range tags {
		// A path of one part is an official image of Docker Hub, which nobody but Docker pushes.
		if repository, err := registry.Repository(t); err == nil && !strings.Contains(strings.Split(t, "@")[0], "/") {
			problems.Add(&diag.Error{Code: "push-name", What: fmt.Sprintf("%q names no registry to push to", t),
				Hint: "write registry.example/" + t + ", or docker.io/NAME/" + t + " for Docker Hub; without one it would be " + repository})
		}
	}
	return cmp.Or(CheckTags(tags), problems.Err())
}

// Check finds out whether every repository may be pushed to.
func (r Registry) Check(ctx context.Context, tags []string) error {
	parsed, err := r.parse(tags)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(r.Client.Jobs())
	for _, p := range byRepository(parsed) {
		g.Go(func() error { return r.Client.CheckPush(ctx, p.repository) })
	}
	return g.Wait()
}

func (r Registry) parse(tags []string) ([]tag, error) {
	if err := CheckPushTags(tags); err != nil {
		return nil, err
	}
	return parseTags(tags)
}

// push is what goes to one repository.
type push struct {
	Registry
	repository string
	versions   []string // tags, as the user gave them

	content *content
	mu      sync.Mutex
	on      func(Event)
	sent    int64
	sure    map[string]bool // blobs that we sent, which need no second look
	seen    *seen           // what the repository said before anything was sent
	doubt   bool            // the registry lacked something, so that what was seen before counts no more
}

// byRepository groups names, in the order in which the user gave them.
func byRepository(tags []tag) (all []*push) {
	index := map[string]*push{}
	for _, t := range tags {
		name, _ := registry.Repository(t.written) // parseTags has read it
		if index[name] == nil {
			index[name] = &push{repository: name, sure: map[string]bool{}}
			all = append(all, index[name])
		}
		index[name].versions = append(index[name].versions, t.version)
	}
	return all
}

// Write pushes the image to the repositories of its names, one after the other: what the first one got, the next one
// can take from there.
func (r Registry) Write(ctx context.Context, img Image, opt Options) (Result, error) {
	tags, err := r.parse(opt.Tags)
	if err != nil {
		return Result{}, err
	}
	c, err := takeApart(img)
	if err != nil {
		return Result{}, err
	}
	res := Result{Digest: c.root().digest.String()}
	for _, p := range byRepository(tags) {
		p.Registry, p.content, p.on = r, c, opt.On
		if err := p.run(ctx); err != nil {
			return res, err
		}
		res.Sent += p.sent
		res.Pushed = append(res.Pushed, Pushed{p.repository, p.repository + "@" + res.Digest, p.sent})
	}
	return res, nil
}

// run sends blobs, then manifests, then the index, and the names last. A registry may remove a blob that nothing names
// between our look and the manifest; then what is missing is sent once more.
func (p *push) run(ctx context.Context) error {
	if err := p.look(ctx); err != nil {
		return err
	}
	if err := p.blobs(ctx, p.unlessThere); err != nil {
		return err
	}
	err := p.manifests(ctx)
	if !errors.Is(err, registry.ErrBlobUnknown) {
		return err
	}
	before := p.sent
	p.doubt = true
	if err := p.blobs(ctx, p.unlessThere); err != nil {
		return err
	}
	if p.sent == before { // it says that it has them, and that it lacks one: its memory is older than its store
		if err := p.blobs(ctx, p.unlessSent); err != nil {
			return err
		}
	}
	return p.manifests(ctx)
}

// blobs moves what manifests name, several at once.
func (p *push) blobs(ctx context.Context, move func(context.Context, blob) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(p.Client.Jobs())
	for _, b := range p.content.blobs() {
		g.Go(func() error { return move(ctx, b) })
	}
	return g.Wait()
}

// unlessThere sends a blob that the repository lacks, by a mount if that works.
func (p *push) unlessThere(ctx context.Context, b blob) error {
	if !p.doubt && p.isThere(b) {
		p.remember(b)
		return nil
	}
	there, err := p.Client.PushHas(ctx, p.repository, b.digest.String())
	if err != nil {
		return err
	}
	if there {
		p.remember(b)
		return nil
	}
	return p.send(ctx, b, p.source(b))
}

// unlessSent sends a blob unless we did before, whatever the registry says.
func (p *push) unlessSent(ctx context.Context, b blob) error {
	p.mu.Lock()
	sure := p.sure[b.digest.String()]
	p.mu.Unlock()
	if sure {
		return nil
	}
	return p.send(ctx, b, "")
}

// send moves one blob.
func (p *push) send(ctx context.Context, b blob, from string) error {
	item := registry.Blob{Digest: b.digest.String(), Size: b.size, Open: b.open}
	sent, err := p.Client.Push(ctx, p.repository, item, from, func(done int64) {
		p.tell(Event{Item: item.Digest, Done: done, Total: item.Size})
	})
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.sent += sent
	p.sure[item.Digest] = sent > 0 || b.size == 0
	p.mu.Unlock()
	p.remember(b)
	return nil
}

// tell passes an event on; several blobs are under way.
func (p *push) tell(e Event) {
	if p.on == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.on(e)
}

// manifests puts those of the platforms by their digests, and the root by every name.
func (p *push) manifests(ctx context.Context) error {
	if p.content.index != nil {
		for _, img := range p.content.images {
			if err := p.put(ctx, img.manifest, types.OCIManifestSchema1, img.manifest.digest.String()); err != nil {
				return err
			}
		}
	}
	root := p.content.descriptor()
	for _, version := range p.versions {
		if err := p.put(ctx, p.content.root(), root.MediaType, version); err != nil {
			return err
		}
	}
	return nil
}

// hasManifest reports whether a name is of this digest already, which may be the name.
func (p *push) hasManifest(ctx context.Context, version, digest string) (bool, error) {
	if !p.doubt {
		if now, asked := p.seen.names[version]; asked {
			return now == digest, nil
		}
		if p.seen.has(version) {
			return true, nil
		}
	}
	return p.Client.HasManifest(ctx, p.repository, version, digest)
}

// put puts a manifest unless the registry has it under that name. Its bytes count once, for all names.
func (p *push) put(ctx context.Context, b blob, mediaType types.MediaType, version string) error {
	digest := b.digest.String()
	there, err := p.hasManifest(ctx, version, digest)
	if err != nil || there {
		return err
	}
	raw, err := b.bytes()
	if err != nil {
		return err
	}
	if err := p.Client.PushManifest(ctx, p.repository, version, string(mediaType), raw); err != nil {
		return err
	}
	if !p.sure[digest] {
		p.sure[digest] = true
		p.sent += b.size
		p.tell(Event{Item: digest, Done: b.size, Total: b.size})
	}
	return nil
}
