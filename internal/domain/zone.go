package domain

import (
	"strings"
	"time"
)

// frenchCities are the cities of time zones whose French name differs from that of the
// time zone database.
var frenchCities = map[string]string{
	"Algiers": "Alger", "Athens": "Athènes", "Beirut": "Beyrouth", "Brussels": "Bruxelles", "Bucharest": "Bucarest", "Cairo": "du Caire",
	"Ho Chi Minh": "Hô-Chi-Minh-Ville", "Lisbon": "Lisbonne", "London": "Londres", "Moscow": "Moscou", "Noumea": "Nouméa",
	"Reunion": "La Réunion", "Sao Paulo": "São Paulo",
	"Vienna": "Vienne", "Warsaw": "Varsovie", "Miquelon": "Saint-Pierre-et-Miquelon",
}

// ZoneName returns the name of a time zone in parentheses, for a reader in another one
// (V23): "(heure de Paris)", "(Paris time)". A zone that is not named after a city, such
// as Etc/GMT+1, is told by the offset that it has at t: "(UTC+2)".
func ZoneName(t time.Time, zone *time.Location, lang Lang) string {
	area, city, ok := strings.Cut(zone.String(), "/")
	if !ok || area == "Etc" || area == "SystemV" {
		return "(" + offset(t.In(zone)) + ")"
	}
	city = strings.ReplaceAll(city[strings.LastIndexByte(city, '/')+1:], "_", " ")
	if lang == English {
		return "(" + city + " time)"
	}
	if french, ok := frenchCities[city]; ok {
		city = french
	}
	switch {
	case strings.HasPrefix(city, "du "):
		return "(heure " + city + ")"
	case strings.ContainsAny(city[:1], "AEIOUY"):
		return "(heure d’" + city + ")"
	}
	return "(heure de " + city + ")"
}

// offset returns a time's offset from UTC as it is said: "UTC", "UTC+2", "UTC−3:30".
func offset(t time.Time) string {
	said := strings.TrimSuffix(t.Format("-07:00"), ":00")
	sign, hours := strings.Replace(said[:1], "-", "−", 1), strings.TrimPrefix(said[1:], "0")
	if hours == "0" {
		return "UTC"
	}
	return "UTC" + sign + hours
}
