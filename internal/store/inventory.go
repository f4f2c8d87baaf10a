package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Kind says what something in the store is, in the words of `lithe cache ls`.
type Kind string

// The kinds, in the order in which they are listed. Blobs are told apart by their first bytes.
const (
	Wheels     Kind = "wheels"
	Debs       Kind = "debs"        // Debian packages
	Indexes    Kind = "indexes"     // what package indexes, mirrors and registries answered, and what was made of it
	BaseImages Kind = "base images" // layers that somebody else made
	Layers     Kind = "layers"      // layers that lithe made
	Bytecode   Kind = "bytecode"
	Records    Kind = "records" // facts about layers, wheels and answers
	Roots      Kind = "roots"   // unpacked layers, and root file systems of them
	Partial    Kind = "partial" // downloads to go on with
	Temporary  Kind = "temporary"
	Other      Kind = "other" // of another release of lithe
)

// Kinds returns all kinds in order.
func Kinds() []Kind {
	return []Kind{Wheels, Debs, Indexes, BaseImages, Layers, Bytecode, Records, Roots, Partial, Temporary, Other}
}

// Object is one thing in the store, which can go without any other.
type Object struct {
	Kind Kind
	Path string    // relative to the store
	Used time.Time // to within an hour
	Size int64     // bytes of its files; what it shares with another object counts there as well

	shared []sharedFile // files with several names, such as those of a root
}

// sharedFile is a file that may be in several objects.
type sharedFile struct {
	id   fileID
	size int64
}

// Usage is what a store holds.
type Usage struct {
	Objects []Object
	Size    int64 // bytes; a file counts once, however many names it has

	names map[fileID]int // of shared files: in how many places they are
}

// Usage lists what is in the store. What runs make or remove meanwhile may be in it or not.
func (s *Store) Usage(ctx context.Context) (*Usage, error) {
	u := &Usage{names: map[fileID]int{}}
	for _, part := range []struct {
		folder string
		depth  int // of the folders between it and its objects
		kind   func(path string) Kind
	}{
		{"blobs", 2, s.blobKind},
		{"records", 1, recordKind},
		{"dirs", 1, dirKind},
		{"partial", 1, func(string) Kind { return Partial }},
		{"tmp", 0, func(string) Kind { return Temporary }},
	} {
		err := s.objects(ctx, part.folder, part.depth, func(path string, d fs.DirEntry) error {
			return u.add(s.dir, path, d, part.kind)
		})
		if err != nil {
			return nil, s.explain(err)
		}
	}
	return u, nil
}

// objects calls found for everything that lies this many folders below a folder of the store, in the order of paths.
func (s *Store) objects(ctx context.Context, folder string, depth int, found func(path string, d fs.DirEntry) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	entries, err := os.ReadDir(filepath.Join(s.dir, folder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, d := range entries {
		path := filepath.Join(folder, d.Name())
		if depth > 0 && d.IsDir() {
			err = s.objects(ctx, path, depth-1, found)
		} else {
			err = found(path, d)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// add counts an object. Aliases of blobs cost nothing and go with their blob.
func (u *Usage) add(store, path string, d fs.DirEntry, kind func(string) Kind) error {
	info, err := d.Info()
	if errors.Is(err, fs.ErrNotExist) || d.Type() == fs.ModeSymlink {
		return nil
	}
	if err != nil {
		return err
	}
	o := Object{Kind: kind(path), Path: path, Used: info.ModTime()}
	err = filepath.WalkDir(filepath.Join(store, path), func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return gone(err)
		}
		info, err := d.Info()
		if err != nil || !info.Mode().IsRegular() {
			return gone(err)
		}
		u.count(&o, info)
		return nil
	})
	u.Objects = append(u.Objects, o)
	return err
}

// count adds a file to an object and to the whole.
func (u *Usage) count(o *Object, info fs.FileInfo) {
	o.Size += info.Size()
	id, shared := identify(info)
	if !shared {
		u.Size += info.Size()
		return
	}
	o.shared = append(o.shared, sharedFile{id, info.Size()})
	if u.names[id]++; u.names[id] == 1 {
		u.Size += info.Size()
	}
}

// remove takes an object out of the sum.
func (u *Usage) remove(o Object) {
	u.Size -= o.Size
	for _, f := range o.shared {
		if u.names[f.id]--; u.names[f.id] > 0 {
			u.Size += f.size // it is still somewhere else
		}
	}
}

// KindUsage is what a store holds of one kind.
type KindUsage struct {
	Kind    Kind      `json:"kind"`
	Count   int       `json:"count"`
	Size    int64     `json:"size"`    // bytes; what several kinds share counts in the first
	Used    time.Time `json:"used"`    // when any was last used
	Longest time.Time `json:"longest"` // when the one was last used that was unused for longest
}

// ByKind sums up objects by kind, those that there are, in order. The sizes add up to that of the whole.
func ByKind(objects []Object) []KindUsage {
	var all []KindUsage
	seen := map[fileID]bool{}
	for _, kind := range Kinds() {
		sum := KindUsage{Kind: kind}
		for _, o := range objects {
			if o.Kind == kind {
				sum.add(o, seen)
			}
		}
		if sum.Count > 0 {
			all = append(all, sum)
		}
	}
	return all
}

// add counts an object, but for files that others have shown before.
func (k *KindUsage) add(o Object, seen map[fileID]bool) {
	k.Count++
	k.Size += o.Size
	for _, f := range o.shared {
		if seen[f.id] {
			k.Size -= f.size
		}
		seen[f.id] = true
	}
	if o.Used.After(k.Used) {
		k.Used = o.Used
	}
	if k.Longest.IsZero() || o.Used.Before(k.Longest) {
		k.Longest = o.Used
	}
}

// gone takes away the error of what was removed while somebody looked, which is nobody's trouble.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Kinds of what is not a blob, by the folder that it is in.
func recordKind(path string) Kind {
	switch second(path) {
	case "bytecode":
		return Bytecode
	case "partial":
		return Partial
	}
	return Records
}

func dirKind(path string) Kind {
	if name := second(path); name == "layers" || name == "roots" {
		return Roots
	}
	return Other
}

// second returns the second element of a path.
func second(path string) string {
	parts := strings.Split(filepath.ToSlash(path), "/")
	return parts[min(1, len(parts)-1)]
}
