package domain

import (
	"testing"
	"time"
)

// V23: a time is told with its zone, in words that a reader elsewhere understands.
func TestV23_ZonesInWords(t *testing.T) {
	winter, summer := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC), time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		zone            string
		at              time.Time
		french, english string
	}{
		{"Europe/Paris", winter, "(heure de Paris)", "(Paris time)"},
		{"Europe/Paris", summer, "(heure de Paris)", "(Paris time)"},
		{"Indian/Reunion", summer, "(heure de La Réunion)", "(Reunion time)"},
		{"Pacific/Noumea", summer, "(heure de Nouméa)", "(Noumea time)"},
		{"America/Martinique", summer, "(heure de Martinique)", "(Martinique time)"},
		{"America/Cayenne", summer, "(heure de Cayenne)", "(Cayenne time)"},
		{"America/Miquelon", summer, "(heure de Saint-Pierre-et-Miquelon)", "(Miquelon time)"},
		{"Africa/Abidjan", summer, "(heure d’Abidjan)", "(Abidjan time)"},
		{"Africa/Algiers", summer, "(heure d’Alger)", "(Algiers time)"},
		{"Europe/Athens", summer, "(heure d’Athènes)", "(Athens time)"},
		{"Africa/Cairo", summer, "(heure du Caire)", "(Cairo time)"},
		{"Europe/Brussels", summer, "(heure de Bruxelles)", "(Brussels time)"},
		{"Asia/Ho_Chi_Minh", summer, "(heure de Hô-Chi-Minh-Ville)", "(Ho Chi Minh time)"},
		{"America/New_York", winter, "(heure de New York)", "(New York time)"},
		{"America/Argentina/Buenos_Aires", winter, "(heure de Buenos Aires)", "(Buenos Aires time)"},
		{"UTC", summer, "(UTC)", "(UTC)"},
		{"Etc/UTC", summer, "(UTC)", "(UTC)"},
		{"Etc/GMT-2", summer, "(UTC+2)", "(UTC+2)"},
		{"Etc/GMT+3", summer, "(UTC−3)", "(UTC−3)"},
		{"CET", winter, "(UTC+1)", "(UTC+1)"},
		{"CET", summer, "(UTC+2)", "(UTC+2)"},
		{"EST5EDT", winter, "(UTC−5)", "(UTC−5)"},
		{"GMT", summer, "(UTC)", "(UTC)"},
	} {
		zone, err := time.LoadLocation(tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := ZoneName(tt.at, zone, French); got != tt.french {
			t.Errorf("%s: %q, want %q", tt.zone, got, tt.french)
		}
		if got := ZoneName(tt.at, zone, English); got != tt.english {
			t.Errorf("%s: %q, want %q", tt.zone, got, tt.english)
		}
	}
	if got := ZoneName(winter, time.FixedZone("", -(3*3600+1800)), French); got != "(UTC−3:30)" {
		t.Errorf("half an hour: %q", got)
	}
}
