package maintscript

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/lithe-build/lithe/internal/entry"
)

// operands splits arguments into options and the rest.
func operands(args []string) (options, rest []string) {
	for n, a := range args {
		switch {
		case a == "--":
			return options, append(rest, args[n+1:]...)
		case strings.HasPrefix(a, "-") && a != "-":
			options = append(options, a)
		default:
			rest = append(rest, a)
		}
	}
	return options, rest
}

// within reports that all options are among some.
func within(options []string, allowed ...string) bool {
	return !slices.ContainsFunc(options, func(o string) bool { return !slices.Contains(allowed, o) })
}

// alternatives is update-alternatives. Only --install adds something; what it removes is of older versions.
func alternatives(m *machine, args []string) (status, bool) {
	args = slices.DeleteFunc(slices.Clone(args), func(a string) bool { return a == "--quiet" || a == "--force" })
	if len(args) == 0 {
		return maybe, false
	}
	switch args[0] {
	case "--remove", "--remove-all", "--auto":
		return success, true
	case "--list", "--query", "--display":
		return failure, true // older versions' choices
	case "--install":
	default:
		return maybe, false
	}
	if len(args) < 5 {
		return maybe, false
	}
	priority, err := strconv.Atoi(args[4])
	a := Alternative{Link: args[1], Name: args[2], Path: args[3], Priority: priority}
	rest := args[5:]
	for ; len(rest) >= 4 && rest[0] == "--slave"; rest = rest[4:] {
		a.Slaves = append(a.Slaves, Alternative{Link: rest[1], Name: rest[2], Path: rest[3]})
	}
	if err != nil || len(rest) > 0 || !a.clean() {
		return maybe, false
	}
	same := func(b Alternative) bool { return a.Link == b.Link && a.Name == b.Name && a.Path == b.Path }
	if m.doubtful() && slices.ContainsFunc(m.result.Alternatives, same) {
		return success, true // it is a candidate whether the script gets here or not
	}
	m.result.Alternatives = append(m.result.Alternatives, a)
	return success, true
}

// clean reports absolute paths, and a name that is one.
func (a Alternative) clean() bool {
	ok := cleanPath(a.Link) && cleanPath(a.Path) && a.Name != "" && !strings.ContainsAny(a.Name, "/\x00\n")
	return ok && !slices.ContainsFunc(a.Slaves, func(s Alternative) bool { return !s.clean() })
}

// cleanPath reports an absolute path without detours.
func cleanPath(p string) bool {
	return path.IsAbs(p) && path.Clean(p) == p && p != "/" && !strings.ContainsAny(p, "\x00\n") && len(p) < 4096
}

func certificates(m *machine, _ []string) (status, bool) {
	m.result.Certificates = true
	return success, true
}

// makeDirs is mkdir.
func makeDirs(m *machine, args []string) (status, bool) {
	args = withoutMode(args)
	options, dirs := operands(args)
	if !within(options, "-p", "--parents", "-v") {
		return maybe, false
	}
	for _, d := range dirs {
		d = path.Clean(d)
		if _, there := m.lookup(d, true); there || beyond(d) {
			continue
		}
		if !cleanPath(d) {
			return maybe, false
		}
		m.made[d] = entry.Dir
		m.result.Dirs = append(m.result.Dirs, d)
	}
	return success, true
}

// withoutMode leaves out who may do what, which is the same for all files of an image.
func withoutMode(args []string) []string {
	var out []string
	for n := 0; n < len(args); n++ {
		switch {
		case slices.Contains([]string{"-m", "-o", "-g", "--mode", "--owner", "--group"}, args[n]):
			n++
		case strings.HasPrefix(args[n], "-m") || strings.HasPrefix(args[n], "--mode=") || strings.HasPrefix(args[n], "--owner=") ||
			strings.HasPrefix(args[n], "--group="):
		default:
			out = append(out, args[n])
		}
	}
	return out
}

// installDirs is install with -d, which makes folders, or of nothing, which makes an empty file.
func installDirs(m *machine, args []string) (status, bool) {
	args = withoutMode(args)
	options, dirs := operands(args)
	if len(options) == 0 && len(dirs) == 2 && dirs[0] == "/dev/null" && cleanPath(dirs[1]) {
		m.makeFile(dirs[1])
		return success, true
	}
	if !slices.Contains(options, "-d") || !within(options, "-d") {
		return maybe, false
	}
	return makeDirs(m, dirs)
}

func touch(m *machine, args []string) (status, bool) {
	options, files := operands(args)
	for _, f := range files {
		if !cleanPath(f) {
			return maybe, false
		}
		m.makeFile(f)
	}
	return success, len(options) == 0
}

// link is ln -s. What stands at the link's place is left to it with -f alone.
func link(m *machine, args []string) (status, bool) {
	options, files := operands(args)
	symbolic := slices.ContainsFunc(options, func(o string) bool { return strings.Contains(o, "s") })
	if !within(options, "-s", "-sf", "-fs", "-f", "-n", "-sfn", "-nfs", "-snf", "-v") || !symbolic || len(files) != 2 {
		return maybe, false
	}
	target, at := files[0], files[1]
	if e, there := m.lookup(at, true); there && e.Type == entry.Dir {
		at = path.Join(at, path.Base(target))
	}
	at = path.Clean(at)
	e, there := m.lookup(at, false)
	if there && e.Type != entry.Symlink || !cleanPath(at) || target == "" || strings.ContainsAny(target, "\x00\n") {
		return maybe, false
	}
	m.made[at] = entry.Symlink
	m.result.Links = append(m.result.Links, Link{at, target})
	return success, true
}

