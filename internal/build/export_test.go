package build

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/lithe-build/lithe/internal/execute"
	"github.com/lithe-build/lithe/internal/lithelock"
)

// OnHost returns the options for a machine of another platform.
func OnHost(opt Options, platform string) Options {
	opt.host = platform
	return opt
}

// Isolated returns the options for a machine on which code without trust is run by an executor of the test's own.
func Isolated(opt Options, e execute.Executor) Options {
	opt.isolated = e
	return opt
}

// Settled returns the options for a build an hour after the last change of a file.
func Settled(opt Options) Options {
	opt.later = time.Hour
	return opt
}

// Builder locks what source code of the options' platforms is built in, as a build does that compiles something, and
// returns lithe.lock and for each platform the folder and its id.
func Builder(ctx context.Context, opt Options, upgrade bool) (lock []byte, roots, ids []string, err error) {
	err = decided(ctx, opt, upgrade, func(b *builder, d *decision) error {
		if err := b.lockBuilders(ctx, d, platformNames(d.platforms), upgrade); err != nil {
			return err
		}
		if _, err := b.saveLitheLock(d); err != nil {
			return err
		}
		for _, v := range d.variants {
			root, id, err := b.builderRoot(ctx, d, v)
			if err != nil {
				return err
			}
			roots, ids = append(roots, root), append(ids, id)
		}
		lock, err = os.ReadFile(filepath.Join(b.opt.Dir, lithelock.Filename))
		return err
	})
	return lock, roots, ids, err
}
