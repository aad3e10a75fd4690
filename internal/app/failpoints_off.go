//go:build !failpoint

package app

// withFailpoints leaves the ports as they are: the program that people run has
// no failpoints.
func withFailpoints(p ports) ports { return p }
