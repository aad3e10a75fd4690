package e2e

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"golang.org/x/text/encoding/charmap"

	"entree/internal/devenv/demotest"
	"entree/internal/devenv/mailbox"
)

const (
	newcomers = 5000
	school    = "École d'été 2026" // the cohort that is invited: few, so that mails are
	schoolers = 12
)

// TestTheSeptemberMorning is the first day of an enrolment in the console, from
// the file of the registrar to students who activate:
//
//	5,000 in a file ── columns ── trial ── import ── who is missing is asked about
//	a charter for guests ── a campaign for the summer school ── one bounces
//	the desk helps that one ── they and another activate ── the funnel moves
//
// It publishes a charter for guests. No other test may use guests at the same
// time, so it does not run in parallel.
func TestTheSeptemberMorning(t *testing.T) {
	d := demotest.Get(t)
	b := open(t, d.Portal, desk)
	b.album = "morning"
	b.console(operator(t, d, "admin"), "/admin/imports")
	guests := b.imports()
	b.asksWhoIsMissing()

	here := "/admin?profil=invite&cohorte=" + url.QueryEscape(school)
	b.visit(here)
	if got := b.funnel(); !slices.Equal(got, []int{schoolers, 0, 0, 0, 0, 0, 0}) {
		t.Errorf("the funnel before: %v", got)
	}
	version := b.publishes()
	lost := guests[0]
	mail := b.invites(d, version, lost)
	if !strings.Contains(mail.Text, "Le campus ouvre") || !strings.Contains(mail.Text, "/activation?profil=invite") {
		t.Errorf("the invitation reads:\n%s", mail.Text)
	}

	b.visit(here)
	b.until(moved(0, 0, 0, 0, 0))
	// From here on this page is read without being loaded again.
	helped := helpAtTheDesk(t, d, lost)
	b.until(moved(1, 1, 1, 1, 0))

	phone := open(t, d.Portal, phone)
	phone.to(d, guests[1])
	b.until(moved(2, 2, 2, 1, 0))
	phone.fill("#mot-de-passe", strong)
	phone.fill("#confirmation", strong)
	phone.click("form.choose .primary")
	phone.arrive("/activation/accueil-succes")
	phone.click(".success a.primary")
	phone.login("i"+guests[1].Number, strong)
	phone.arrive("/ent")
	phone.reads(guests[1].FamilyName, version)
	b.until(moved(2, 2, 2, 2, 1))
	b.picture("overview")

	helped.press("Retour à la personne")
	helped.until(`document.querySelector('.story')`)
	helped.reads("Jamais connecté", "a remis un code d'assistance", "Entrée avec un code d'assistance", "Compte créé", newAddress)
	helped.picture("story")
}

