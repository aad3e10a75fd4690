package charter

import "strings"

// Line is one line of a difference.
type Line struct {
	Op   string // "same", "added" or "removed"
	Text string
}

// Diff compares two texts line by line: lines of the longest common subsequence
// are "same", the others are removed or added. Charters have a few hundred
// lines, so the quadratic table is fast enough.
func Diff(from, to string) []Line {
	a, b := lines(from), lines(to)
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out []Line
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, Line{"same", a[i]})
			i, j = i+1, j+1
		case i < len(a) && (j == len(b) || common[i+1][j] >= common[i][j+1]):
			out = append(out, Line{"removed", a[i]})
			i++
		default:
			out = append(out, Line{"added", b[j]})
			j++
		}
	}
	return out
}

// lines splits a text and limits the number of lines that are compared.
func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.SplitN(strings.TrimRight(text, "\n"), "\n", 2000)
}
