package project

import (
	"bytes"
	"encoding/binary"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// index is an index file of git that tracks some files, without a checksum. A name that ends in "@" is a submodule.
func index(names ...string) string {
	var b bytes.Buffer
	b.WriteString("DIRC\x00\x00\x00\x02")
	_ = binary.Write(&b, binary.BigEndian, uint32(len(names)))
	slices.Sort(names)
	for _, name := range names {
		mode := []byte{0, 0, 0x81, 0xa4}
		name, module := strings.CutSuffix(name, "@")
		if module {
			mode = []byte{0, 0, 0xe0, 0}
		}
		b.Write(make([]byte, 24))
		b.Write(mode)
		b.Write(make([]byte, 32))
		_ = binary.Write(&b, binary.BigEndian, uint16(len(name)))
		b.WriteString(name)
		b.Write(make([]byte, 8-(62+len(name))%8))
	}
	b.Write(make([]byte, 20))
	return b.String()
}

// checkout is a tree with a repository in .git.
func checkout(files map[string]string, tracked ...string) map[string]string {
	all := map[string]string{".git/HEAD": "ref: refs/heads/main\n", ".git/index": index(tracked...)}
	maps.Copy(all, files)
	return all
}

// filesOf reads the project in a folder of a tree.
func filesOf(t *testing.T, dir, config string) *Files {
	t.Helper()
	pyproject := anApplication + "[tool.lithe]\n" + config + "\n"
	if err := os.WriteFile(filepath.Join(dir, "pyproject.toml"), []byte(pyproject), 0o644); err != nil {
		t.Fatal(err)
	}
	p, err := Read(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	files, err := p.Files()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestUntracked(t *testing.T) {
	ignoring := map[string]string{".gitignore": "*.bin\nout/\n", "a.py": "", "m.bin": "", "out/x.js": "", "out/deep/y.js": ""}
	tests := []struct {
		name, config, project string
		files                 map[string]string
		untracked, warning    string // of the latter, what follows the colon
	}{
		{"no repository", "", "", names("a b"), "", ""},
		{"all tracked", "", "", checkout(names("a b/c"), "a", "b/c"), "", ""},
		{"some not", "", "", checkout(names("a b/c b/d z"), "a", "b/c"), "b/d z", ""},
		{"nothing was added", "", "", map[string]string{".git/HEAD": "x", "a": ""}, "a", ""},
		{"what stays out does not count", "files.exclude = ['x']", "", checkout(names("a x/y .env b.pyc"), "a"), "", ""},
		{"ignored", "", "", checkout(ignoring, "a.py"), "", ""},
		{"named in files.include", "files.include = ['m.bin', 'out']", "", checkout(ignoring, "a.py"), "", ""},
		{"included and not ignored", "files.include = [{path = 'b', to = '/srv/b'}]", "", checkout(names("a b"), "a"), "b", ""},
		{"tracked and ignored", "", "", checkout(ignoring, "a.py", "m.bin", "out/deep/y.js", "out/gone.js"), "", "m.bin, out/deep/y.js"},
		{"many of them", "", "", checkout(map[string]string{".gitignore": "*.b", "1.b": "", "2.b": "", "3.b": "", "4.b": "", "5.b": ""},
			"1.b", "2.b", "3.b", "4.b", "5.b"), "", "1.b, 2.b, 3.b and 2 more"},
		{"tracked, ignored and named", "files.include = ['m.bin']\nfiles.exclude = ['out/deep']", "", checkout(ignoring, "a.py", "m.bin", "out/deep/y.js"), "", ""},
		{"tracked, ignored and never in an image", "", "", checkout(map[string]string{".gitignore": ".env\nbuild\n", ".env": "", "build/x.pyc": ""}, ".env", "build/x.pyc"), "", ""},
		{"tracked, ignored by Docker too", "", "", checkout(map[string]string{".gitignore": "*.bin", ".dockerignore": "d", "d/m.bin": ""}, "d/m.bin"), "", ""},
		{"below the root", "", "svc/api", checkout(names("svc/api/a svc/api/b svc/x"), "svc/api/a", "svc/x"), "b", ""},
		{"below a root that tracks nothing here", "", "svc", checkout(names("svc/a svc/b svcs"), "svcs"), "", ""},
		{"submodule in the project", "", "", checkout(names("a sub/b sub/c/d subs"), "a", "sub@"), "subs", ""},
		{"worktree", "", "wt", checkout(map[string]string{"wt/.git": "gitdir: ../.git/worktrees/wt\n", "wt/a": "", "wt/b": "",
			".git/worktrees/wt/HEAD": "", ".git/worktrees/wt/index": index("a")}, "wt/b"), "b", ""},
		{"a folder .git that is no repository", "", "p", checkout(map[string]string{"p/.git/x": "", "p/a": "", "p/b": ""}, "p/a"), "b", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := filesOf(t, filepath.Join(tree(t, tt.files), tt.project), tt.config)
			if diff := cmp.Diff(strings.Fields(tt.untracked), got.Untracked, cmp.Transformer("empty", func(s []string) string { return strings.Join(s, " ") })); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			warning := ""
			for _, w := range got.Warnings {
				_, names, _ := strings.Cut(w.What, ": ")
				warning += names
				if !strings.Contains(w.Hint, "files.include") {
					t.Errorf("the hint is %q", w.Hint)
				}
			}
			if warning != tt.warning || got.Untold != "" {
				t.Errorf("warning %q, want %q; untold %q", warning, tt.warning, got.Untold)
			}
		})
	}
}

func TestUntold(t *testing.T) {
	broken := func(index string) map[string]string {
		return map[string]string{"a": "", ".git/HEAD": "", ".git/index": index}
	}
	tests := []struct {
		name, want string
		files      map[string]string
	}{
		{"no index", "does not begin", broken("x")},
		{"damaged", "checksum", broken(strings.TrimRight(index("a"), "\x00") + "x")},
		{"extension of the future", "not supported", broken(index()[:12] + "link\x00\x00\x00\x00" + strings.Repeat("\x00", 20))},
		{"no regular file", "no file of at most", map[string]string{"a": "", ".git/HEAD": "", ".git/index/x": ""}},
		{"file that names nothing", "names none", map[string]string{"a": "", ".git": "x"}},
		{"file that names what is gone", "is no repository", map[string]string{"a": "", ".git": "gitdir: gone\n"}},
		{"large file", "no file of at most", map[string]string{"a": "", ".git": strings.Repeat("x", maxGitFile+1)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := filesOf(t, tree(t, tt.files), "")
			if !strings.Contains(got.Untold, tt.want) || got.Untracked != nil || got.Warnings != nil {
				t.Errorf("%q, %v, %v; want %q", got.Untold, got.Untracked, got.Warnings, tt.want)
			}
			if paths(got.Entries) != "a" {
				t.Errorf("the image has %s", paths(got.Entries))
			}
		})
	}
}

func TestUntrackedSources(t *testing.T) {
	for backend, want := range map[string]string{"hatchling.build": "x/new.py", "uv_build": "x/made.py x/new.py"} {
		t.Run(backend, func(t *testing.T) {
			files := checkout(map[string]string{".gitignore": "made.py\n"}, "x/__init__.py")
			files["pyproject.toml"] = anApplication + "[build-system]\nrequires = []\nbuild-backend = '" + backend + "'\n"
			p, err := Read(tree(t, files), Options{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.Files()
			if err != nil {
				t.Fatal(err)
			}
			var sources []string
			for _, name := range []string{"x/new.py", "x/__init__.py", "x/made.py", "x/new.py", "../outside.py"} {
				sources = append(sources, filepath.Join(p.Dir, name))
			}
			untracked, err := got.UntrackedSources(sources)
			if err != nil || strings.Join(untracked, " ") != want {
				t.Errorf("%q, %v; want %s", untracked, err, want)
			}
		})
	}
}

// What git says of a checkout is what lithe says, also in a worktree and a submodule.
func TestUntrackedByGit(t *testing.T) {
	program, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not on PATH")
	}
	home := t.TempDir()
	git := func(dir string, args ...string) string {
		t.Helper()
		cmd := exec.Command(program, append([]string{"-c", "user.name=Nobody", "-c", "user.email=nobody@example.org", "-c", "protocol.file.allow=always"}, args...)...)
		cmd.Dir, cmd.Env = dir, []string{"HOME=" + home, "GIT_CONFIG_NOSYSTEM=1"}
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("git %q: %v", args, err)
		}
		return string(out)
	}
	main := tree(t, names("a b/c b/d"))
	git(main, "init", "-q")
	git(main, "add", ".")
	git(main, "commit", "-q", "-m", "first")
	worktree, outer := filepath.Join(t.TempDir(), "wt"), t.TempDir()
	git(main, "worktree", "add", "-q", worktree)
	git(outer, "init", "-q")
	git(outer, "submodule", "--quiet", "add", main, "sub")
	for _, dir := range []string{main, worktree, filepath.Join(outer, "sub")} {
		for _, name := range []string{"new", "b/new"} {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got := filesOf(t, dir, "")
		want := strings.Fields(git(dir, "ls-files", "--others", "--exclude=pyproject.toml"))
		if diff := cmp.Diff(want, got.Untracked); diff != "" || len(want) != 2 || got.Untold != "" {
			t.Errorf("%s: %s; -git +lithe:\n%s", dir, got.Untold, diff)
		}
	}
}
