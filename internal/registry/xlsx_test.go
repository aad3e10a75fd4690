package registry_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
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

// What spreadsheets of enrolment offices have: a title, two lines of headers
// with merged cells, a programme that stands once for those below it, numbers
// that are computed, dates that are numbers, zeros in front.
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
		// A formula counts as what it was computed to; one that never was is empty.
		must(t, f.SetCellFormula(sheet, "A6", "A5+1"), f.SetCellFormula(sheet, "A7", "A6+1"))
	})
	raw = computed(t, raw, `<f>A5+1</f>`, `<f>A5+1</f><v>23</v>`)
	s := open(t)
	table, err := registry.Open(bytes.NewReader(raw), int64(len(raw)))
	must(t, err)
	defer table.Close()
	m := registry.Mapping{Profile: "etudiant", Profiles: []string{"etudiant"}}
	var refused []string
	counts, err := registry.Import(t.Context(), s, table, m, &domain.ImportOrder{}, func(r registry.Refusal) error {
		refused = append(refused, r.String())
		return nil
	})
	if err != nil || counts != (domain.ImportCounts{New: 2, Refused: 2}) {
		t.Fatalf("%+v, %v, %q", counts, err, refused)
	}
	if want := []string{`line 7, column "Matricule": empty`, `line 8, column "Nom": empty`}; !slices.Equal(refused, want) {
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

// computed writes into a spreadsheet what the program that saved it would have.
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
	fill                byte   // repeated between the two
	size                int    // so often
	says                uint64 // the size that the archive claims; 0: the true one
}

// archive packs a spreadsheet by hand, lies included.
func archive(t *testing.T, parts ...part) []byte {
	t.Helper()
	const head = `<?xml version="1.0" encoding="UTF-8"?>`
	const space = ` xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"`
	parts = append([]part{
		{name: "[Content_Types].xml", before: head + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"></Types>`},
		{name: "xl/workbook.xml", before: head + `<workbook` + space + `><sheets><sheet name="A" sheetId="1" r:id="rId1"/></sheets></workbook>`},
		{name: "xl/_rels/workbook.xml.rels", before: head + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" Target="sharedStrings.xml"/></Relationships>`},
	}, parts...)
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
		for block, left := bytes.Repeat([]byte{p.fill}, 1<<20), p.size; left > 0; left -= len(block) {
			write(block[:min(left, len(block))])
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
	sheetHead = `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>Matricule</t></is></c><c r="B1" t="inlineStr"><is><t>Prénom</t></is></c><c r="C1" t="inlineStr"><is><t>Nom</t></is></c><c r="D1" t="inlineStr"><is><t>Mail</t></is></c></row><row r="2"><c r="A2" t="s"><v>0</v></c>`
	sheetEnd  = `</row></sheetData></worksheet>`
	strungs   = `<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>`
	much      = 300 << 20
)

// A few hundred kilobytes that unpack into hundreds of megabytes: one sentence,
// the memory stays, and nothing is left on the disk.
func TestImport_ASpreadsheetThatUnpacksIntoALot(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	sheet := part{name: "xl/worksheets/sheet1.xml", before: sheetHead, after: sheetEnd}
	swollen := sheet
	swollen.fill, swollen.size = ' ', much
	lying := swollen
	lying.says = 4096
	huge := sheet
	huge.says = 2 << 30
	for name, c := range map[string]struct {
		parts []part
		says  string
	}{
		"300 MB of nothing in a sheet":      {[]part{swollen}, "cannot be read: open it and save it again"},
		"and the archive says 4 KB":         {[]part{lying}, "cannot be read: open it and save it again"},
		"one word of 300 MB":                {[]part{sheet, {name: "xl/sharedStrings.xml", before: strungs, fill: 'a', size: much, after: "</t></si></sst>"}}, "cannot be read: open it and save it again"},
		"300 MB of pictures":                {[]part{sheet, {name: "xl/media/image1.png", fill: 'x', size: much}}, "holds more than 32 MB beside its sheets"},
		"pictures that say that they are 1": {[]part{sheet, {name: "xl/media/image1.png", fill: 'x', size: much, says: 1}}, "cannot be read: open it and save it again"},
		"a sheet of 2 GB":                   {[]part{huge}, "larger than 1024 MB when unpacked"},
	} {
		raw := archive(t, c.parts...)
		if len(raw) > 4<<20 {
			t.Fatalf("%s: %d bytes are no surprise", name, len(raw))
		}
		most := watchMemory(func() {
			table, err := registry.Open(bytes.NewReader(raw), int64(len(raw)))
			if err == nil {
				_, err = registry.Import(t.Context(), counting{}, table, registry.Mapping{Profile: "etudiant", Profiles: []string{"etudiant"}}, &domain.ImportOrder{}, ignore)
				if closeErr := table.Close(); closeErr != nil {
					t.Errorf("%s: %v", name, closeErr)
				}
			}
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Count(err.Error(), "\n") > 0 {
				t.Errorf("%s: %v, want %q", name, err, c.says)
			}
		})
		if most > 128<<20 {
			t.Errorf("%s: %d MB of memory", name, most>>20)
		}
		if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
			t.Errorf("%s leaves %v, %v", name, left, err)
		}
	}
}

// watchMemory gives how many bytes of objects there were at most meanwhile,
// beyond those that were there before.
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
