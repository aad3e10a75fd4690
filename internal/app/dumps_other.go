//go:build !linux

package app

// NoCoreDumps is for Linux, on which the portal is run.
func NoCoreDumps() error { return nil }
