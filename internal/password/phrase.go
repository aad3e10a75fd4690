package password

import (
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strings"
	"sync"
	"unicode"

	"entree/internal/secret"
)

// The word lists hold the plain words of BIP-39 in each language, one on each line:
// rare, technical and gloomy ones were taken out. No two words of a list begin with
// the same four letters. words.LICENSE is their licence.
//
//go:embed words.fr.txt
var frenchText string

//go:embed words.en.txt
var englishText string

// Vocabulary returns the words of which phrases are drawn.
type Vocabulary func() []string

// The vocabularies, by the language of the page that shows the phrases.
var (
	French  Vocabulary = sync.OnceValue(func() []string { return strings.Fields(frenchText) })
	English Vocabulary = sync.OnceValue(func() []string { return strings.Fields(englishText) })
)

// Phrase is a suggested passphrase: capitalised words joined, with one digit
// after one of them.
type Phrase struct {
	Text  secret.Text
	Words []string // as drawn, with accents, as an aid to memory
	// Bits is the entropy: 10.5 bits per French word and 10.9 per English word, plus
	// the digit and its position.
	Bits float64
}

// phraseWords yields 62.7 bits or more; with the digit and its position it is 68.6.
const phraseWords = 6

// Generate draws a phrase of the vocabulary's words that avoid does not reject; a nil avoid rejects
// nothing. All choices come from random with equal probability. A rejected
// phrase is drawn again, which reduces the entropy only negligibly.
func Generate(random io.Reader, words Vocabulary, avoid func(text string) bool) (Phrase, error) {
	const attempts = 100
	for range attempts {
		p, err := draw(random, words())
		if err != nil {
			return Phrase{}, fmt.Errorf("draw a phrase: %w", err)
		}
		if avoid == nil || !avoid(p.Text.Reveal()) {
			return p, nil
		}
	}
	return Phrase{}, errors.New("password: every phrase drawn was rejected")
}

func draw(random io.Reader, all []string) (Phrase, error) {
	place, err := below(random, phraseWords)
	if err != nil {
		return Phrase{}, err
	}
	figure, err := below(random, 10)
	if err != nil {
		return Phrase{}, err
	}
	p := Phrase{Bits: phraseWords*math.Log2(float64(len(all))) + math.Log2(phraseWords*10)}
	var text strings.Builder
	for i := range phraseWords {
		n, err := below(random, len(all))
		if err != nil {
			return Phrase{}, err
		}
		word := all[n]
		p.Words = append(p.Words, word)
		plain := []rune(fold(word))
		plain[0] = unicode.ToUpper(plain[0])
		text.WriteString(string(plain))
		if i == place {
			fmt.Fprint(&text, figure)
		}
	}
	p.Text = secret.New(text.String())
	return p, nil
}

func below(random io.Reader, n int) (int, error) {
	v, err := rand.Int(random, big.NewInt(int64(n)))
	if err != nil {
		return 0, err
	}
	return int(v.Int64()), nil
}

// guesses is the assumed number of passwords per second that an attacker with
// the stolen hashes tries: ten thousand graphics cards with ten thousand
// Argon2id hashes of 7 MiB each.
const guesses = 1e8

// Strength returns the average time to find one of 2^bits passwords: a unit
// ("hour" to "millennium", or "more" than a million years) and a number of
// units, rounded to one significant digit above ten.
func Strength(bits float64) (unit string, n int) {
	seconds := math.Exp2(bits-1) / guesses
	const year = 365.25 * 24 * 3600
	for _, u := range []struct {
		name    string
		seconds float64
		next    float64 // beginning of the next unit
	}{
		{"hour", 3600, 48 * 3600}, {"day", 24 * 3600, 60 * 24 * 3600}, {"month", year / 12, 2 * year},
		{"year", year, 200 * year}, {"century", 100 * year, 2000 * year}, {"millennium", 1000 * year, 1e6 * year},
	} {
		if seconds < u.next {
			return u.name, round(seconds / u.seconds)
		}
	}
	return "more", 1
}

func round(x float64) int {
	if x < 10 {
		return max(1, int(x+0.5))
	}
	scale := math.Pow(10, math.Floor(math.Log10(x)))
	return int(math.Round(x/scale) * scale)
}
