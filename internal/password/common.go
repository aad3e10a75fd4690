package password

import (
	_ "embed"
	"strings"
	"sync"
	"unicode"
)

// common.txt holds pieces that long passwords are made of by many people:
// common passwords, words of study and university, names of places and clubs,
// proverbs and song lines, one a line, folded.
//
//go:embed common.txt
var commonText string

// keyboards are the rows along which fingers walk, and the alphabet and the
// figures.
var keyboards = []string{
	"azertyuiop", "qsdfghjklm", "wxcvbn", "qwertyuiop", "asdfghjkl", "zxcvbnm",
	"azertyuiopqsdfghjklmwxcvbn", "qwertyuiopasdfghjklzxcvbnm",
	"abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "aqwzsxedcrfvtgbyhnujikolpm", "qazwsxedcrfvtgbyhnujmikolp",
}

// pieces that make a whole password common, at most. Six words drawn at random
// are more than that, and are not all in the list.
const maxPieces = 4

// list gives the pieces, by their first character.
var list = sync.OnceValue(func() map[rune][][]rune {
	byFirst := map[rune][][]rune{}
	for _, line := range strings.Fields(commonText) {
		word := []rune(line)
		byFirst[word[0]] = append(byFirst[word[0]], word)
	}
	return byFirst
})

// common tells whether a password is nothing but common pieces one after the
// other: words of the list, walks on the keyboard, runs of one character, and
// up to four figures or signs at a time. So the list's some 500 pieces stand
// for far more than the 3,000 long passwords that S21 asks for.
func common(m masked) bool {
	if fewKinds(m) || repeats(m) {
		return true
	}
	// fewest[i] is the least number of pieces that cover the first i places.
	fewest := make([]int, len(m)+1)
	for i := range fewest {
		fewest[i] = maxPieces + 1
	}
	fewest[0] = 0
	for i := range m {
		if fewest[i] >= maxPieces+1 {
			continue
		}
		// Signs and figures between two pieces hide nothing and count for
		// nothing, as long as they are few.
		for k := 1; k <= shortest && i+k <= len(m) && !unicode.IsLetter(m[i+k-1][0]); k++ {
			fewest[i+k] = min(fewest[i+k], fewest[i])
		}
		for _, n := range reach(m, i) {
			fewest[i+n] = min(fewest[i+n], fewest[i]+1)
		}
	}
	return fewest[len(m)] <= maxPieces
}

// reach gives the lengths of the pieces that can be read from a place on.
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
		for _, r := range []string{row, reverse(row)} {
			out = append(out, walk(m, i, []rune(r))...)
		}
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

// walk gives the lengths of the steps along a row, three at least.
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

// fewKinds tells whether the whole is made of five different characters or
// fewer.
func fewKinds(m masked) bool {
	kinds := map[rune]bool{}
	for _, place := range m {
		kinds[place[0]] = true
	}
	return len(kinds) <= 5
}

// repeats tells whether the whole is one piece over and over.
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

// Example is the password that the how-to publishes. It, and whatever holds
// its heart, is refused.
const Example = "LesTicketsDeBusForr1CielBleu"

func example(m masked) bool {
	bare := m.bare()
	return bare.holds("lesticketsdebus") || bare.holds("ticketsdebusforr") || bare.holds("busforricielbleu")
}

func reverse(s string) string {
	r := []rune(s)
	for i, j := 0, len(r)-1; i < j; i, j = i+1, j-1 {
		r[i], r[j] = r[j], r[i]
	}
	return string(r)
}
