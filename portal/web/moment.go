package web

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"entree/internal/domain"
)

// Moment returns a time as a <time> element with both the relative time, "il y
// a 3 minutes", and the date in the institution's time zone. For the zero time
// it returns the words for "never".
func (v View) Moment(t time.Time) template.HTML {
	if t.IsZero() {
		return v.T("console.time.never")
	}
	return template.HTML(fmt.Sprintf(`<time datetime="%s"><span class="ago">%s</span> <span class="date">%s</span></time>`,
		t.UTC().Format(time.RFC3339), v.ago(t), v.Date(t)))
}

// Date returns a time to the second, in the institution's time zone.
func (v View) Date(t time.Time) string {
	zone := v.Zone
	if zone == nil {
		zone = time.UTC
	}
	layout := "02/01/2006 15:04:05"
	if v.Lang == domain.English {
		layout = "2 Jan 2006 15:04:05"
	}
	return t.In(zone).Format(layout)
}

// Written returns a time as a sentence for a student has it, to the minute and in the
// institution's time zone, which it names: "1er septembre 2026 à 8 h 05 (heure de
// Paris)", "1 September 2026 at 08:05 (Paris time)".
func (v View) Written(t time.Time) string {
	zone := v.Zone
	if zone == nil {
		zone = time.UTC
	}
	t = t.In(zone)
	day := domain.DayAndMonth(t, v.Lang) + " " + strconv.Itoa(t.Year())
	if v.Lang == domain.English {
		return day + " at\u00a0" + t.Format("15:04") + " " + domain.ZoneName(t, zone, v.Lang)
	}
	return day + fmt.Sprintf(" à\u00a0%d\u00a0h\u00a0%02d ", t.Hour(), t.Minute()) + domain.ZoneName(t, zone, v.Lang)
}

// BirthDate returns a birth date as the registry stores it, 2004-03-17, in the notation
// of the page's language. A value that is not a date is returned as it is.
func (v View) BirthDate(stored string) string {
	t, err := time.Parse(time.DateOnly, stored)
	if err != nil {
		return stored
	}
	return v.Day(t)
}

// Day returns a date without a time, such as a birth date.
func (v View) Day(t time.Time) string {
	if v.Lang == domain.English {
		return t.Format("2 Jan 2006")
	}
	return t.Format("02/01/2006")
}

// Clock returns the hour and minute of a time, in the institution's time zone.
func (v View) Clock(t time.Time) string {
	zone := v.Zone
	if zone == nil {
		zone = time.UTC
	}
	return t.In(zone).Format("15:04")
}

// Percent formats a percentage such as "63.2" in the notation of the page's
// language.
func (v View) Percent(share string) string {
	if v.Lang == domain.English {
		return share + "%"
	}
	return strings.Replace(share, ".", ",", 1) + "\u202f%"
}

func (v View) ago(t time.Time) template.HTML {
	d := v.Now.Sub(t)
	when := "ago"
	if d < 0 {
		d, when = -d, "in"
	}
	unit, n := "seconds", int(d.Seconds())
	switch {
	case d >= 48*time.Hour:
		unit, n = "days", int(d.Hours()/24)
	case d >= 90*time.Minute:
		unit, n = "hours", int(d.Hours()+.5)
	case d >= 90*time.Second:
		unit, n = "minutes", int(d.Minutes()+.5)
	case d < 5*time.Second:
		return v.T("console.time.now")
	}
	return v.T("console.time."+when+"."+unit, "Count", n)
}

// Number formats an int or int64 with the thousands separator of the page's
// language.
func (v View) Number(n any) string {
	var digits string
	switch n := n.(type) {
	case int:
		digits = strconv.Itoa(n)
	case int64:
		digits = strconv.FormatInt(n, 10)
	}
	sign := ""
	if rest, negative := strings.CutPrefix(digits, "-"); negative {
		sign, digits = "−", rest
	}
	apart := "\u202f"
	if v.Lang == domain.English {
		apart = ","
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + apart + digits[i:]
	}
	return sign + digits
}
