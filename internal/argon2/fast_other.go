//go:build !amd64

package argon2

const path = portable

const elsewhere = "argon2: not on this processor"

func fillAVX2(out, prev, ref, scratch *block)                              { panic(elsewhere) }
func fillXorAVX2(out, prev, ref, scratch *block)                           { panic(elsewhere) }
func fillAVX512(out, prev, ref, lane *block, area, last, length uint64)    { panic(elsewhere) }
func fillXorAVX512(out, prev, ref, lane *block, area, last, length uint64) { panic(elsewhere) }
