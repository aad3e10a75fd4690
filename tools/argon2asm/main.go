// Command argon2asm writes internal/argon2/block_amd64.s: the compression function G
// of Argon2 (RFC 9106, section 3.5) for AVX2 and for AVX-512.
//
// G combines two blocks of 1 KiB. A block is a matrix of 8×8 pairs of 64-bit words.
// The permutation P is applied to the eight rows, then to the eight columns of
// R = prev ^ ref, and R is added to the result.
//
// With AVX2, two permutations run at once. Eight registers hold their 16 words each: in
// register k the low half holds pair k of the first permutation, and the high half
// pair k of the second one. For the columns this is how the block lies in memory;
// for the rows, two registers exchange their halves when they are loaded and stored.
//
// `make generate` runs it; a test compares its output with the file.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// rotations holds the masks of VPSHUFB that rotate 64-bit words to the right.
type rotations struct{ by24, by16 VecVirtual }

func main() {
	ConstraintExpr("amd64")
	for _, f := range []struct {
		name, doc string
		add       bool
	}{
		{"fillAVX2", "fillAVX2 stores G(prev, ref) in out. scratch is overwritten.", false},
		{"fillXorAVX2", "fillXorAVX2 stores out ^ G(prev, ref) in out. scratch is overwritten.", true},
	} {
		TEXT(f.name, NOSPLIT, "func(out, prev, ref, scratch *[128]uint64)")
		Doc(f.doc)
		Pragma("noescape")
		compress(f.add)
	}
	for _, f := range []struct {
		name, doc string
		add       bool
	}{
		{"fillAVX512", "fillAVX512 stores G(prev, ref) in out.", false},
		{"fillXorAVX512", "fillXorAVX512 stores out ^ G(prev, ref) in out.", true},
	} {
		TEXT(f.name, NOSPLIT, "func(out, prev, ref, lane *[128]uint64, area, last, length uint64)")
		Doc(f.doc)
		Pragma("noescape")
		compress512(f.add)
	}
	Generate()
}

// mask returns a register with a byte order for VPSHUFB that rotates each 64-bit
// word to the right by a number of bytes.
func mask(name string, bytes int) VecVirtual {
	data := GLOBL(name, RODATA|NOPTR)
	for word := range 4 {
		var order uint64
		for i := range 8 {
			order |= uint64(word%2*8+(i+bytes)%8) << (8 * i)
		}
		DATA(8*word, U64(order))
	}
	r := YMM()
	VMOVDQU(data, r)
	return r
}

// compress emits the body of a function. With add, the result is added to what out
// holds.
func compress(add bool) {
	out := Mem{Base: Load(Param("out"), GP64())}
	prev := Mem{Base: Load(Param("prev"), GP64())}
	ref := Mem{Base: Load(Param("ref"), GP64())}
	scratch := Mem{Base: Load(Param("scratch"), GP64())}
	suffix := "set"
	if add {
		suffix = "add"
	}
	by := rotations{mask("rotate24"+suffix, 3), mask("rotate16"+suffix, 2)}

	// The memory is larger than the caches of a core. A tenth of the time is saved by
	// asking for both blocks at once: prev was written just before.
	for line := 0; line < 1024; line += 64 {
		PREFETCHT0(ref.Offset(line))
		PREFETCHT0(out.Offset(line))
	}
	for row := 0; row < 8; row += 2 {
		Commentf("Rows %d and %d.", row, row+1)
		v := registers()
		for k := 0; k < 8; k += 2 {
			first, second := 128*row+16*k, 128*(row+1)+16*k
			low, high := YMM(), YMM()
			VMOVDQU(prev.Offset(first), low)
			VPXOR(ref.Offset(first), low, low)
			VMOVDQU(prev.Offset(second), high)
			VPXOR(ref.Offset(second), high, high)
			exchange(low, high, v[k], v[k+1])
		}
		permute(v, YMM, func(v [8]VecVirtual) { quarter(v, by) })
		for k := 0; k < 8; k += 2 {
			low, high := YMM(), YMM()
			exchange(v[k], v[k+1], low, high)
			VMOVDQU(low, scratch.Offset(128*row+16*k))
			VMOVDQU(high, scratch.Offset(128*(row+1)+16*k))
		}
	}
	for column := 0; column < 8; column += 2 {
		Commentf("Columns %d and %d.", column, column+1)
		v := registers()
		for k := range 8 {
			VMOVDQU(scratch.Offset(128*k+16*column), v[k])
		}
		permute(v, YMM, func(v [8]VecVirtual) { quarter(v, by) })
		for k := range 8 {
			at := 128*k + 16*column
			VPXOR(prev.Offset(at), v[k], v[k])
			VPXOR(ref.Offset(at), v[k], v[k])
			if add {
				VPXOR(out.Offset(at), v[k], v[k])
			}
			VMOVDQU(v[k], out.Offset(at))
		}
	}
	VZEROUPPER()
	RET()
}

