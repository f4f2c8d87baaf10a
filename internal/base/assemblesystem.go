package base

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/debian/maintscript"
	"github.com/lithe-build/lithe/internal/entry"
)

// systemMaker makes the part of the system packages, which stands on base and interpreter and changes neither: with and
// without system packages, those two are the same layers.
type systemMaker struct {
	arch   string
	ground []*unpacked   // packages of base and interpreter
	lower  []entry.Entry // of their parts
	added  []*unpacked   // system packages
	wants  []Want
	accept []string
	image  *imageGround // what lower is of, nil for a base of packages
}

// make returns the part: files, what maintainer scripts would have made, files of the base that the packages cannot do
// without, the cache of libraries, and what scanners read.
func (s *systemMaker) make() (Part, error) {
	part := Part{Kind: KindSystem}
	dropEmptied(s.added)
	for _, u := range s.added {
		part.Packages = append(part.Packages, u.pin.Name+"="+u.pin.Version)
		part.Entries = append(part.Entries, u.entries...)
	}
	records, err := s.records()
	if err != nil {
		return Part{}, err
	}
	part.Entries = append(part.Entries, records...)
	part.Entries = append(part.Entries, s.restored()...)
	made, err := s.scripted(part.Entries)
	if err != nil {
		return Part{}, err
	}
	part.Entries = append(part.Entries, made...)
	part.Entries = append(part.Entries, s.newMergeLinks(part.Entries)...)
	cache, err := s.libraries(part.Entries)
	if err != nil {
		return Part{}, err
	}
	part.Entries = tidy(append(part.Entries, cache...), s.lower)
	if s.image != nil {
		part.Entries, err = s.image.above(part.Entries)
		return part, err
	}
	return part, checkUpper(part.Entries, s.lower)
}

// records returns what scanners read of the packages.
func (s *systemMaker) records() ([]entry.Entry, error) {
	if s.image != nil {
		return s.image.records(s.added)
	}
	var out []entry.Entry
	for _, u := range s.added {
		records, err := database(u.pin.Name, u.control, u.entries)
		if err != nil {
			return nil, err
		}
		out = append(out, records...)
	}
	return out, nil
}

// files is what a maintainer script can look at, with entries above those of the base.
func (s *systemMaker) files(entries ...[]entry.Entry) *imageFiles {
	upper := slices.Concat(entries...)
	if s.image == nil {
		return newImageFiles(slices.Concat(s.lower, upper))
	}
	f := newImageFiles(slices.Concat(s.image.seen(), upper))
	f.accounts = s.image.accounts
	for _, p := range s.image.packages {
		f.packages[p.Name] = true
	}
	for _, u := range s.added {
		f.packages[u.pin.Name] = true
	}
	return f
}

// newMergeLinks returns the links that the base did not need: lib32 beside usr/lib32.
func (s *systemMaker) newMergeLinks(entries []entry.Entry) []entry.Entry {
	return slices.DeleteFunc(mergeLinks(entries), func(e entry.Entry) bool {
		return slices.ContainsFunc(s.lower, func(l entry.Entry) bool { return l.Path == e.Path })
	})
}

// libraries returns a cache of the libraries of the whole image, unless the one below says the same.
func (s *systemMaker) libraries(entries []entry.Entry) ([]entry.Entry, error) {
	whole := slices.Concat(s.lower, entries)
	cache, err := libraryCache(latest(whole), s.arch)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(s.lower, func(e entry.Entry) bool { return e.Path == cacheFile })
	if i < 0 && s.image != nil {
		return cache[:len(cache)-1], nil // the loader looks into its folders
	}
	if i < 0 {
		return cache, nil
	}
	before, err := s.lower[i].Read()
	if err != nil {
		return nil, err
	}
	now, err := cache[len(cache)-1].Read()
	if err == nil && bytes.Equal(before, now) {
		cache = cache[:len(cache)-1]
	}
	return cache, err
}

// latest leaves the last entry of each path, as layers do.
func latest(entries []entry.Entry) []entry.Entry { return tidy(entries, nil) }

