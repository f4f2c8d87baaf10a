// Package pyindex makes wheels and package indexes for tests, and the lock files that go with them.
//
// A Wheel is described by its name, version and files; the same description gives the same bytes. An Index serves any
// number of them over loopback in the forms of the simple API, counts what is asked for, and breaks a promise on
// request. UVLock and PoetryLock lock a pyproject.toml against an index as uv and Poetry would. Everything but the
// address of an index is a function of its description.
// See https://packaging.python.org/en/latest/specifications/simple-repository-api/ and
// https://packaging.python.org/en/latest/specifications/binary-distribution-format/.
package pyindex

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/klauspost/compress/flate"
)

// Wheel describes a wheel. Its module is named as the distribution, with underscores.
type Wheel struct {
	Name, Version  string
	Tag            string            // "" means "py3-none-any"
	RequiresPython string            // "" means any
	Requires       []string          // dependencies, in the form of PEP 508
	Files          map[string]string // beside the module's __init__.py, by path in the wheel
	Scripts        map[string]string // console scripts: name to "module:function"
	Size           int               // the least size of the file in bytes; a data file without any pattern fills it up
	// Raw is served in place of all that, under the file name that File gives, or that name, version and tag make.
	Raw  []byte
	File string
}

// Filename returns the name of the file.
func (w Wheel) Filename() string {
	if w.File != "" {
		return w.File
	}
	return w.stem() + "-" + orElse(w.Tag, "py3-none-any") + ".whl"
}

// Hash returns the hash as lock files write it.
func (w Wheel) Hash() string {
	sum := sha256.Sum256(w.Bytes())
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Bytes returns the file.
func (w Wheel) Bytes() []byte {
	if w.Raw != nil {
		return w.Raw
	}
	files := w.files()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	// Not the standard library's compressor, whose output may change with the toolchain: digests are golden.
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, 6) })
	record := ""
	for _, path := range slices.Sorted(maps.Keys(files)) {
		add(z, path, files[path])
		record += recordRow(path, files[path])
	}
	path := w.distInfo() + "/RECORD"
	add(z, path, record+path+",,\n")
	must(z.Close())
	return out.Bytes()
}

// files returns everything but RECORD.
func (w Wheel) files() map[string]string {
	info := w.distInfo() + "/"
	files := map[string]string{
		w.module() + "/__init__.py": fmt.Sprintf("__version__ = %q\n", w.Version),
		info + "METADATA":           w.metadata(),
		info + "WHEEL":              w.wheel(),
	}
	if len(w.Scripts) > 0 {
		files[info+"entry_points.txt"] = w.entryPoints()
	}
	if w.Size > 0 {
		files[w.module()+"/data.bin"] = noise(w.stem(), w.Size)
	}
	maps.Copy(files, w.Files)
	return files
}

func (w Wheel) metadata() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Metadata-Version: 2.1\nName: %s\nVersion: %s\n", w.Name, w.Version)
	if w.RequiresPython != "" {
		fmt.Fprintf(&b, "Requires-Python: %s\n", w.RequiresPython)
	}
	for _, r := range w.Requires {
		fmt.Fprintf(&b, "Requires-Dist: %s\n", r)
	}
	return b.String()
}

func (w Wheel) wheel() string {
	tag := orElse(w.Tag, "py3-none-any")
	pure := strings.HasSuffix(tag, "-any")
	return fmt.Sprintf("Wheel-Version: 1.0\nGenerator: pyindex\nRoot-Is-Purelib: %t\nTag: %s\n", pure, tag)
}

func (w Wheel) entryPoints() string {
	text := "[console_scripts]\n"
	for _, name := range slices.Sorted(maps.Keys(w.Scripts)) {
		text += name + " = " + w.Scripts[name] + "\n"
	}
	return text
}

func (w Wheel) module() string { return strings.NewReplacer("-", "_", ".", "_").Replace(w.Name) }

func (w Wheel) stem() string { return w.module() + "-" + w.Version }

func (w Wheel) distInfo() string { return w.stem() + ".dist-info" }

func add(z *zip.Writer, path, content string) {
	f, err := z.CreateHeader(&zip.FileHeader{Name: path, Method: zip.Deflate})
	must(err)
	_, err = io.WriteString(f, content)
	must(err)
}

func recordRow(path, content string) string {
	sum := sha256.Sum256([]byte(content))
	return fmt.Sprintf("%s,sha256=%s,%d\n", path, base64.RawURLEncoding.EncodeToString(sum[:]), len(content))
}

// noise returns bytes that no compressor makes smaller, the same for the same name.
func noise(name string, size int) string {
	out := make([]byte, size)
	_, err := rand.NewChaCha8(sha256.Sum256([]byte(name))).Read(out)
	must(err)
	return string(out)
}

func orElse(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// must panics: only a wrong description in a test can get here.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
