package e2e

import (
	"strings"
	"testing"

	"entree/internal/devenv/demotest"
)

// A student who no longer has the mailbox of the enrolment asks for another one at 320
// pixels, without JavaScript in English, and an operator accepts the first claim in the
// dark.
func TestClaim_AnotherAddressIsAskedForAndAccepted(t *testing.T) {
	demo := demotest.Get(t)
	p := demo.Person(t, "22503088")
	day, month, year := strings.TrimPrefix(p.BirthDate[8:], "0"), strings.TrimPrefix(p.BirthDate[5:7], "0"), p.BirthDate[:4]
	b := open(t, demo.Portal, look{width: 320, height: 640})
	b.album = "claim"
	b.visit("/adresse-perdue")
	b.reads("Vous n'avez plus accès à votre adresse ?")
	b.click("form .primary")
	b.until(`document.querySelector('.summary') !== null`)
	b.picture("1-missing")
	b.click(`label:has(input[value="etudiant"])`)
	const to = "ailleurs@example.org"
	for field, value := range map[string]string{
		"#numero": p.Number, "#prenom": p.GivenName, "#nom": p.FamilyName, "#naissance-jour": day, "#naissance-mois": month, "#naissance-annee": year, "#adresse": to,
	} {
		b.fill(field, value)
	}
	b.picture("2-filled")
	b.click("form .primary")
	b.arrive("/activation/identification")
	b.reads("Confirmer votre nouvelle adresse", to)
	b.fill("#code", demo.Mail(t, to, 1).Code())
	b.click("form .primary")
	b.arrive("/adresse-perdue/demande")
	b.reads("Votre demande est enregistrée", to)
	b.picture("3-filed")

	n := newPlain(t)
	n.get(demo.Portal + "/adresse-perdue?lang=en")
	n.send("/adresse-perdue", map[string]string{
		"profil": "etudiant", "numero": "0", "prenom": "Nemo", "nom": "Nobody", "naissance-jour": "1", "naissance-mois": "1", "naissance-annee": "2000", "adresse": "nemo@example.org",
	})
	n.want("/activation/identification", "nemo@example.org")
	n.send("/activation/identification", map[string]string{"code": demo.Mail(t, "nemo@example.org", 1).Code()})
	n.want("/adresse-perdue/demande", "We have your request")

	told := len(demo.Mails(t, p.Email))
	o := open(t, demo.Portal, look{width: 360, height: 740, dark: true})
	o.album = "claim-console"
	o.asOperator(demo, "registrar")
	o.visit("/admin/adresses")
	o.reads("Adresses à remplacer", p.FamilyName, to, "même date de naissance", "aucune personne n'a ce numéro")
	o.picture("queue")
	o.fill(`.box:has([formaction]) input[name="motif"]`, "rappelé")
	o.click("[formaction]")
	o.until(`document.querySelector('.notice')`)
	o.reads("La demande est acceptée.")
	o.visit("/admin/adresses?etat=accepted")
	o.reads(p.FamilyName, "rappelé")
	o.picture("accepted")

	notice := demo.Mail(t, p.Email, told+1)
	at := strings.Index(notice.Text, "/adresse-perdue/pas-moi/")
	if at < 0 {
		t.Fatalf("the notice says:\n%s", notice.Text)
	}
	b.visit(strings.Fields(notice.Text[at:])[0])
	b.reads("Refuser la nouvelle adresse")
	b.picture("4-object")
	b.click("main form .primary")
	b.until(`document.querySelector('main form') === null`)
	b.reads("Le changement est refusé")
	b.picture("5-objected")
}
