package argon2

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"golang.org/x/crypto/argon2"
)

// eachPath runs a test with each path that this processor has.
func eachPath(t *testing.T, f func(*testing.T)) {
	best := path
	t.Cleanup(func() { setPath(best) })
	for p := best; p >= portable; p-- {
		setPath(p)
		t.Run([]string{"x/crypto", "avx2", "avx512"}[p], f)
	}
}

// TestVectorOfTheStandard computes the test vector of RFC 9106, section 5.3.
func TestVectorOfTheStandard(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		if path == portable {
			t.Log("golang.org/x/crypto is tested with this vector by its authors")
			return
		}
		in := instance{
			time: 3, lanes: 4, segment: 2, memory: make([]block, 32), spare: new([spare]block),
			secret: bytes.Repeat([]byte{3}, 8), data: bytes.Repeat([]byte{4}, 12),
		}
		got := hex.EncodeToString(in.key(bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 16), 32, 32))
		if want := "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestSameAsXCrypto(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		p, r := NewPool(1), rand.New(rand.NewPCG(1, 2))
		for range 300 {
			compare(t, p, random(r, 100), random(r, 40), 1+r.Uint32N(4), r.Uint32N(600), 1+uint8(r.UintN(5)), 1+r.Uint32N(200))
		}
		compare(t, p, []byte("password"), random(r, 16), 5, 7168, 1, 32) // Keycloak's parameters
	})
}

func FuzzIDKey(f *testing.F) {
	f.Add([]byte("password"), []byte("somesalt"), uint8(1), uint16(64), uint8(1), uint8(32))
	f.Add([]byte{}, []byte{}, uint8(3), uint16(0), uint8(4), uint8(65))
	p := NewPool(1)
	best := path
	f.Cleanup(func() { setPath(best) })
	f.Fuzz(func(t *testing.T, password, salt []byte, time uint8, memory uint16, threads, length uint8) {
		for path := portable + 1; path <= best; path++ {
			setPath(path)
			compare(t, p, password, salt, 1+uint32(time%4), uint32(memory%2048), 1+threads%9, 1+uint32(length))
		}
	})
}

// TestMemory checks that a pool wipes the buffers that it keeps, and that several callers share
// it.
func TestMemory(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		p := NewPool(2)
		var wait sync.WaitGroup
		for i := range 8 {
			wait.Go(func() { compare(t, p, []byte{byte(i)}, []byte("somesalt"), 1, uint32(64*(1+i%3)), 1, 32) })
		}
		wait.Wait()
		for len(p.free) > 0 {
			for i, b := range <-p.free {
				if b != (block{}) {
					t.Fatalf("block %d of a kept buffer holds data", i)
				}
			}
		}
	})
}

func TestZeroParameters(t *testing.T) {
	for _, c := range []struct {
		time, length uint32
		threads      uint8
	}{{0, 32, 1}, {1, 0, 1}, {1, 32, 0}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			NewPool(1).IDKey(nil, nil, c.time, 64, c.threads, c.length)
		})
	}
}

func compare(t *testing.T, p *Pool, password, salt []byte, time, memory uint32, threads uint8, length uint32) {
	t.Helper()
	got, want := p.IDKey(password, salt, time, memory, threads, length), argon2.IDKey(password, salt, time, memory, threads, length)
	if !bytes.Equal(got, want) {
		t.Errorf("password %x, salt %x, time %d, memory %d, threads %d:\ngot  %x\nwant %x", password, salt, time, memory, threads, got, want)
	}
}

func random(r *rand.Rand, below int) []byte {
	b := make([]byte, r.IntN(below))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// BenchmarkIDKey measures one hash with Keycloak's parameters, by each path.
func BenchmarkIDKey(b *testing.B) {
	best := path
	b.Cleanup(func() { setPath(best) })
	for p := best; p >= portable; p-- {
		b.Run([]string{"x-crypto", "avx2", "avx512"}[p], func(b *testing.B) {
			setPath(p)
			pool := NewPool(1)
			for b.Loop() {
				pool.IDKey([]byte("password"), make([]byte, 16), 5, 7168, 1, 32)
			}
		})
	}
}
