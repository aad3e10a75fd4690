package registry

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"entree/internal/registry/charset"
	"entree/internal/registry/sheet"
)

// Open returns the table of a file by its content: CSV, XLSX or ODS. The reader
// stays the caller's to close. Its encoding is decided by the whole file, so
// that a reader that cannot seek is copied into a temporary file first.
func Open(r io.Reader) (Table, error) { return OpenAs(r, "") }

// OpenAs opens a file as Open does, with the encoding of a text given by its
// name; empty: decided by the file.
func OpenAs(r io.Reader, encoding string) (t Table, err error) {
	if encoding != "" && !slices.ContainsFunc(charset.Names(), func(n string) bool { return strings.EqualFold(n, encoding) }) {
		return Table{}, fmt.Errorf("unknown encoding %q: want one of %s", encoding, strings.Join(charset.Names(), ", "))
	}
	file, ok := r.(*os.File)
	if ok {
		_, err := file.Seek(0, io.SeekStart)
		ok = err == nil
	}
	gone := func() error { return nil }
	if !ok {
		if file, gone, err = spool(r); err != nil {
			return Table{}, err
		}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, gone())
		}
	}()
	if t, err = openFile(file, encoding); err != nil {
		return Table{}, err
	}
	closeTable := t.Close
	t.Close = func() error { return errors.Join(closeTable(), gone()) }
	return t, nil
}

// spool copies a reader into a temporary file, which gone removes.
func spool(r io.Reader) (_ *os.File, gone func() error, _ error) {
	file, err := os.CreateTemp("", "entree-import-")
	if err != nil {
		return nil, nil, err
	}
	gone = func() error { return errors.Join(file.Close(), os.Remove(file.Name())) }
	if _, err = io.Copy(file, r); err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, nil, errors.Join(err, gone())
	}
	return file, gone, nil
}

func openFile(file *os.File, encoding string) (Table, error) {
	head := make([]byte, 8)
	n, err := file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return Table{}, err
	}
	head = head[:n]
	switch {
	case n == 0:
		return Table{}, errors.New("the file is empty")
	case bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0")):
		return Table{}, errors.New("this is a spreadsheet of an old kind (XLS), or one with a password: save it as XLSX or as CSV, without a password")
	case bytes.HasPrefix(head, []byte("\x1f\x8b")), bytes.HasPrefix(head, []byte("7z\xbc\xaf")), bytes.HasPrefix(head, []byte("Rar!")):
		return Table{}, errors.New("this is an archive: unpack it and import the file within")
	}
	sum := sha256.New()
	tee := io.TeeReader(file, sum)
	isBook := bytes.HasPrefix(head, []byte("PK\x03\x04"))
	var evidence charset.Evidence
	if !isBook {
		if evidence, err = charset.Look(tee, encoding); err != nil {
			return Table{}, err
		}
		if evidence.Binary {
			return Table{}, errors.New("this is not a text file")
		}
	}
	if _, err := io.Copy(io.Discard, tee); err != nil {
		return Table{}, err
	}
	hash := hex.EncodeToString(sum.Sum(nil))
	var t Table
	if isBook {
		t, err = openBook(file)
	} else {
		var info os.FileInfo
		if info, err = file.Stat(); err == nil {
			_, err = file.Seek(0, io.SeekStart)
		}
		if err == nil {
			counted := &counted{r: file, size: info.Size()}
			t, err = openText(counted, evidence)
			t.Done = counted.done
		}
	}
	t.SHA256 = func() string { return hash }
	return t, err
}

// counted counts the bytes that are read.
type counted struct {
	r          io.Reader
	read, size int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.read += int64(n)
	return n, err
}

func (c *counted) done() float64 { return min(1, float64(c.read)/float64(max(1, c.size))) }

// openBook opens a spreadsheet.
func openBook(file *os.File) (Table, error) {
	book, err := sheet.Open(file)
	if err != nil {
		return Table{}, err
	}
	var current *sheet.Rows
	type read struct {
		name string
		rows *sheet.Rows
	}
	var all []read // sheets that were opened
	total := 1
	t := Table{Report: Report{Format: book.Kind}, Serial: true, From1904: book.From1904}
	for i, s := range book.Sheets {
		t.Sheets = append(t.Sheets, Sheet{Name: s.Name, Hidden: s.Hidden, Rows: s.Rows, Open: func() (func() ([]string, int, error), func() error, error) {
			rows, err := book.Read(i)
			if err != nil {
				return nil, nil, err
			}
			current, total = rows, max(1, s.Rows)
			all = append(all, read{s.Name, rows})
			return func() ([]string, int, error) {
				record, err := rows.Next()
				return record, rows.Line, err
			}, rows.Close, nil
		}})
	}
	t.Done = func() float64 {
		if current == nil {
			return 0
		}
		return min(1, float64(current.Line)/float64(total))
	}
	t.HiddenColumn = func(name string, column int) bool {
		return slices.ContainsFunc(all, func(r read) bool {
			return r.name == name && slices.ContainsFunc(r.rows.HiddenColumns, func(of [2]int) bool { return of[0] <= column && column <= of[1] })
		})
	}
	t.Late = func() (out []Finding) {
		for _, r := range all {
			if r.rows.Hidden > 0 {
				out = append(out, Finding{Kind: FindHidden, Value: r.name, Count: r.rows.Hidden})
			}
		}
		return out
	}
	t.Close = book.Close
	return t, nil
}
