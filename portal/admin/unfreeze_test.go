package admin_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"entree/internal/domain"
	"entree/internal/helpdesk"
)

// The first line of the page says that the recovery is frozen, and since when. The help
// desk ends the stop after a fresh login; an auditor only reads.
func TestPeople_AFrozenRecoveryIsShownAndEnded(t *testing.T) {
	for lang, says := range map[string][3]string{
		"fr": {"La personne a bloqué le changement de son mot de passe le 01/09/2026", "autoriser à nouveau le changement de mot de passe", "Le mot de passe peut à nouveau être changé."},
		"en": {"The person blocked password changes on", "allow password changes again", "The password can be changed again."},
	} {
		w, d := withDesk(t)
		d.person.Account, d.person.FirstLoginAt = domain.AccountActive, w.now().Add(-48*time.Hour)
		b := w.operator("helpdesk")
		form := `form[action="` + jean + `/degeler"]`
		if p := b.get(jean + "?lang=" + lang); p.Find(form).Length() != 0 {
			t.Error("the act is offered for a recovery that is not frozen")
		}
		d.person.RecoveryFrozenAt = time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)
		b.get(jean).shows(".next", says[0])
		d.refuse = helpdesk.ReasonMissing
		p := b.submit(b.get(jean), jean+"/degeler", "motif", " ")
		if p.status != http.StatusUnprocessableEntity || p.Find("details[open] #degeler-motif-error").Length() != 1 {
			t.Errorf("without a reason: %d", p.status)
		}
		d.refuse = ""
		w.sleep(10 * time.Minute)
		p = b.submit(b.get(jean), jean+"/degeler", "motif", "carte vue").want("/admin/confirmer", 200).shows("main", says[1])
		if len(d.asked) != 0 {
			t.Fatalf("done without a fresh login: %v", d.asked)
		}
		b.submit(p, jean+"/degeler").shows(".notice", says[2])
		if len(d.asked) != 1 || d.asked[0] != "helpdesk unfreeze carte vue" {
			t.Errorf("asked: %q", d.asked)
		}
		d.story = []helpdesk.HistoryEntry{{At: w.now(), Kind: helpdesk.ActUnfrozen, By: "Ada", What: map[string]string{"reason": "carte vue"}}}
		b.get(jean).shows(".story", "Ada").shows(".story q", "carte vue")

		if p := b.get(jean); p.Find(`form[action="`+jean+`/guichet"]`).Length() != 0 {
			t.Error("a code is offered that would be refused")
		}
		auditor := w.operator("auditor")
		p = auditor.get(jean).shows(".next", "")
		typed := url.Values{"jeton": {p.Find("[name=jeton]").AttrOr("value", "")}, "vu": {helpdesk.Version(d.person) + " 0"}, "motif": {"x"}}
		if got := auditor.do("POST", jean+"/degeler", typed); p.Find(form).Length() != 0 || got.status != http.StatusForbidden || len(d.asked) != 1 {
			t.Errorf("an auditor: %d, asked %q", got.status, d.asked)
		}
	}
}

// The desk starts a recovery at the counter: an active person's page offers a code and
// says what it does, and the code's page names the steps of a recovery.
func TestPeople_ADeskCodeForAnActivePerson(t *testing.T) {
	for lang, says := range map[string][3]string{
		"fr": {"avec ce code, la personne choisit un nouveau mot de passe", "Elle choisit un nouveau mot de passe, sans vous.", "charte"},
		"en": {"with this code, the person chooses a new password", "They choose a new password, without you.", "charter"},
	} {
		w, d := withDesk(t)
		b := w.operator("helpdesk")
		section := `details:has(form[action="` + jean + `/guichet"])`
		p := b.get(jean + "?lang=" + lang)
		if strings.Contains(p.Find(section).Text(), says[0]) || p.Find(section).Length() != 1 {
			t.Error("the page of an activation speaks of a recovery, or offers no code")
		}
		b.submit(p, jean+"/guichet", "piece", "carte").shows("ol", says[2])
		d.person.Account = domain.AccountActive
		p = b.get(jean).shows(section, says[0])
		p = b.submit(p, jean+"/guichet", "piece", "carte").shows(".big-code", "7K3F-9Q2M").shows("ol", says[1])
		if strings.Contains(p.Find("ol").Text(), says[2]) {
			t.Error("the steps of a recovery name the charter")
		}
	}
}

// The page shows two figures at each end of a telephone number and where the number is
// from. The help desk removes it with a reason after a fresh login; an auditor only reads.
func TestPeople_ATelephoneIsShownMaskedAndRemoved(t *testing.T) {
	for lang, says := range map[string][5]string{
		"fr": {"06 •• •• •• 42 de l'inscription", "retirer le numéro de mobile", "Le numéro de mobile est retiré.", "retiré, aucun SMS ne part", "par SMS"},
		"en": {"06 •• •• •• 42 from the enrolment", "remove this person's mobile number", "The mobile number is removed.", "removed, no texts are sent", "by text message"},
	} {
		w, d := withDesk(t)
		b := w.operator("helpdesk")
		form := `form[action="` + jean + `/telephone"]`
		if p := b.get(jean + "?lang=" + lang); p.Find(form).Length() != 0 {
			t.Error("the act is offered for a person without a number")
		}
		d.person.Phone = "+33612345642"
		p := b.get(jean).shows(".facts", says[0])
		if strings.Contains(p.Find("main").Text(), "34\u00a056") {
			t.Error("the page shows the number")
		}
		d.refuse = helpdesk.ReasonMissing
		p = b.submit(p, jean+"/telephone", "motif", " ")
		if p.status != http.StatusUnprocessableEntity || p.Find("details[open] #telephone-motif-error").Length() != 1 {
			t.Errorf("without a reason: %d", p.status)
		}
		d.refuse = ""
		w.sleep(10 * time.Minute)
		p = b.submit(b.get(jean), jean+"/telephone", "motif", "numéro d'un parent").want("/admin/confirmer", 200).shows("main", says[1])
		b.submit(p, jean+"/telephone").shows(".notice", says[2])
		if len(d.asked) != 1 || d.asked[0] != "helpdesk remove phone numéro d'un parent" {
			t.Errorf("asked: %q", d.asked)
		}
		d.person.ChosenPhone = domain.PhoneNone
		d.story = []helpdesk.HistoryEntry{{At: w.now(), Kind: helpdesk.ActPhone, By: "Ada"}, {At: w.now(), Kind: string(domain.EventMailSent), What: map[string]string{"mail": "code", "channel": "sms"}}}
		b.get(jean).shows(".facts", says[3]).shows(".story", "Ada").shows(".story", says[4])
		if p := w.operator("auditor").get(jean); p.Find(form).Length() != 0 {
			t.Error("an auditor may remove a number")
		}
	}
}
