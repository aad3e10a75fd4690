package registry

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// The largest spreadsheet that is read: its sheets are streamed through files
// for the time of the import, the rest of it is held in memory.
const (
	maxSheets = 1 << 30
	maxRest   = 32 << 20
	inMemory  = 8 << 20 // a part that is larger is streamed
)

var errNoSpreadsheet = errors.New("this is a spreadsheet or an archive that cannot be read: open it and save it again as XLSX, or as CSV")

// openXLSX reads the first visible sheet. A formula counts as its result, as
// the program that saved the file computed it; a date is the number of days
// that the file holds; a cell that is merged with those below it is the value
// of all of them.
func openXLSX(f *os.File) (t Table, err error) {
	info, err := f.Stat()
	if err != nil {
		return Table{}, err
	}
	archive, err := zip.NewReader(f, info.Size())
	if err != nil {
		return Table{}, errNoSpreadsheet
	}
	if err := measured(archive); err != nil {
		return Table{}, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return Table{}, err
	}
	// excelize leaves what it unpacked where it cannot go on, so it gets a folder
	// of its own.
	dir, err := os.MkdirTemp("", "entree-sheets-")
	if err != nil {
		return Table{}, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	book, err := excelize.OpenReader(f, excelize.Options{RawCellValue: true, UnzipSizeLimit: maxSheets + maxRest, UnzipXMLSizeLimit: inMemory, TmpDir: dir})
	if err != nil {
		return Table{}, errNoSpreadsheet
	}
	sheet := ""
	for _, name := range book.GetSheetList() {
		if visible, err := book.GetSheetVisible(name); err == nil && visible {
			sheet = name
			break
		}
	}
	rows, err := book.Rows(sheet)
	if err != nil {
		return Table{}, errors.Join(errNoSpreadsheet, book.Close())
	}
	from1904 := false
	if p, err := book.GetWorkbookProps(); err == nil && p.Date1904 != nil {
		from1904 = *p.Date1904
	}
	merged, total, err := scanSheet(archive, sheet)
	if err != nil {
		return Table{}, errors.Join(err, book.Close())
	}
	line := 0
	return Table{
		Padded: true,
		Next: func() ([]string, int, error) {
			if !rows.Next() {
				if err := rows.Error(); err != nil {
					return nil, 0, fmt.Errorf("after line %d: %w", line, errNoSpreadsheet)
				}
				return nil, 0, io.EOF
			}
			line++
			record, err := rows.Columns()
			if err != nil {
				return nil, 0, fmt.Errorf("line %d: %w", line, errNoSpreadsheet)
			}
			for i, cell := range record {
				if whole, ok := strings.CutSuffix(cell, ".0"); ok && allDigits.MatchString(whole) {
					record[i] = whole // how some programs write a number
				}
			}
			return merged.fill(record, line), line, nil
		},
		Date:  func(cell string) string { return serialDate(cell, from1904) },
		Done:  func() float64 { return min(1, float64(line)/float64(max(1, total))) },
		Close: func() error { return errors.Join(rows.Close(), book.Close(), os.RemoveAll(dir)) },
	}, nil
}

// measured refuses what would fill memory or disk.
func measured(archive *zip.Reader) error {
	var sheets, rest uint64
	for _, f := range archive.File {
		name := strings.ToLower(f.Name)
		if strings.HasPrefix(name, "xl/worksheets/sheet") || name == "xl/sharedstrings.xml" {
			sheets += f.UncompressedSize64
		} else {
			rest += f.UncompressedSize64
		}
	}
	switch {
	case sheets > maxSheets:
		return fmt.Errorf("the sheets of this spreadsheet are larger than %d MB when unpacked: save the one with the people as CSV", maxSheets>>20)
	case rest > maxRest:
		return fmt.Errorf("this spreadsheet holds more than %d MB beside its sheets, pictures perhaps: save the sheet with the people as CSV", maxRest>>20)
	}
	return nil
}

// serialDate turns a number of days into a date. What is none is left.
func serialDate(cell string, from1904 bool) string {
	days, err := strconv.ParseFloat(cell, 64)
	if err != nil || days < 1 || days > 60000 { // 1900 to 2064
		return cell
	}
	at, err := excelize.ExcelDateToTime(days, from1904)
	if err != nil {
		return cell
	}
	return at.Format(time.DateOnly)
}
