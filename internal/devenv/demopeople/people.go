// Package demopeople generates people for the demo: plausible names of a French
// university, of each profile and state, the same at each call. The first one
// is the student of the how-to. Addresses are in example domains (RFC 2606), and
// telephone numbers are those that France reserves for fiction, so that no message
// reaches a real person.
package demopeople

import (
	"fmt"
	"time"

	"entree/internal/domain"
	"entree/internal/naming"
)

// Active is a state of the demo in addition to the registry's: the account
// already exists.
const Active = "active"

// Person is a person of the demo.
type Person struct {
	domain.Person
	State string // ready, not_ready, held, active
}

var givenNames = []string{
	"Emma", "Louise", "Jade", "Alice", "Chloé", "Léa", "Inès", "Manon", "Camille", "Zoé", "Éloïse", "Maëlys", "Anne-Sophie", "Marie-Claire", "Fatou", "Amina", "Yasmine", "Linh", "Agnieszka", "Ángela",
	"Louis", "Gabriel", "Raphaël", "Jules", "Hugo", "Arthur", "Noé", "Maël", "Théo", "Loïc", "François-Xavier", "Jean-Baptiste", "Mamadou", "Mehdi", "Karim", "Minh", "Łukasz", "Søren", "Paulo", "Björn",
}

var familyNames = []string{
	"Bernard", "Thomas", "Petit", "Robert", "Richard", "Durand", "Dubois", "Moreau", "Laurent", "Simon", "Lefèvre", "Leroy", "Roux", "Fournier", "Girard", "Bonnet", "Dupont", "Lambert", "Fontaine", "Rousseau",
	"Gauthier", "Chevalier", "Bœuf", "L’Hôte", "d’Arc", "de La Tour", "Le Gall", "Nguyễn", "Traoré", "Diallo", "Benali", "Haddad", "Nuñez", "García", "Kowalczyk", "Müller", "Öztürk", "Popescu", "Håkansson", "O’Connor",
}

// Some returns n people; n must be 20 or more.
func Some(n int) []Person {
	people := special()
	for i := len(people); i < max(n, 20); i++ {
		people = append(people, made(i))
	}
	for i := 0; i < len(people); i += 2 { // every second student
		if people[i].Profile == "etudiant" {
			people[i].Phone = phone(i)
		}
	}
	return people
}

// special returns the people that the demo's page and the tests refer to.
func special() []Person {
	return []Person{
		student("22502142", "Jean-Pierre", "Martin", "2007-03-17", "jean-pierre.martin@example.com", "ready"),
		student("22502143", "Jean-Pierre", "Martin", "2006-11-02", "jp.martin@example.net", "ready"), // another student with the same name
		student("22501001", "Anne", "Roy", "2007-05-09", "famille.roy@example.com", "ready"),         // two students share this address
		student("22501002", "Élise", "Roy", "2007-05-09", "famille.roy@example.com", "ready"),
		student("22501003", "Jeanne", "d’Arc", "2006-01-06", "jeanne@xn--orlans-cva.example", "ready"),
		student("22501004", "小明", "王", "2005-08-19", "xiaoming.wang@example.com", "ready"),
		student("22501005", "Łukasz", "Nuñez", "2006-04-30", "lukasz+univ@example.org", "ready"),
		student("22501006", "Maximilien-François-Marie-Isidore", "de Robespierre de la Tour du Pin Gouvernet", "2006-05-06", "maximilien@example.org", "ready"),
		student("22501007", "Chloé", "Dubois", "2007-07-14", "chloe.dubois@example.com", "not_ready"),
		student("22501008", "Hugo", "Leroy", "2006-12-24", "hugo.leroy@example.com", "held"),
		student("22501009", "Camille", "Moreau", "2005-10-10", "camille.moreau@example.com", Active),
		staff("1001", "Nadia", "Benali", "1981-02-28", "nadia.benali@example.com", "ready"),
		staff("1002", "Loïc", "Le Gall", "1975-06-21", "loic.legall@example.com", "not_ready"),
		staff("1003", "Agnès", "Fontaine", "1969-09-03", "agnes.fontaine@example.com", Active),
		guest("V204", "Søren", "Håkansson", "1988-12-13", "soren@example.org", "ready"),
	}
}

// made generates the i-th person. The steps are coprime to the lengths of the
// lists, so that names are combined in ever new pairs.
func made(i int) Person {
	given, family := givenNames[i*7%len(givenNames)], familyNames[(i*11+i/len(familyNames))%len(familyNames)]
	state := "ready"
	switch {
	case i%9 == 4:
		state = "not_ready"
	case i%31 == 7:
		state = "held"
	case i%17 == 3:
		state = Active
	}
	address := fmt.Sprintf("%s.%s%d@example.%s", naming.Latin(given), naming.Latin(family), i, []string{"com", "net", "org"}[i%3])
	born := time.Date(2007, time.December, 31, 0, 0, 0, 0, time.UTC).AddDate(0, 0, -(i*163)%1400)
	switch {
	case i%8 == 5:
		return staff(fmt.Sprint(1000+i), given, family, born.AddDate(-25, 0, 0).Format(time.DateOnly), address, state)
	case i%13 == 6:
		return guest(fmt.Sprintf("V%03d", 100+i), given, family, born.AddDate(-15, 0, 0).Format(time.DateOnly), address, state)
	default:
		return student(fmt.Sprint(22503000+i), given, family, born.Format(time.DateOnly), address, state)
	}
}

// phone returns one of the ten thousand mobile numbers that ARCEP reserves for fiction,
// 06 39 98. Numbers in 06 39 have the country code of Mayotte.
func phone(i int) string { return fmt.Sprintf("+26263998%04d", i%10_000) }

// Student generates the i-th of any number of students, each of them ready and
// with a unique address: for a rush.
func Student(i int) domain.Person {
	p := made(i)
	return student(fmt.Sprint(30000000+i), p.GivenName, p.FamilyName, p.BirthDate, fmt.Sprintf("etudiant%d@example.org", i), "ready").Person
}

func student(number, given, family, born, address, state string) Person {
	return person("etudiant", number, given, family, born, address, "L1 2026", state)
}

func staff(number, given, family, born, address, state string) Person {
	return person("personnel", number, given, family, born, address, "2026", state)
}

func guest(number, given, family, born, address, state string) Person {
	return person("invite", number, given, family, born, address, "2026", state)
}

func person(profile, number, given, family, born, address, cohort, state string) Person {
	readiness := domain.Readiness(state)
	if state == Active {
		readiness = domain.Ready
	}
	return Person{domain.Person{
		Profile: profile, Number: number, GivenName: given, FamilyName: family, BirthDate: born,
		Email: domain.Address(address), Cohort: cohort, Readiness: readiness,
	}, state}
}
