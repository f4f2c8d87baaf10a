// Package store is lithe's cache on disk: blobs by digest, records by key, directories made once.
//
// What goes in is verified before it gets its name, and gets its name by a rename, so that a killed run leaves
// nothing that looks finished. Several processes share one store: blobs are immutable, records are replaced whole,
// and work that should happen once is done under a file lock. Nothing in a store is needed for correctness: it may be
// deleted at any time between runs, and no plan depends on what it holds.
package store
