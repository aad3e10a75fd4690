// Package sheet reads spreadsheets as rows of text: XLSX, as Excel, LibreOffice,
// Google, Numbers, Apache POI and openpyxl write it, and ODS.
//
// A workbook is read as a stream. The memory that it takes does not grow with
// the file: every XML part has a limit on its unpacked size, on its
// compression ratio and on the length of one token, and the shared strings
// of an XLSX are kept in a temporary file.
//
// A cell is returned as the text that an export would hold: a number without
// exponent or needless decimals, a date as 2006-01-02, an error as #N/A. A
// number format of zeros only, such as 00000000, is applied, since the zeros
// belong to the value.
package sheet

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// ErrUnreadable is returned for an archive that is no spreadsheet or a broken
// one.
var ErrUnreadable = errors.New("this is a spreadsheet or an archive that cannot be read: open it and save it again as XLSX, or as CSV")

// ErrTooLarge is returned if a part of the file exceeds its limit when it is
// unpacked.
var ErrTooLarge = errors.New("this spreadsheet is too large when it is unpacked: save the sheet with the people as CSV")

// NoValue is returned for a formula of which the file has no result.
const NoValue = "#FORMULA"

// The limits of a workbook.
const (
	maxDirectory = 2 << 20   // bytes of the archive's directory
	maxSheet     = 1 << 30   // unpacked bytes of a sheet, or of the shared strings
	maxPart      = 32 << 20  // unpacked bytes of any other part
	maxToken     = 512 << 10 // bytes of one XML token
	freeRatio    = 8 << 20   // unpacked bytes from which maxRatio holds
	maxRatio     = 100       // unpacked bytes for each packed one
	maxRows      = 1 << 20   // rows of a sheet, as in Excel and LibreOffice
	maxColumns   = 1 << 14   // columns of a sheet, as in Excel and LibreOffice
	maxSheets    = 500
	maxText      = 8 << 10 // bytes of a cell that are kept; the reader refuses longer values
)

// Info describes one sheet of a workbook.
type Info struct {
	Name   string
	Hidden bool
	Rows   int // rows that hold something; -1 if they were not counted
}

// Book is an open workbook. It is not safe for concurrent use.
type Book struct {
	Kind     string // XLSX or ODS
	Sheets   []Info
	From1904 bool // day numbers count from 1904 instead of 1900
	format   format
	dir      string // temporary files; removed by Close
}

// format is the reader of one file format.
type format interface {
	rows(sheet int) (*Rows, error)
	close() error
}

// Rows are the rows of one sheet.
type Rows struct {
	Line   int // of the row that Next returned last; the first row is 1
	Hidden int // rows so far that hold something and are hidden
	// HiddenColumns are the columns that are hidden, from the first to the last one of each
	// range; the first column of a sheet is 0. They are known after the first row.
	HiddenColumns [][2]int
	// Next returns the next row that is not empty. The slice is valid until the
	// next call. It returns io.EOF after the last row.
	Next  func() ([]string, error)
	Close func() error
}

// Open opens a workbook of size bytes. The caller closes f after the book.
func Open(f *os.File) (*Book, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	source := &directory{file: f, left: maxDirectory}
	archive, err := zip.NewReader(source, info.Size())
	if err != nil {
		return nil, ErrUnreadable
	}
	source.left = -1
	a := &parts{size: info.Size(), files: map[string]*zip.File{}}
	for _, file := range archive.File {
		name := clean(file.Name)
		if _, twice := a.files[name]; !twice {
			a.files[name] = file
		}
	}
	dir, err := os.MkdirTemp("", "entree-sheet-")
	if err != nil {
		return nil, err
	}
	b := &Book{dir: dir}
	if err := b.open(a); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// open finds the format by the parts of the archive.
func (b *Book) open(a *parts) error {
	has := func(name string) bool { return a.files[name] != nil }
	switch {
	case has("content.xml"):
		return b.openODS(a)
	case has("xl/workbook.bin"):
		return other("a binary Excel workbook (XLSB)")
	case has("word/document.xml"):
		return other("a Word document")
	case has("index/document.iwa"), has("index.zip"):
		return other("a document of Numbers")
	case has("ppt/presentation.xml"):
		return other("a presentation")
	}
	return b.openXLSX(a)
}

func other(what string) error {
	return fmt.Errorf("this is %s: save it as XLSX or as CSV", what)
}

// Read returns the rows of a sheet by its index in Sheets.
func (b *Book) Read(sheet int) (*Rows, error) { return b.format.rows(sheet) }

// Close removes the temporary files.
func (b *Book) Close() error {
	var err error
	if b.format != nil {
		err = b.format.close()
	}
	return errors.Join(err, os.RemoveAll(b.dir))
}

// directory bounds the bytes that are read to find the archive's parts, since
// the names of all of them are held in memory.
type directory struct {
	file *os.File
	left int // bytes that may still be read; -1: no limit
}

func (d *directory) ReadAt(p []byte, at int64) (int, error) {
	if d.left >= 0 {
		if d.left -= len(p); d.left < 0 {
			return 0, ErrTooLarge
		}
	}
	return d.file.ReadAt(p, at)
}

// parts are the files of an archive by their names in lower case.
type parts struct {
	size  int64
	files map[string]*zip.File
}

// clean returns a name as it is looked up: some writers use backslashes,
// capitals or a slash at the beginning.
func clean(name string) string {
	return strings.TrimPrefix(path.Clean(strings.ToLower(strings.ReplaceAll(name, `\`, "/"))), "/")
}

// open unpacks a part. It returns ErrUnreadable if there is no such part.
func (a *parts) open(name string, most int64) (*part, error) {
	file := a.files[clean(name)]
	if file == nil {
		return nil, ErrUnreadable
	}
	if file.Flags&1 != 0 {
		return nil, errors.New("this spreadsheet has a password: save it without one")
	}
	r, err := file.Open()
	if err != nil {
		return nil, ErrUnreadable
	}
	return &part{ReadCloser: r, most: most, packed: min(int64(file.CompressedSize64), a.size)}, nil
}

// part is an unpacked part with its limits.
type part struct {
	io.ReadCloser
	most, packed, read int64
}

func (p *part) Read(b []byte) (int, error) {
	n, err := p.ReadCloser.Read(b)
	p.read += int64(n)
	switch {
	case p.read > p.most, p.read > freeRatio && p.read > maxRatio*max(1, p.packed):
		return 0, ErrTooLarge
	case err != nil && !errors.Is(err, io.EOF):
		return 0, ErrUnreadable // a checksum or a length that does not match
	}
	return n, err
}
