package registry

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"os"
)

// peek is how much of a file is looked at to tell what it is.
const peek = 64 << 10

// Open gives the table of a file by what is in it: CSV or XLSX. size is the
// file's, 0 where it is not known. The reader stays the caller's to close.
func Open(r io.Reader, size int64) (Table, error) {
	sum := &summed{r: r, hash: sha256.New(), size: size}
	buffered := bufio.NewReaderSize(sum, peek)
	head, err := buffered.Peek(peek)
	if err != nil && !errors.Is(err, io.EOF) {
		return Table{}, err
	}
	if len(head) == 0 {
		return Table{}, errors.New("the file is empty")
	}
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return spool(buffered, sum)
	case bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0")):
		return Table{}, errors.New("this is a spreadsheet of an old kind (XLS), or one with a password: save it as XLSX or as CSV, without a password")
	}
	t, err := openCSV(buffered, head)
	if err != nil {
		return Table{}, err
	}
	t.Done, t.SHA256 = sum.done, sum.sha256
	return t, nil
}

// spool copies a spreadsheet into a file of its own, since it is read from its
// end and may come from a pipe. The file is removed with the table.
func spool(r io.Reader, sum *summed) (Table, error) {
	f, err := os.CreateTemp("", "entree-import-")
	if err != nil {
		return Table{}, err
	}
	gone := func() error { return errors.Join(f.Close(), os.Remove(f.Name())) }
	if _, err := io.Copy(f, r); err != nil {
		return Table{}, errors.Join(err, gone())
	}
	t, err := openXLSX(f)
	if err != nil {
		return Table{}, errors.Join(err, gone())
	}
	closeSheet := t.Close
	t.SHA256 = sum.sha256
	t.Close = func() error { return errors.Join(closeSheet(), gone()) }
	return t, nil
}

// summed hashes and counts what is read.
type summed struct {
	r    io.Reader
	hash hash.Hash
	read int64
	size int64
	end  bool
}

func (s *summed) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.hash.Write(p[:n])
	s.read += int64(n)
	s.end = s.end || errors.Is(err, io.EOF)
	return n, err
}

func (s *summed) done() float64 {
	if s.size == 0 {
		return 0
	}
	return min(1, float64(s.read)/float64(s.size))
}

// sha256 is empty until the whole was read.
func (s *summed) sha256() string {
	if !s.end {
		return ""
	}
	return hex.EncodeToString(s.hash.Sum(nil))
}
