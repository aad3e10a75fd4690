// Package breached looks a password up in a local list of leaked passwords,
// without a request to any server (S22 of docs/threat-model.md).
//
// The list is a text file with one upper-case SHA-1 hash per line, sorted, each
// followed by a colon and any text: the usual form of such lists. The file may have
// tens of gigabytes; a look-up is a binary search that reads about forty lines.
package breached

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"entree/internal/secret"
)

// List is an open file.
type List struct {
	file io.ReaderAt
	size int64
}

// hashLength is the length of a SHA-1 in hexadecimal figures.
const hashLength = 40

// window is the size of a read in bytes; it must exceed the longest line.
const window = 128

// Open opens a list and checks its first line. The file stays open for the life of
// the program.
func Open(name string) (*List, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	l := &List{f, info.Size()}
	if _, err := l.line(0); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return l, nil
}

// Has reports whether a password is on the list.
func (l *List) Has(password secret.Text) (bool, error) {
	sum := sha1.Sum([]byte(password.Reveal()))
	want := strings.ToUpper(hex.EncodeToString(sum[:]))
	// Invariant: lines that begin before low are smaller than want; lines that
	// begin at or after high are not.
	low, high := int64(0), l.size
	for low < high {
		middle := low + (high-low)/2
		start, err := l.start(middle)
		if err != nil {
			return false, err
		}
		if start >= high { // no line begins between the two
			if start, err = l.start(low); err != nil || start >= high {
				return false, err
			}
		}
		hash, err := l.line(start)
		if err != nil {
			return false, err
		}
		switch strings.Compare(hash, want) {
		case 0:
			return true, nil
		case -1:
			low = start + 1
		default:
			high = min(middle, start)
			if high < low {
				return false, nil
			}
		}
	}
	return false, nil
}

// start returns the offset of the first line that begins at or after an offset.
func (l *List) start(at int64) (int64, error) {
	if at == 0 {
		return 0, nil
	}
	buffer := make([]byte, window)
	n, err := l.file.ReadAt(buffer, at-1)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	end := bytes.IndexByte(buffer[:n], '\n')
	if end < 0 {
		return l.size, nil
	}
	return at + int64(end), nil
}

// line returns the hash of the line that begins at an offset.
func (l *List) line(at int64) (string, error) {
	buffer := make([]byte, hashLength)
	if _, err := l.file.ReadAt(buffer, at); err != nil {
		return "", fmt.Errorf("breached: no hash at byte %d: %w", at, err)
	}
	if _, err := hex.DecodeString(string(buffer)); err != nil || bytes.ContainsAny(buffer, "abcdef") {
		return "", fmt.Errorf("breached: byte %d does not begin an upper-case SHA-1: is the list sorted by hash?", at)
	}
	return string(buffer), nil
}
