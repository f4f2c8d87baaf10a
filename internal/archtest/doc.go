// Package archtest holds the table of who may import whom, and the test that keeps it.
package archtest
