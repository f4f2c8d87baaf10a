package artifact

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/fetch"
	"github.com/lithe-build/lithe/internal/lock"
	"github.com/lithe-build/lithe/internal/store"
	"github.com/lithe-build/lithe/internal/trace"
)

// GitOptions say how repositories are read. The zero value works where git is installed.
type GitOptions struct {
	Offline bool   // only what the store has
	Path    string // folders with programs; "" means the process's own
	Trace   *trace.Recorder
}

// checkoutKey names a tree of files. A commit is the same wherever it is from, but what is fetched from one place must not
// stand in for what another one was asked for.
type checkoutKey struct {
	Format     int // checkoutFormat
	Repository string
	Commit     string
}

// checkoutFormat changes when the same commit would be written otherwise.
const checkoutFormat = 1

// maxSubmodules is how deep repositories may be inside each other.
const maxSubmodules = 6

// Checkout returns a folder in the store with the files of a commit, fetched by the host's git, with its credential helpers,
// its ssh and its proxies. Files are as the commit has them, since no hook, filter, conversion of line ends or attribute of
// the host or of the repository takes part. Submodules are read as well, as installers of Python do.
func Checkout(ctx context.Context, st *store.Store, opt GitOptions, who string, s lock.Source) (string, error) {
	repo, err := newRepository(s.URL)
	if err != nil {
		return "", &diag.Error{Pos: s.Pos, Code: "git-address", What: who + ": " + err.Error(), Hint: "lock the repository by https: or ssh:"}
	}
	return checkout(ctx, st, opt, checkoutSource{who: who, pos: s.Pos, repository: repo, commit: s.Commit})
}

// checkoutSource is a commit that is wanted.
type checkoutSource struct {
	who        string
	pos        diag.Position
	repository repository
	commit     string
	depth      int // of submodules
}

// PlainRepository returns the address of a repository without credentials.
func PlainRepository(address string) (string, error) {
	r, err := newRepository(address)
	return r.plain, err
}

func checkout(ctx context.Context, st *store.Store, opt GitOptions, s checkoutSource) (string, error) {
	key := store.Key(checkoutKey{checkoutFormat, s.repository.plain, s.commit})
	return st.Dir(ctx, "git", key, func(dir string) error {
		if opt.Offline {
			return fmt.Errorf("%s: commit %s of %s: %w", s.who, s.commit, s.repository.plain, fetch.ErrOffline)
		}
		g, err := newGit(opt, s)
		if err != nil {
			return err
		}
		defer g.close()
		if err := g.fetch(ctx, s.commit); err != nil {
			return err
		}
		return g.export(ctx, st, opt, dir)
	})
}

// gitProtocols are what git may speak: what a user has configured in place of an address may be another of them.
const gitProtocols = "https:ssh"

// repository is the address of one.
type repository struct {
	plain     string // without credentials
	user      *url.Userinfo
	protocols string // that git may speak
}

// newRepository accepts what nobody on the way can read or change. Credentials in the address are kept apart from it.
func newRepository(address string) (repository, error) {
	if !strings.Contains(address, "://") { // "git@host:path"
		host, rest, ok := strings.Cut(address, ":")
		if _, machine, _ := strings.Cut(host, "@"); ok && rest != "" && !strings.Contains(rest, ":") && !strings.ContainsAny(host, "/ ") &&
			!strings.HasPrefix(address, "-") && !strings.HasPrefix(machine, "-") {
			return repository{plain: address, protocols: gitProtocols}, nil
		}
		return repository{}, fmt.Errorf("%s is not the address of a git repository", fetch.Redact(address))
	}
	u, err := url.Parse(address)
	if err != nil {
		return repository{}, fmt.Errorf("%s is not the address of a git repository", fetch.Redact(address))
	}
	shown := *u
	shown.User, shown.RawQuery, shown.Fragment = nil, "", ""
	switch host := u.Hostname(); {
	case strings.HasPrefix(host, "-"):
		return repository{}, fmt.Errorf("%s is not the address of a git repository", shown.String())
	case u.Scheme == "ssh":
		u.User = url.User(u.User.Username())
		if u.User.Username() == "" {
			u.User = nil
		}
		return repository{plain: u.String(), protocols: gitProtocols}, nil
	case u.Scheme == "https":
		return repository{plain: shown.String(), user: u.User, protocols: gitProtocols}, nil
	case u.Scheme == "http" && (host == "localhost" || net.ParseIP(host).IsLoopback()):
		return repository{plain: shown.String(), user: u.User, protocols: gitProtocols + ":http"}, nil
	}
	return repository{}, fmt.Errorf("the repository %s is reached by %s:, which lithe does not speak", shown.String(), u.Scheme)
}

// submodule returns the address of a repository that one names, which may be relative to its own.
// See https://git-scm.com/docs/git-submodule#Documentation/git-submodule.txt-add.
func (r repository) submodule(address string) (repository, error) {
	if !strings.HasPrefix(address, "./") && !strings.HasPrefix(address, "../") {
		return newRepository(address)
	}
	base, sep := strings.TrimRight(r.plain, "/"), "/"
	for {
		if rest, ok := strings.CutPrefix(address, "./"); ok {
			address = rest
			continue
		}
		rest, ok := strings.CutPrefix(address, "../")
		if !ok {
			break
		}
		i := strings.LastIndexByte(base, '/')
		if i < 0 {
			i, sep = strings.LastIndexByte(base, ':'), ":"
		}
		if i < 0 || strings.HasSuffix(base[:i], "/") {
			return repository{}, fmt.Errorf("a submodule's address leads above %s", r.plain)
		}
		base, address = base[:i], rest
	}
	sub, err := newRepository(base + sep + address)
	sub.user = r.user // the same server
	return sub, err
}

// findGit returns the host's git. Folders relative to the working directory are passed over: a project must not bring it.
func findGit(searchPath string) (string, error) {
	if searchPath == "" {
		searchPath = os.Getenv("PATH")
	}
	if path := findProgram(searchPath, "git"); path != "" {
		return path, nil
	}
	return "", &diag.Error{Code: "no-git", What: "a package comes from a git repository, and there is no git in PATH", Hint: "install git"}
}

// within tells whether a link stays in the tree that it stands in.
func within(link, target string) bool {
	return target != "" && !filepath.IsAbs(target) && !strings.HasPrefix(target, "/") && !strings.Contains(target, `\`) &&
		filepath.IsLocal(filepath.Join(filepath.Dir(filepath.FromSlash(link)), filepath.FromSlash(target)))
}
