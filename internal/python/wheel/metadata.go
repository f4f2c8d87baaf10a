package wheel

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/lithe-build/lithe/internal/python/wheeltag"
)

// Metadata is the header of METADATA: core metadata in the form of mail headers.
// See https://packaging.python.org/en/latest/specifications/core-metadata/.
type Metadata []Field

// Field is one header.
type Field struct{ Key, Value string }

// Get returns the first value of a field, "" when there is none. Field names ignore case.
func (m Metadata) Get(key string) string {
	for _, f := range m {
		if strings.EqualFold(f.Key, key) {
			return f.Value
		}
	}
	return ""
}

// All returns every value of a field, in order.
func (m Metadata) All(key string) []string {
	var values []string
	for _, f := range m {
		if strings.EqualFold(f.Key, key) {
			values = append(values, f.Value)
		}
	}
	return values
}

// parseHeaders reads headers up to the first empty line. What is no header is skipped, as mail readers do: the
// fields that matter are asked for by name.
func parseHeaders(data []byte) Metadata {
	var m Metadata
	var more strings.Builder // lines that go on with the last field
	end := func() {
		if more.Len() > 0 {
			m[len(m)-1].Value += more.String()
			more.Reset()
		}
	}
	for len(data) > 0 {
		var line []byte
		line, data, _ = bytes.Cut(data, []byte("\n"))
		text := strings.TrimRight(string(line), "\r")
		if text == "" {
			break
		}
		if text[0] == ' ' || text[0] == '\t' {
			if len(m) > 0 {
				more.WriteString("\n" + text)
			}
			continue
		}
		if key, value, ok := strings.Cut(text, ":"); ok {
			end()
			m = append(m, Field{Key: key, Value: strings.TrimSpace(value)})
		}
	}
	end()
	return m
}

// ParseMetadata reads METADATA that stands beside a wheel instead of in it.
func ParseMetadata(data []byte) (Metadata, error) {
	if len(data) > maxMetadata {
		return nil, fmt.Errorf("METADATA: %d bytes are more than the %d that lithe reads", len(data), maxMetadata)
	}
	m := parseHeaders(data)
	return m, m.check()
}

// check refuses metadata without the fields that everything has, and those of a greater major version, on which the
// specification tells tools to fail; 1.x and 2.x are what exists.
func (m Metadata) check() error {
	if m.Get("Name") == "" || m.Get("Version") == "" {
		return errors.New("no Name or no Version")
	}
	major, _, _ := strings.Cut(m.Get("Metadata-Version"), ".")
	if major != "1" && major != "2" {
		return fmt.Errorf("Metadata-Version %q is not supported", m.Get("Metadata-Version"))
	}
	return nil
}

// readMetadata parses METADATA.
func (w *Wheel) readMetadata() error {
	path := w.distInfo + "/METADATA"
	data, ok, err := w.read(path, maxMetadata)
	if err != nil {
		return err
	}
	if !ok {
		return w.errorf("no %s", path)
	}
	w.Metadata = parseHeaders(data)
	w.Name, w.Version = w.Metadata.Get("Name"), w.Metadata.Get("Version")
	if err := w.Metadata.check(); err != nil {
		return w.errorf("%s: %w", path, err)
	}
	return nil
}

// readWheelFile parses WHEEL. A greater major version must stop an installer, a greater minor one warns.
func (w *Wheel) readWheelFile() error {
	path := w.distInfo + "/WHEEL"
	data, ok, err := w.read(path, maxWheelFile)
	if err != nil {
		return err
	}
	if !ok {
		return w.errorf("no %s", path)
	}
	fields := parseHeaders(data)
	switch v := fields.Get("Wheel-Version"); {
	case v == "1.0":
	case strings.HasPrefix(v, "1."):
		w.warnf("newer-wheel-version", "Wheel-Version %s is newer than 1.0, which lithe knows", v)
	default:
		return w.errorf("%s: Wheel-Version %q is not supported", path, v)
	}
	w.Purelib = strings.EqualFold(fields.Get("Root-Is-Purelib"), "true")
	for _, tag := range fields.All("Tag") {
		tags, err := wheeltag.ParseTag(tag)
		if err != nil {
			w.warnf("bad-tag", "WHEEL: %v", err)
			continue
		}
		w.Tags = append(w.Tags, tags...)
	}
	return nil
}

// reportPth warns of .pth files that run code at every start of the interpreter. They are legal, and coverage tools
// and namespace packages of old use them; in an image somebody should know.
func (w *Wheel) reportPth() error {
	for _, f := range w.Files {
		place, ok := w.place(f.Path)
		if !ok || place.scheme != siteScheme || strings.Contains(place.rest, "/") || !strings.HasSuffix(place.rest, ".pth") {
			continue
		}
		data, _, err := w.read(f.Path, maxPth)
		if err != nil {
			return err
		}
		lines := bufio.NewScanner(bytes.NewReader(data))
		lines.Buffer(nil, maxPth+1)
		for n := 1; lines.Scan(); n++ {
			if text := lines.Text(); strings.HasPrefix(text, "import ") || strings.HasPrefix(text, "import\t") {
				w.warnf("pth-runs-code", "%s runs code at every start of Python (line %d)", f.Path, n)
				break
			}
		}
	}
	return nil
}
