package keycloak

import (
	"slices"
	"time"

	"entree/internal/domain"
)

// attribute is one user attribute that the portal writes. Keycloak silently drops
// an attribute that the realm's user profile does not declare, so one table serves
// both: the realm's set-up declares it, the account's creation fills it.
type attribute struct {
	name   string
	fr, en string // display names
	many   bool
	claim  bool // visible to relying parties
	person bool // holds the person's number, by which seek finds an account
	// compute returns the values. If it is nil, the value is that of the person's
	// field which names this attribute in the domain's table.
	compute func(a domain.Account, scope string) []string
}

// value returns the values of the attribute for an account, or none if it is
// empty.
func (t attribute) value(a domain.Account, scope string) []string {
	if t.compute == nil {
		return one(a.Attributes[t.name])
	}
	return t.compute(a, scope)
}

// attributes lists the attributes by their names in eduPerson 202208 and SUPANN
// 2021. An attribute that neither defines begins with "entree".
var attributes = []attribute{
	{name: "supannEtuId", fr: "Numéro d’étudiant", en: "Student number", claim: true, person: true, compute: numberOf("student")},
	{name: "supannEmpId", fr: "Numéro d’agent", en: "Staff number", claim: true, person: true, compute: numberOf("")},
	{name: "eduPersonAffiliation", fr: "Affiliations", en: "Affiliations", many: true, claim: true,
		compute: func(a domain.Account, _ string) []string { return a.Affiliations }},
	{name: "eduPersonPrimaryAffiliation", fr: "Affiliation principale", en: "Primary affiliation", claim: true,
		compute: func(a domain.Account, _ string) []string { return one(a.Affiliation) }},
	{name: "eduPersonPrincipalName", fr: "Nom de principal", en: "Principal name", claim: true,
		compute: func(a domain.Account, scope string) []string {
			if scope == "" {
				return nil
			}
			return one(a.Login + "@" + scope)
		}},
	{name: "supannMailPerso", fr: "Adresse personnelle", en: "Personal address"},
	{name: "supannOIDCDateDeNaissance", fr: "Date de naissance", en: "Date of birth"},
	{name: profileAttribute, fr: "Profil", en: "Profile", claim: true},
	{name: "entreeCharterVersion", fr: "Charte acceptée", en: "Charter accepted", claim: true,
		compute: func(a domain.Account, _ string) []string { return one(a.CharterVersion) }},
	{name: "entreeCharterSHA256", fr: "Empreinte de la charte", en: "Hash of the charter",
		compute: func(a domain.Account, _ string) []string { return one(a.CharterSHA256) }},
	{name: "entreeCharterAcceptedAt", fr: "Charte acceptée le", en: "Charter accepted at",
		compute: func(a domain.Account, _ string) []string {
			return one(a.CharterAcceptedAt.UTC().Format(time.RFC3339))
		}},
	{name: markAttribute, fr: "Activation", en: "Activation",
		compute: func(a domain.Account, _ string) []string { return one(a.ActivationID) }},
	{name: witnessAttribute, fr: "Témoin du portail", en: "The portal’s witness", // only of the service account
		compute: func(domain.Account, string) []string { return nil }},
}

const profileAttribute = domain.AttributeProfile

// markAttribute holds the id of the activation, by which the portal recognises
// its accounts.
const markAttribute = "entreeActivationId"

// charterAttributes is the prefix of the attributes about the accepted charter.
const charterAttributes = "entreeCharter"

// numberOf returns a function for the number of people with an affiliation.
// With an empty affiliation it applies to all people except students.
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
