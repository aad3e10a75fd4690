package e2e

import (
	"regexp"

	"entree/internal/devenv/demotest"
)

// takeBackLink finds the link in the notice of a new address.
var takeBackLink = regexp.MustCompile(`/compte/adresse/pas-moi/[A-Za-z0-9_-]+`)

// changesAddress changes the personal address from the page of the account, and takes
// the change back from the old mailbox. The browser is logged in since a moment ago.
func (b *tab) changesAddress(demo *demotest.Demo, p demotest.Person, to string) {
	b.t.Helper()
	before := len(demo.Mails(b.t, p.Email))
	b.visit("/compte/adresse")
	b.reads("Change my personal address", p.Email)
	b.fill("#adresse", p.Email)
	b.click("form .primary")
	b.until(`document.querySelector('.summary') !== null`)
	b.reads("We already use this address.")
	b.picture("address-1-same")
	b.fill("#adresse", to)
	b.click("form .primary")
	b.arrive("/activation/identification")
	b.reads("Confirm your new address", to)
	b.picture("address-2-code")
	b.fill("#code", demo.Mail(b.t, to, 1).Code())
	b.click("form .primary")
	b.arrive("/compte")
	b.reads("Your new address is saved.", to, "We have written to the old one")
	b.picture("address-3-saved")
	demo.Mail(b.t, to, 2)
	notice := demo.Mail(b.t, p.Email, before+1)
	link := takeBackLink.FindString(notice.Text)
	if link == "" || notice.Code() != "" {
		b.t.Fatalf("the notice says:\n%s", notice.Text)
	}
	b.visit(link)
	b.reads("Get your address back")
	b.picture("address-4-take-back")
	b.click("main form .primary")
	b.until(`document.querySelector('main form') === null`)
	b.reads("The change of address is cancelled")
	b.picture("address-5-taken-back")
	demo.Mail(b.t, p.Email, before+2)
	demo.Mail(b.t, to, 3)
	b.visit("/compte")
	b.reads(p.Email, "The change of address was cancelled from the old mailbox.")
	b.addsSecond(demo, p, "second-"+to)
}

// addsSecond adds a second address and makes it the first one.
func (b *tab) addsSecond(demo *demotest.Demo, p demotest.Person, to string) {
	b.t.Helper()
	before := len(demo.Mails(b.t, p.Email))
	b.press("Add a second personal address")
	b.arrive("/compte/adresse/seconde")
	b.picture("second-1")
	b.fill("#adresse", p.Email)
	b.click("form .primary")
	b.until(`document.querySelector('.summary') !== null`)
	b.reads("We already use this address.")
	b.fill("#adresse", to)
	b.click("form .primary")
	b.arrive("/activation/identification")
	b.fill("#code", demo.Mail(b.t, to, 1).Code())
	b.click("form .primary")
	b.arrive("/compte")
	b.reads("Your second address is saved.", p.Email, to)
	b.picture("second-2-saved")
	if m := demo.Mail(b.t, p.Email, before+1); !freezeLink.MatchString(m.Text) {
		b.t.Errorf("the notice says:\n%s", m.Text)
	}
	b.visit("/compte/adresse/seconde")
	b.picture("second-3")
	b.click(`form[action$="/principale"] button`)
	b.arrive("/compte")
	b.reads("Your second address is now the main one.")
	if m := demo.Mail(b.t, p.Email, before+2); !takeBackLink.MatchString(m.Text) {
		b.t.Errorf("the notice says:\n%s", m.Text)
	}
}

// changesAddress changes the personal address without JavaScript and keeps it.
func (b *plain) changesAddress(demo *demotest.Demo, p demotest.Person, to, asks, saved string) {
	b.t.Helper()
	before := len(demo.Mails(b.t, to))
	b.get(demo.Portal + "/compte/adresse")
	b.want("/compte/adresse", asks)
	b.send("/compte/adresse", map[string]string{"adresse": "nobody at all"})
	b.send("/compte/adresse", map[string]string{"adresse": to})
	b.want("/activation/identification", to)
	b.send("/activation/identification", map[string]string{"code": demo.Mail(b.t, to, before+1).Code()})
	b.want("/compte", saved, to)
	demo.Mail(b.t, to, before+2)
	second := "second-" + to
	b.get(demo.Portal + "/compte/adresse/seconde")
	b.want("/compte/adresse/seconde", to)
	b.send("/compte/adresse/seconde", map[string]string{"adresse": second})
	b.send("/activation/identification", map[string]string{"code": demo.Mail(b.t, second, 1).Code()})
	b.want("/compte", to, second)
	b.get(demo.Portal + "/compte/adresse/seconde")
	b.send("/compte/adresse/seconde/retirer", nil)
	b.want("/compte", to)
	demo.Mail(b.t, second, 2)
}
