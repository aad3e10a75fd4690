// Package argon2 derives keys with Argon2id, version 1.3 (RFC 9106), with the same
// bytes as golang.org/x/crypto/argon2 and, on processors with AVX2 or AVX-512, in less
// than half of its time. On other processors it calls that package.
//
// The memory of a computation comes from a [Pool], which keeps a bounded number of
// buffers, and is overwritten with zeros before it returns there.
package argon2

import "golang.org/x/crypto/argon2"

// The code that computes, each path faster than the one before it.
const (
	portable = iota // golang.org/x/crypto/argon2
	avx2
	avx512
)

// Pool computes keys in memory that it keeps for the next computation. It is safe
// for concurrent use.
type Pool struct{ free chan []block }

// block is the unit of memory of Argon2: 1 KiB as 128 words.
type block = [128]uint64

// NewPool returns a pool that keeps the buffers of at most kept computations. It
// does not limit how many run at once: further ones allocate, and their memory is
// left to the garbage collector.
func NewPool(kept int) *Pool { return &Pool{make(chan []block, kept)} }

// IDKey derives a key of keyLen bytes (at least 1) from a password and a salt. time
// is the number of passes over the memory, at least 1. memory is in KiB; it is
// rounded down to a multiple of 4·threads and is at least 8·threads. threads is the
// number of lanes, at least 1: it changes the key, but with AVX2 the lanes
// are computed one after another. It panics if time, threads or keyLen is 0.
func (p *Pool) IDKey(password, salt []byte, time, memory uint32, threads uint8, keyLen uint32) []byte {
	if time < 1 || threads < 1 || keyLen < 1 {
		panic("argon2: time, threads and the key's length are at least 1")
	}
	if path == portable {
		return argon2.IDKey(password, salt, time, memory, threads, keyLen)
	}
	lanes := uint32(threads)
	in := instance{time: time, lanes: lanes, segment: max(memory/(slices*lanes), 2)}
	var key []byte
	p.use(int(slices*lanes*in.segment)+spare, func(memoryAndSpare []block) {
		in.memory, in.spare = memoryAndSpare[spare:], (*[spare]block)(memoryAndSpare)
		key = in.key(password, salt, memory, keyLen)
	})
	return key
}

// use calls f with a buffer of a number of blocks, whose content is undefined.
func (p *Pool) use(blocks int, f func([]block)) {
	var buffer []block
	select {
	case buffer = <-p.free:
	default:
	}
	if cap(buffer) < blocks {
		buffer = make([]block, blocks)
	}
	buffer = buffer[:blocks]
	f(buffer)
	clear(buffer)
	select {
	case p.free <- buffer:
	default:
	}
}
