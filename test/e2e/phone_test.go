package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"entree/internal/devenv/demotest"
)

// forgot asks for a code to a new password and stays at the page of the code.
func (b *tab) forgot(p demotest.Person) {
	b.t.Helper()
	b.visit("/mot-de-passe-oublie?profil=" + p.Profile)
	b.fill("#adresse", p.Email)
	b.click("form .primary")
	b.arrive("/activation/identification")
}

// A student whose mailbox does not answer gets the code by SMS, with JavaScript at 320
// pixels and without it. Meanwhile, since a second code is sent after half a minute at
// the soonest, another student changes the mobile number and removes it.
func TestSMS_ForgottenPasswordAndTelephone(t *testing.T) {
	demo := demotest.Get(t)
	byScript, byForm, owner := demo.Person(t, "22503122"), demo.Person(t, "22503156"), demo.Person(t, "22503190")
	n := newPlain(t) // before fr: once fr may ask for an SMS, n may too
	n.get(demo.Portal + "/mot-de-passe-oublie?lang=en")
	n.send("/mot-de-passe-oublie", map[string]string{"profil": byForm.Profile, "adresse": byForm.Email})
	n.want("/activation/identification", "Get the code by text message")
	n.send("/activation/renvoi-sms", nil)
	n.want("/activation/renvoi-sms", "We have just sent a code.", "Get the code by text message")
	if sms := demo.Mails(t, byForm.Phone); len(sms) > 0 {
		t.Errorf("an SMS was sent at once: %s", sms[0].Text)
	}
	fr := open(t, demo.Portal, look{width: 320, height: 640})
	fr.album = "sms"
	fr.forgot(byScript)
	fr.reads("Recevoir le code par SMS")

	en := open(t, demo.Portal, look{width: 320, height: 640, lang: "en-GB,en", dark: true})
	en.album = "sms-en"
	en.visit("/mot-de-passe-oublie")
	en.recoverToPassword(demo, owner)
	en.click("form.choose .primary")
	en.arrive("/activation/accueil-succes")
	if m := demo.Mail(t, owner.Phone, 1); m.Code() != "" || !freezeLink.MatchString(m.Text) {
		t.Errorf("the notice to the telephone says:\n%s", m.Text)
	}
	en.click(".success a.primary")
	en.login("o"+owner.Number, renewed)
	en.arrive("/ent")
	en.changesPhone(demo, owner, "+262639985190", "06 39 98 51 90")

	fr.do(chromedp.WaitEnabled(css(`[formaction="/activation/renvoi-sms"]`)))
	fr.click(`[formaction="/activation/renvoi-sms"]`)
	fr.reads("un SMS est en route")
	fr.picture("1-sent")
	sms := demo.Mail(t, byScript.Phone, 1)
	if code := sms.Code(); !strings.HasSuffix(strings.TrimSpace(sms.Text), "\n@127.0.0.1 #"+code) {
		t.Errorf("the last line does not bind the code to the host:\n%s", sms.Text)
	}
	fr.fill("#code", sms.Code())
	fr.click("form .primary")
	fr.arrive("/activation/verification")

	n.get(demo.Portal + "/activation/identification")
	n.send("/activation/renvoi-sms", nil)
	n.want("/activation/identification", "a text message is on its way")
	n.send("/activation/identification", map[string]string{"code": demo.Mail(t, byForm.Phone, 1).Code()})
	n.want("/activation/verification")
	n.send("/activation/verification", map[string]string{"numero": byForm.Number})
	n.send("/activation/entre-mdp", nil)
	n.send("/activation/mot-de-passe", map[string]string{"mot-de-passe": renewed, "confirmation": renewed})
	n.want("/activation/accueil-succes", "Your password has been changed")
	ent, _ := n.Doc.Find("main a.primary").Attr("href")
	n.get(demo.Portal + ent)
	n.send("/login-actions/authenticate", map[string]string{"password": renewed})
	n.want("/ent")
	n.get(demo.Portal + "/compte/telephone?lang=fr")
	n.want("/compte/telephone", "Votre numéro de mobile", "06 39 98 01 56")
	n.send("/compte/telephone", map[string]string{"telephone": "02 38 00 00 00"})
	n.want("/compte/telephone", "Ce numéro ne peut pas recevoir de SMS.")
	n.send("/compte/telephone", map[string]string{"telephone": "+33 6 39 98 51 56"})
	n.want("/activation/identification", "Un SMS avec un code a été envoyé à votre téléphone.")
	n.send("/activation/identification", map[string]string{"code": demo.Mail(t, "+262639985156", 1).Code()})
	n.want("/compte", "Votre numéro de mobile est enregistré.", "06 39 98 51 56")
	n.get(demo.Portal + "/compte/telephone")
	n.send("/compte/telephone/retirer", nil)
	n.want("/compte", "Votre numéro de mobile est retiré.", "Ajouter un numéro de mobile")
}

// changesPhone changes the mobile number on the page of the account, and removes it. The
// browser is logged in since a moment ago.
func (b *tab) changesPhone(demo *demotest.Demo, p demotest.Person, to, written string) {
	b.t.Helper()
	before, texts := len(demo.Mails(b.t, p.Email)), len(demo.Mails(b.t, p.Phone))
	b.visit("/compte/telephone")
	b.reads("Your mobile number", "06 39 98 01 90")
	b.picture("phone-1")
	b.fill("#telephone", p.Phone)
	b.click("form .primary")
	b.until(`document.querySelector('.summary') !== null`)
	b.picture("phone-2-same")
	b.fill("#telephone", written)
	b.click("form .primary")
	b.arrive("/activation/identification")
	b.reads("Confirm your number", written)
	b.picture("phone-3-code")
	b.fill("#code", demo.Mail(b.t, to, 1).Code())
	b.click("form .primary")
	b.arrive("/compte")
	b.reads("Your mobile number is saved.", written)
	b.picture("phone-4-saved")
	if m := demo.Mail(b.t, p.Email, before+1); !freezeLink.MatchString(m.Text) {
		b.t.Errorf("the notice says:\n%s", m.Text)
	}
	if m := demo.Mail(b.t, p.Phone, texts+1); m.Code() != "" || !strings.Contains(m.Text, "the mobile number of your account was changed") {
		b.t.Errorf("the notice to the telephone says:\n%s", m.Text)
	}
	b.visit("/compte/telephone")
	b.click(`form[action="/compte/telephone/retirer"] button`)
	b.arrive("/compte")
	b.reads("Your mobile number is removed.", "Add a mobile number")
	b.picture("phone-5-removed")
}
