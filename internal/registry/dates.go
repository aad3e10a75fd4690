package registry

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"entree/internal/clean"
	"entree/internal/registry/sheet"
)

// dateReader reads the dates of one column.
type dateReader struct {
	now        time.Time
	monthFirst bool // 03/17/2007, as the other values of the column show
	yearFirst  bool // 07-03-17, as well
	dayMiddle  bool // 2007-17-03, as well
	serial     bool // day numbers of a spreadsheet are dates
	from1904   bool
}

// The ages between which a date of birth is plausible.
const (
	oldest   = clean.OldestAge
	youngest = 8
	// A year of two digits is completed to that of a person of this age or older: a
	// child is more likely another order of day, month and year.
	youngestShort = 14
)

var (
	dateParts  = regexp.MustCompile(`^(\d{1,4})\s*[-/. ]\s*(\d{1,2})\s*[-/. ]\s*(\d{1,4})$`)
	dateDigits = regexp.MustCompile(`^\d{8}$`)
	dateWords  = regexp.MustCompile(`^(\d{1,2})(?:er|st|nd|rd|th)?[-/. ]*([a-z]+)[-/., ]*(\d{4}|\d{2})$`)
	dateUS     = regexp.MustCompile(`^([a-z]+)[-/. ]+(\d{1,2})(?:st|nd|rd|th)?[-/., ]+(\d{4})$`)
	dateTime   = regexp.MustCompile(`^(.*\d)(?:[t ]|\s+a\s+|\s+at\s+)\s*(\d{1,2})[:h](\d{2})(?:[:m](\d{2})(?:[.,]\d+)?)?\s*(am|pm)?\s*(z|utc|gmt|[+-]\d{2}:?\d{2})?$`)
	ldapTime   = regexp.MustCompile(`^(\d{8})(\d{2})(\d{2})?(\d{2})?(?:[.,]\d+)?(z|[+-]\d{4})?$`)
	weekday    = regexp.MustCompile(`^(lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|monday|tuesday|wednesday|thursday|friday|saturday|sunday|mon|tue|wed|thu|fri|sat|sun)[,.]?\s+`)
	// "mar. 17 2007" begins with a month, "mar. 17 mars 2007" with a day.
	shortDay = regexp.MustCompile(`^(?:lun|mar|mer|jeu|ven|sam|dim)[,.]?\s+(\d{1,2}(?:er)?[-/. ]+[a-z])`)
	hyphens  = regexp.MustCompile(`\p{Pd}`)
	number19 = regexp.MustCompile(`^\d+([.,]\d+)?$`)
)

// months are the names of the twelve months in French, English, Spanish, Italian,
// Portuguese, German and Dutch, without accents.
var months = [...][]string{
	{"janvier", "january", "januar", "januari", "janeiro", "enero", "gennaio"},
	{"fevrier", "fevereiro", "february", "februar", "februari", "febrero", "febbraio"},
	{"mars", "march", "marzo", "marco", "marz", "maart"},
	{"avril", "april", "aprile", "abril"},
	{"mai", "maio", "may", "mayo", "maggio", "mei"},
	{"juin", "june", "junio", "juni", "junho", "giugno"},
	{"juillet", "july", "julio", "juli", "julho", "luglio"},
	{"aout", "august", "augustus", "agosto"},
	{"septembre", "september", "septiembre", "setiembre", "settembre", "setembro"},
	{"octobre", "october", "octubre", "ottobre", "outubro", "oktober"},
	{"novembre", "november", "noviembre", "novembro"},
	{"decembre", "december", "diciembre", "dicembre", "dezembro", "dezember"},
}

// monthOf returns the month with a name, or with three letters or more from its
// beginning, or 0 if there is none or more than one.
func monthOf(word string) (found time.Month) {
	if len(word) < 3 {
		return 0
	}
	for i, names := range months {
		if !slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, word) }) {
			continue
		}
		if found != 0 {
			return 0 // jui is in juin and juillet
		}
		found = time.Month(i + 1)
	}
	return found
}

var (
	errNoDate = errors.New("not a date: want 31/12/2004 or 2004-12-31")
	errYear   = errors.New("not a date: a year alone is no date of birth")
)

// read returns a date as 2006-01-02, an empty string for an empty one.
func (d dateReader) read(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	at, err := d.parse(strings.TrimSpace(strings.TrimPrefix(s, "'"))) // how spreadsheets keep a text
	if err != nil {
		return "", err
	}
	if !clean.MayBeBirth(at, d.now) {
		return "", errors.New("not a date of birth: the year cannot be right")
	}
	return at.Format(time.DateOnly), nil
}