// checkUpper refuses a file where the base has a folder, and a path through what the base has as a file or link.
func checkUpper(entries, lower []entry.Entry) error {
	below, free := map[string]entry.Type{}, map[string]bool{} // free are folders that nothing is in the way of
	for _, e := range lower {
		below[e.Path] = e.Type
	}
	for _, e := range entries {
		if t, ok := below[e.Path]; ok && t != e.Type && (t == entry.Dir || e.Type == entry.Dir) {
			return fmt.Errorf("system packages have /%s, which is of another kind in the base", e.Path)
		}
		for dir := path.Dir(e.Path); dir != "." && !free[dir]; dir = path.Dir(dir) {
			free[dir] = true
			if t, ok := below[dir]; ok && t != entry.Dir {
				return fmt.Errorf("system packages have /%s, but /%s of the base is no directory", e.Path, dir)
			}
		}
	}
	return nil
}

// scripted follows the packages' maintainer scripts, and makes what they would have made.
func (s *systemMaker) scripted(entries []entry.Entry) ([]entry.Entry, error) {
	image := s.files(entries)
	all, err := followScripts(s.added, image, s.accept)
	if err != nil {
		return nil, err
	}
	var out []entry.Entry
	var alternatives []maintscript.Alternative
	var users []maintscript.User
	var groups []string
	var joins []maintscript.Join
	certificates := false
	for _, effects := range all {
		joins = append(joins, effects.Joins...)
		made, err := filesOf(effects, image)
		if err != nil {
			return nil, err
		}
		out = append(out, made...)
		alternatives = append(alternatives, effects.Alternatives...)
		users = append(users, effects.Users...)
		groups = append(groups, effects.Groups...)
		certificates = certificates || effects.Certificates
	}
	out = append(out, chosen(alternatives, s.files(entries, out))...)
	joined, err := joinedFiles(joins, image)
	if err != nil {
		return nil, err
	}
	out = append(out, joined...)
	if len(users)+len(groups) > 0 {
		out = append(out, image.accounts.with(users, groups)...)
	}
	if certificates {
		bundle, err := concatenate(s.certificates(entries))
		if err != nil {
			return nil, err
		}
		out = append(out, entry.NewFile(caBundle, bundle, false))
	}
	return out, nil
}

// certificates returns those of the base and those that system packages add.
func (s *systemMaker) certificates(entries []entry.Entry) []entry.Entry {
	var all []entry.Entry
	for _, u := range s.ground {
		all = append(all, u.used...)
	}
	for _, e := range entries {
		for _, dir := range []string{"usr/share/ca-certificates/", "usr/local/share/ca-certificates/"} {
			if e.Type == entry.File && strings.HasPrefix(e.Path, dir) && path.Ext(e.Path) == ".crt" {
				all = append(all, e)
			}
		}
	}
	return all
}

// filesOf turns effects into entries, usr-merged.
func filesOf(effects maintscript.Effects, image *imageFiles) ([]entry.Entry, error) {
	var out []entry.Entry
	for _, d := range effects.Dirs {
		out = append(out, entry.NewDir(mergedPath(d[1:])))
	}
	for _, f := range effects.Files {
		out = append(out, entry.NewFile(mergedPath(f[1:]), nil, false))
	}
	for _, l := range effects.Links {
		to := mergedPath(l.Path[1:])
		out = append(out, entry.NewSymlink(to, mergedLink(l.Path[1:], to, l.Target)))
	}
	for _, c := range effects.Copies {
		from, ok := image.Lookup(c.From, true)
		if !ok || from.Type != entry.File {
			return nil, fmt.Errorf("a maintainer script copies %s, which is not there", c.From)
		}
		from.Path = mergedPath(c.To[1:])
		out = append(out, from)
	}
	return out, nil
}

