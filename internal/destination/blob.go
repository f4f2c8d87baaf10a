package destination

import (
	"bytes"
	"encoding/json"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// bytesBlob is a blob in memory.
func bytesBlob(data []byte) (blob, error) {
	digest, size, err := v1.SHA256(bytes.NewReader(data))
	return blob{digest: digest, size: size,
		open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}, err
}

// encode returns compact JSON with sorted maps.
func encode(v any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}
