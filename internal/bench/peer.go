package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/lazyregexp"
)

// peer is a Dockerfile, built by the engine's BuildKit.
type peer struct {
	runner *runner
	called string
	file   string // the user's
	text   string
	rounds int  // counts cold builds, so that each has cache mounts of its own
	lost   bool // the runner, so that the registry is asked for the cache
	pulls  bool // the base images are gone from the engine
}

func newPeer(r *runner, file string) (*peer, error) {
	data, err := readCapped(file)
	if err != nil {
		return nil, err
	}
	base := filepath.Base(file)
	called := strings.TrimSuffix(base, ".Dockerfile")
	if base == "Dockerfile" {
		called = "dockerfile"
	}
	return &peer{runner: r, called: called, file: file, text: string(data)}, nil
}

func (p *peer) name() string { return p.called }

// compiles are the ways in which Dockerfiles make bytecode. pip does so by itself.
var compiles = lazyregexp.New(`UV_COMPILE_BYTECODE=(1|true)|--compile-bytecode|compileall|installer\.compile|POETRY_COMPILE|\bpip3? install\b|--compile\b`)

func (p *peer) describe() Contender {
	return Contender{Name: p.called, About: "docker build -f " + filepath.Base(p.file), Peer: true, Bytecode: compiles.MatchString(p.text), Pushes: true}
}

func (p *peer) tag() string { return p.runner.tag(p.called) }

// pushed is the peer's name in the registry.
func (p *peer) pushed() string { return p.runner.repository + "/" + p.called + ":latest" }

// forget removes images and the build cache; cache mounts get new names, and so are empty.
func (p *peer) forget(ctx context.Context, all bool) error {
	p.rounds++
	p.lost, p.pulls = false, all
	if err := p.clear(ctx); err != nil || !all {
		return err
	}
	return p.runner.engine.lose(ctx)
}

func (p *peer) clear(ctx context.Context) error {
	if err := p.runner.engine.forget(ctx); err != nil {
		return err
	}
	return p.runner.engine.prune(ctx)
}

// loseRunner is forget, after which the registry is asked for the cache that the image carries.
func (p *peer) loseRunner(ctx context.Context) error {
	p.rounds++
	p.lost = true
	return p.clear(ctx)
}

// cacheMount is an option of RUN that keeps a folder from build to build.
var cacheMount = lazyregexp.New(`--mount=type=cache[^\s\\]*`)

// reference is where a Dockerfile names an image, or a stage of its own.
var reference = lazyregexp.New(`(?m)(^FROM\s+(?:--platform=\S+\s+)?|--from=|,from=)([^\s,]+)`)

// bases returns the names of images that the Dockerfile begins with or copies from, and perhaps those of its stages.
func (p *peer) bases() (names []string) {
	for _, m := range reference.FindAllStringSubmatch(p.text, -1) {
		names = append(names, m[2])
	}
	return names
}

// dockerfile gives the cache mounts names of this round, so that they are empty in its first build and full in the others.
func (p *peer) dockerfile() string {
	n, text := 0, p.text
	if p.pulls {
		text = reference.ReplaceAllStringFunc(text, func(s string) string {
			m := reference.FindStringSubmatch(s)
			if slices.Contains(p.runner.engine.bases, m[2]) {
				return m[1] + p.runner.engine.published(m[2])
			}
			return s
		})
	}
	return cacheMount.ReplaceAllStringFunc(text, func(mount string) string {
		n++
		parts := strings.Split(mount, ",")
		kept := parts[:0]
		for _, part := range parts {
			if !strings.HasPrefix(part, "id=") {
				kept = append(kept, part)
			}
		}
		return strings.Join(kept, ",") + fmt.Sprintf(",id=%s-%s-%d-%d", p.runner.tag("cache"), p.called, p.rounds, n)
	})
}

func (p *peer) build(ctx context.Context, dir string, push bool) (outcome, error) {
	file := filepath.Join(p.runner.work, p.called+".Dockerfile")
	if err := os.WriteFile(file, []byte(p.dockerfile()), 0o644); err != nil {
		return outcome{}, err
	}
	args := append([]string{"build", "--progress", "plain", "-t", p.tag(), "-f", file}, p.runner.opt.DockerFlags...)
	if push {
		// What the classic engine can: the cache of the image's own layers travels in its configuration.
		args = append(args, "-t", p.pushed(), "--build-arg", "BUILDKIT_INLINE_CACHE=1")
	}
	if p.lost {
		args = append(args, "--cache-from", p.pushed())
	}
	took, _, err := timed(p.runner.engine.command(ctx, append(args, dir)...))
	if err != nil {
		return outcome{}, err
	}
	if push {
		pushing, _, err := timed(p.runner.engine.command(ctx, "push", p.pushed()))
		if err != nil {
			return outcome{}, err
		}
		took += pushing
	}
	if push {
		if _, err := p.runner.engine.note(ctx, p.pushed()); err != nil {
			return outcome{}, err
		}
	}
	image, err := p.runner.engine.note(ctx, p.tag())
	return outcome{took: took, image: image}, err
}

// size asks the registry for what a push moves, and adds up the layers' tar files.
func (p *peer) size(ctx context.Context) (packed, unpacked int64, err error) {
	unpacked, err = p.runner.engine.unpackedSize(ctx, p.tag())
	if err != nil || p.runner.registry == nil {
		return 0, unpacked, err
	}
	name := p.runner.repository + "/" + p.called + ":size"
	if _, err := p.runner.engine.run(ctx, "tag", p.tag(), name); err != nil {
		return 0, 0, err
	}
	if _, err := p.runner.engine.run(ctx, "push", "--quiet", name); err != nil {
		return 0, 0, err
	}
	if err := p.runner.engine.remove(ctx, name); err != nil {
		return 0, 0, err
	}
	packed, err = p.runner.registry.size(ctx, p.called, "size")
	return packed, unpacked, err
}

// command runs docker with BuildKit.
func (e *engine) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Env = append(os.Environ(), "DOCKER_BUILDKIT=1", "BUILDKIT_PROGRESS=plain")
	return cmd
}
