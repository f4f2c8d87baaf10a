package catalogue_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/zstd"

	"github.com/lithe-build/lithe/internal/catalogue"
	"github.com/lithe-build/lithe/internal/store"
)

type fact struct{ Name string }

type newerFact struct{ Name, More string }

func record(t testing.TB, key string, v any) catalogue.Record {
	t.Helper()
	r, err := catalogue.New("fact", key, v)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCatalogueGoesThereAndBack(t *testing.T) {
	first := record(t, "a1", fact{"one"})
	c := (*catalogue.Catalogue)(nil).Merge([]catalogue.Record{first, record(t, "b2", fact{"two"})})
	blob, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	read, err := catalogue.Parse(blob)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c, read); diff != "" {
		t.Error(diff)
	}
	found, ok := read.Find("fact", "b2")
	var got fact
	if !ok || !found.Into(&got) || got.Name != "two" {
		t.Errorf("found %+v, %v", got, ok)
	}
	var other newerFact
	if found.Into(&other) || other.Name != "" {
		t.Errorf("a record of another type was read as %+v", other)
	}
	if _, ok := read.Find("other", "b2"); ok {
		t.Error("a record of another kind was found")
	}
	if !read.Has([]catalogue.Record{first}) || read.Has([]catalogue.Record{record(t, "a1", fact{"changed"})}) {
		t.Error("Has does not compare values")
	}
}

// Newer records replace older ones, and the oldest fall out.
func TestMerge(t *testing.T) {
	var c *catalogue.Catalogue
	for i := range 1500 {
		c = c.Merge([]catalogue.Record{record(t, fmt.Sprintf("k%d", i), fact{"x"})})
	}
	_, oldest := c.Find("fact", "k1")
	_, newest := c.Find("fact", "k1499")
	if len(c.Records) != 1024 || oldest || !newest {
		t.Errorf("%d records, oldest %v, newest %v", len(c.Records), oldest, newest)
	}
	c = c.Merge([]catalogue.Record{record(t, "k1000", fact{"again"})})
	if c.Records[0].Key != "k1000" || len(c.Records) != 1024 || slices.ContainsFunc(c.Records[1:], func(r catalogue.Record) bool { return r.Key == "k1000" }) {
		t.Errorf("the newest is %s of %d", c.Records[0].Key, len(c.Records))
	}
	big := record(t, "big", fact{strings.Repeat("x", 10<<20)})
	if c = c.Merge([]catalogue.Record{big, record(t, "big2", fact{strings.Repeat("x", 10<<20)})}); len(c.Records) != 1 {
		t.Errorf("%d records beside 10 MB", len(c.Records))
	}
}

func TestManifest(t *testing.T) {
	blob := []byte("blob")
	layer := v1.Descriptor{MediaType: "application/vnd.oci.image.layer.v1.tar+gzip", Size: 3, Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("a", 64)}}
	raw, err := catalogue.Manifest(blob, []v1.Descriptor{layer})
	if err != nil {
		t.Fatal(err)
	}
	digest, layers, err := catalogue.ParseManifest(raw)
	if err != nil || digest != store.DigestBytes(blob) || len(layers) != 1 || layers[0].Digest != layer.Digest {
		t.Errorf("%s, %v, %v", digest, layers, err)
	}
	for _, bad := range []string{"", "{}", `{"layers":[{"mediaType":"text/plain"}]}`,
		strings.Replace(string(raw), `"size":4`, `"size":99999999`, 1)} {
		if _, _, err := catalogue.ParseManifest([]byte(bad)); err == nil {
			t.Errorf("%q was taken for a catalogue", bad)
		}
	}
}

func FuzzParse(f *testing.F) {
	blob, err := (*catalogue.Catalogue)(nil).Merge([]catalogue.Record{record(f, "a1", fact{"one"})}).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(blob)
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := catalogue.Parse(b)
		if err != nil {
			return
		}
		again, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if read, err := catalogue.Parse(again); err != nil || len(read.Records) != len(c.Records) {
			t.Fatalf("%v: %d records, then %d", err, len(c.Records), len(read.Records))
		}
	})
}

func FuzzParseManifest(f *testing.F) {
	raw, err := catalogue.Manifest([]byte("blob"), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, b []byte) {
		if digest, _, err := catalogue.ParseManifest(b); err == nil && digest == "" {
			t.Fatal("no digest and no error")
		}
	})
}

// TestParseEmptyRecords reads a catalogue of as many empty records as fit, which would take gigabytes.
func TestParseEmptyRecords(t *testing.T) {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	const one = `{"kind":"k","key":"a","shape":"s","value":1}`
	c, err := catalogue.Parse(w.EncodeAll([]byte(`{"records": [`+strings.Repeat("{},", 1<<16)+one+`]}`), nil))
	if err != nil || len(c.Records) != 1 || c.Records[0].Key != "a" {
		t.Errorf("%+v, %v", c, err)
	}
	for _, records := range []string{"{}", `"x"`, "[1]"} {
		if _, err := catalogue.Parse(w.EncodeAll([]byte(`{"records": `+records+`}`), nil)); err == nil {
			t.Errorf("%s are records", records)
		}
	}
}