// imports imports the file of the enrolment and returns the summer school.
func (b *tab) imports() []demotest.Person {
	b.t.Helper()
	text, guests := enrolment()
	b.looks("imports")
	b.press("Envoyer le fichier")
	b.until(`document.querySelector('.summary')`)
	b.reads("Choisissez d'abord un fichier.")
	b.uploads("scolarité 2026.csv", text)
	b.reads("Voici ce que les colonnes semblent contenir.", "Matricule scol.", "Nom d'état civil", "d'après le titre et le contenu")
	if got := get(b, chromedp.Evaluate[string](`[...document.querySelectorAll('table select')].map((s) => s.value).join(' ')`)); got != "login number profile given_name family_name birth_date email  " {
		b.t.Errorf("the columns are proposed as %q", got)
	}
	b.looks("columns")

	// The operator leaves a column out that is needed, and is told. The column that
	// the registrar calls Identifiant is an internal one.
	b.choose("#colonne3", "")
	b.press("Voir ce qui changerait")
	b.reads("Ce fichier ne peut pas être importé ainsi.", "Aucune colonne ne dit le profil")
	b.looks("columns-wrong")
	for column, field := range map[int]string{1: "", 3: "profile", 8: "cohort", 9: "ready"} {
		b.choose(fmt.Sprintf("#colonne%d", column), field)
	}
	b.press("Voir ce qui changerait")
	b.reads("Voici ce que l'import changerait.", "Nouvelles 5 000", "Modifiées 0", "Disparues 0", "Refusées 4")
	b.reads("104 Contact pas-une-adresse pas une adresse", "a@example.org, b@example.org", "108 Nom d'état civil", "110 Matricule scol.", "déjà plus haut dans le fichier")
	b.looks("trial-refused")
	b.press("Nouvelles 5 000")
	b.reads("Zoé Lefèvre-Œuvrard", "Les 500 premières sont montrées ici.", "Télécharger la liste entière (CSV)")
	b.looks("trial-new")

	b.press("Importer : 5000 personnes")
	var seen []string
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		says, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.querySelector('[role=status]')?.innerText ?? document.querySelector('.lead')?.innerText ?? ''`))
		if err == nil && !slices.Contains(seen, says) {
			seen = append(seen, says)
		}
		if strings.Contains(says, "L'import est terminé") {
			break
		}
		if time.Now().After(end) {
			b.t.Fatalf("the import does not end: %q", seen)
		}
	}
	b.t.Logf("on the way: %q", seen)
	b.reads("scolarité 2026.csv", "Nouvelles 5 000", "Refusées 4", "Télécharger les lignes refusées (CSV)")
	b.looks("result")
	b.visit("/admin/imports")
	b.reads("scolarité 2026.csv", "terminé")
	b.looks("imports-after")
	return guests
}

// asksWhoIsMissing tries to import a file in which nearly all people are
// missing.
func (b *tab) asksWhoIsMissing() {
	b.t.Helper()
	b.uploads("moitié.csv", []byte("Matricule;Prénom;Nom;Mail;Cohorte\n26100100;Zoé;Lefèvre-Œuvrard;nouvelle@example.org;L1 2026-2027\n"))
	b.choose("#profil", "etudiant")
	b.press("Voir ce qui changerait")
	b.reads("4987 personnes de la même source manquent dans ce fichier : est-il complet ?", "Importer malgré tout")
	b.press("Modifiées 1")
	b.reads("nouvelle@example.org")
	b.looks("stopped")
	b.press("Effacer ce fichier sans l'importer")
	b.reads("Le fichier a été effacé. Rien n'a été importé.")
}

// publishes writes a charter for guests and puts it in force.
func (b *tab) publishes() (version string) {
	b.t.Helper()
	b.visit("/admin/chartes")
	b.reads("2026-09", "en vigueur")
	b.accessible()
	b.choose("#profil", "invite")
	b.press("Écrire une nouvelle version")
	b.do(chromedp.WaitVisible(css("#texte-fr")))
	version = "invites-" + fmt.Sprint(time.Now().Unix())
	b.fill("#version", version)
	b.do(chromedp.SendKeys(css("#texte-fr"), "\n\n## Pour les invités\n\nVotre compte s'arrête à la fin de votre séjour.\n"))
	b.accessible()
	b.press("Relire")
	b.arriveUnder("/admin/chartes/projet/")
	b.reads("Pour les invités", "Ce qui change depuis la version")
	b.accessible()
	b.press("Publier")
	b.do(chromedp.WaitVisible(css("[name=quand]")))
	b.accessible()
	b.press("Publier")
	b.arrive("/admin/chartes")
	b.reads("La version "+version+" est en vigueur", "Invité")
	return version
}

// invites sends a campaign to the summer school, simulates a bounce of one
// mail, and returns that mail.
func (b *tab) invites(d *demotest.Demo, name string, lost demotest.Person) mailbox.Message {
	b.t.Helper()
	b.visit("/admin/campagnes/nouvelle?" + url.Values{"profil": {"invite"}, "cohorte": {school}}.Encode())
	b.accessible()
	b.fill("#nom", "Invités "+name)
	b.fill("#mot-fr", "Le campus ouvre le 7 septembre.")
	b.fill("#debit", "1200")
	b.press("Voir les messages et le nombre")
	b.reads("activez votre compte numérique", "activate your university account", "Le campus ouvre le 7 septembre.", fmt.Sprint(schoolers, " personnes recevront ce message"))
	b.accessible()
	b.press("Envoyer")
	b.arriveUnder("/admin/campagnes/suivi/")
	campaign := b.path()
	b.says("[data-live]", "100 %")
	b.visit(campaign)
	b.accessible()

	mail := d.Mail(b.t, lost.Email, 1)
	report := strings.NewReplacer("{TO}", lost.Email, "{ID}", mail.ID, "\n", "\r\n").Replace(bounced)
	if err := os.WriteFile(filepath.Join(d.Dir, "bounces", "new", name), []byte(report), 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.says("[data-live] tbody tr td:last-child", "1")
	b.visit(campaign + "?etat=bounced")
	b.reads(lost.Email, "adresse fausse", "5.1.1")
	return mail
}

const newAddress = "ete-new@example.org"

// helpAtTheDesk lets an operator of the help desk find the wrong address and
// issue a code to its owner, who activates the account on a telephone. It
// returns the operator's tab, which still shows the page with the code.
func helpAtTheDesk(t *testing.T, d *demotest.Demo, p demotest.Person) *tab {
	t.Helper()
	b := open(t, d.Portal, desk)
	b.album = "people"
	b.asOperator(d, "helpdesk")
	const wrong = `document.querySelector('a[href="/admin/personnes?etat=wrong"]')`
	b.until(wrong)
	b.do(chromedp.Evaluate[chromedp.Void](wrong + `.click()`)) // the page is live: a found element may have been replaced before the click
	b.arrive("/admin/personnes")
	b.reads(p.FamilyName, "1 personne")
	b.picture("list")
	b.click(".people tbody th a")
	b.until(`location.pathname.startsWith('/admin/personnes/')`)
	b.reads("Prêt à activer", "ne reçoit pas les mails (5.1.1)", "adresse fausse", "Importé : scolarité 2026.csv, par")
	b.picture("person")

	b.press("Code d'assistance")
	b.fill("#piece", "carte d'identité")
	b.fill("#nouvelle", "pas une adresse")
	b.press("Remettre un code")
	b.until(`document.querySelector('.summary')`)
	b.reads("Cette adresse n'est pas complète.")
	b.accessible()
	if got := get(b, chromedp.Value(css("#piece"))); got != "carte d'identité" {
		t.Errorf("what was typed is lost: %q", got)
	}
	b.fill("#nouvelle", newAddress)
	b.press("Remettre un code")
	b.until(`document.querySelector('.big-code')`)
	b.picture("code")
	code := strings.TrimSpace(b.text(".big-code span[aria-hidden]"))
	if strings.Contains(b.path(), code) || len(code) != 9 {
		t.Fatalf("the code is %q at %s", code, b.path())
	}

	student := open(t, d.Portal, phone)
	student.album = "people"
	student.visit("/activation?profil=invite")
	student.press("J'ai un code de l'assistance")
	student.arrive("/activation/guichet")
	student.picture("desk")
	student.fill("#code", "0000-0000")
	student.click("form .primary")
	student.until(`document.querySelector('.summary')`)
	student.reads("Ce code n'est pas le bon, a déjà servi ou a expiré.")
	student.accessible()
	student.fill("#code", strings.ToLower(strings.ReplaceAll(code, "-", " ")))
	student.click("form .primary")
	student.charterToEnd()
	student.arrive("/activation/accueil-succes")
	student.reads("i" + p.Number)
	d.Mail(t, newAddress, 1)
	if m := d.Mail(t, p.Email, 2); !strings.Contains(m.Text, "l'assistance a remplacé cette adresse") {
		t.Errorf("the old address reads:\n%s", m.Text)
	}
	return b
}

// funnel returns the number of people who reached each step or a later one.
func (b *tab) funnel() []int {
	b.t.Helper()
	b.do(chromedp.WaitReady(css(".funnel")))
	return get(b, chromedp.Evaluate[[]int](counts))
}

const counts = `[...document.querySelectorAll('.funnel .count')].map((c) => Number(c.textContent.replace(/\D/g, '')))`

// moved returns a condition on the numbers of people of the summer school who
// reached the code, its proof, the charter, the account and the login.
func moved(steps ...int) string {
	want := strings.Trim(strings.ReplaceAll(fmt.Sprint(append([]int{schoolers, schoolers}, steps...)), " ", ","), "[]")
	return fmt.Sprintf(`%s.join() === %q`, counts, want)
}

// uploads uploads a file on the page of imports and waits for the file's page.
func (b *tab) uploads(name string, text []byte) {
	b.t.Helper()
	file := filepath.Join(b.t.TempDir(), name)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.do(chromedp.SetUploadFiles(css("#fichier"), []string{file}))
	b.press("Envoyer le fichier")
	b.arriveUnder("/admin/imports/")
}

// looks checks a page on a desktop with light colours and on a telephone with
// dark ones.
func (b *tab) looks(name string) {
	b.t.Helper()
	for suffix, l := range map[string]look{"-wide": desk, "-wide-dark": {width: desk.width, height: desk.height, dark: true}, "-phone": phone, "-phone-dark": {width: phone.width, height: phone.height, dark: true}} {
		if pictures != "" || l == desk || l.dark && l.width == phone.width {
			b.seen(l)
			b.picture(name + suffix)
		}
	}
	b.seen(desk)
}

// enrolment returns a file as a registrar exports it from a French spreadsheet:
// 5,000 people and four lines that are refused.
func enrolment() (file []byte, guests []demotest.Person) {
	given := []string{"Zoé", "Inès", "François", "Maëlys", "Hugo", "Lucía", "Jean-Noël", "Agnès", "Ömer"}
	family := []string{"Lefèvre-Œuvrard", "d’Arc", "Nuñez", "Bœuf", "Martin", "L’Hôte", "Gauthier"}
	var out strings.Builder
	out.WriteString("Identifiant;Matricule scol.;Public;Prénoms;Nom d'état civil;Né(e) le;Contact;Rattachement;Autorisation\r\n")
	written := 0
	line := func(number, public, given, family, email, cohort string) {
		written++
		fmt.Fprintf(&out, "D%05d;%s;%s;%s;%s;%02d/%02d/2007;%s;%s;oui\r\n", written, number, public, given, family, 1+written%28, 1+written%12, email, cohort)
	}
	for i := range newcomers {
		p := demotest.Person{
			Number: fmt.Sprint(26100100 + i), GivenName: given[i%len(given)], FamilyName: family[i%len(family)], Email: fmt.Sprintf("rentree%d@example.org", i), Profile: "invite",
		}
		if i >= newcomers-schoolers {
			guests = append(guests, p)
			line(p.Number, "Invité", p.GivenName, p.FamilyName, p.Email, school)
		} else {
			line(p.Number, "Étudiant", p.GivenName, p.FamilyName, p.Email, "L1 2026-2027")
		}
		switch i {
		case 101: // far from the lines from which the columns are guessed
			line("26000001", "Étudiant", "Anne", "Roy", "pas-une-adresse", "L1 2026-2027")
		case 102:
			line("26000002", "Étudiant", "Anne", "Roy", "a@example.org, b@example.org", "L1 2026-2027")
		case 103:
			line("26000003", "Étudiant", "Anne", "", "a@example.org", "L1 2026-2027")
		case 104:
			line(p.Number, "Étudiant", "Anne", "Roy", "a@example.org", "L1 2026-2027")
		}
	}
	file, err := charmap.Windows1252.NewEncoder().Bytes([]byte(out.String()))
	if err != nil {
		panic(err) // cannot happen unless a name above has a letter outside Windows-1252
	}
	return file, guests
}

const bounced = `From: MAILER-DAEMON@mx.example.org
To: rebonds@example.org
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; {TO}
Action: failed
Status: 5.1.1

--b
Content-Type: text/rfc822-headers

Message-ID: {ID}

--b--
`
