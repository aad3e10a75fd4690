package keycloak

import (
	"slices"
	"strings"
	"time"

	"entree/internal/domain"
)

// attribute is one user attribute that the portal writes. Keycloak silently drops
// an attribute that the realm's user profile does not declare, so one table serves
// both: the realm's set-up declares it, the account's creation fills it.
type attribute struct {
	name   string
	label  string // display name in Keycloak
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
// 2021. An attribute that neither defines begins with "entree". The attributes of
// a person's fields that have no row of their own follow, with the field's name as
// display name.
var attributes = func() []attribute {
	all := ownAttributes
	for _, f := range domain.Fields() {
		if f.Attribute != "" && !slices.ContainsFunc(all, func(a attribute) bool { return a.name == f.Attribute }) {
			all = append(all, attribute{name: f.Attribute, label: strings.ReplaceAll(f.Name, "_", " ")})
		}
	}
	return all
}()

var ownAttributes = []attribute{
	{name: "supannEtuId", label: "Numéro d’étudiant", claim: true, person: true, compute: numberOf("student")},
	{name: "supannEmpId", label: "Numéro d’agent", claim: true, person: true, compute: numberOf("")},
	{name: "eduPersonAffiliation", label: "Affiliations", many: true, claim: true,
		compute: func(a domain.Account, _ string) []string { return a.Affiliations }},
	{name: "eduPersonPrimaryAffiliation", label: "Affiliation principale", claim: true,
		compute: func(a domain.Account, _ string) []string { return one(a.Affiliation) }},
	{name: "eduPersonPrincipalName", label: "Nom de principal", claim: true,
		compute: func(a domain.Account, scope string) []string {
			if scope == "" {
				return nil
			}
			return one(a.Login + "@" + scope)
		}},
	{name: "supannMailPerso", label: "Adresse personnelle"},
	{name: "supannOIDCDateDeNaissance", label: "Date de naissance"},
	{name: profileAttribute, label: "Profil", claim: true},
	{name: "entreeCharterVersion", label: "Charte acceptée", claim: true,
		compute: func(a domain.Account, _ string) []string { return one(a.CharterVersion) }},
	{name: "entreeCharterSHA256", label: "Empreinte de la charte",
		compute: func(a domain.Account, _ string) []string { return one(a.CharterSHA256) }},
	{name: "entreeCharterAcceptedAt", label: "Charte acceptée le",
		compute: func(a domain.Account, _ string) []string {
			return one(a.CharterAcceptedAt.UTC().Format(time.RFC3339))
		}},
	{name: markAttribute, label: "Activation",
		compute: func(a domain.Account, _ string) []string { return one(a.ActivationID) }},
	{name: witnessAttribute, label: "Témoin du portail", // only of the service account
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
