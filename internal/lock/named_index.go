package lock

import (
	"strings"

	"github.com/lithe-build/lithe/internal/toml"
)

// maxIndexes is how many indexes of a project are read; real projects have a few.
const maxIndexes = 200

// nameIndexes reads the names that a project gives its indexes, by which tools keep their credentials. What is no address
// of a server needs none.
func (s *source) nameIndexes(tables []*toml.Table) {
	for _, t := range tables[:min(len(tables), maxIndexes)] {
		label, address := t.String("name"), t.String("url")
		if label != "" && (strings.HasPrefix(address, "https://") || strings.HasPrefix(address, "http://")) {
			s.indexes = append(s.indexes, Index{Name: label, URL: address, Pos: t.KeyPos("url")})
		}
	}
}

// uvSettings is where uv keeps a project's settings instead of pyproject.toml.
const uvSettings = "uv.toml"

// nameUVIndexes reads [[tool.uv.index]], or uv.toml, which uv then reads alone.
func (s *source) nameUVIndexes() {
	tables := s.project.Table("tool", "uv").Tables("index")
	if data, err := s.open(uvSettings); err == nil {
		if own, err := toml.Parse(uvSettings, data); err == nil {
			tables = own.Tables("index")
		}
	}
	s.nameIndexes(tables)
}
