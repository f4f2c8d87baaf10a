package faultstest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func storeRows() section {
	return section{title: "The store and the project's folder", text: "A store may be shared, copied, restored from a CI cache, or lose power.", rows: []row{
		{name: "the store cannot be written", fault: func(w *world) {
			w.write("file", "")
			w.env["LITHE_STORE"] = filepath.Join(w.root, "file", "store")
		}, want: failure, mend: ownStore},
		{name: "a layer is lost from the store, and its record is not", ready: built, fault: func(w *world) { w.blobs(1<<20, os.Remove) }},
		{name: "all blobs are lost from the store, and no record", ready: built, fault: func(w *world) { w.blobs(0, os.Remove) }},
		{name: "all records are lost, and no blob", ready: built, fault: func(w *world) { w.removeAll("records") }},
		{name: "records end in the middle", ready: built, fault: func(w *world) { w.each("records", halve) }},
		{name: "records are of something else", ready: built, fault: func(w *world) {
			w.each("records", func(path string) error { return os.WriteFile(path, []byte(`{"shape":"x","value":[]}`), 0o644) })
		}},
		{name: "files in the store are empty (a power failure)", ready: built, fault: func(w *world) { w.blobs(0, empty) }},
		{name: "a wheel in the store ends in the middle (a power failure)", ready: downloaded, fault: func(w *world) { w.blobs(1<<20, halve) }},
		{name: "a layer in the store ends in the middle (a power failure)", ready: built, fault: func(w *world) { w.blobs(1<<20, halve) }},
		{name: "an earlier run was killed and left temporary files", fault: func(w *world) {
			w.write("store/tmp/run-dead/blob-1", "half")
			old := time.Now().Add(-time.Hour)
			if err := os.Chtimes(filepath.Join(w.store, "tmp", "run-dead"), old, old); err != nil {
				w.t.Fatal(err)
			}
		}},
		{name: "the folder of the image cannot be written", fault: func(w *world) {
			w.removeImages()
			w.write("images", "")
		}, want: problem, mend: func(w *world) {
			w.removeImages()
			w.write("images/.keep", "")
		}},
	}}
}

func ownStore(w *world) { w.env["LITHE_STORE"] = w.store }

// built builds once, so that the store is full.
func built(w *world) {
	if r := w.build(); r.code != good {
		w.t.Fatal(r)
	}
	w.removeImage()
}

// downloaded leaves the store with what was downloaded, and no layers.
func downloaded(w *world) {
	built(w)
	matches, err := filepath.Glob(filepath.Join(w.store, "records", "layer-*"))
	if err != nil || len(matches) == 0 {
		w.t.Fatalf("no layer records: %v", err)
	}
	for _, m := range matches {
		w.removeAll(filepath.Join("records", filepath.Base(m)))
	}
}

func (w *world) removeImage() {
	if err := os.RemoveAll(w.image); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) removeImages() {
	if err := os.RemoveAll(filepath.Dir(w.image)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) removeAll(folder string) {
	if err := os.RemoveAll(filepath.Join(w.store, folder)); err != nil {
		w.t.Fatal(err)
	}
}

// each changes every file in a folder of the store.
func (w *world) each(folder string, change func(path string) error) {
	w.t.Helper()
	all := files(filepath.Join(w.store, folder))
	if len(all) == 0 {
		w.t.Fatalf("the store has no %s", folder)
	}
	for _, path := range all {
		if err := change(path); err != nil {
			w.t.Fatal(err)
		}
	}
}

// blobs changes every blob of a size at least.
func (w *world) blobs(least int64, change func(path string) error) {
	w.t.Helper()
	n := 0
	w.each("blobs", func(path string) error {
		info, err := os.Stat(path)
		if err != nil || info.Size() < least {
			return err
		}
		n++
		return change(path)
	})
	if n == 0 {
		w.t.Fatalf("no blob of %d bytes", least)
	}
}

// halve cuts a file, which may be read-only, in the middle.
func halve(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return cut(path, info.Size()/2)
}

// empty leaves nothing of a file but its name.
func empty(path string) error { return cut(path, 0) }

func cut(path string, size int64) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	if err := os.WriteFile(path, data[:size], 0o444); err != nil {
		return fmt.Errorf("%s: %w", strings.TrimSpace(path), err)
	}
	return nil
}

// reachRows are faults of the network as a whole.
func reachRows() section {
	return section{title: "The network", text: "Nobody answers at all, or nobody may be asked.", rows: []row{
		{name: "the index refuses connections", poetry: true, fault: func(w *world) { w.env["LITHE_INDEX_URL"] = "http://127.0.0.1:1/simple/" },
			want: failure, mend: func(w *world) { w.env["LITHE_INDEX_URL"] = w.index.URL }},
		{name: "no such host", poetry: true, fault: func(w *world) { w.env["LITHE_INDEX_URL"] = "http://no..such.host/simple/" },
			want: failure, mend: func(w *world) { w.env["LITHE_INDEX_URL"] = w.index.URL }},
		{name: "the mirror refuses connections", fresh: true, fault: func(w *world) { w.env["LITHE_DEBIAN_MIRROR"] = "http://127.0.0.1:1/debian" },
			want: failure, mend: func(w *world) { w.env["LITHE_DEBIAN_MIRROR"] = w.mirror.URL }},
		{name: "`LITHE_OFFLINE=1` with an empty store", fault: func(w *world) { w.env["LITHE_OFFLINE"] = "1" }, want: failure,
			mend: func(w *world) { w.env["LITHE_OFFLINE"] = "" }},
		{name: "`LITHE_OFFLINE=1` with what a build has left in the store", ready: built, fault: func(w *world) { w.env["LITHE_OFFLINE"] = "1" }},
	}}
}
