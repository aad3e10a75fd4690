package app

import (
	"fmt"
	"os"

	"entree/internal/mail/bounce"
)

// BounceRules returns the table of bounce rules, with those of a file first.
func BounceRules(file string) (*bounce.Rules, error) {
	if file == "" {
		return bounce.DefaultRules(), nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	own, err := bounce.ParseRules(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return bounce.DefaultRules().Extend(own)
}
