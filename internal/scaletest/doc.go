// Package scaletest measures how the cost of a build grows: with the packages of a lock, with the members of a workspace, with the
// bytes of the wheels. The program is built and run as users run it, against a mirror and an index that the tests serve; what is
// compared are processor times, resident memory and counts, none of which others on the machine change much.
//
// Without LITHE_FULL=1 the sizes are small, and only what is counted is held. With it and -update the page of the benchmarks gets
// its tables and plots.
package scaletest
