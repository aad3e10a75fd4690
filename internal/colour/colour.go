// Package colour checks the contrast of an institution's colour on the portal's
// pages (WCAG 2.2, 1.4.3).
package colour

import (
	"fmt"
	"math"
	"strconv"
)

// The background colours of the pages; a test compares them with static/app.css.
const (
	LightGround = "#ffffff"
	DarkGround  = "#16181d"
)

// least is the contrast ratio that WCAG 2.2, 1.4.3 requires of text.
const least = 4.5

// Readable returns an error if text of a colour such as "#1f4fa3" has too little
// contrast on a background, or if one of the two is not a colour.
func Readable(colour, ground string) error {
	ratio, err := Contrast(colour, ground)
	if err != nil {
		return err
	}
	if ratio < least {
		return fmt.Errorf("%s on %s has a contrast of %.1f:1; want %.1f:1 or more", colour, ground, ratio, least)
	}
	return nil
}

// Contrast returns the contrast ratio of two colours, from 1 to 21:
// (L1 + 0.05) / (L2 + 0.05), where L1 is the lighter one's luminance (WCAG 2.2).
func Contrast(a, b string) (float64, error) {
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
		return 0, fmt.Errorf("%q: want a colour like #1f4fa3", colour)
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