func (d dateReader) parse(s string) (time.Time, error) {
	// The usual forms first.
	if len(s) == 10 {
		if s[2] == '/' && s[5] == '/' && !d.monthFirst {
			if at, err := time.Parse("02/01/2006", s); err == nil {
				return at, nil
			}
		}
		if at, err := time.Parse(time.DateOnly, s); err == nil && !d.dayMiddle {
			return at, nil
		}
	}
	if number19.MatchString(s) && len(s) != 8 {
		return d.number(s)
	}
	// simple would take the punctuation away; the accents are enough here.
	plain := weekday.ReplaceAllString(strings.TrimPrefix(unaccented(strings.TrimSuffix(s, ".")), "le "), "")
	plain = shortDay.ReplaceAllString(hyphens.ReplaceAllString(plain, "-"), "$1")
	plain = strings.ReplaceAll(plain, " de ", " ") // 17 de enero de 2007
	if m := ldapTime.FindStringSubmatch(plain); m != nil {
		return d.withTime(m[1], m[2], m[3], "")
	}
	if m := dateTime.FindStringSubmatch(plain); m != nil {
		return d.withTime(m[1], m[2], m[3], m[5])
	}
	return d.day(strings.TrimSuffix(plain, "z"))
}

// number reads what has no separators.
func (d dateReader) number(s string) (time.Time, error) {
	n, err := strconv.ParseFloat(strings.Replace(s, ",", ".", 1), 64)
	switch {
	case err != nil:
		return time.Time{}, errNoDate
	case n >= 1900 && n <= 2100:
		return time.Time{}, errYear
	case n < 10000 || n > 73050:
		return time.Time{}, errNoDate
	case !d.serial:
		return time.Time{}, fmt.Errorf("not a date: %s is the day number of a spreadsheet; format the column as dates and export it again", s)
	}
	at, err := time.Parse("2006-01-02", strings.SplitN(sheet.Day(n, d.from1904, ""), "T", 2)[0])
	if err != nil {
		return time.Time{}, errNoDate
	}
	return at, nil
}

// withTime reads a date with a time of day. Midnight is an afternoon or evening
// hour of the day before in the zones to the west, such as 22:00 or 23:00 in UTC for
// France: such a time makes the day doubtful.
func (d dateReader) withTime(day, hour, minute, half string) (time.Time, error) {
	at, err := d.day(strings.TrimRight(day, " ,"))
	if err != nil {
		return at, err
	}
	h, _ := strconv.Atoi(hour) // two digits
	m, _ := strconv.Atoi(minute)
	if h > 23 || m > 59 {
		return time.Time{}, errNoDate
	}
	if half == "pm" && h < 12 {
		h += 12
	}
	if m == 0 && h > 12 {
		return time.Time{}, fmt.Errorf("not a date without doubt: %d:00 may be midnight of the next day in another time zone; export the date alone", h)
	}
	return at, nil
}

// day reads a date without a time.
func (d dateReader) day(s string) (time.Time, error) {
	s = strings.TrimSpace(s)
	if m := dateParts.FindStringSubmatch(s); m != nil {
		a, _ := strconv.Atoi(m[1]) // digits
		b, _ := strconv.Atoi(m[2])
		c, _ := strconv.Atoi(m[3])
		switch {
		case len(m[1]) == 4 && len(m[3]) <= 2:
			if d.dayMiddle {
				b, c = c, b
			}
			return d.date(a, b, c)
		case len(m[1]) > 2:
			return time.Time{}, errNoDate
		case len(m[3]) == 4 || len(m[3]) == 2:
			year := c
			if d.yearFirst && len(m[3]) == 2 {
				a, year = c, a
			}
			if len(m[3]) == 2 {
				var err error
				if year, err = d.century(year); err != nil {
					return time.Time{}, err
				}
			}
			if d.monthFirst {
				a, b = b, a
			}
			return d.date(year, b, a)
		}
		return time.Time{}, errNoDate
	}
	if dateDigits.MatchString(s) {
		for _, layout := range []string{"20060102", "02012006"} {
			if at, err := time.Parse(layout, s); err == nil && at.Year() >= d.now.Year()-oldest && at.Year() <= d.now.Year() {
				return at, nil
			}
		}
		return time.Time{}, errNoDate
	}
	if m := dateWords.FindStringSubmatch(s); m != nil {
		return d.named(m[1], m[2], m[3])
	}
	if m := dateUS.FindStringSubmatch(s); m != nil {
		return d.named(m[2], m[1], m[3])
	}
	return time.Time{}, errNoDate
}

