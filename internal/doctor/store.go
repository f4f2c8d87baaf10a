package doctor

import (
	"context"
	"errors"
	"fmt"

	"github.com/lithe-build/lithe/internal/diag"
)

// minSpace is in bytes: a base, its packages and its root are about half of it.
const minSpace = 500e6

// checkStore writes into the store and asks how much there is room for.
func checkStore(ctx context.Context, p *patient) []Finding {
	if p.storeErr == nil {
		_, remove, err := p.store.Temp()
		if err == nil {
			remove()
		}
		p.storeErr = err
	}
	if p.storeErr != nil {
		return []Finding{needed(problem(p.storeErr, "set LITHE_STORE to a folder that you may write to"))}
	}
	size := ""
	if usage, err := p.store.Usage(ctx); err == nil {
		size = fmt.Sprintf(" holds %.1f MB", float64(usage.Size)/1e6)
	}
	free, err := freeSpace(p.store.Path())
	where := p.store.Path() + size
	switch {
	case err != nil:
		return []Finding{needed(fine("%s; how much space is left is not known: %v", where, err))}
	case free < minSpace:
		return []Finding{needed(lack("free some space, run `lithe cache prune`, or set LITHE_STORE to a folder that has more",
			"%s; %.1f MB are free, a build wants %.0f MB", where, float64(free)/1e6, minSpace/1e6))}
	}
	return []Finding{needed(fine("%s; %.1f GB are free", where, float64(free)/1e9))}
}

// problem is a lack that says what the error says, and how to mend it as far as the error knows.
func problem(err error, fix string) Finding {
	if d, ok := errors.AsType[*diag.Error](err); ok {
		f := lack(fix, "%s", d.What)
		if d.Hint != "" {
			f.Fix = d.Hint
		}
		return f
	}
	return lack(fix, "%v", err)
}
