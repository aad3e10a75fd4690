package registry

import (
	"errors"
	"fmt"
	"regexp"
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
	serial     bool // day numbers of a spreadsheet are dates
	from1904   bool
}

// The ages between which a date of birth is plausible.
const (
	oldest   = clean.OldestAge
	youngest = 8
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

// months are the names of months in French and English by their beginnings.
var months = []struct {
	begins string
	month  time.Month
}{
	{"janv", 1}, {"jan", 1}, {"fev", 2}, {"feb", 2}, {"mars", 3}, {"mar", 3}, {"avr", 4}, {"apr", 4}, {"mai", 5}, {"may", 5}, {"juin", 6}, {"jun", 6},
	{"juil", 7}, {"jul", 7}, {"jui", 0}, {"aou", 8}, {"aug", 8}, {"sep", 9}, {"oct", 10}, {"nov", 11}, {"dec", 12},
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
		if at, err := time.Parse(time.DateOnly, s); err == nil {
			return at, nil
		}
	}
	if number19.MatchString(s) && len(s) != 8 {
		return d.number(s)
	}
	// simple would take the punctuation away; the accents are enough here.
	plain := weekday.ReplaceAllString(strings.TrimPrefix(unaccented(strings.TrimSuffix(s, ".")), "le "), "")
	plain = shortDay.ReplaceAllString(hyphens.ReplaceAllString(plain, "-"), "$1")
	if m := ldapTime.FindStringSubmatch(plain); m != nil {
		return d.withTime(m[1], m[2], m[3], "", m[5])
	}
	if m := dateTime.FindStringSubmatch(plain); m != nil {
		return d.withTime(m[1], m[2], m[3], m[5], m[6])
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

// withTime reads a date with a time of day. Midnight in France is 22:00 or
// 23:00 of the day before in UTC: such a time makes the day doubtful, unless it
// is in another zone.
func (d dateReader) withTime(day, hour, minute, half, zone string) (time.Time, error) {
	at, err := d.day(strings.TrimRight(day, " ,"))
	if err != nil {
		return at, err
	}
	h, _ := strconv.Atoi(hour) // two digits
	m, _ := strconv.Atoi(minute)
	if h > 23 || m > 59 {
		return time.Time{}, errNoDate
	}
	if half == "" && m == 0 && h >= 22 && strings.Trim(zone, "zutcgm+-0:") == "" {
		return time.Time{}, errors.New("not a date without doubt: 22:00 or 23:00 in UTC is the next day in France; export the date alone")
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
			return d.date(a, b, c)
		case len(m[1]) > 2:
			return time.Time{}, errNoDate
		case len(m[3]) == 4 || len(m[3]) == 2:
			year := c
			if len(m[3]) == 2 {
				var err error
				if year, err = d.century(c); err != nil {
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
	for _, m := range months {
		if strings.HasPrefix(month, m.begins) && m.month > 0 {
			n, _ := strconv.Atoi(day) // digits
			y, _ := strconv.Atoi(year)
			if len(year) == 2 {
				var err error
				if y, err = d.century(y); err != nil {
					return time.Time{}, err
				}
			}
			return d.date(y, int(m.month), n)
		}
	}
	return time.Time{}, errNoDate
}

// century completes a year of two digits if only one century makes sense.
func (d dateReader) century(y int) (int, error) {
	var fits []int
	for _, year := range []int{1900 + y, 2000 + y} {
		if age := d.now.Year() - year; age >= youngest && age <= oldest-10 {
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

// dateOrder is the order of day and month in a column.
type dateOrder int

const (
	dayFirst dateOrder = iota
	monthFirst
	mixedOrder     // some values have the day first, others the month
	ambiguousOrder // no value shows which one is first
)

var (
	hintMonth = regexp.MustCompile(`\bmm?\W?(dd?|jj?)\b`)
	hintDay   = regexp.MustCompile(`\b(dd?|jj?)\W?mm?\b`)
	english   = regexp.MustCompile(`birth|born|\bdob\b`)
)

// orderOf returns the order of a column by its values and its header, such as
// "DOB (MM/DD/YYYY)". Without either, French headers mean the day first.
func orderOf(header string, values []string) dateOrder {
	first, second, either := 0, 0, 0
	for _, v := range values {
		m := dateParts.FindStringSubmatch(strings.SplitN(strings.TrimSpace(v), " ", 2)[0])
		if m == nil || len(m[1]) > 2 {
			continue
		}
		a, _ := strconv.Atoi(m[1]) // digits
		b, _ := strconv.Atoi(m[2])
		switch {
		case a > 12:
			first++
		case b > 12:
			second++
		case a != b:
			either++
		}
	}
	h := unaccented(header)
	switch {
	case first > 0 && second > 0:
		return mixedOrder
	case second > 0:
		return monthFirst
	case first > 0 || either == 0 || hintDay.MatchString(h):
		return dayFirst
	case hintMonth.MatchString(h):
		return monthFirst
	case english.MatchString(h):
		return ambiguousOrder
	}
	return dayFirst
}
