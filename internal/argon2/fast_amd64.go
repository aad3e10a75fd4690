package argon2

import "golang.org/x/sys/cpu"

// fast reports whether the functions of block_amd64.s can run. Tests set it to false.
var fast = cpu.X86.HasAVX2