// joinedFiles makes files to which several packages add: what the image has at the place, then what each brings, once.
func joinedFiles(joins []maintscript.Join, image *imageFiles) ([]entry.Entry, error) {
	from, known := map[string][]string{}, map[[2]string]bool{}
	for _, j := range joins {
		if from[j.To] == nil {
			from[j.To] = []string{j.To}
		}
		for _, f := range j.From {
			if at := [2]string{j.To, f}; !known[at] && f != j.To {
				known[at] = true
				from[j.To] = append(from[j.To], f)
			}
		}
	}
	var out []entry.Entry
	for _, to := range slices.Sorted(maps.Keys(from)) {
		var whole bytes.Buffer
		for _, f := range from[to] {
			e, ok := image.Lookup(f, true)
			if !ok || e.Type != entry.File {
				continue
			}
			data, err := e.Read()
			if err != nil {
				return nil, err
			}
			whole.Write(data)
		}
		out = append(out, entry.NewFile(mergedPath(to[1:]), whole.Bytes(), false))
	}
	return out, nil
}

// chosen makes the links of alternatives: of each name the candidate with the highest priority, ties by path, with those
// of its slaves that are there. A candidate whose file is not there is none.
func chosen(all []maintscript.Alternative, image *imageFiles) []entry.Entry {
	best := map[string]maintscript.Alternative{}
	for _, a := range all {
		old, ok := best[a.Name]
		if _, there := image.Lookup(a.Path, true); !there || ok &&
			(old.Priority > a.Priority || old.Priority == a.Priority && old.Path <= a.Path) {
			continue
		}
		best[a.Name] = a
	}
	var out []entry.Entry
	link := func(a maintscript.Alternative) {
		if e, there := image.Lookup(a.Link, false); there && e.Type != entry.Symlink {
			return // update-alternatives leaves what a package has at the link's place
		}
		out = append(out, entry.NewSymlink("etc/alternatives/"+a.Name, a.Path),
			entry.NewSymlink(mergedPath(a.Link[1:]), "/etc/alternatives/"+a.Name))
	}
	for _, name := range slices.Sorted(maps.Keys(best)) {
		link(best[name])
		for _, slave := range best[name].Slaves {
			if _, there := image.Lookup(slave.Path, true); there {
				link(slave)
			}
		}
	}
	return out
}

// Numbers of accounts that installations hand out by themselves (policy 9.2.2): from the highest down, as sysusers does.
const highestAccount = 999

// accountFiles are /etc/passwd and /etc/group of what packages stand on.
type accountFiles struct{ passwd, group string }

// with returns passwd and group with the accounts of services. Numbers go by name, so that they do not depend on the
// order of packages; files of an image are root's, so that the accounts serve programs which look a name up.
func (a accountFiles) with(users []maintscript.User, groups []string) []entry.Entry {
	byName := map[string]maintscript.User{}
	numbers := map[string]int{}
	taken := map[int]bool{}
	for _, g := range groups {
		numbers[g] = 0
	}
	for _, u := range users {
		byName[u.Name] = u
		numbers[u.Name] = u.ID
		taken[u.ID] = true
	}
	for _, u := range byName {
		if u.Group != "" && !hasLine(a.group, u.Group) && numbers[u.Group] == 0 {
			numbers[u.Group] = 0
		}
	}
	next := highestAccount
	for _, name := range slices.Sorted(maps.Keys(numbers)) {
		if numbers[name] != 0 {
			continue
		}
		for taken[next] {
			next--
		}
		numbers[name], taken[next] = next, true
	}
	var p, g strings.Builder
	p.WriteString(a.passwd)
	g.WriteString(a.group)
	for _, name := range slices.Sorted(maps.Keys(numbers)) {
		own := true
		if u, ok := byName[name]; ok {
			gid := numbers[name]
			if u.Group == "nogroup" {
				gid, own = 65534, false
			} else if n := numbers[u.Group]; n != 0 {
				gid, own = n, u.Group == name
			}
			fmt.Fprintf(&p, "%s:x:%d:%d::%s:%s\n", name, numbers[name], gid, u.Home, u.Shell)
		}
		if own && !hasLine(a.group, name) {
			fmt.Fprintf(&g, "%s:x:%d:\n", name, numbers[name])
		}
	}
	return []entry.Entry{entry.NewFile("etc/passwd", []byte(p.String()), false), entry.NewFile("etc/group", []byte(g.String()), false)}
}
