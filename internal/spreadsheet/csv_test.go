package spreadsheet_test

import (
	"errors"
	"strings"
	"testing"

	"entree/internal/spreadsheet"
)

func TestNoCellIsAFormula(t *testing.T) {
	var b strings.Builder
	w, err := spreadsheet.NewWriter(&b, "a", "b")
	if err != nil {
		t.Fatal(err)
	}
	for _, cells := range [][]string{{"=1+1", "@SUM"}, {"-2", "+33 6"}, {"\tx", "＝x"}, {"é;\"", "a=b"}} {
		if err := w.Write(cells...); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), "a,b\n'=1+1,'@SUM\n'-2,'+33 6\n'\tx,'＝x\n\"é;\"\"\",a=b\n"; got != want {
		t.Errorf("%q", got)
	}
}

// A file with commas is opened by a program that expects semicolons, and the other
// way round: what then begins a cell is no formula either.
func TestNoCellIsAFormulaUnderAnotherSeparator(t *testing.T) {
	dangerous := []string{"x;=1+1", "x,=1+1;", "x\t@SUM(A1)", "x;\"=1+1;", "x\n=1+1", "x;;-2+3", "; =1+1", "x,＝1"}
	for _, written := range []rune{',', ';'} {
		for _, read := range []rune{',', ';', '\t'} {
			for _, value := range dangerous {
				var b strings.Builder
				w, err := spreadsheet.NewSheet(&b, written, "a", "b")
				if err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(w.Write("1", value), w.Close()); err != nil {
					t.Fatal(err)
				}
				_, body, _ := strings.Cut(b.String(), "\n")
				for _, cell := range strings.FieldsFunc(body, func(r rune) bool { return r == read || r == '\n' }) {
					if cell = strings.TrimLeft(cell, "\" "); cell != "" && strings.ContainsRune("=+-@＝", []rune(cell)[0]) {
						t.Errorf("%q, written with %q and read with %q: the cell %q", value, written, read, cell)
					}
				}
			}
		}
	}
}

func TestASheetIsOfItsLanguage(t *testing.T) {
	var b strings.Builder
	w, err := spreadsheet.NewSheet(&b, ';', "a", "b")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write("1,5", "x;y"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), "\ufeffa;b\n1,5;\"x;y\"\n"; got != want {
		t.Errorf("%q", got)
	}
}
