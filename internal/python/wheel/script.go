package wheel

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/diag"
	"github.com/lithe-build/lithe/internal/entry"
)

// maxScript caps scripts whose first line is rewritten; programs (ruff, uv) are larger, and are not rewritten.
const maxScript = 4 << 20

// addScript adds a file of .data/scripts: always executable, with "#!python" made the environment's interpreter.
func (in *Installed) addScript(w *Wheel, f File, target string) error {
	head, err := readHead(f, 256)
	if err != nil {
		return w.errorf("%s: %w", f.Path, err)
	}
	if !bytes.HasPrefix(head, []byte("#!python")) {
		in.reportInterpreter(w, f.Path, head)
		in.addCommand(entry.Entry{Path: target, Mode: entry.FileMode(true), Size: f.Size, Content: f.Content}, f.SHA256)
		return nil
	}
	data, _, err := w.read(f.Path, maxScript)
	if err != nil {
		return err
	}
	in.addProgram(target, fixShebang(data, in.scheme.Interpreter))
	return nil
}

// addScripts writes the programs of the entry points. Like pip, they win over a script of the same name, since that
// is the same command in the way of older tools.
func (in *Installed) addScripts(w *Wheel) {
	bin := in.scheme.Prefix + "/bin/"
	older := map[string]bool{}
	for _, e := range w.Scripts {
		if _, ok := in.rows[bin+e.Name]; ok {
			older[bin+e.Name] = true
		}
	}
	in.remove(older)
	for _, e := range w.Scripts {
		in.addProgram(bin+e.Name, e.script(in.scheme.Interpreter))
	}
}

// addProgram adds a command whose contents are ours.
func (in *Installed) addProgram(target string, data []byte) {
	in.addCommand(entry.NewFile(target, data, true), sha256.Sum256(data))
}

// addCommand adds an entry in bin, and remembers it unless it is dropped.
func (in *Installed) addCommand(e entry.Entry, sum [32]byte) {
	if in.add(e, sum) {
		in.Scripts = append(in.Scripts, e.Path)
	}
}

// remove takes scripts out again.
func (in *Installed) remove(targets map[string]bool) {
	for target := range targets {
		delete(in.rows, target)
	}
	in.Entries = slices.DeleteFunc(in.Entries, func(e entry.Entry) bool { return targets[e.Path] })
	in.Scripts = slices.DeleteFunc(in.Scripts, func(s string) bool { return targets[s] })
}

// fixShebang replaces a first line of "#!python", with whatever follows it there (binary distribution format).
func fixShebang(data []byte, interpreter string) []byte {
	if !bytes.HasPrefix(data, []byte("#!python")) {
		return data
	}
	_, rest, _ := bytes.Cut(data, []byte("\n"))
	return append([]byte("#!"+interpreter+"\n"), rest...)
}

// reportInterpreter warns of scripts that need a program that images do not have, such as a shell.
func (in *Installed) reportInterpreter(w *Wheel, path string, head []byte) {
	line, ok := strings.CutPrefix(string(head), "#!")
	if !ok {
		return
	}
	line, _, _ = strings.Cut(line, "\n")
	if fields := strings.Fields(line); len(fields) > 0 && fields[0] != in.scheme.Interpreter {
		in.Warnings.Addf(diag.Position{File: w.file}, "script-interpreter",
			"%s starts with %s, which the image may not have", path, strings.Join(fields, " "))
	}
}

// readHead returns the first bytes of a file.
func readHead(f File, n int64) ([]byte, error) {
	r, err := f.Content.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	head := make([]byte, min(n, f.Size))
	if _, err := io.ReadFull(r, head); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return head, nil
}