func (d dateReader) named(day, month, year string) (time.Time, error) {
	m := monthOf(month)
	if m == 0 {
		return time.Time{}, errNoDate
	}
	n, _ := strconv.Atoi(day) // digits
	y, _ := strconv.Atoi(year)
	if len(year) == 2 {
		var err error
		if y, err = d.century(y); err != nil {
			return time.Time{}, err
		}
	}
	return d.date(y, int(m), n)
}

// century completes a year of two digits if only one century makes sense.
func (d dateReader) century(y int) (int, error) {
	var fits []int
	for _, year := range []int{1900 + y, 2000 + y} {
		if age := d.now.Year() - year; age >= youngestShort && age <= oldest-10 {
			fits = append(fits, year)
		}
	}
	if len(fits) != 1 {
		return 0, errors.New("not a date without doubt: the year has two digits")
	}
	return fits[0], nil
}

func (d dateReader) date(year, month, day int) (time.Time, error) {
	at := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if at.Year() != year || at.Month() != time.Month(month) || at.Day() != day {
		return at, errNoDate
	}
	return at, nil
}

// dateOrder is the order of day, month and year in a column.
type dateOrder int

const (
	dayFirst dateOrder = iota
	monthFirst
	yearFirst      // years of two digits: 07-03-17
	dayMiddle      // 2007-17-03
	mixedOrder     // some values have the day first, others the month
	ambiguousOrder // no value shows which one is first
	convertedOrder // a spreadsheet of another language made dates of some texts
)

var (
	hintMonth     = regexp.MustCompile(`\bmm?\W?(dd?|jj?)\b`)
	hintDay       = regexp.MustCompile(`\b(dd?|jj?)\W?mm?\b`)
	hintYear      = regexp.MustCompile(`\b(?:aa|yy)\W?mm\W?(?:jj|dd)\b`)
	hintDayMiddle = regexp.MustCompile(`\b(?:aaaa|yyyy)\W?(?:jj|dd)\W?mm\b`)
	english       = regexp.MustCompile(`birth|born|\bdob\b`)
)

// parts counts the values of a column by what their parts can be.
type parts struct {
	first, second, either        int // a day beyond 12 stands before the month, behind it, or there is none
	yearDay, yearMonth, yearNone int // the same behind a year of four digits: day and month, month and day
	short, leads, twoWays        int // years of two digits; those whose first part is no day; those with hyphens that a year first may mean as well
}

func (d dateReader) count(values []string) (n parts) {
	for _, v := range values {
		m := dateParts.FindStringSubmatch(strings.SplitN(strings.TrimSpace(v), " ", 2)[0])
		if m == nil || len(m[1]) == 3 {
			continue
		}
		a, _ := strconv.Atoi(m[1]) // digits
		b, _ := strconv.Atoi(m[2])
		c, _ := strconv.Atoi(m[3])
		switch {
		case len(m[1]) == 4 && b > 12:
			n.yearDay++
			continue
		case len(m[1]) == 4 && c > 12:
			n.yearMonth++
			continue
		case len(m[1]) == 4:
			n.yearNone++
			continue
		case len(m[1]) == 2 && len(m[3]) == 2:
			n.short++
			if _, err := d.century(a); err == nil && c >= 1 && c <= 31 && strings.Contains(v, "-") {
				n.twoWays++
			}
			if a > 31 && c <= 31 {
				n.leads++
			}
		}
		switch {
		case a > 12:
			n.first++
		case b > 12:
			n.second++
		case a != b:
			n.either++
		}
	}
	return n
}

// orderOf returns the order of a column by its values and its header, such as
// "DOB (MM/DD/YYYY)". Without either, French headers mean the day first.
func (d dateReader) orderOf(header string, values []string) dateOrder {
	n := d.count(values)
	h := unaccented(header)
	switch {
	case n.yearDay > 0 && n.yearMonth > 0, n.first > 0 && n.second > 0:
		return mixedOrder
	case n.yearDay > 0 || hintDayMiddle.MatchString(h) && n.yearMonth == 0:
		return dayMiddle
	case n.leads > 0 || hintYear.MatchString(h) && n.short > 0:
		return yearFirst
	case n.yearNone > 1 && n.yearMonth == 0 && n.first+n.second > 1 && n.either == 0:
		// The spreadsheet made dates of the texts that fit its own order of day and month;
		// the others stayed text.
		return convertedOrder
	case n.second > 0:
		return monthFirst
	case n.twoWays > 0 && n.twoWays == n.short:
		return ambiguousOrder
	case n.first > 0 || n.either == 0 || hintDay.MatchString(h):
		return dayFirst
	case hintMonth.MatchString(h):
		return monthFirst
	case english.MatchString(h):
		return ambiguousOrder
	}
	return dayFirst
}
