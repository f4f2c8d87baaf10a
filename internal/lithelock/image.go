package lithelock

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lithe-build/lithe/internal/toml"
)

// Image is what a base that is an image of a registry consists of on one platform, and what was read off it, so that a
// plan needs no byte of it. See https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md.
type Image struct {
	Manifest     string   // "sha256:<hex>"
	Python       string   // full version
	ABI          string   // "cp313"
	Libc         string   // "glibc-2.41"
	Interpreter  string   // absolute path
	User         string   // "65532:65532"; "" if it names none that can be kept
	Certificates string   // absolute path of the bundle; "" if there is none
	Env          []string // "KEY=value", in the image's order
	Suite        string   // of Debian, "trixie"; "" for other systems
	Has          []string // of the system packages that are asked for, those that the image has itself; sorted
	Layers       []Layer  // the lowest first
}

// Layer is one layer of such an image.
type Layer struct {
	Digest    string // "sha256:<hex>" of the blob
	DiffID    string // "sha256:<hex>" of the tar
	Size      int64  // bytes of the blob
	Unpacked  int64  // bytes of the tar
	MediaType string // OCI's; "" means that of a tar with gzip
}

const (
	maxLayers   = 200      // engines stop at 127
	maxEnv      = 1000     // variables
	maxVariable = 32 << 10 // bytes; a long PATH has one
)

func (w writer) image(i *Image) {
	w.text("manifest", i.Manifest)
	w.text("python", i.Python)
	w.text("abi", i.ABI)
	w.text("libc", i.Libc)
	w.text("interpreter", i.Interpreter)
	w.optional("user", i.User)
	w.optional("certificates", i.Certificates)
	w.optional("suite", i.Suite)
	w.list("has", len(i.Has), func(n int) row { return row{quote(i.Has[n])} })
	w.list("env", len(i.Env), func(n int) row { return row{quote(i.Env[n])} })
	w.list("layers", len(i.Layers), func(n int) row { return i.Layers[n].row() })
}

func (l Layer) row() row {
	r := table("digest", quote(l.Digest), "diff-id", quote(l.DiffID), "size", strconv.FormatInt(l.Size, 10),
		"unpacked", strconv.FormatInt(l.Unpacked, 10))
	if l.MediaType != "" {
		r = append(r, table("media-type", quote(l.MediaType))...)
	}
	return r
}

// imageKeys are the keys of a [[platform]] that is made of an image.
var imageKeys = []string{"manifest", "python", "abi", "libc", "interpreter", "user", "certificates", "suite", "has", "env", "layers"}

// image reads a platform's image, nil where it has none.
func (r *reader) image(t *toml.Table) *Image {
	if !slices.ContainsFunc(imageKeys, t.Has) {
		return nil
	}
	i := &Image{Manifest: r.hash(t, "manifest"), Python: r.text(t, "python", plainVersion), ABI: r.text(t, "abi", abiName),
		Libc: r.text(t, "libc", libcName), Interpreter: r.text(t, "interpreter", absolutePath),
		User: r.optional(t, "user", userNumbers), Certificates: r.optional(t, "certificates", absolutePath), Suite: r.optional(t, "suite", packageName)}
	for n, v := range r.list(t, "has", maxPackages) {
		s, ok := v.Str()
		if !ok || !packageName(s) {
			r.bad(v.Pos, "has[%d] is no name of a package", n)
		}
		i.Has = append(i.Has, s)
	}
	for n, v := range r.list(t, "env", maxEnv) {
		s, ok := v.Str()
		if name, _, set := strings.Cut(s, "="); !ok || !set || name == "" || len(s) > maxVariable || !utf8.ValidString(s) || !plainText(s) {
			r.bad(v.Pos, "env[%d] is no variable KEY=value", n)
		}
		i.Env = append(i.Env, s)
	}
	for _, e := range r.tables(t, "layers", maxLayers) {
		r.only(e, "digest", "diff-id", "size", "unpacked", "media-type")
		i.Layers = append(i.Layers, Layer{Digest: r.hash(e, "digest"), DiffID: r.hash(e, "diff-id"), Size: r.size(e, "size"),
			Unpacked: r.size(e, "unpacked"), MediaType: r.optional(e, "media-type", mediaType)})
	}
	if len(i.Layers) == 0 {
		r.bad(t.KeyPos("layers"), "layers is empty")
	}
	return i
}

// abiName is that of a CPython, such as cp313.
func abiName(s string) bool { return strings.HasPrefix(s, "cp3") && packageName(s) }

// libcName is family and version: glibc-2.41, musl-1.2.
func libcName(s string) bool {
	family, version, _ := strings.Cut(s, "-")
	major, minor, ok := strings.Cut(version, ".")
	return ok && (family == "glibc" || family == "musl") && digits(major) && digits(minor)
}

func digits(s string) bool { return s != "" && len(s) <= 3 && consists(s, "0123456789") }

// absolutePath is one in an image, in its clean form.
func absolutePath(s string) bool { return len(s) > 1 && s[0] == '/' && cleanPath(s[1:]) }

// userNumbers is uid:gid, and the uid is not 0.
func userNumbers(s string) bool {
	uid, gid, ok := strings.Cut(s, ":")
	id := func(s string) bool { return s != "" && len(s) <= 10 && consists(s, "0123456789") }
	return ok && id(uid) && id(gid) && strings.Trim(uid, "0") != ""
}

// mediaType follows RFC 6838, as far as layers need it.
func mediaType(s string) bool {
	return strings.Count(s, "/") == 1 && consists(s, "abcdefghijklmnopqrstuvwxyz0123456789/.+-")
}
