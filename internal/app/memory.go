package app

import "runtime/debug"

// LimitHeap lets the heap grow to four times its live size before a collection, up
// to 80 MiB. Each Argon2 hash allocates 7 MiB: with Go's default, every third
// password would start a collection.
// GOGC or GOMEMLIMIT in the environment take precedence.
func LimitHeap(getenv func(string) string) {
	if getenv("GOGC") == "" && getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(300)
		debug.SetMemoryLimit(80 << 20)
	}
}
