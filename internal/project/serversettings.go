package project

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/lithe-build/lithe/internal/application"
	"github.com/lithe-build/lithe/internal/entry"
	"github.com/lithe-build/lithe/internal/toml"
)

// maxSettings is how much of a server's own file is read, in bytes; people write them by hand.
const maxSettings = 1 << 20

// settings are what a server's own file in the image says.
type settings struct {
	file   string            // from /app; "" for none
	values map[string]string // by key; "" for what is no plain value
	lines  map[string]int
}

// sets reports whether the file says any of these.
func (s settings) sets(keys []string) bool {
	return slices.ContainsFunc(keys, func(k string) bool { _, ok := s.values[k]; return ok })
}

// first returns the first of these that the file says.
func (s settings) first(keys ...string) (key, value string) {
	for _, k := range keys {
		if v, ok := s.values[k]; ok {
			return k, v
		}
	}
	return "", ""
}

// port returns the port on which the file says that the server listens by HTTP.
func (s settings) port(of server) string {
	keys := map[string][]string{"gunicorn": {"bind"}, "uwsgi": {"http-socket", "http"}, "streamlit": {"server.port"}}[of.program]
	_, value := s.first(keys...)
	return portIn(value)
}

// settings reads the file of a server: the one that its arguments name, else the one that it looks for by itself.
func (in *surroundings) settings(program string, args ...string) settings {
	switch program {
	case "gunicorn":
		return in.gunicornSettings(fileOf(args, []string{"-c", "--config"}, "gunicorn.conf.py"))
	case "uwsgi":
		return in.uwsgiSettings(fileOf(args, []string{"--ini"}, "uwsgi.ini"))
	case "streamlit":
		return in.streamlitSettings(".streamlit/config.toml")
	}
	return settings{}
}

// fileOf returns the file that a flag names, from /app.
func fileOf(args, names []string, fallback string) string {
	for i, arg := range args {
		if value, ok := flagValue(arg, names); ok {
			if value == "" && i+1 < len(args) {
				value = args[i+1]
			}
			return strings.TrimPrefix(path.Clean(strings.TrimPrefix(strings.TrimPrefix(value, "file:"), "/app/")), "./")
		}
	}
	return fallback
}

// inApp returns a file of /app, and whether it is in the image.
func (in *surroundings) inApp(file string) (entry.Entry, bool) {
	i := slices.IndexFunc(in.App, func(e entry.Entry) bool { return e.Path == "app/"+file && e.Type == entry.File })
	if i < 0 {
		return entry.Entry{}, false
	}
	return in.App[i], true
}

// text reads a file of /app; "" when it is not there, or is too large to be what it is meant for.
func (in *surroundings) text(file string) string {
	e, ok := in.inApp(file)
	if !ok || e.Size > maxSettings {
		return ""
	}
	r, err := e.Content.Open()
	if err != nil {
		return ""
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxSettings))
	if err != nil {
		return ""
	}
	return string(data)
}

// gunicornSettings reads the assignments of a configuration file of gunicorn, which is Python.
// See https://docs.gunicorn.org/en/stable/settings.html.
func (in *surroundings) gunicornSettings(file string) settings {
	e, ok := in.inApp(file)
	if !ok {
		return settings{}
	}
	s := settings{file: file, values: map[string]string{}, lines: map[string]int{}}
	tree := application.NewTree(map[string]entry.Entry{file: e})
	for _, key := range []string{"bind", "wsgi_app", "worker_class", "worker_tmp_dir", "control_socket", "control_socket_disable"} {
		if _, line := tree.Assigns(file, key); line > 0 {
			text, _, _ := tree.Text(file, key)
			s.values[key], s.lines[key] = text, line
		}
	}
	return s
}

// uwsgiSettings reads the section [uwsgi] of an INI file, in which a key without a value is true.
// See https://uwsgi-docs.readthedocs.io/en/latest/Configuration.html.
func (in *surroundings) uwsgiSettings(file string) settings {
	text := in.text(file)
	if text == "" {
		return settings{}
	}
	s := settings{file: file, values: map[string]string{}, lines: map[string]int{}}
	section, number := "", 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.ContainsAny(line[:1], "#;"):
		case line[0] == '[':
			section = strings.Trim(line, "[]")
		case section == "uwsgi":
			key, value, _ := strings.Cut(line, "=")
			key = strings.TrimSpace(key)
			s.values[key], s.lines[key] = strings.TrimSpace(value), number
		}
	}
	return s
}

// streamlitSettings reads the section [server] of Streamlit's configuration.
func (in *surroundings) streamlitSettings(file string) settings {
	s := settings{values: map[string]string{}, lines: map[string]int{}}
	doc, err := toml.Parse(file, []byte(in.text(file)))
	if err != nil {
		return s // Streamlit says what is wrong
	}
	t := doc.Table("server")
	for _, key := range t.Keys() {
		s.values["server."+key], s.lines["server."+key] = fmt.Sprint(t.Value(key).Any()), t.KeyPos(key).Line
	}
	return s
}
