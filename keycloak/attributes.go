package keycloak

import (
	"slices"
	"time"

	"entree/internal/domain"
)

// attribute is one user attribute that the portal writes. Keycloak drops, in
// silence, what the realm's user profile does not declare, so this one table
// serves both: the realm's set-up declares it, the account's creation fills it.
type attribute struct {
	name   string
	fr, en string // display names
	many   bool
	claim  bool // given to relying parties
	person bool // with the profile, nobody else's
	value  func(a domain.Account, scope string) []string
}

// The names are those of eduPerson 202208 and SUPANN 2021; what neither of
// them has begins with "entree".
var attributes = []attribute{
	{name: "supannEtuId", fr: "Numéro d’étudiant", en: "Student number", claim: true, person: true, value: numberOf("student")},
	{name: "supannEmpId", fr: "Numéro d’agent", en: "Staff number", claim: true, person: true, value: numberOf("")},
	{name: "eduPersonAffiliation", fr: "Affiliations", en: "Affiliations", many: true, claim: true,
		value: func(a domain.Account, _ string) []string { return a.Affiliations }},
	{name: "eduPersonPrimaryAffiliation", fr: "Affiliation principale", en: "Primary affiliation", claim: true,
		value: func(a domain.Account, _ string) []string { return one(a.Affiliation) }},
	{name: "eduPersonPrincipalName", fr: "Nom de principal", en: "Principal name", claim: true,
		value: func(a domain.Account, scope string) []string {
			if scope == "" {
				return nil
			}
			return one(a.Login + "@" + scope)
		}},
	{name: "supannMailPerso", fr: "Adresse personnelle", en: "Personal address",
		value: func(a domain.Account, _ string) []string { return one(a.PersonalAddress) }},
	{name: "supannOIDCDateDeNaissance", fr: "Date de naissance", en: "Date of birth",
		value: func(a domain.Account, _ string) []string { return one(a.BirthDate) }},
	{name: profileAttribute, fr: "Profil", en: "Profile", claim: true,
		value: func(a domain.Account, _ string) []string { return one(a.Profile) }},
	{name: "entreeCharterVersion", fr: "Charte acceptée", en: "Charter accepted", claim: true,
		value: func(a domain.Account, _ string) []string { return one(a.CharterVersion) }},
	{name: "entreeCharterSHA256", fr: "Empreinte de la charte", en: "Hash of the charter",
		value: func(a domain.Account, _ string) []string { return one(a.CharterSHA256) }},
	{name: "entreeCharterAcceptedAt", fr: "Charte acceptée le", en: "Charter accepted at",
		value: func(a domain.Account, _ string) []string {
			return one(a.CharterAcceptedAt.UTC().Format(time.RFC3339))
		}},
	{name: markAttribute, fr: "Activation", en: "Activation",
		value: func(a domain.Account, _ string) []string { return one(a.ActivationID) }},
	{name: witnessAttribute, fr: "Témoin du portail", en: "The portal’s witness", // of the service account alone
		value: func(domain.Account, string) []string { return nil }},
}

// profileAttribute holds the profile: a number is unique within one.
const profileAttribute = "entreeProfile"

// markAttribute holds the activation's id: by it the portal knows its own work.
const markAttribute = "entreeActivationId"

// charterAttributes is how the names of those begin that say what was accepted.
const charterAttributes = "entreeCharter"

// numberOf gives the number to those of an affiliation; "" to all but students.
func numberOf(affiliation string) func(domain.Account, string) []string {
	return func(a domain.Account, _ string) []string {
		if slices.Contains(a.Affiliations, "student") != (affiliation == "student") {
			return nil
		}
		return one(a.Number)
	}
}

func one(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}