// copyFile is cp of one file that the image has.
func copyFile(m *machine, args []string) (status, bool) {
	options, files := operands(args)
	if !within(options, "-a", "-p", "-f", "-n", "-v", "-dp", "-pZ", "--preserve") || len(files) != 2 {
		return maybe, false
	}
	return m.copies(files[0], files[1])
}

func (m *machine) copies(from, to string) (status, bool) {
	if e, there := m.lookup(to, true); there && e.Type == entry.Dir {
		to = path.Join(to, path.Base(from))
	}
	from, to = path.Clean(from), path.Clean(to)
	e, there := m.system.Lookup(from, true)
	if !there || e.Type != entry.File || !cleanPath(from) || !cleanPath(to) {
		return maybe, false
	}
	if beyond(to) {
		return success, true
	}
	m.made[to] = entry.File
	m.result.Copies = append(m.result.Copies, Copy{from, to})
	return success, true
}

// ucf puts a configuration file in its place, unless there is one.
func ucf(m *machine, args []string) (status, bool) {
	options, files := operands(args)
	if slices.Contains(options, "--purge") || slices.Contains(options, "-p") {
		return success, true
	}
	if !within(options, "--three-way", "--debconf-ok", "--sum-file") || len(files) != 2 {
		return maybe, false
	}
	if _, there := m.lookup(files[1], true); there {
		return success, true
	}
	return m.copies(files[0], files[1])
}

// remove is rm of what is not there: on a fresh installation it cleans up after versions that never were.
func remove(m *machine, args []string) (status, bool) {
	_, files := operands(args)
	for _, f := range files {
		if _, there := m.lookup(f, false); there || !path.IsAbs(f) && f != "" {
			return maybe, beyond(f)
		}
	}
	return success, true
}

// move is mv of what is not there.
func move(m *machine, args []string) (status, bool) {
	_, files := operands(args)
	if len(files) != 2 {
		return maybe, false
	}
	_, there := m.lookup(files[0], false)
	return failure, !there && path.IsAbs(files[0])
}

// divert is dpkg-divert. It concerns files of packages that are installed later, but for one that is there already.
func divert(m *machine, args []string) (status, bool) {
	if slices.Contains(args, "--remove") || slices.Contains(args, "--list") || slices.Contains(args, "--no-rename") ||
		slices.Contains(args, "--listpackage") || slices.Contains(args, "--truename") {
		return success, true
	}
	_, there := m.lookup(args[len(args)-1], false)
	return success, !there
}

// override is dpkg-statoverride, which says who may do what: the same for all files of an image.
func override(_ *machine, args []string) (status, bool) {
	return success, slices.Contains(args, "--add") || slices.Contains(args, "--remove")
}

// dpkg asks for the architecture or a package's state.
func dpkg(_ *machine, args []string) (status, bool) {
	asks := []string{"--print-architecture", "--print-foreign-architectures", "-s", "--status", "-l", "-L", "--listfiles", "-S", "--verify"}
	return maybe, len(args) > 0 && slices.Contains(asks, args[0])
}

// find looks for files, unless it is told to do something with them.
func find(_ *machine, args []string) (status, bool) {
	does := func(a string) bool {
		return strings.HasPrefix(a, "-exec") || a == "-delete" || strings.HasPrefix(a, "-ok") || strings.HasPrefix(a, "-fprint")
	}
	return maybe, !slices.ContainsFunc(args, does)
}

// sed prints, unless it changes files in place or by its own commands.
func sed(_ *machine, args []string) (status, bool) {
	changes := func(a string) bool { return strings.HasPrefix(a, "-i") || strings.HasPrefix(a, "--in-place") }
	return maybe, !slices.ContainsFunc(args, changes)
}

// where is a command that makes a cache of the files in a folder: it does nothing where there are none.
func where(dir, ext string) func(*machine, []string) (status, bool) {
	return func(m *machine, _ []string) (status, bool) {
		return success, !slices.ContainsFunc(m.system.Names(dir), func(name string) bool { return path.Ext(name) == ext })
	}
}

// fontmaps is update-gsfontmap, which joins the lists of fonts of all packages.
func fontmaps(m *machine, _ []string) (status, bool) {
	for dir, to := range map[string]string{"/etc/ghostscript/fontmap.d": "Fontmap", "/etc/ghostscript/cidfmap.d": "cidfmap"} {
		j := Join{To: "/var/lib/ghostscript/fonts/" + to}
		for _, name := range m.system.Names(dir) {
			if path.Ext(name) == ".conf" {
				j.From = append(j.From, dir+"/"+name)
			}
		}
		m.result.Joins = append(m.result.Joins, j)
	}
	slices.SortFunc(m.result.Joins, func(a, b Join) int { return strings.Compare(a.To, b.To) })
	return success, true
}

// odbcinst registers the driver of a package with unixODBC.
func odbcinst(m *machine, args []string) (status, bool) {
	if len(args) != 4 || !slices.Equal(args[:3], []string{"-i", "-d", "-f"}) || !cleanPath(args[3]) {
		return maybe, false
	}
	m.result.Joins = append(m.result.Joins, Join{From: []string{args[3]}, To: "/etc/odbcinst.ini"})
	return success, true
}

// mysqlConfiguration is a script of mysql-common, which makes one package's configuration the one that clients read.
func mysqlConfiguration(m *machine, args []string) (status, bool) {
	if len(args) != 3 || args[0] != "install" {
		return maybe, false
	}
	return alternatives(m, []string{"--install", "/etc/mysql/my.cnf", "my.cnf", args[2], "200"})
}
