package registry

import (
	"slices"
	"strings"

	"entree/internal/clean"
	"entree/internal/domain"
)

// providers are names of mail providers that are misspelt often, without the ends of
// their domains. Other providers have the names of nearby.
var (
	providers = []string{"gmail", "hotmail", "outlook", "yahoo", "orange", "wanadoo", "laposte", "icloud", "protonmail"}
	nearby    = []string{"mail", "email", "ymail", "rocketmail"}
	// noEnds are ends of domains that the providers above do not use.
	noEnds = []string{"con", "cim", "vom", "xom", "comm", "cpm", "om", "co", "c", "f", "fe", "rf", "ft", "ne", "nett", "er"}
)

// misspelt reports whether an address looks like one with a slip, since its domain is
// nearly that of a large mail provider (gmial.com, hotmail.con) or cut off, or its local
// part has accents, or like one that only fills the cell (inconnu@inconnu.fr).
func misspelt(a domain.Address) bool {
	local, host, _ := strings.Cut(string(a), "@")
	name, end, _ := strings.Cut(host, ".")
	if !clean.IsPrintableASCII(local) || strings.LastIndexByte(host, '.') == len(host)-2 || local == name || isNoWord(local) || local == "noreply" {
		return true
	}
	if slices.Contains([]string{"gmail", "icloud"}, name) && end != "com" {
		return true // they have no other domain
	}
	if slices.Contains(providers, name) {
		return slices.Contains(noEnds, end)
	}
	return !slices.Contains(nearby, name) && slices.ContainsFunc(providers, func(p string) bool { return oneSlip(name, p) })
}

// oneSlip reports whether two words differ by one letter that is missing, added or
// another one, or by two neighbours in the wrong order.
func oneSlip(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	return i < len(a) && (a[i+1:] == b[i+1:] || i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:])
}
