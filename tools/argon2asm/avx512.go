package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// compress512 emits the body of a function for AVX-512. Four permutations run side by
// side, each in one quarter of eight registers, and the block stays in registers
// between the rows and the columns.
//
// The first word of the result chooses the block that the next call reads. The columns
// that contain this word are finished first, so that the memory is asked for that block
// while the others are computed.
func compress512(add bool) {
	out := Mem{Base: Load(Param("out"), GP64())}
	prev := Mem{Base: Load(Param("prev"), GP64())}
	ref := Mem{Base: Load(Param("ref"), GP64())}

	for line := 0; line < 1024; line += 64 {
		PREFETCHT0(ref.Offset(line))
		PREFETCHT0(out.Offset(line))
	}
	var block [2][8]VecVirtual // half of each row
	for _, group := range []int{0, 4} {
		Commentf("Rows %d to %d.", group, group+3)
		var v [8]VecVirtual
		for half := range 2 {
			var rows [4]VecVirtual
			for i := range rows {
				rows[i] = ZMM()
				at := 128*(group+i) + 64*half
				VMOVDQU64(prev.Offset(at), rows[i])
				VPXORQ(ref.Offset(at), rows[i], rows[i])
			}
			copy(v[4*half:], transpose(rows))
		}
		permute(v, ZMM, quarter512)
		for half := range 2 {
			copy(block[half][group:], transpose([4]VecVirtual(v[4*half:])))
		}
	}
	for half := range 2 {
		Commentf("Columns %d to %d.", 4*half, 4*half+3)
		v := block[half]
		permute(v, ZMM, quarter512)
		for k := range 8 {
			at := 128*k + 64*half
			if add {
				VPXORQ(out.Offset(at), v[k], v[k])
			}
			sum := ZMM()
			VMOVDQU64(prev.Offset(at), sum)
			VPTERNLOGQ(U8(0x96), ref.Offset(at), sum, v[k]) // v ^ prev ^ ref
			VMOVDQU64(v[k], out.Offset(at))
			if half == 0 && k == 0 {
				prefetch(v[k])
			}
		}
	}
	VZEROUPPER()
	RET()
}

// prefetch emits requests for the block that the first word of a result chooses in the
// window of the next block, as the function position of the package computes it. A
// wrong block would cost time and nothing else.
func prefetch(result VecVirtual) {
	base, area := Load(Param("lane"), GP64()), Load(Param("area"), GP64())
	last, length := Load(Param("last"), GP64()), Load(Param("length"), GP64())
	x, y := GP64(), GP64()
	VMOVD(result.AsX(), x.As32())
	IMULQ(x, x)
	SHRQ(U8(32), x)
	IMULQ(area, x)
	SHRQ(U8(32), x)
	SUBQ(x, last)
	MOVQ(last, y)
	SUBQ(length, y)
	CMOVQCC(y, last)
	SHLQ(U8(10), last)
	ADDQ(last, base)
	for line := 0; line < 1024; line += 64 {
		PREFETCHT0(Mem{Base: base}.Offset(line))
	}
}

// transpose exchanges the quarters of four registers: quarter i of register j becomes
// quarter j of register i.
func transpose(in [4]VecVirtual) []VecVirtual {
	var low, out [4]VecVirtual
	for i := range 4 {
		low[i], out[i] = ZMM(), ZMM()
	}
	VSHUFI64X2(U8(0x44), in[1], in[0], low[0]) // quarters 0 and 1 of both
	VSHUFI64X2(U8(0xee), in[1], in[0], low[1]) // quarters 2 and 3
	VSHUFI64X2(U8(0x44), in[3], in[2], low[2])
	VSHUFI64X2(U8(0xee), in[3], in[2], low[3])
	VSHUFI64X2(U8(0x88), low[2], low[0], out[0]) // quarters 0 and 2 of both
	VSHUFI64X2(U8(0xdd), low[2], low[0], out[1]) // quarters 1 and 3
	VSHUFI64X2(U8(0x88), low[3], low[1], out[2])
	VSHUFI64X2(U8(0xdd), low[3], low[1], out[3])
	return out[:]
}

// quarter512 emits GB as quarter does.
func quarter512(v [8]VecVirtual) {
	a, b, c, d := v[0:2], v[2:4], v[4:6], v[6:8]
	for _, right := range []struct{ d, b uint8 }{{32, 24}, {16, 63}} {
		multiply(a, b, ZMM)
		turn(d, a, right.d)
		multiply(c, d, ZMM)
		turn(b, c, right.b)
	}
}

// turn emits x = (x ^ y) rotated to the right on 64-bit words.
func turn(x, y []VecVirtual, right uint8) {
	for i := range 2 {
		VPXORQ(y[i], x[i], x[i])
		VPRORQ(U8(right), x[i], x[i])
	}
}
