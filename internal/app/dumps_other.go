//go:build !linux

package app

// NoCoreDumps does nothing: core dumps are switched off on Linux only.
func NoCoreDumps() error { return nil }
