package registry_test

import (
	"fmt"
	"strings"
	"testing"

	"entree/internal/domain"
	"entree/internal/registry"
)

// list returns a file with lines of the form of fmt.Sprintf(line, i).
func list(header, line string, n int) []byte {
	out := header + "\n"
	for i := 1; i <= n; i++ {
		out += strings.ReplaceAll(line, "%", fmt.Sprint(i)) + "\n"
	}
	return []byte(out)
}

// Values that fit their field one by one and not together are told.
func TestT1_ColumnsThatAreDoubtfulAsAWhole(t *testing.T) {
	const header = "Numéro étudiant;Nom;Prénom;Né(e) le;Mail"
	for name, c := range map[string]struct {
		file []byte
		kind string // empty: no finding
	}{
		"a usual list":                      {list(header, "2250%;Roya;Anne;0%/03/2007;p%@example.org", 9), ""},
		"numbers that count the lines":      {list(header, "%;Roya;Anne;0%/03/2007;p%@example.org", 6), registry.FindCounts},
		"three numbers prove nothing":       {list(header, "%;Roya;Anne;0%/03/2007;p%@example.org", 3), ""},
		"one address for all":               {list(header, "2250%;Roya;Anne;0%/03/2007;scolarite@example.org", 6), registry.FindOneValue},
		"twins and their parents' address":  {list(header, "2250%;Roya;Anne;09/03/2007;famille@example.org", 2), ""},
		"one date of birth for all":         {list(header, "2250%;Roya;Anne;01/01/2000;p%@example.org", 12), registry.FindOneValue},
		"given names in capitals":           {list(header, "2250%;Anne;ROYA;0%/03/2007;p%@example.org", 4), registry.FindSwapped},
		"both in capitals":                  {list(header, "2250%;ROYA;ANNE;0%/03/2007;p%@example.org", 4), ""},
		"family names in capitals":          {list(header, "2250%;ROYA;Anne;0%/03/2007;p%@example.org", 4), ""},
		"a number that lost its zeros":      {append(list(header, "0071234%;Roya;Anne;0%/03/2007;p%@example.org", 5), "712349;Roya;Anne;01/03/2007;q@example.org\n"...), registry.FindDamaged},
		"numbers of two lengths":            {append(list(header, "2271234%;Roya;Anne;0%/03/2007;p%@example.org", 5), "712349;Roya;Anne;01/03/2007;q@example.org\n"...), ""},
		"a form of address":                 {list(header, "2250%;Mme Roy;Anne;0%/03/2007;p%@example.org", 1), registry.FindDamaged},
		"two names":                         {list(header, "2250%;ROY épouse PETIT;Anne;0%/03/2007;p%@example.org", 1), registry.FindDamaged},
		"two names in parentheses":          {list(header, "2250%;ROY (née PETIT);Anne;0%/03/2007;p%@example.org", 1), registry.FindDamaged},
		"a word for nothing":                {list(header, "2250%;N/A;Anne;0%/03/2007;p%@example.org", 1), registry.FindDamaged},
		"a word for no name":                {list(header, "2250%;Sans nom;Anne;0%/03/2007;p%@example.org", 1), registry.FindDamaged},
		"names that look like titles":       {list(header, "2250%;Mercier;Mme;0%/03/2007;p%@example.org", 1), ""},
		"names with words of other names":   {list(header, "2250%;Née Dupont;Dite;0%/03/2007;p%@example.org", 1), ""},
		"a particle":                        {list(header, "2250%;de La Née;Drissa;0%/03/2007;p%@example.org", 1), ""},
		"a column N° beside the real one":   {list("N°;Matricule;Nom;Prénom;Né(e) le;Mail", "%;2250%;Roya;Anne;0%/03/2007;p%@example.org", 6), registry.FindRejected},
		"a code beside the number, as told": {list("Code apprenant;N° étudiant;Nom;Prénom;Né(e) le;Mail", "AP%;2250%;Roya;Anne;0%/03/2007;p%@example.org", 6), registry.FindRejected},
	} {
		o := imported(t, c.file)
		if o.err != nil || len(o.refused) > 0 {
			t.Errorf("%s: %q %v", name, o.refused, o.err)
			continue
		}
		if c.kind == "" && len(o.report.Findings) > 0 || c.kind != "" && !o.has(c.kind) {
			t.Errorf("%s: %+v", name, o.report.Findings)
		}
		if strings.HasPrefix(name, "a co") && o.people[0].Number != "22501" {
			t.Errorf("%s: the number is %s", name, o.people[0].Number)
		}
	}
	// A column "N°" that counts the lines is no number.
	for _, header := range []string{"N°", "No", "Id", "#"} {
		if o := imported(t, list(header+";Nom;Prénom;Né(e) le;Mail", "%;Roya;Anne;0%/03/2007;p%@example.org", 6)); o.err == nil || !strings.Contains(o.err.Error(), "no column for number") {
			t.Errorf("%s: %+v %v", header, o.people, o.err)
		}
	}
}

// A name for daily use that is none leaves the legal one.
func TestT6_AWordForNothingBesideAName(t *testing.T) {
	for _, word := range []string{"", "-", "NC", "n/a", "idem", "Néant", "non renseigné", "XXX", "null", "."} {
		o := imported(t, []byte("Numéro;Nom de famille;Nom d'usage;Prénom d'état civil;Prénom usuel;Mail\n71;KA;"+word+";Léa;"+word+";l@example.org\n"))
		if p := one(t, word, o); p.FamilyName != "KA" || p.GivenName != "Léa" {
			t.Errorf("%q: %+v", word, p)
		}
	}
}

