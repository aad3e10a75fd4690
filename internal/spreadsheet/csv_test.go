package spreadsheet_test

import (
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