func registers() (v [8]VecVirtual) {
	for i := range v {
		v[i] = YMM()
	}
	return v
}

// exchange stores the low halves of a and b in low, and their high halves in high.
func exchange(a, b, low, high VecVirtual) {
	VINSERTI128(U8(1), b.AsX(), a, low)
	VPERM2I128(U8(0x31), b, a, high)
}

// permute emits P for the permutations in eight registers: GB on the columns of their
// 4×4 words, then on the diagonals.
func permute(v [8]VecVirtual, register func() VecVirtual, quarter func([8]VecVirtual)) {
	quarter(v)
	// A row of four words is in two registers. Row b moves by one word, c by two, d by
	// three.
	b0, b1, d0, d1 := register(), register(), register(), register()
	VPALIGNR(U8(8), v[2], v[3], b0)
	VPALIGNR(U8(8), v[3], v[2], b1)
	VPALIGNR(U8(8), v[7], v[6], d0)
	VPALIGNR(U8(8), v[6], v[7], d1)
	quarter([8]VecVirtual{v[0], v[1], b0, b1, v[5], v[4], d0, d1})
	VPALIGNR(U8(8), b1, b0, v[2])
	VPALIGNR(U8(8), b0, b1, v[3])
	VPALIGNR(U8(8), d0, d1, v[6])
	VPALIGNR(U8(8), d1, d0, v[7])
}

// quarter emits GB (RFC 9106, section 3.6) on each column of the rows a, b, c and d,
// which are in two registers each.
func quarter(v [8]VecVirtual, by rotations) {
	a, b, c, d := v[0:2], v[2:4], v[4:6], v[6:8]
	multiply(a, b, YMM)
	for i := range 2 {
		VPXOR(a[i], d[i], d[i])
		VPSHUFD(U8(0xb1), d[i], d[i]) // by 32
	}
	multiply(c, d, YMM)
	for i := range 2 {
		VPXOR(c[i], b[i], b[i])
		VPSHUFB(by.by24, b[i], b[i])
	}
	multiply(a, b, YMM)
	for i := range 2 {
		VPXOR(a[i], d[i], d[i])
		VPSHUFB(by.by16, d[i], d[i])
	}
	multiply(c, d, YMM)
	for i := range 2 {
		VPXOR(c[i], b[i], b[i])
		twice := YMM()
		VPADDQ(b[i], b[i], twice)
		VPSRLQ(U8(63), b[i], b[i])
		VPXOR(twice, b[i], b[i])
	}
}

// multiply emits x += y + 2·lo(x)·lo(y) on 64-bit words.
func multiply(x, y []VecVirtual, register func() VecVirtual) {
	for i := range 2 {
		product := register()
		VPMULUDQ(x[i], y[i], product)
		VPADDQ(y[i], x[i], x[i])
		VPADDQ(product, product, product)
		VPADDQ(product, x[i], x[i])
	}
}
