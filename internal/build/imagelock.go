package build

import (
	"fmt"

	"github.com/lithe-build/lithe/internal/base"
	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/lithelock"
)

// A base that is an image, in lithe.lock and out of it.

func imageToLock(i *base.Image) *lithelock.Image {
	if i == nil {
		return nil
	}
	out := &lithelock.Image{Manifest: i.Manifest, Python: i.Python, ABI: i.ABI, Libc: i.Libc, Interpreter: i.Interpreter,
		User: i.User, Certificates: i.Certificates, Suite: i.Suite, Has: i.Has, Env: i.Env}
	for _, l := range i.Layers {
		out.Layers = append(out.Layers, lithelock.Layer(l))
	}
	return out
}

func lockedImage(i *lithelock.Image) *base.Image {
	if i == nil {
		return nil
	}
	out := &base.Image{Manifest: i.Manifest, Python: i.Python, ABI: i.ABI, Libc: i.Libc, Interpreter: i.Interpreter,
		User: i.User, Certificates: i.Certificates, Suite: i.Suite, Has: i.Has, Env: i.Env}
	for _, l := range i.Layers {
		out.Layers = append(out.Layers, base.ImageLayer(l))
	}
	return out
}

// imageOf returns the base of a platform, nil where it is no image.
func (d *decision) imageOf(platform string) *base.Image {
	selection, _ := d.pins.Selection(platform)
	return selection.Image
}

// consists tells what the base of a platform is made of.
func (d *decision) consists(v *variant) string {
	if image := d.imageOf(v.name()); image != nil {
		return count(len(image.Layers), "layer")
	}
	return count(len(debDigests(d.pins, v.name())), "package")
}

// movedImage tells what another image than before brings.
func movedImage(before, after *base.Pins, platform string) []string {
	old, _ := before.Selection(platform)
	now, _ := after.Selection(platform)
	if old.Image == nil || now.Image == nil || old.Image.Manifest == now.Image.Manifest {
		return nil
	}
	mark := ""
	if len(after.Platforms) > 1 {
		mark = platform + ": "
	}
	moved := []string{fmt.Sprintf("%s%s %s -> %s", mark, after.Name, old.Image.Manifest, now.Image.Manifest)}
	for _, m := range [][3]string{{"python", old.Image.Python, now.Image.Python}, {"libc", old.Image.Libc, now.Image.Libc},
		{"interpreter", old.Image.Interpreter, now.Image.Interpreter}, {"user", old.Image.User, now.Image.User}} {
		if m[1] != m[2] {
			moved = append(moved, fmt.Sprintf("%s%s %s -> %s", mark, m[0], m[1], m[2]))
		}
	}
	return moved
}

// atBase says where the base is named, for problems that have no better place.
func (in *inputs) atBase(err error) error {
	problems, ok := diag.Problems(err)
	pos, configured := in.config.Position("base")
	if !ok || !configured {
		return err
	}
	for _, p := range problems {
		if p.Pos == (diag.Position{}) {
			p.Pos = pos
		}
	}
	return err
}
