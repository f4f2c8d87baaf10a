// Package lithelock is the format of lithe.lock: what a build needs to know beyond the project's own lock file, so that
// it gives the same image on any day. See docs/reference/lithe-lock.md.
package lithelock
