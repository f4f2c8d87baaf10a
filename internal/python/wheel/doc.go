// Package wheel reads built distributions and lays them out for an image, without Python and without a disk.
//
// In goes a .whl file whose own hash is already verified, or a list of files that a build backend made; out comes a
// Wheel, and from it the entries of the virtual environment that pip would have made of it, with RECORD true to them.
// It holds always that what comes out was checked: names are clean and stay inside, every file is in RECORD with its
// hash, the archive says one thing only (a second reading of a confusing zip does not exist), nothing is a link or a
// device, and no declared size is trusted. Contents are streamed, never whole in memory, and stay the raw deflate
// streams they were in the archive.
//
// Every problem is a *diag.Error with code "bad-wheel"; what is odd but legal is a warning in Wheel.Warnings.
//
// See https://packaging.python.org/en/latest/specifications/binary-distribution-format/,
// https://packaging.python.org/en/latest/specifications/recording-installed-packages/ and
// https://packaging.python.org/en/latest/specifications/entry-points/.
package wheel
