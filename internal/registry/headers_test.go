package registry_test

import (
	"strings"
	"testing"

	"entree/internal/registry"
)

// Headers carry technical names, tables and signs.
func TestT3_HeadersWithTechnicalNames(t *testing.T) {
	const values = "\n71234;Roy;Anne;17/03/2007;a@example.org\n71235;Roy;Bo;18/03/2007;b@example.org\n"
	for _, header := range []string{
		"Code étudiant (COD_ETU);Nom de famille (LIB_NOM_PAT_IND);Prénom (LIB_PR1_IND);Date de naissance (DATE_NAI_IND);Mail personnel (ADR_MAIL)",
		"INDIVIDU.COD_ETU;INDIVIDU.LIB_NOM_PAT_IND;INDIVIDU.LIB_PR1_IND;INDIVIDU.DATE_NAI_IND;ADRESSE.ADR_MAIL",
		"Etudiant.Numéro;Etudiant.Nom;Etudiant.Prénom;Etudiant.Naissance;Etudiant.Mail",
		"ID Number;Surname;First name(s);Date of Birth;Home e-mail address",
		"idnumber;lastname;firstname;profile_field_birthdate;email",
		"N°Etud.;NOM;PRENOM(S);Date Naiss.;@ perso",
		"Numéro étudiant;Nom;Prénom;Né le;Adresse @",
		"Numéro étudiant (8 chiffres);Nom (20 caractères);Prénom (1er);Date de naissance (jj/mm/aaaa);Mail (personnel, obligatoire)",
		"1. Numéro étudiant;2. Nom;3. Prénom;4. Date de naissance;5. E-mail personnel",
		"N° étudiant / matricule;Nom / Name;Prénom / First name;Date de naissance / Date of birth;E-mail / Courriel",
		"Numéro étudiant / Student number;Nom de famille / Family name;Prénom / Given name;Naissance / Birth;Adresse personnelle / Personal email",
		"Numéro d’identification;Nom de famille;Prénom;Date de naissance;Adresse de courriel",
		"ID;LAST_NAME;FIRST_NAME;BIRTH_DATE;EMAIL_PREFERRED_ADDRESS",
	} {
		o := imported(t, []byte(header+values))
		if o.err != nil || len(o.people) != 2 || o.people[0].Number != "71234" || o.people[0].FamilyName != "Roy" || o.people[0].GivenName != "Anne" || o.people[0].BirthDate != "2007-03-17" || o.people[0].Email != "a@example.org" || len(o.report.Findings) > 0 {
			t.Errorf("%s: %+v %q %v %+v", header, o.people, o.refused, o.err, o.report.Findings)
		}
	}
	// The parents' columns are none of the student's.
	for _, further := range []string{"Nom (père)", "Mère (nom)", "PERE.NOM", "Nom (LIB_NOM_PERE)", "Responsable.Nom", "Nom @école", "Nom / Père", "Nom / Ville", "CONTACT.NOM", "TUTEUR.NOM", "URGENCE.NOM", "MERE.NOM", "Contacts.Nom"} {
		o := imported(t, []byte("Numéro étudiant;"+further+";Nom;Prénom;Mail\n71234;Petit;Roy;Anne;a@example.org\n71235;Petit;Roy;Bo;b@example.org\n"))
		if o.err != nil || len(o.people) != 2 || o.people[0].FamilyName != "Roy" || !o.has(registry.FindUnused) {
			t.Errorf("%s: %+v %v %+v", further, o.people, o.err, o.report.Findings)
		}
	}
}

// An address in the table of other people is not the student's.
func TestT3_AddressesOfOthers(t *testing.T) {
	for _, of := range []string{"CONTACT.", "contacts.", "TUTEUR.", "URGENCE.", "MERE."} {
		o := imported(t, []byte("Numéro étudiant;Nom;Prénom;"+of+"MAIL;Mail\n71234;Roy;Anne;mother@example.org;a@example.org\n71235;Roy;Bo;mother@example.org;b@example.org\n"))
		if o.err != nil || len(o.people) != 2 || o.people[0].Email != "a@example.org" {
			t.Errorf("%s: %+v %v", of, o.people, o.err)
		}
		o = imported(t, []byte("Numéro étudiant;Nom;Prénom;"+of+"MAIL\n71234;Roy;Anne;mother@example.org\n71235;Roy;Bo;father@example.org\n"))
		if len(o.people) != 0 || o.err == nil || !strings.Contains(o.err.Error(), "no column for email") {
			t.Errorf("%s alone: %+v %v", of, o.people, o.err)
		}
	}
}

// States have codes before them and endings for both genders.
func TestT1_StatesWithCodesAndEndings(t *testing.T) {
	for _, c := range []struct{ word, readiness string }{
		{"1 - Inscrit", "ready"}, {"I - Inscrit", "ready"}, {"02: Inscrite", "ready"}, {"Inscrit(e)", "ready"}, {"Réinscrit·e", "ready"}, {"inscrit.e", "ready"}, {"Exonéré(e)", "ready"},
		{"3 - Démissionnaire", "held"}, {"AN - Annulée", "held"}, {"Exclu(e)", "held"}, {"Transfert départ", "held"},
		{"4 - En attente", "not_ready"}, {"0 - Non inscrit", "not_ready"}, {"NON - INSCRIT", "not_ready"}, {"N - Inscrit", "not_ready"},
	} {
		o := imported(t, []byte("Numéro;Nom;Prénom;Mail;Statut\n71;Roy;Anne;a@example.org;"+c.word+"\n72;Roy;Bo;b@example.org;Inscrit\n73;Roy;Cyd;c@example.org;Annulé\n74;Roy;Dan;d@example.org;En attente\n"))
		if o.err != nil || len(o.people) != 4 || string(o.people[0].Readiness) != c.readiness {
			t.Errorf("%s: %+v %v", c.word, o.people, o.err)
		}
	}
}

