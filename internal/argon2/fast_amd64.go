package argon2

import "golang.org/x/sys/cpu"

// path is the code that computes here. Tests choose another one.
var path = best()

func best() int {
	switch {
	case cpu.X86.HasAVX2 && cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW:
		return avx512
	case cpu.X86.HasAVX2:
		return avx2
	}
	return portable
}
