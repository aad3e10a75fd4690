package registry_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"entree/internal/domain"
	"entree/internal/registry"
)

// book makes a spreadsheet of one sheet.
func book(t *testing.T, fill func(f *excelize.File, sheet string)) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	fill(f, "Sheet1")
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A spreadsheet as registrars write it: a title, two header lines with merged
// cells, a programme that is written once for the lines below it, computed numbers,
// dates stored as numbers, leading zeros.
func TestImport_ASpreadsheetAsItIs(t *testing.T) {
	raw := book(t, func(f *excelize.File, sheet string) {
		date, err := f.NewStyle(&excelize.Style{NumFmt: 14})
		must(t, err)
		for i, row := range [][]any{
			{"Inscriptions 2026"},
			{},
			{"Étudiant", nil, nil, "Adresse mail", "Promotion", "Né(e)"},
			{"Matricule", "Prénom", "Nom", "personnelle", nil, "Date de naissance"},
			{"0022", "Zoé", "d'Arc", "zoe@example.net", "L1", time.Date(2007, 3, 17, 0, 0, 0, 0, time.UTC)},
			{nil, "Hugo", "Bœuf", "hugo@example.net", nil, time.Date(2006, 12, 1, 0, 0, 0, 0, time.UTC)},
			{nil, "Inès", "Nuñez", "ines@example.net", "L2", "31/01/2007"},
			{24, "Karim", nil, "karim@example.net", "L2", nil},
		} {
			must(t, f.SetSheetRow(sheet, "A"+string(rune('1'+i)), &row))
		}
		must(t, f.MergeCell(sheet, "A3", "C3"), f.MergeCell(sheet, "E5", "E6"), f.SetCellStyle(sheet, "F5", "F6", date))
		// A formula counts as what it was computed to; one that never was refuses its line.
		must(t, f.SetCellFormula(sheet, "A6", "A5+1"), f.SetCellFormula(sheet, "A7", "A6+1"))
	})
	raw = computed(t, raw, `<f>A5+1</f>`, `<f>A5+1</f><v>23</v>`)
	s := open(t)
	table, err := registry.Open(bytes.NewReader(raw))
	must(t, err)
	defer table.Close()
	m := registry.Mapping{Profile: "etudiant", Profiles: []string{"etudiant"}}
	var refused []string
	counts, err := registry.Import(t.Context(), s, table, m, &domain.ImportOrder{}, registry.Observer{Refused: func(r registry.Refusal) error {
		refused = append(refused, r.String())
		return nil
	}})
	if err != nil || counts != (domain.ImportCounts{New: 2, Refused: 2}) {
		t.Fatalf("%+v, %v, %q", counts, err, refused)
	}
	if want := []string{`line 7, column "Matricule": a formula without a result: open the file in a spreadsheet program and save it again`, `line 8, column "Nom": empty`}; !slices.Equal(refused, want) {
		t.Errorf("refused: %q", refused)
	}
	all := people(t, s)
	if p := all[0]; p.Number != "0022" || p.BirthDate != "2007-03-17" || p.Cohort != "L1" || p.FamilyName != "d'Arc" || p.Email != "zoe@example.net" {
		t.Errorf("%+v", p)
	}
	if p := all[1]; p.Number != "23" || p.BirthDate != "2006-12-01" || p.Cohort != "L1" {
		t.Errorf("a formula, a date and a merged cell: %+v", p)
	}
}

// computed replaces a text in a spreadsheet, as if a spreadsheet program had
// computed the value.
func computed(t *testing.T, raw []byte, old, replacement string) []byte {
	t.Helper()
	in, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	must(t, err)
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	done := false
	for _, f := range in.File {
		r, err := f.Open()
		must(t, err)
		text, err := io.ReadAll(r)
		must(t, err)
		if strings.Contains(string(text), old) {
			text, done = bytes.Replace(text, []byte(old), []byte(replacement), 1), true
		}
		part, err := w.Create(f.Name)
		must(t, err)
		_, err = part.Write(text)
		must(t, err)
	}
	must(t, w.Close())
	if !done {
		t.Fatalf("no %s in it", old)
	}
	return out.Bytes()
}

// part is one file of an archive.
type part struct {
	name, before, after string
	fill                string // repeated between the two
	size                int    // up to so many bytes
	says                uint64 // the size that the archive claims; 0: the true one
}

