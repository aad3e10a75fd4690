package app

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// NoCoreDumps prevents core dumps of this process, by a resource limit and by a
// mark that holds where cores go to a program, which knows no limits: passwords
// and the secret are in memory while they are used (I4). With the mark, no other
// program of the same user can read the memory or the environment either.
func NoCoreDumps() error {
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return err
	}
	return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
}
