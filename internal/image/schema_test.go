package image_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/lithe-build/lithe/internal/testkit/corpus"
)

// schemaFiles are the image specification's schemas, by what they describe.
var schemaFiles = map[string]string{
	"manifest": "image-manifest-schema.json", "config": "config-schema.json", "index": "image-index-schema.json",
	"layout": "image-layout-schema.json", "descriptor": "content-descriptor.json",
}

// dockerTypes are the media types that the specification's own compatibility test replaces before it validates.
var dockerTypes = strings.NewReplacer(
	"application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.oci.image.index.v1+json",
	"application/vnd.docker.distribution.manifest.v2+json", "application/vnd.oci.image.manifest.v1+json",
	"application/vnd.docker.image.rootfs.diff.tar.gzip", "application/vnd.oci.image.layer.v1.tar+gzip",
	"application/vnd.docker.container.image.v1+json", "application/vnd.oci.image.config.v1+json",
)

// TestSchemaCases shows that the schemas here judge as the specification's own tests want, so that a verdict on our
// documents means something.
func TestSchemaCases(t *testing.T) {
	schemas := compile(t)
	var file struct {
		Cases map[string][]struct {
			Comment, Document string
			Fail              bool
		}
	}
	decode(t, filepath.Join(corpus.Dir(t, "vectors", "oci"), "schema_cases.json"), &file)
	if len(file.Cases) == 0 {
		t.Fatal("no cases")
	}
	for kind, cases := range file.Cases {
		for _, c := range cases {
			document, schema := c.Document, schemas[kind]
			if kind == "compat" {
				document = dockerTypes.Replace(document)
				schema = schemas[compatKind(document)]
			}
			t.Run(kind+"/"+c.Comment, func(t *testing.T) {
				err := cmp.Or(validateJSON(schema, document), beyondSchema(kind, document))
				if c.Fail != (err != nil) {
					t.Errorf("got %v, should fail: %v\n%s", err, c.Fail, document)
				}
			})
		}
	}
}

// compatKind tells what a document of Docker's is.
func compatKind(document string) string {
	switch {
	case strings.Contains(document, `"manifests"`):
		return "index"
	case strings.Contains(document, `"layers":`) && strings.Contains(document, `"config":`) && !strings.Contains(document, "rootfs\""):
		return "manifest"
	default:
		return "config"
	}
}

// validateJSON parses and validates.
func validateJSON(schema *jsonschema.Schema, document string) error {
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(document))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

// beyondSchema checks what the specification's validator checks in Go, since its schemas cannot say it: the
// environment's form, hexadecimal digits in lower case, base64.
func beyondSchema(kind, document string) error {
	switch kind {
	case "config":
		var c v1.ConfigFile
		if err := json.Unmarshal([]byte(document), &c); err != nil {
			return err
		}
		for _, e := range c.Config.Env {
			if !strings.Contains(e, "=") {
				return fmt.Errorf("bad environment %q", e)
			}
		}
	case "descriptor":
		var d struct {
			Data   []byte
			Digest string
		}
		if err := json.Unmarshal([]byte(document), &d); err != nil {
			return err
		}
		if strings.HasPrefix(d.Digest, "sha256:") && d.Digest != strings.ToLower(d.Digest) {
			return fmt.Errorf("bad digest %q", d.Digest)
		}
	}
	return nil
}

// compile reads the schemas. They refer to each other by names that resolve to two places.
func compile(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	dir := corpus.Dir(t, "vectors", "oci")
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	const at = "https://opencontainers.org/schema/"
	for _, file := range files {
		var schema any
		decode(t, file, &schema)
		for _, base := range []string{at, at + "image/"} {
			if err := c.AddResource(base+filepath.Base(file), schema); err != nil {
				t.Fatal(err)
			}
		}
	}
	out := map[string]*jsonschema.Schema{}
	for kind, file := range schemaFiles {
		if out[kind], err = c.Compile(at + "image/" + file); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func decode(t *testing.T, file string, v any) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}
