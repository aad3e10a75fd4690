package config

import (
	"maps"
	"slices"
	"strings"
	"time"

	"entree/internal/domain"
)

// reasons lists the reasons that can make a match certain.
var reasons = []domain.Evidence{
	domain.EvidenceMark, domain.EvidenceNumber, domain.EvidenceLogin, domain.EvidenceAddress, domain.EvidencePersonal, domain.EvidenceNames,
}

func (c *Config) checkMatching(f *faults) {
	m := c.Matching
	for attribute, profiles := range m.Numbers {
		for _, p := range profiles {
			if !slices.ContainsFunc(c.Profiles, func(known Profile) bool { return known.Key == p }) {
				f.add("matching.numbers."+attribute, "there is no profile %q", p)
			}
		}
	}
	for _, word := range m.Certain {
		if !slices.Contains(reasons, domain.Evidence(word)) {
			f.add("matching.certain", "%q: want mark, number, login, university_address, personal_address or names_birth_date", word)
		}
	}
	if !slices.Contains([]string{"none", "certain"}, m.Adopt) {
		f.add("matching.adopt", "%q: want none or certain", m.Adopt)
	}
	if m.Every != 0 {
		between(f, "matching.every", m.Every, 15*time.Minute, 31*24*time.Hour)
	}
}

// NumberAttributes returns the attributes of accounts that hold a number, with the
// profiles whose people have it; none: all profiles. In a directory without Keycloak,
// the attributes into which the portal writes numbers are always among them.
func (c *Config) NumberAttributes() map[string][]string {
	if c.InDirectory() && !c.HasKeycloak() {
		return c.entryNumbers()
	}
	if len(c.Matching.Numbers) > 0 {
		return c.Matching.Numbers
	}
	out := map[string][]string{}
	for _, p := range c.Profiles {
		attribute := "supannEmpId"
		if slices.Contains(p.Affiliations, "student") {
			attribute = "supannEtuId"
		}
		out[attribute] = append(out[attribute], p.Key)
	}
	return out
}

// entryNumbers returns the attributes of entries that hold a number: those of
// matching.numbers, and those whose template is the number.
func (c *Config) entryNumbers() map[string][]string {
	out := maps.Clone(c.Matching.Numbers)
	if out == nil {
		out = map[string][]string{}
	}
	for name, template := range c.Directory.Attributes {
		if _, there := out[name]; there || !slices.Contains([]string{"{number}", "{student_number}", "{staff_number}"}, template) {
			continue
		}
		profiles := []string{}
		for _, p := range c.Domain() {
			if isStudent := slices.Contains(p.Affiliations, "student"); template != "{number}" && isStudent == (template == "{student_number}") {
				profiles = append(profiles, p.Key)
			}
		}
		if template == "{number}" || len(profiles) > 0 {
			out[name] = profiles
		}
	}
	return out
}

// CertainEvidence returns the reasons that make a match certain.
func (c *Config) CertainEvidence() []domain.Evidence {
	out := make([]domain.Evidence, len(c.Matching.Certain))
	for i, word := range c.Matching.Certain {
		out[i] = domain.Evidence(word)
	}
	return out
}

// AddressDomains returns the domain of university addresses of each profile, for
// profiles whose pattern has a fixed one.
func (c *Config) AddressDomains() map[string]string {
	out := map[string]string{}
	for _, p := range c.Profiles {
		if _, host, found := strings.Cut(p.Address, "@"); found && !strings.Contains(host, "{") {
			out[p.Key] = strings.ToLower(host)
		}
	}
	return out
}
