package domain

import (
	"fmt"
	"time"
)

var frenchMonths = [...]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"}

// DayAndMonth returns a date as a sentence has it, without the year: "1er septembre",
// "1 September". The day and the month are joined by a no-break space.
func DayAndMonth(t time.Time, lang Lang) string {
	if lang == English {
		return t.Format("2\u00a0January")
	}
	day := fmt.Sprint(t.Day())
	if t.Day() == 1 {
		day = "1er"
	}
	return day + "\u00a0" + frenchMonths[t.Month()-1]
}
