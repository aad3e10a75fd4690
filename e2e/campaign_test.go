package e2e

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"entree/e2e/demotest"
)

// choose takes an option of a list.
func (b *tab) choose(selector, value string) {
	b.t.Helper()
	b.do(chromedp.WaitVisible(css(selector)), chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.querySelector(%q).value = %q`, selector, value)))
}

// says reloads nothing: it waits for a live part to read so.
func (b *tab) says(selector, want string) {
	b.t.Helper()
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if strings.Contains(b.text(selector), want) {
			return
		}
	}
	b.t.Fatalf("%s never said %q; it reads:\n%.800s", selector, want, b.text("body"))
}

// TestACharterACampaignAndABounce is a morning at the console. It is about
// guests alone, whom no other test meets meanwhile: it does not run beside them.
func TestACharterACampaignAndABounce(t *testing.T) {
	d := demotest.Get(t)
	b := open(t, d.Portal, look{width: 1280, height: 900})
	b.console(operator(t, d, "admin"), "/admin")

	b.visit("/admin/chartes")
	b.reads("2026-09", "en vigueur")
	b.accessible()
	b.choose("#profil", "invite")
	b.press("Écrire une nouvelle version")
	b.do(chromedp.WaitVisible(css("#texte-fr")))
	version := "invites-" + fmt.Sprint(time.Now().Unix())
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

	b.visit("/admin/campagnes/nouvelle?profil=invite")
	b.accessible()
	b.fill("#nom", "Invités "+version)
	b.fill("#mot-fr", "Le campus ouvre le 7 septembre.")
	b.fill("#debit", "1200")
	b.press("Voir les messages et le nombre")
	b.reads("activez votre compte numérique", "activate your university account", "Le campus ouvre le 7 septembre.", "recevront ce message")
	b.accessible()
	b.press("Envoyer")
	b.arriveUnder("/admin/campagnes/suivi/")
	campaign := b.path()
	b.says("[data-live]", "100 %")
	b.visit(campaign)
	b.accessible()

	// One of them comes back.
	var guest demotest.Person
	for _, p := range d.People {
		if p.Profile == "invite" && p.State == "ready" {
			guest = p // the last one
		}
	}
	mail := d.Mail(t, guest.Email, 1)
	if !strings.Contains(mail.Text, "Le campus ouvre") || !strings.Contains(mail.Text, "/activation?profil=invite") {
		t.Errorf("the invitation reads:\n%s", mail.Text)
	}
	report := strings.NewReplacer("{TO}", guest.Email, "{ID}", mail.ID, "\n", "\r\n").Replace(bounced)
	if err := os.WriteFile(filepath.Join(d.Dir, "bounces", "new", version), []byte(report), 0o600); err != nil {
		t.Fatal(err)
	}
	b.says("[data-live] tbody tr td:last-child", "1")
	b.visit(campaign + "?" + url.Values{"etat": {"bounced"}}.Encode())
	b.reads(guest.Email, "adresse fausse", "5.1.1")
}

// arriveUnder waits for an address that begins so, other than the one before.
func (b *tab) arriveUnder(prefix string) {
	b.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		if strings.HasPrefix(b.path(), prefix) {
			b.do(chromedp.WaitReady(css("main")))
			return
		}
	}
	b.t.Fatalf("the browser is at %s, want %s…; it reads:\n%.600s", b.path(), prefix, b.text("body"))
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
