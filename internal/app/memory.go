package app

import "runtime/debug"

// LimitHeap lets the heap grow to four times what lives in it before it is
// swept, up to a bound. Each Argon2 hash takes 7 MiB and leaves them behind:
// with Go's own setting every third password would have the whole heap swept.
// Whoever sets GOGC or GOMEMLIMIT decides for himself.
func LimitHeap(getenv func(string) string) {
	if getenv("GOGC") == "" && getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(300)
		debug.SetMemoryLimit(80 << 20)
	}
}
