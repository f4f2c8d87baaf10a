package project

import (
	"bytes"
	"encoding/json"

	"github.com/lithe-build/lithe/internal/toml"
)

// schema is the part of JSON Schema that the configuration needs.
// See https://json-schema.org/draft/2020-12/json-schema-core.
type schema struct {
	Schema               string            `json:"$schema,omitempty"`
	ID                   string            `json:"$id,omitempty"`
	Title                string            `json:"title,omitempty"`
	Description          string            `json:"description,omitempty"`
	Type                 string            `json:"type,omitempty"`
	Enum                 []string          `json:"enum,omitempty"`
	Pattern              string            `json:"pattern,omitempty"`
	Minimum              *int              `json:"minimum,omitempty"`
	Maximum              *int              `json:"maximum,omitempty"`
	AnyOf                []schema          `json:"anyOf,omitempty"`
	Items                *schema           `json:"items,omitempty"`
	MinItems             int               `json:"minItems,omitempty"`
	PropertyNames        *schema           `json:"propertyNames,omitempty"`
	Properties           map[string]schema `json:"properties,omitempty"`
	Required             []string          `json:"required,omitempty"`
	AdditionalProperties *schema           `json:"additionalProperties,omitempty"`
	Examples             []any             `json:"examples,omitempty"`

	never bool // the schema that nothing fits, written as false
}

// MarshalJSON writes false for the schema that nothing fits.
func (s schema) MarshalJSON() ([]byte, error) {
	if s.never {
		return []byte("false"), nil
	}
	type plain schema // without this method
	return marshal(plain(s))
}

// marshal is json.Marshal without escapes that only HTML needs.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

// Schema returns the JSON schema of [tool.lithe], made from the table of keys that reading it uses.
func Schema() ([]byte, error) {
	var c Config
	s := table{append(configKeys(&c), targetsKey(map[string]*toml.Table{}))}.schema()
	s.Schema = "https://json-schema.org/draft/2020-12/schema"
	s.ID = "https://raw.githubusercontent.com/lithe-build/lithe/main/docs/reference/lithe.schema.json"
	s.Title = "[tool.lithe] in pyproject.toml, or lithe.toml"
	s.Description = "How lithe builds a Python project into an image."
	data, err := marshal(s)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, data, "", "  "); err != nil {
		return nil, err
	}
	return append(bytes.TrimSpace(b.Bytes()), '\n'), nil
}

// exampleValue returns the example of a key, which is TOML, as the value that JSON has for it.
func exampleValue(k key) any {
	doc, err := toml.Parse(k.name, []byte("x = "+k.example))
	if err != nil {
		return nil // a test reads every example
	}
	return doc.Value("x").Any()
}
