package web

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"entree/internal/domain"
)

// Moment writes a time as a distance, "il y a 3 minutes", and as a date in the
// institution's zone.
func (v View) Moment(t time.Time) template.HTML {
	if t.IsZero() {
		return v.T("console.time.never")
	}
	return template.HTML(fmt.Sprintf(`<time datetime="%s"><span class="ago">%s</span> <span class="date">%s</span></time>`,
		t.UTC().Format(time.RFC3339), v.ago(t), v.Date(t)))
}

// Date writes a time to the second, in the institution's zone.
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

// Clock tells the hour and minute, in the institution's zone.
func (v View) Clock(t time.Time) string {
	zone := v.Zone
	if zone == nil {
		zone = time.UTC
	}
	return t.In(zone).Format("15:04")
}

// Percent writes a percentage, "63.2", in the notation of the language.
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

// Number writes a number with the thousands separator of the language.
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
