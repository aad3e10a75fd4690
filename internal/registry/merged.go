package registry

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/xml"
	"io"
	"path"
	"regexp"
	"strings"

	"github.com/xuri/excelize/v2"
)

// merges are the ranges of a sheet in which one cell stands for those below it.
type merges []merge

type merge struct {
	column, top, bottom int
	value               string
}

// fill gives merged cells the value of their first one, and remembers values
// that the lines below will need.
func (m merges) fill(record []string, line int) []string {
	for i := range m {
		g := &m[i]
		switch {
		case line == g.top && g.column < len(record):
			g.value = record[g.column]
		case line > g.top && line <= g.bottom && g.value != "":
			for len(record) <= g.column {
				record = append(record, "")
			}
			record[g.column] = g.value
		}
	}
	return record
}

// maxMerges bounds what is looked through at each line.
const maxMerges = 1000

var mergeRef = regexp.MustCompile(`<mergeCell [^>]*ref="([A-Z]+[0-9]+):([A-Z]+[0-9]+)"`)

// scanSheet looks through a sheet as bytes, since its merged cells stand behind
// all of its lines, and counts these on the way.
func scanSheet(archive *zip.Reader, sheet string) (merges, int, error) {
	f, err := archive.Open(sheetPath(archive, sheet))
	if err != nil {
		return nil, 0, errNoSpreadsheet
	}
	defer f.Close()
	var out merges
	rows := 0
	tags := bufio.NewScanner(f)
	tags.Buffer(make([]byte, 64<<10), 1<<20)
	tags.Split(func(data []byte, end bool) (int, []byte, error) {
		if at := bytes.IndexByte(data, '>'); at >= 0 {
			return at + 1, data[:at+1], nil
		}
		if end && len(data) > 0 {
			return len(data), data, nil
		}
		return 0, nil, nil
	})
	for tags.Scan() {
		tag := tags.Bytes()
		at := bytes.LastIndexByte(tag, '<')
		if at < 0 {
			continue
		}
		switch tag = tag[at:]; {
		case bytes.HasPrefix(tag, []byte("<row ")):
			rows++
		case bytes.HasPrefix(tag, []byte("<mergeCell ")) && len(out) < maxMerges:
			if ref := mergeRef.FindSubmatch(tag); ref != nil {
				column, top, err1 := excelize.CellNameToCoordinates(string(ref[1]))
				_, bottom, err2 := excelize.CellNameToCoordinates(string(ref[2]))
				if err1 == nil && err2 == nil && bottom > top {
					out = append(out, merge{column: column - 1, top: top, bottom: bottom})
				}
			}
		}
	}
	if err := tags.Err(); err != nil {
		return nil, 0, errNoSpreadsheet
	}
	return out, rows, nil
}

// sheetPath finds a sheet's file by the workbook's relations.
func sheetPath(archive *zip.Reader, sheet string) string {
	var book struct {
		Sheets []struct {
			Name string `xml:"name,attr"`
			ID   string `xml:"http://schemas.openxmlformats.org/officeDocument/2006/relationships id,attr"`
		} `xml:"sheets>sheet"`
	}
	var relations struct {
		All []struct {
			ID     string `xml:"Id,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	for name, into := range map[string]any{"xl/workbook.xml": &book, "xl/_rels/workbook.xml.rels": &relations} {
		if f, err := archive.Open(name); err == nil {
			_ = xml.NewDecoder(io.LimitReader(f, inMemory)).Decode(into) // what cannot be read has no sheet
			f.Close()
		}
	}
	for _, s := range book.Sheets {
		for _, r := range relations.All {
			if s.Name == sheet && r.ID == s.ID {
				if strings.HasPrefix(r.Target, "/") {
					return strings.TrimPrefix(r.Target, "/")
				}
				return path.Join("xl", r.Target)
			}
		}
	}
	return "xl/worksheets/sheet1.xml"
}
