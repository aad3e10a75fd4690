package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Origin is the hash before the first entry.
var Origin = strings.Repeat("0", 2*sha256.Size)

// Link is an entry with its position in the chain. Hashes are hexadecimal.
type Link struct {
	Entry
	Seq    int64  // from 1, without gaps
	Salt   string // random, so that the details cannot be guessed from their digest
	Digest string // hash of salt and details
	Prev   string // hash of the preceding link
	Hash   string
	MAC    string // the store's MAC of Signed; empty if written without the secret
	Erased bool   // the details were erased
}

// Chain returns the link for e at position seq, after the link with the hash
// prev.
func Chain(e Entry, seq int64, prev, salt string) Link {
	l := Link{Entry: e, Seq: seq, Salt: salt, Prev: prev}
	l.Digest = digest(salt, e.What)
	l.Hash = l.sum()
	return l
}

// digest is SHA-256 over these fields, each with its length before it:
//
//	"entree details 1", salt, then each name and value, by name
func digest(salt string, what map[string]string) string {
	h := newFields("entree details 1", salt)
	for _, name := range slices.Sorted(maps.Keys(what)) {
		h.add(name, what[name])
	}
	return h.sum()
}

// sum is SHA-256 over these fields, each with its length before it, numbers in
// decimal:
//
//	"entree audit 1", hash of the link before, seq, at (microseconds since
//	1970, UTC), subject, name, role, act, whom, from, digest of the details
func (l Link) sum() string {
	h := newFields("entree audit 1", l.Prev, strconv.FormatInt(l.Seq, 10), strconv.FormatInt(l.At.UnixMicro(), 10),
		l.By.Subject, l.By.Name, l.By.Role, l.Act, l.Whom, l.From, l.Digest)
	return h.sum()
}

// Signed returns what the MAC of an entry covers. The hash covers all the rest.
func (l Link) Signed() []string {
	return []string{"entree audit entry 1", strconv.FormatInt(l.Seq, 10), l.Hash}
}

// ChainRows continues a hash over rows, one SHA-256 per row over the hash before
// and the row's fields. Rows are taken in the order of their bytes.
func ChainRows(hash string, rows [][]string) string {
	slices.SortFunc(rows, slices.Compare)
	for _, row := range rows {
		f := newFields("entree rows 1", hash)
		f.add(row...)
		hash = f.sum()
	}
	return hash
}

// Block computes the hash of a block of events, in the order in which they are
// added.
type Block struct {
	fields fields
	Count  int64
}

// NewBlock returns an empty block.
func NewBlock() *Block { return &Block{fields: newFields("entree events 1")} }

// Add adds an event's fields as they are stored: id, at (microseconds), kind,
// person, journey, details.
func (b *Block) Add(stored ...string) {
	b.Count++
	b.fields.add(stored...)
}

// Sum returns the hash of the events added so far.
func (b *Block) Sum() string { return b.fields.sum() }

// fields hashes a list of strings unambiguously: each string is preceded by its
// length as eight bytes, big-endian.
type fields struct{ h hash.Hash }

func newFields(all ...string) fields {
	f := fields{sha256.New()}
	f.add(all...)
	return f
}

func (f fields) add(all ...string) {
	for _, s := range all {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		f.h.Write(n[:])
		f.h.Write([]byte(s))
	}
}

func (f fields) sum() string { return hex.EncodeToString(f.h.Sum(nil)) }
