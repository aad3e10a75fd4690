package web

import (
	"fmt"

	"entree/internal/colour"
)

// Theme is the institution's accent colour, "#0b5d4e", for light pages and for
// dark pages. Both must be set.
type Theme struct{ Accent, AccentDark string }

// CSS returns the theme as a style sheet. It returns an error if the contrast
// between an accent and its background is too low.
func (t Theme) CSS() ([]byte, error) {
	if err := colour.Readable(t.Accent, colour.LightGround); err != nil {
		return nil, fmt.Errorf("accent: %w", err)
	}
	if err := colour.Readable(t.AccentDark, colour.DarkGround); err != nil {
		return nil, fmt.Errorf("accent for dark pages: %w", err)
	}
	return fmt.Appendf(nil, ":root{--accent:%s;--accent-dark:%s}\n", t.Accent, t.AccentDark), nil
}