// A configured state may be written with its code or without.
func TestT1_ConfiguredStatesWithCodes(t *testing.T) {
	for _, c := range []struct{ word, readiness string }{
		{"D - Départ", "held"}, {"d – départ", "held"}, {"IA - faite", "ready"}, {"3 - Césure", "held"}, {"Césure", "held"}, {"R - Inscrit", "held"}, {"I - Inscrit", "ready"}, {"✔✔", "ready"}, {"Départ", "not_ready"},
	} {
		o := imported(t, []byte("Numéro;Nom;Prénom;Mail;Statut\n71;Roy;Anne;a@example.org;"+c.word+"\n72;Roy;Bo;b@example.org;Inscrit\n73;Roy;Cyd;c@example.org;Annulé\n"), func(m *registry.Mapping) {
			m.Ready, m.Held, m.Columns = []string{"IA - faite", "✔✔"}, []string{"D - Départ", "césure", "R - Inscrit"}, map[string]string{"ready": "Statut"}
		})
		if o.err != nil || len(o.people) != 3 || string(o.people[0].Readiness) != c.readiness {
			t.Errorf("%s: %+v %v", c.word, o.people, o.err)
		}
	}
}

// Of two columns with one header the one with values counts, and two that differ are told.
func TestT2_TwoColumnsWithOneHeader(t *testing.T) {
	o := imported(t, []byte("Numéro étudiant;Nom;Prénom;Né le;Mail;Mail\n71234;Roy;Anne;17/03/2007;;a@example.org\n71235;Roy;Bo;18/03/2007;;b@example.org\n"))
	if o.err != nil || len(o.people) != 2 || o.people[0].Email != "a@example.org" || !o.has(registry.FindRejected) {
		t.Errorf("%+v %q %v", o.people, o.refused, o.err)
	}
	o = imported(t, []byte("Numéro étudiant;Nom;Nom;Prénom;Né le;Mail\n71234;Roy;Petit;Anne;17/03/2007;a@example.org\n71235;Roy;roy;Bo;18/03/2007;b@example.org\n"))
	if o.err != nil || len(o.people) != 2 || o.people[0].FamilyName != "Roy" || !o.has(registry.FindRejected) {
		t.Errorf("%+v %q %v %+v", o.people, o.refused, o.err, o.report.Findings)
	}
	o = imported(t, []byte("Numéro étudiant;Nom;Prénom;Né le;Mail perso;Mail perso 2\n71234;Roy;Anne;17/03/2007;;a@example.org\n71235;Roy;Bo;18/03/2007;b@example.org;\n"))
	if o.err != nil || len(o.people) != 2 || len(o.report.Findings) > 0 {
		t.Errorf("%+v %q %v %+v", o.people, o.refused, o.err, o.report.Findings)
	}
}

// The date of an answer to a form is no date of birth.
func TestT3_ADateThatIsNoBirth(t *testing.T) {
	o := imported(t, []byte("Horodateur;Numéro étudiant;Nom;Prénom;Mail\n01/07/2026 10:30:00;71234;Roy;Anne;a@example.org\n02/07/2026 11:31:00;71235;Roy;Bo;b@example.org\n"))
	if o.err != nil || len(o.people) != 2 || o.people[0].BirthDate != "" || !o.has(registry.FindUnused) {
		t.Errorf("%+v %q %v %+v", o.people, o.refused, o.err, o.report.Findings)
	}
}

// A form of address before a full name does not hide the name, and names that cannot be
// divided are named in the error.
func TestT3_FullNamesWithAFormOfAddress(t *testing.T) {
	o := imported(t, []byte("Numéro étudiant;Nom complet;Né le;Mail\n71234;Mme ROY Anne;17/03/2007;a@example.org\n71235;M. PETIT Bo;18/03/2007;b@example.org\n"))
	if o.err != nil || len(o.people) != 2 || o.people[0].GivenName != "Anne" || o.people[0].FamilyName != "ROY" || o.people[1].GivenName != "Bo" {
		t.Errorf("%+v %q %v", o.people, o.refused, o.err)
	}
	o = imported(t, []byte("Student No;Full Name;Date of Birth;E-mail\n71234;Anne Roy;2007-03-17;a@example.org\n"))
	if o.err == nil || !strings.Contains(o.err.Error(), `the names in column "Full Name" cannot be divided`) {
		t.Errorf("%v", o.err)
	}
	// A column of full names that is taken is not blamed for another field.
	o = imported(t, []byte("Numéro étudiant;Nom complet;Né le\n71234;ROY Anne;17/03/2007\n71235;PETIT Bo;18/03/2007\n"))
	if o.err == nil || !strings.Contains(o.err.Error(), "no column for email") || strings.Contains(o.err.Error(), "cannot be divided") {
		t.Errorf("%v", o.err)
	}
}
