package naming

import "strings"

// Bounds of the words that are compared tolerantly. Below minNear letters nearly
// every word is one edit away from another name; above maxNear the edits of a word
// are too many for one query.
const (
	minNear = 4
	maxNear = 24
)

// Edits returns the spellings that differ from a folded word by one letter that is
// missing, added or wrong, or by two neighbours in the wrong order. It returns about
// 54 spellings per letter. Words with a digit and words outside a to z have none: a
// number with a wrong digit is another person's number.
func Edits(word string) []string {
	if len(word) < minNear || len(word) > maxNear || !isLetters(word) {
		return nil
	}
	seen := map[string]bool{word: true}
	var out []string
	add := func(s string) {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	for i := range len(word) + 1 {
		before, after := word[:i], word[i:]
		if after != "" {
			add(before + after[1:])
		}
		if len(after) > 1 {
			add(before + after[1:2] + after[:1] + after[2:])
		}
		for c := 'a'; c <= 'z'; c++ {
			add(before + string(c) + after)
			if after != "" {
				add(before + string(c) + after[1:])
			}
		}
	}
	return out
}

// Distance returns the number of letters to add, remove, replace or swap with their
// neighbour to turn one word into the other (optimal string alignment).
func Distance(one, other string) int {
	a, b := []rune(one), []rune(other)
	var last []int
	row, next := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		next[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(row[j+1]+1, next[j]+1, row[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], last[j-1]+1)
			}
		}
		last, row, next = row, next, make([]int, len(b)+1)
	}
	return row[len(b)]
}

// Sound returns the consonants of a folded word as French and English speakers hear
// them, so that Mohamed and Muhammad, or Cristophe and Christophe, have one value. A
// vowel at the beginning is kept as a. Sound returns an empty string for a word
// outside a to z and for one with fewer than three such letters.
func Sound(word string) string {
	if !isLetters(word) {
		return ""
	}
	word = sounds.Replace(word)
	var b strings.Builder
	var before rune
	for i, r := range word {
		letter := r
		switch r {
		case 'h':
			continue
		case 'a', 'e', 'i', 'o', 'u', 'y':
			before = 'a'
			if i == 0 {
				b.WriteByte('a')
			}
			continue
		case 'c', 'q':
			letter = 'k'
			if r == 'c' && i+1 < len(word) && strings.IndexByte("eiy", word[i+1]) >= 0 {
				letter = 's'
			}
		case 'g':
			if i+1 < len(word) && strings.IndexByte("eiy", word[i+1]) >= 0 {
				letter = 'j'
			}
		case 'z':
			letter = 's'
		case 'w':
			letter = 'v'
		}
		if letter != before {
			b.WriteRune(letter)
		}
		before = letter
	}
	if b.Len() < 3 {
		return ""
	}
	return b.String()
}

// sounds holds the groups of letters with one sound.
var sounds = strings.NewReplacer("ph", "f", "x", "ks", "sch", "s", "ch", "k", "ck", "k")

func isLetters(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz") == ""
}
