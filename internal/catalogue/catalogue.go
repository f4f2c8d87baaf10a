// Package catalogue is what a repository of a registry remembers about the layers of its images, so that a machine which
// has nothing need not make them again.
//
// A catalogue is a list of records: of a layer by its key, and of what a build would otherwise find out from the bytes
// of all layers together. It stands beside the images, as an artifact of its own under a tag of its own, so that no
// image's digest depends on whether anybody remembers it. Everything in it is a claim of whoever may write to the
// repository. Parse takes bytes from there: the result has caps, and whatever is not understood is left out. Newer
// records replace older ones of the same key, and the oldest fall out where there are too many.
// See https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md#guidelines-for-artifact-usage.
package catalogue

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/lithe-build/lithe/internal/lazyregexp"
	"github.com/lithe-build/lithe/internal/store"
)

// Tag is the name of the catalogue in its repository. The number is that of the form described here.
const Tag = "lithe-layers-1"

// Caps on what a registry sends, and on what is kept: an image of 40 layers has some 45 records with a few hundred
// kilobytes, most of them about the shared objects of large wheels.
const (
	MaxBlob    = 8 << 20  // bytes, compressed
	maxText    = 64 << 20 // bytes
	maxRecords = 1 << 10
	maxKept    = 16 << 20 // bytes of values that Merge keeps
)

// Record is one thing that a build knows.
type Record struct {
	Kind  string          `json:"kind"`
	Key   string          `json:"key"`   // hash of all that the value depends on
	Shape string          `json:"shape"` // of the value's type: another release must not read it with a field empty
	Value json.RawMessage `json:"value"`
}

// New makes a record.
func New(kind, key string, v any) (Record, error) {
	value, err := json.Marshal(v)
	return Record{Kind: kind, Key: key, Shape: store.Shape(v), Value: value}, err
}

// Into reads the value into v, a pointer. It reports whether that is of the record's type.
func (r Record) Into(v any) bool {
	return r.Shape == store.Shape(v) && json.Unmarshal(r.Value, v) == nil
}

// Catalogue is the records of a repository, newest first, one for each kind and key.
type Catalogue struct {
	Records []Record `json:"records"`
}

// Find returns the record of a kind and key.
func (c *Catalogue) Find(kind, key string) (Record, bool) {
	if c == nil {
		return Record{}, false
	}
	for _, r := range c.Records {
		if r.Kind == kind && r.Key == key {
			return r, true
		}
	}
	return Record{}, false
}

// Has reports whether every one of some records is in the catalogue as it is.
func (c *Catalogue) Has(records []Record) bool {
	for _, r := range records {
		known, ok := c.Find(r.Kind, r.Key)
		if !ok || known.Shape != r.Shape || !bytes.Equal(known.Value, r.Value) {
			return false
		}
	}
	return true
}

// Merge returns a catalogue of newer records and those of c that they do not replace.
func (c *Catalogue) Merge(newer []Record) *Catalogue {
	all := newer
	if c != nil {
		all = append(newer[:len(newer):len(newer)], c.Records...)
	}
	merged, size := &Catalogue{}, 0
	seen := map[[2]string]bool{}
	for _, r := range all {
		id := [2]string{r.Kind, r.Key}
		if size += len(r.Value); seen[id] || len(merged.Records) == maxRecords || size > maxKept {
			continue
		}
		seen[id] = true
		merged.Records = append(merged.Records, r)
	}
	return merged
}

// Encode returns the blob of a catalogue.
func (c *Catalogue) Encode() ([]byte, error) {
	text, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	// One encoder and one goroutine: what a machine with more processors writes must not be another blob.
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	return w.EncodeAll(text, nil), w.Close()
}

// word is a kind, shape or key as this package's users write them.
var word = lazyregexp.New(`^[0-9a-z-]{1,64}$`)

// Parse reads the blob of a catalogue.
func Parse(blob []byte) (*Catalogue, error) {
	if len(blob) > MaxBlob {
		return nil, fmt.Errorf("a catalogue of %d bytes", len(blob))
	}
	r, err := zstd.NewReader(bytes.NewReader(blob), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxText))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, maxText+1))
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	if len(text) > maxText {
		return nil, errors.New("a catalogue that is too large")
	}
	var read struct {
		Records soundRecords `json:"records"`
	}
	if err := json.Unmarshal(text, &read); err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	return (*Catalogue)(nil).Merge(read.Records), nil
}

// soundRecords are the records that this package's users may have written.
type soundRecords []Record

// UnmarshalJSON reads one record after the other, and keeps the sound: a list of empty ones would take fifty times its size.
func (l *soundRecords) UnmarshalJSON(data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	begin, err := decoder.Token()
	if err == nil && begin != json.Delim('[') && begin != nil {
		return errors.New("its records are no list")
	}
	for err == nil && decoder.More() {
		var r Record
		if err = decoder.Decode(&r); err == nil && word.MatchString(r.Kind) && word.MatchString(r.Key) && word.MatchString(r.Shape) {
			*l = append(*l, r)
		}
	}
	return err
}
