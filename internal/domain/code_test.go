package domain_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"testing"

	"entree/internal/domain"
)

func TestS1_SixDigitsWithLeadingZeros(t *testing.T) {
	// rand.Int asks for 20 bits as three bytes and masks the first.
	digits, err := domain.NewDigits(bytes.NewReader([]byte{0, 0, 42}))
	if err != nil || digits.Reveal() != "000042" {
		t.Errorf("got %q, %v", digits.Reveal(), err)
	}
}

func TestS1_EachDigitAtEachPlace(t *testing.T) {
	var seen [6][10]int
	const draws = 20_000
	for range draws {
		digits, err := domain.NewDigits(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		for place, d := range []byte(digits.Reveal()) {
			seen[place][d-'0']++
		}
	}
	for place, counts := range seen {
		for digit, n := range counts {
			// 2,000 expected; 5 standard deviations are 212. A fair draw fails
			// here once in 30,000 runs.
			if n < 2000-250 || n > 2000+250 {
				t.Errorf("place %d: digit %d came %d times of %d", place, digit, n, draws)
			}
		}
	}
}

func TestNewDigits_WithoutRandomnessThereIsNoCode(t *testing.T) {
	if _, err := domain.NewDigits(failing{}); err == nil {
		t.Error("a code without randomness")
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("no randomness") }

func TestCleanDigits(t *testing.T) {
	for in, want := range map[string]string{
		"123456":             "123456",
		"000042":             "000042",
		" 123 456 ":          "123456",
		"123\u00a0456":       "123456",
		"123\u202f456":       "123456",
		"12-34-56":           "123456",
		"123.456":            "123456",
		"12345":              "",
		"1234567":            "",
		"12345a":             "",
		"":                   "",
		"１２３４５６":             "123456",
		"123456\r\nBcc: a@b": "123456",
		"123456\x00":         "",
	} {
		got, ok := domain.CleanDigits(in)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q gives %q, %v; want %q", in, got, ok, want)
		}
	}
}
