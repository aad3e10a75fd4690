package web

import (
	"fmt"
	"math"
	"strconv"
)

// Theme is the institution's accent colour, "#0b5d4e", for light pages and for
// dark ones.
type Theme struct{ Accent, AccentDark string }

// The pages' backgrounds that an accent has to stand out from.
const (
	lightGround = "#ffffff"
	darkGround  = "#16181d"
)

// minContrast is what WCAG 2.2, 1.4.3 asks of text.
const minContrast = 4.5

// CSS writes the theme as a style sheet. An accent that cannot be read against
// its ground is an error here, when the configuration is read, and no surprise
// on a page.
func (t Theme) CSS() ([]byte, error) {
	for _, pair := range []struct{ name, accent, ground string }{
		{"accent", t.Accent, lightGround}, {"accent for dark pages", t.AccentDark, darkGround},
	} {
		ratio, err := contrast(pair.accent, pair.ground)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", pair.name, err)
		}
		if ratio < minContrast {
			return nil, fmt.Errorf("%s: %s on %s has a contrast of %.2f, want %.1f or more (WCAG 2.2, 1.4.3)",
				pair.name, pair.accent, pair.ground, ratio, minContrast)
		}
	}
	return fmt.Appendf(nil, ":root{--accent:%s;--accent-dark:%s}\n", t.Accent, t.AccentDark), nil
}

// contrast is the ratio of WCAG 2.2: (L1 + 0.05) / (L2 + 0.05), from 1 to 21.
func contrast(a, b string) (float64, error) {
	la, err := luminance(a)
	if err != nil {
		return 0, err
	}
	lb, err := luminance(b)
	if err != nil {
		return 0, err
	}
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05), nil
}

func luminance(colour string) (float64, error) {
	n, err := strconv.ParseUint(colour[min(1, len(colour)):], 16, 32)
	if err != nil || len(colour) != 7 || colour[0] != '#' {
		return 0, fmt.Errorf("colour %q: want the form #rrggbb", colour)
	}
	linear := func(shift int) float64 {
		v := float64(n>>shift&0xff) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(16) + 0.7152*linear(8) + 0.0722*linear(0), nil
}
