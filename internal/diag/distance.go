package diag

// maxDistanceLength bounds the work on a name from outside; no name that lithe knows is nearly as long.
const maxDistanceLength = 64

// Distance counts the letters to insert, drop, replace, or exchange with a neighbour, to make b of a: for hints that ask
// what was meant.
func Distance(a, b string) int {
	if len(a) > maxDistanceLength || len(b) > maxDistanceLength {
		return len(a) + len(b)
	}
	before, last := []int(nil), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			differ := 1
			if a[i] == b[j] {
				differ = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+differ)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
