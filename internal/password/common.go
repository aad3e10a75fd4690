package password

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// commonText holds pieces of which many people make long passwords: common
// passwords, words of study and university, names of places and clubs, proverbs
// and song lines, folded and one on each line.
//
//go:embed common.txt
var commonText string

// keyboards lists the rows of keyboards, the alphabet and the digits, in which
// common passwords follow adjacent characters.
var keyboards = bothWays(
	"azertyuiop", "qsdfghjklm", "wxcvbn", "qwertyuiop", "asdfghjkl", "zxcvbnm",
	"azertyuiopqsdfghjklmwxcvbn", "qwertyuiopasdfghjklzxcvbnm",
	"abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "aqwzsxedcrfvtgbyhnujikolpm", "qazwsxedcrfvtgbyhnujmikolp",
)

func bothWays(rows ...string) (out [][]rune) {
	for _, row := range rows {
		forward := []rune(row)
		backward := slices.Clone(forward)
		slices.Reverse(backward)
		out = append(out, forward, backward)
	}
	return out
}

// maxPieces is the maximum number of pieces of a password that counts as
// common. A phrase of six random words has more, and not all of its words are
// in the list.
const maxPieces = 4

// list returns the common pieces, by their first character.
var list = sync.OnceValue(func() map[rune][][]rune {
	byFirst := map[rune][][]rune{}
	for _, line := range strings.Fields(commonText) {
		word := []rune(line)
		byFirst[word[0]] = append(byFirst[word[0]], word)
	}
	return byFirst
})

// common reports whether a password consists only of common pieces: words of
// the list, sequences of adjacent keys, repetitions of one character, and up to
// four digits or signs at a time. The list's about 500 pieces thus cover far
// more than the 3,000 long passwords that S21 requires.
func common(m masked) bool {
	if fewKinds(m) || repeats(m) {
		return true
	}
	// fewest[i] is the minimum number of pieces that cover the first i
	// positions.
	fewest := make([]int, len(m)+1)
	for i := range fewest {
		fewest[i] = maxPieces + 1
	}
	fewest[0] = 0
	for i := range m {
		if fewest[i] >= maxPieces+1 {
			continue
		}
		// A few signs and digits between two pieces hide nothing and are not
		// counted.
		for k := 1; k <= shortest && i+k <= len(m) && !unicode.IsLetter(m[i+k-1][0]); k++ {
			fewest[i+k] = min(fewest[i+k], fewest[i])
		}
		for _, n := range reach(m, i) {
			fewest[i+n] = min(fewest[i+n], fewest[i]+1)
		}
	}
	return fewest[len(m)] <= maxPieces
}

// reach returns the lengths of the pieces that match at position i.
func reach(m masked, i int) []int {
	var out []int
	for _, first := range m[i] {
		for _, word := range list()[first] {
			if m.at(i, word) {
				out = append(out, len(word))
			}
		}
	}
	for _, row := range keyboards {
		out = append(out, walk(m, i, row)...)
	}
	run := 1
	for i+run < len(m) && m[i+run][0] == m[i][0] {
		run++
	}
	if run >= 3 {
		out = append(out, run)
	}
	return out
}

// walk returns the lengths of the sequences along a row that begin at position
// i, at least three.
func walk(m masked, i int, row []rune) []int {
	var out []int
	for start := range row {
		n := 0
		for start+n < len(row) && i+n < len(m) && m[i+n][0] == row[start+n] {
			n++
			if n >= 3 {
				out = append(out, n)
			}
		}
	}
	return out
}

// fewKinds reports whether the password has at most five different characters.
func fewKinds(m masked) bool {
	var kinds []rune
	for _, place := range m {
		if !has(kinds, place[0]) {
			kinds = append(kinds, place[0])
		}
		if len(kinds) > 5 {
			return false
		}
	}
	return true
}

// repeats reports whether the password is a repetition of one piece.
func repeats(m masked) bool {
	for period := 1; period <= len(m)/2 && period <= 12; period++ {
		same := true
		for i := period; i < len(m); i++ {
			if m[i][0] != m[i-period][0] {
				same = false
				break
			}
		}
		if same {
			return true
		}
	}
	return false
}

// Example is the password that the how-to publishes. It is refused, and so is
// any password that contains its core.
const Example = "LesTicketsDeBusForr1CielBleu"

// examples are the parts of Example that are looked for.
var examples = []word{newWord("lesticketsdebus"), newWord("ticketsdebusforr"), newWord("busforricielbleu")}

func example(m masked) bool {
	return slices.ContainsFunc(examples, newIndex(m.bare()).holds)
}
