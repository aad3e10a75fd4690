package admin

import (
	"net/http"
	"time"

	"entree/internal/domain"
	"entree/internal/spreadsheet"
)

// csv answers with a CSV file that write fills. name begins the name of the file, which
// has the date in it.
func (v *visit) csv(name string, header []string, write func(*spreadsheet.Writer) error) error {
	v.attach(name, "csv", "text/csv; charset=utf-8")
	sheet, err := v.sheet(header...)
	if err != nil {
		return nil // the client closed the connection
	}
	if err = write(sheet); err == nil {
		err = sheet.Close()
	}
	return v.sent(name, err)
}

// attach sets the headers of a file that the browser saves, with the date in its name.
func (v *visit) attach(name, extension, mediaType string) {
	day := v.console.Now().In(v.console.zone()).Format(time.DateOnly)
	v.Header("Content-Disposition", `attachment; filename="`+name+"-"+day+"."+extension+`"`)
	v.Header("Content-Type", mediaType)
}

// sheet begins a CSV file for spreadsheets. The separator depends on the
// operator's language: a semicolon in French, a comma in English.
func (v *visit) sheet(header ...string) (*spreadsheet.Writer, error) {
	separator := ','
	if v.console.site.Lang(v.Context) == domain.French {
		separator = ';'
	}
	return spreadsheet.NewSheet(v.Writer, separator, header...)
}

// sent ends a file. After an error it aborts the connection: a truncated file must not
// look complete.
func (v *visit) sent(name string, err error) error {
	if err != nil {
		v.console.site.Log(v.Context).Error("the download of a list ended early", "file", name, "cause", err.Error())
		panic(http.ErrAbortHandler)
	}
	return nil
}
