package bench

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"
)

// A result that is read can be shown in every form, whatever is in it.
func FuzzRead(f *testing.F) {
	data, err := json.Marshal(sample())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"rows": [{"values": {"a": {"median": -1}}}], "contenders": [{"name": "a"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		for _, write := range []func(io.Writer, *Result) error{WriteText, WriteMarkdown, WriteSVG} {
			if err := write(io.Discard, r); err != nil {
				t.Error(err)
			}
		}
	})
}

func FuzzLayerSizes(f *testing.F) {
	f.Add([]byte("manifest.json"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if total, err := layerSizes(bytes.NewReader(data)); err == nil && total < 0 {
			t.Errorf("%d bytes", total)
		}
	})
}

func FuzzMetadata(f *testing.F) {
	f.Add([]byte(`{"digest": "sha256:a", "platforms": [{"size": 1, "unpackedSize": 2}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, err := parseMetadata(data); err == nil && (m.Digest == "" || len(m.Platforms) == 0) {
			t.Errorf("%+v", m)
		}
	})
}
