// Package faultstest breaks everything that a build depends on, one thing at a time, and looks at what is left.
//
// Each row of its table is a fault: of the package index, of Debian's mirror, of a registry, of the store. The real
// command line runs against servers of the test that misbehave as the row says. Whatever happens, nothing half written
// may be left, and the next build, without the fault, gives the digest that any build gives. What a user saw is written
// to docs/reliability.md by -update, and a difference fails the test.
package faultstest