// archive packs a spreadsheet by hand, lies included.
func archive(t *testing.T, parts ...part) []byte {
	t.Helper()
	const head = `<?xml version="1.0" encoding="UTF-8"?>`
	const space = ` xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"`
	usual := []part{
		{name: "[Content_Types].xml", before: head + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"></Types>`},
		{name: "xl/workbook.xml", before: head + `<workbook` + space + `><sheets><sheet name="A" sheetId="1" r:id="rId1"/></sheets></workbook>`},
		{name: "xl/_rels/workbook.xml.rels", before: head + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" Target="sharedStrings.xml"/><Relationship Id="rId3" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>`},
	}
	for _, p := range usual {
		if !slices.ContainsFunc(parts, func(o part) bool { return o.name == p.name || o.name == "content.xml" }) {
			parts = append(parts, p)
		}
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, p := range parts {
		var packed bytes.Buffer
		deflate, err := flate.NewWriter(&packed, flate.BestSpeed)
		must(t, err)
		sum, size := crc32.NewIEEE(), uint64(0)
		write := func(b []byte) {
			_, err := io.MultiWriter(deflate, sum).Write(b)
			must(t, err)
			size += uint64(len(b))
		}
		write([]byte(p.before))
		for block, left := []byte(strings.Repeat(p.fill, 1+1<<20/max(1, len(p.fill)))), p.size; left > 0; left -= len(block) {
			write(block)
		}
		write([]byte(p.after))
		must(t, deflate.Close())
		if p.says != 0 {
			size = p.says
		}
		raw, err := w.CreateRaw(&zip.FileHeader{Name: p.name, Method: zip.Deflate, CRC32: sum.Sum32(), CompressedSize64: uint64(packed.Len()), UncompressedSize64: size})
		must(t, err)
		_, err = raw.Write(packed.Bytes())
		must(t, err)
	}
	must(t, w.Close())
	return out.Bytes()
}

const (
	sheetHead = `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>Matricule</t></is></c><c r="B1" t="inlineStr"><is><t>Prénom</t></is></c><c r="C1" t="inlineStr"><is><t>Nom</t></is></c><c r="D1" t="inlineStr"><is><t>Mail</t></is></c></row><row r="2"><c r="A2"><v>1</v></c>`
	sheetEnd  = `</row></sheetData></worksheet>`
	strungs   = `<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>`
	much      = 12 << 20
)

// A few hundred kilobytes that unpack into hundreds of megabytes, in each part
// of an XLSX and of an ODS, as one token and as very many: one sentence, no more
// memory than a small file takes, and nothing is left on the disk.
func TestR17_ASpreadsheetThatUnpacksIntoALot(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	sheet := part{name: "xl/worksheets/sheet1.xml", before: sheetHead, after: sheetEnd}
	with := func(p part, text string, fill string, after string) part {
		p.before, p.fill, p.after, p.size = text, fill, after, much
		return p
	}
	lying := with(sheet, sheetHead, " ", sheetEnd)
	lying.says = 4096
	sst, styles := part{name: "xl/sharedStrings.xml"}, part{name: "xl/styles.xml"}
	rels, workbook := part{name: "xl/_rels/workbook.xml.rels"}, part{name: "xl/workbook.xml"}
	content := part{name: "content.xml"}
	const large, broken = "too large when it is unpacked", "cannot be read"
	for name, c := range map[string]struct {
		parts []part
		says  string
	}{
		"12 MB of nothing in a sheet":    {[]part{with(sheet, sheetHead, " ", sheetEnd)}, large},
		"and the archive says 4 KB":      {[]part{lying}, broken},
		"rows without an end":            {[]part{with(sheet, sheetHead+"</row>", "<row/>", "</sheetData></worksheet>")}, large},
		"cells without an end":           {[]part{with(sheet, sheetHead, "<c><v>1</v></c>", sheetEnd)}, large},
		"elements within elements":       {[]part{with(sheet, sheetHead, "<a>", sheetEnd)}, large},
		"merged cells without an end":    {[]part{with(sheet, sheetHead+"</row></sheetData><mergeCells>", `<mergeCell ref="A1:A9"/>`, "</mergeCells></worksheet>")}, large},
		"one word of 12 MB":              {[]part{sheet, with(sst, strungs, "a", "</t></si></sst>")}, large},
		"words without an end":           {[]part{sheet, with(sst, strungs+"</t></si>", "<si/>", "</sst>")}, large},
		"phonetic words without an end":  {[]part{sheet, with(sst, strungs, "<rPh>", "</t></si></sst>")}, large},
		"number formats without an end":  {[]part{sheet, with(styles, "<styleSheet><numFmts>", `<numFmt numFmtId="200" formatCode="00"/>`, "</numFmts></styleSheet>")}, large},
		"one number format of 12 MB":     {[]part{sheet, with(styles, `<styleSheet><numFmts><numFmt numFmtId="200" formatCode="`, "0", `"/></numFmts></styleSheet>`)}, large},
		"styles without an end":          {[]part{sheet, with(styles, "<styleSheet><cellXfs>", "<xf/>", "</cellXfs></styleSheet>")}, large},
		"relations without an end":       {[]part{sheet, with(rels, "<Relationships>", `<Relationship Id="a" Target="b"/>`, "</Relationships>")}, large},
		"one relation of 12 MB":          {[]part{sheet, with(rels, `<Relationships><Relationship Id="`, "a", `"/></Relationships>`)}, large},
		"sheets without an end":          {[]part{sheet, with(workbook, "<workbook><sheets>", `<sheet name="a" id="rId1"/>`, "</sheets></workbook>")}, large},
		"columns beyond the last one":    {[]part{{name: sheet.name, before: sheetHead + `<c r="ZZZZ9"><v>1</v></c>`, after: sheetEnd}}, large},
		"ODS: rows without an end":       {[]part{with(content, odsHead, "<table:table-row/>", odsEnd)}, large},
		"ODS: one word of 12 MB":         {[]part{with(content, odsHead+"<table:table-row><table:table-cell><text:p>", "a", odsEnd)}, large},
		"ODS: a cell that is repeated":   {[]part{{name: "content.xml", before: odsHead + `<table:table-row table:number-rows-repeated="9999999"><table:table-cell table:number-columns-repeated="999999"><text:p>a</text:p></table:table-cell></table:table-row>`, after: odsEnd}}, large},
		"ODS: sheets without an end":     {[]part{with(content, odsHead+"</table:table>", `<table:table table:name="a"/>`, "</office:spreadsheet></office:body></office:document-content>")}, large},
		"an archive of too many entries": {many(20_000), broken},
	} {
		raw := archive(t, c.parts...)
		if len(raw) > 8<<20 {
			t.Fatalf("%s: %d bytes are no surprise", name, len(raw))
		}
		most := watchMemory(func() {
			table, err := registry.Open(bytes.NewReader(raw))
			if err == nil {
				_, err = registry.Import(t.Context(), counting{}, table, registry.Mapping{Profile: "etudiant", Profiles: []string{"etudiant"}}, &domain.ImportOrder{}, registry.Observer{})
				if closeErr := table.Close(); closeErr != nil {
					t.Errorf("%s: %v", name, closeErr)
				}
			}
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Count(err.Error(), "\n") > 0 {
				t.Errorf("%s: %v, want %q", name, err, c.says)
			}
		})
		if most > 100<<20 {
			t.Errorf("%s: %d MB of memory", name, most>>20)
		}
		if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
			t.Errorf("%s leaves %v, %v", name, left, err)
		}
	}
}

const (
	odsHead = `<?xml version="1.0" encoding="UTF-8"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet><table:table table:name="A">`
	odsEnd  = `</table:table></office:spreadsheet></office:body></office:document-content>`
)

// many returns entries with long names.
func many(n int) []part {
	out := make([]part, n)
	for i := range out {
		out[i] = part{name: fmt.Sprintf("%060d", i)}
	}
	return out
}

// watchMemory returns the largest growth of the heap, in bytes, while do runs.
func watchMemory(do func()) uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	now := func() uint64 { metrics.Read(sample); return sample[0].Value.Uint64() }
	before, most := now(), uint64(0)
	done := make(chan struct{})
	go func() { defer close(done); do() }()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return most
		case <-tick.C:
			if n := now(); n > before {
				most = max(most, n-before)
			}
		}
	}
}
