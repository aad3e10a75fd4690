//go:build race

package portal_test

func init() { mostHeld *= 2 }
