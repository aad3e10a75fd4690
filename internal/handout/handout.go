// Package handout prints the sheets that give people their help desk codes: a PDF with
// a page for each person, and on its back the beginning of the charter.
package handout

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"
	"rsc.io/qr"
)

// Sheet is the content of one person's page.
type Sheet struct {
	Name, Number, Code string
	Charter            Charter
}

// Charter is the text of which the back shows the beginning. Text is Markdown.
type Charter struct{ Title, Text string }

// Words are the words that all sheets have in common.
type Words struct {
	Institution, Title, Lead, Number, Code, Where, Until, Handed, Card, Whole string
	Address                                                                   string // of the page that takes the code, printed and as a QR code
}

// Sizes in millimetres, on A4.
const (
	margin = 20
	width  = 210 - 2*margin
	bottom = 297 - margin
)

// Write writes the PDF of sheets in their order.
func Write(w io.Writer, words Words, sheets []Sheet) error {
	pdf := fpdf.New("P", "mm", "A4", "")
	pdf.SetMargins(margin, margin, margin)
	pdf.SetAutoPageBreak(false, 0)
	pdf.SetTitle(words.Title, true)
	pdf.AddUTF8FontFromBytes("go", "", goregular.TTF)
	pdf.AddUTF8FontFromBytes("go", "B", gobold.TTF)
	pdf.AddUTF8FontFromBytes("mono", "", gomono.TTF)
	picture, err := qr.Encode(words.Address, qr.M)
	if err != nil {
		return fmt.Errorf("QR code: %w", err)
	}
	picture.Scale = 8
	pdf.RegisterImageOptionsReader("qr", fpdf.ImageOptions{ImageType: "PNG"}, bytes.NewReader(picture.PNG()))
	for _, s := range sheets {
		front(pdf, words, s)
		back(pdf, words, s.Charter)
	}
	return pdf.Output(w)
}

func front(pdf *fpdf.Fpdf, words Words, s Sheet) {
	pdf.AddPage()
	line := func(style string, size, height float64, text string) {
		pdf.SetFont("go", style, size)
		pdf.MultiCell(width, height, printable(text), "", "L", false)
	}
	line("", 11, 6, words.Institution)
	pdf.Ln(8)
	line("B", 20, 10, words.Title)
	pdf.Ln(4)
	line("", 12, 6.5, words.Lead)
	pdf.Ln(6)
	line("B", 14, 8, s.Name)
	line("", 12, 7, words.Number+" "+s.Number)
	pdf.Ln(6)
	line("", 12, 7, words.Code)
	pdf.SetFont("mono", "", 26)
	pdf.MultiCell(width, 14, printable(s.Code), "1", "C", false)
	pdf.Ln(6)
	line("", 12, 7, words.Where)
	pdf.SetFont("mono", "", 12)
	pdf.MultiCell(width, 7, printable(words.Address), "", "L", false)
	pdf.ImageOptions("qr", margin, pdf.GetY()+4, 35, 35, false, fpdf.ImageOptions{ImageType: "PNG"}, 0, "")
	pdf.SetY(pdf.GetY() + 43)
	line("", 12, 7, words.Until)
	pdf.Ln(4)
	line("", 11, 6, words.Handed)
	line("", 11, 6, words.Card)
}

// back prints the charter until the page is full.
func back(pdf *fpdf.Fpdf, words Words, c Charter) {
	pdf.AddPage()
	pdf.SetFont("go", "B", 14)
	pdf.MultiCell(width, 8, printable(c.Title), "", "L", false)
	pdf.Ln(2)
	for paragraph := range strings.SplitSeq(c.Text, "\n") {
		style, size := "", 9.5
		text := strings.TrimSpace(paragraph)
		if heading := strings.TrimLeft(text, "#"); heading != text {
			style, size, text = "B", 11, heading
		}
		text = strings.TrimSpace(printable(marks.Replace(text)))
		pdf.SetFont("go", style, size)
		height := 4.8
		lines := pdf.SplitText(text, width)
		if pdf.GetY()+height*float64(len(lines)+1) > bottom-8 {
			break
		}
		if text == "" {
			pdf.Ln(2)
			continue
		}
		pdf.MultiCell(width, height, text, "", "L", false)
	}
	pdf.SetY(bottom - 6)
	pdf.SetFont("go", "", 9)
	pdf.MultiCell(width, 4.8, printable(words.Whole), "", "L", false)
}

// marks removes the marks of Markdown within a line.
var marks = strings.NewReplacer("**", "", "__", "", "`", "")

// printable returns a text without the characters that the fonts cannot have: control
// characters and those beyond the basic plane of Unicode.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < ' ':
			return ' '
		case r == '\u202f': // the fonts have no narrow no-break space
			return '\u00a0'
		case r == '\u2011':
			return '-'
		case r > 0xffff:
			return '?'
		}
		return r
	}, s)
}
