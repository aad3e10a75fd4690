package argon2

import (
	"encoding/binary"

	"golang.org/x/crypto/blake2b"
)

const (
	slices  = 4    // synchronisation points of a pass (RFC 9106, section 3.4)
	version = 0x13 // 1.3
	typeID  = 2    // Argon2id
	spare   = 4    // blocks of an instance beside its memory
)

// instance is one computation (RFC 9106, section 3.2). A lane of the memory is four
// segments long.
type instance struct {
	time, lanes, segment uint32
	secret, data         []byte // always empty but in the test vectors of RFC 9106
	memory               []block
	spare                *[spare]block // the scratch block of G, then three blocks for addresses
}

// key runs the computation. memory is the size in KiB as the caller asked for it.
func (in *instance) key(password, salt []byte, memory, keyLen uint32) []byte {
	in.start(password, salt, memory, keyLen)
	for pass := range in.time {
		for slice := range uint32(slices) {
			for lane := range in.lanes {
				in.fill(pass, lane, slice)
			}
		}
	}
	length := slices * in.segment
	last := &in.memory[length-1]
	for lane := uint32(1); lane < in.lanes; lane++ {
		for i, word := range in.memory[lane*length+length-1] {
			last[i] ^= word
		}
	}
	var bytes [1024]byte
	for i, word := range last {
		binary.LittleEndian.PutUint64(bytes[8*i:], word)
	}
	key := make([]byte, keyLen)
	variableHash(key, bytes[:])
	clear(bytes[:])
	return key
}

// start computes H0 and the first two blocks of each lane.
func (in *instance) start(password, salt []byte, memory, keyLen uint32) {
	var b []byte
	for _, n := range []uint32{in.lanes, keyLen, memory, in.time, version, typeID} {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	h, _ := blake2b.New512(nil) // fails for a long key only
	h.Write(b)
	for _, part := range [][]byte{password, salt, in.secret, in.data} {
		h.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(part))))
		h.Write(part)
	}
	var seed [blake2b.Size + 8]byte
	h.Sum(seed[:0])
	var bytes [1024]byte
	for lane := range in.lanes {
		for column := range uint32(2) {
			binary.LittleEndian.PutUint32(seed[blake2b.Size:], column)
			binary.LittleEndian.PutUint32(seed[blake2b.Size+4:], lane)
			variableHash(bytes[:], seed[:])
			to := &in.memory[lane*slices*in.segment+column]
			for i := range to {
				to[i] = binary.LittleEndian.Uint64(bytes[8*i:])
			}
		}
	}
	clear(seed[:])
	clear(bytes[:])
}

// variableHash fills out with H' of in (RFC 9106, section 3.3).
func variableHash(out, in []byte) {
	first := binary.LittleEndian.AppendUint32(make([]byte, 0, 4+len(in)), uint32(len(out)))
	value := append(first, in...)
	for len(out) > blake2b.Size {
		sum := blake2b.Sum512(value)
		copy(out, sum[:])
		out = out[blake2b.Size/2:]
		value = append(value[:0], sum[:]...)
	}
	h, _ := blake2b.New(len(out), nil) // fails for other lengths than 1 to 64 only
	h.Write(value)
	h.Sum(out[:0])
	clear(value[:cap(value)])
}

// fill computes a segment: the blocks of a lane between two synchronisation points.
func (in *instance) fill(pass, lane, slice uint32) {
	scratch, zero, input, addresses := &in.spare[0], &in.spare[1], &in.spare[2], &in.spare[3]
	independent := pass == 0 && slice < slices/2 // of the password, as in Argon2i
	next := func() {
		input[6]++
		fillAVX2(addresses, zero, input, scratch)
		fillAVX2(addresses, zero, addresses, scratch)
	}
	index := uint32(0)
	if pass == 0 && slice == 0 {
		index = 2 // the first two blocks exist
	}
	if independent {
		*zero = block{}
		*input = block{uint64(pass), uint64(lane), uint64(slice), uint64(len(in.memory)), uint64(in.time), typeID}
		if index > 0 {
			next()
		}
	}
	length := slices * in.segment
	at := slice*in.segment + index
	own := in.memory[lane*length:][:length]
	previous := &own[(at+length-1)%length]
	for ; index < in.segment; index, at = index+1, at+1 {
		random := previous[0]
		if independent {
			if index%128 == 0 {
				next()
			}
			random = addresses[index%128]
		}
		from := uint32(random>>32) % in.lanes
		if pass == 0 && slice == 0 {
			from = lane
		}
		area, start := in.window(pass, slice, index, from == lane)
		ref := &in.memory[from*length+position(random, area, start, length)]
		// The block after this one finds its window one block longer, if its lane is the same.
		area, start = in.window(pass, slice, index+1, true)
		switch {
		case path == avx512 && pass == 0:
			fillAVX512(&own[at], previous, ref, &own[0], uint64(area), uint64(start+area-1), uint64(length))
		case path == avx512:
			fillXorAVX512(&own[at], previous, ref, &own[0], uint64(area), uint64(start+area-1), uint64(length))
		case pass == 0:
			fillAVX2(&own[at], previous, ref, scratch)
		default:
			fillXorAVX2(&own[at], previous, ref, scratch)
		}
		previous = &own[at]
	}
}

// window returns the blocks of a lane that a block may refer to (RFC 9106, section
// 3.4.2): area blocks from start on, and again from the lane's first block after its
// last one. same reports whether that lane is the one that is filled.
func (in *instance) window(pass, slice, index uint32, same bool) (area, start uint32) {
	area = slice * in.segment // the finished segments
	if pass > 0 {
		area, start = (slices-1)*in.segment, (slice+1)%slices*in.segment
	}
	if same {
		area += index - 1 // and the finished blocks of this one, except the previous block
	} else if index == 0 {
		area--
	}
	return area, start
}

// position returns the place in a lane of the block of a window that random chooses.
// The function prefetch of tools/argon2asm computes the same.
func position(random uint64, area, start, length uint32) uint32 {
	x := random & 0xffff_ffff
	x = x * x >> 32
	x = uint64(area) * x >> 32
	return uint32((uint64(start) + uint64(area) - 1 - x) % uint64(length))
}
