//go:build !linux

package main

// noDumps is for Linux, on which the portal is run.
func noDumps() error { return nil }