// Columns that are named by their numbers count in that order, with any content.
func TestT6_TwoColumnsOfANumber(t *testing.T) {
	o := imported(t, []byte("A;B;C;D;E;F\n71;AP1;Roy;Anne;17/03/2007;a@example.org\n;AP2;Roy;Bo;17/03/2007;b@example.org\n"), func(m *registry.Mapping) {
		m.Columns = map[string]string{"number": "#1,#2", "family_name": "#3", "given_name": "#4", "birth_date": "#5", "email": "#6"}
	})
	if o.err != nil || len(o.people) != 2 || o.people[0].Number != "71" || o.people[1].Number != "AP2" {
		t.Errorf("%+v %q %v", o.people, o.refused, o.err)
	}
}

// Headers announce their values, and states are ticked.
func TestT1_StatesThatAreTicked(t *testing.T) {
	for _, c := range [][3]string{
		{"Inscrit (O/N)", "O", "N"}, {"Inscrit [oui/non]", "oui", "non"}, {"Dossier complet (1/0)", "1", "0"}, {"IA validée", "✓", "✗"}, {"Inscription", "✔", ""}, {"Prêt (Y/N)", "Y", "N"}, {"Actif (vrai/faux)", "VRAI", "FAUX"}, {"Inscrit", "☑", "☐"},
	} {
		o := imported(t, []byte("Numéro;Nom;Prénom;Mail;"+c[0]+"\n71;Roy;Anne;a@example.org;"+c[1]+"\n72;Roy;Bo;b@example.org;"+c[2]+"\n"))
		if o.err != nil || len(o.people) != 2 || o.people[0].Readiness != domain.Ready || o.people[1].Readiness != domain.NotReady || !o.has(registry.FindNotReady) {
			t.Errorf("%s: %+v %q %v", c[0], o.people, o.refused, o.err)
		}
	}
	o := imported(t, []byte("Numéro;Nom;Prénom;Mail;Bloqué (O/N)\n71;Roy;Anne;a@example.org;✗\n72;Roy;Bo;b@example.org;✓\n"))
	if o.err != nil || len(o.people) != 2 || o.people[0].Readiness != domain.Ready || o.people[1].Readiness != domain.Held {
		t.Errorf("%+v %q %v", o.people, o.refused, o.err)
	}
}

// Columns that stop people are read under each of their names.
func TestT1_FurtherColumnsThatStopPeople(t *testing.T) {
	for _, c := range [][3]string{
		{"Accès bloqué", "non", "oui"}, {"Compte désactivé (0/1)", "0", "1"}, {"Annulé", "", "X"}, {"Tém. annulation", "N", "O"}, {"Décédé", "", "oui"}, {"Démission", "non", "oui"}, {"Abandon (O/N)", "N", "O"},
		{"Etat du compte", "Actif", "Fermé"}, {"Statut du compte", "Actif", "Désactivé"}, {"Account status", "active", "closed"}, {"Statut", "Inscrit", "Décédée"},
	} {
		o := imported(t, []byte("Numéro;Nom;Prénom;Mail;"+c[0]+"\n71;Roy;Anne;a@example.org;"+c[1]+"\n72;Roy;Bo;b@example.org;"+c[2]+"\n"))
		if o.err != nil || len(o.people) != 2 || o.people[0].Readiness != domain.Ready || o.people[1].Readiness != domain.Held || !o.has(registry.FindHeld) {
			t.Errorf("%s: %+v %q %v %+v", c[0], o.people, o.refused, o.err, o.report.Findings)
		}
	}
	o := imported(t, []byte("Numéro;Nom;Prénom;Mail;Inscrit en 2026\n71;Roy;Anne;a@example.org;oui\n72;Roy;Bo;b@example.org;non\n"))
	if o.err != nil || len(o.people) != 2 || o.people[1].Readiness != domain.NotReady {
		t.Errorf("%+v %q %v", o.people, o.refused, o.err)
	}
	// A date of cancellation is no state; the column is told.
	o = imported(t, []byte("Numéro;Nom;Prénom;Mail;Date annulation\n71;Roy;Anne;a@example.org;\n72;Roy;Bo;b@example.org;01/09/2026\n"))
	if o.err != nil || len(o.people) != 2 || !o.has(registry.FindUnused) && !o.has(registry.FindRejected) {
		t.Errorf("%+v %q %v", o.people, o.refused, o.err)
	}
}

func TestT2_APersonalAddressThatIsNumbered(t *testing.T) {
	for _, header := range []string{"Mail;Mail perso 2", "Courriel;Courriel personnel 1", "Email;E-mail perso (2)", "Mail;Mail perso 3"} {
		p := one(t, header, imported(t, []byte("Numéro;Nom;Prénom;"+header+"\n71;Roy;Anne;anne.roy@etu.univ-x.example;a@example.org\n")))
		if p.Email != "a@example.org" {
			t.Errorf("%s: %s", header, p.Email)
		}
	}
}

func TestT3_ShortHeadersAndDatesInWords(t *testing.T) {
	p := one(t, "short headers", imported(t, []byte("N° étud.;Nom pat.;Prén.;D. naiss.;Adr. mél perso\n71;Roy;Anne;le 17 mars 2007;a@example.org\n")))
	if p.Number != "71" || p.FamilyName != "Roy" || p.GivenName != "Anne" || p.BirthDate != "2007-03-17" || p.Email != "a@example.org" {
		t.Errorf("%+v", p)
	}
}
