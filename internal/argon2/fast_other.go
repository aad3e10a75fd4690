//go:build !amd64

package argon2

const fast = false

func fillAVX2(out, prev, ref, scratch *block)    { panic("argon2: not on this processor") }
func fillXorAVX2(out, prev, ref, scratch *block) { panic("argon2: not on this processor") }
