package build

import "fmt"

// The sentences that end a stage.

// reusedText tells how many layers the store or a registry had, "" for none.
func reusedText(layers []made) string {
	n := 0
	for _, l := range layers {
		if l.reused || l.recalled {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d of %d layers reused)", n, len(layers))
}

// sizeText tells how large layers are.
func sizeText(layers []made) string {
	var packed, unpacked int64
	for _, l := range layers {
		packed += l.Size
		unpacked += l.UnpackedSize
	}
	return fmt.Sprintf("%.1f MB compressed, %.1f MB unpacked", float64(packed)/1e6, float64(unpacked)/1e6)
}

// movedText says how much went to a destination, in a unit that does not round a small change to nothing.
func movedText(sent int64) string {
	switch {
	case sent == 0:
		return "nothing to move"
	case sent < 1e6:
		return fmt.Sprintf("%.1f kB moved", float64(sent)/1e3)
	default:
		return fmt.Sprintf("%.1f MB moved", float64(sent)/1e6)
	}
}

// count writes a number of things: "1 wheel", "2 wheels".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
