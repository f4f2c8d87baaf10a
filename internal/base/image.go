package base

import (
	"fmt"
	"path"

	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/python/wheeltag"
)

// Image is what a base that is an image consists of on one platform, and what was read off it when it was pinned.
type Image struct {
	Manifest     string       `json:"manifest"` // digest
	Python       string       `json:"python"`
	ABI          string       `json:"abi"`
	Libc         string       `json:"libc"` // "musl-1.2"
	Interpreter  string       `json:"interpreter"`
	User         string       `json:"user,omitempty"`         // "65532:65532"; "" for root
	Certificates string       `json:"certificates,omitempty"` // path of the bundle
	Env          []string     `json:"env,omitempty"`
	Suite        string       `json:"suite,omitempty"` // of Debian, by its os-release; "" for other systems, and where it was not looked at
	Has          []string     `json:"has,omitempty"`   // of the packages that are asked for, those that it has itself; sorted
	Layers       []ImageLayer `json:"layers"`          // the lowest first
}

// ImageLayer is one layer of such an image.
type ImageLayer struct {
	Digest    string `json:"digest"`
	DiffID    string `json:"diffID"`
	Size      int64  `json:"size"`
	Unpacked  int64  `json:"unpacked"`            // bytes of the tar
	MediaType string `json:"mediaType,omitempty"` // "" means OCI's, of a tar with gzip
}

// DiffIDs lists those of an image's layers, the lowest first; none of no image.
func (i *Image) DiffIDs() (all []string) {
	if i == nil {
		return nil
	}
	for _, l := range i.Layers {
		all = append(all, l.DiffID)
	}
	return all
}

// IsImage reports a base that is an image of a registry.
func (p *Pins) IsImage() bool { return p.Image != "" }

// Repository returns where the layers of an image are: "docker.io/library/python".
func (p *Pins) Repository() string { return repository(p.Name) }

// facts is what the plan must know of the image.
func (i *Image) facts() (Facts, error) {
	libc, err := wheeltag.ParseLibc(i.Libc)
	if err != nil {
		return Facts{}, badPin("%v", err)
	}
	if i.ABI != abiOf(i.Python) {
		return Facts{}, badPin("Python %s has not the ABI %s", i.Python, i.ABI)
	}
	return Facts{Python: i.Python, ABI: i.ABI, Libc: libc, Interpreter: i.Interpreter}, nil
}

func abiOf(python string) string { return fmt.Sprintf("cp3%d", MinorNumber(python)) }

// Skeleton returns the files that stand above an image's own, before anything is installed: the virtual environment on
// its interpreter, and a /tmp.
func Skeleton(f Facts) []entry.Entry {
	return tidy(append(venvFiles(f), tmp), nil)
}

// venvFiles is a virtual environment without anything installed.
// See https://docs.python.org/3/library/venv.html and PEP 405.
func venvFiles(f Facts) []entry.Entry {
	program := "python" + f.Minor()
	config := "home = " + path.Dir(f.Interpreter) + "\n" +
		"include-system-site-packages = false\n" +
		"version = " + f.Python + "\n" +
		"executable = " + f.Interpreter + "\n"
	return []entry.Entry{
		entry.NewDir("venv"),
		entry.NewDir("venv/bin"),
		entry.NewSymlink("venv/bin/python", f.Interpreter),
		entry.NewSymlink("venv/bin/python3", "python"),
		entry.NewSymlink("venv/bin/"+program, "python"),
		entry.NewDir("venv/lib"),
		entry.NewDir("venv/lib/" + program),
		entry.NewDir("venv/lib/" + program + "/site-packages"),
		entry.NewFile("venv/pyvenv.cfg", []byte(config), false),
	}
}
