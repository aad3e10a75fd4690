package admin_test

import (
	"strings"
	"testing"
	"time"

	"entree/internal/domain"
	"entree/internal/helpdesk"
)

// Ten telephone calls to a help desk. From the overview, the operator types the caller's
// name and solves each call in three clicks at most: the search, a folded form that is
// opened, and the button. The page says what to answer.
func TestTenCallsToTheHelpDesk(t *testing.T) {
	waits := []helpdesk.OpenJourney{{Journey: domain.Journey{ID: "j1"}, Step: domain.StepCode, Sent: true}}
	active := func(p *domain.Person) {
		p.Account, p.Login, p.FirstLoginAt = domain.AccountActive, "o22502142", time.Unix(1, 0)
	}
	for _, call := range []struct {
		says   string
		role   string
		person func(*domain.Person)
		under  []helpdesk.OpenJourney
		reads  string   // what the page says first, or shows
		act    string   // the form that solves the call; empty: the words do
		typed  []string // in the form
		asked  string   // what reaches the help desk service
	}{
		{"I get no code", "helpdesk", nil, waits, "courriers indésirables (spams), puis renvoyez", "/renvoyer", nil, "helpdesk send j1"},
		{"the code is wrong", "helpdesk", nil, waits, "Seul le dernier compte", "/renvoyer", nil, "helpdesk send j1"},
		{"I mistyped my address at enrolment", "helpdesk", nil, nil, "Ce n'est pas son adresse ? Corrigez-la.", "/adresse", []string{"adresse", "jp2@example.net", "motif", "faute"}, "helpdesk correct jp2@example.net faute"},
		{"I no longer have that mailbox", "helpdesk", active, nil, "n'a plus accès à sa boîte mail", "/guichet", []string{"piece", "passeport"}, "helpdesk code passeport"},
		{"it says an account exists", "admin", func(p *domain.Person) { p.Account = domain.AccountParked }, nil, "L'administration décide", "/adopter", nil, "admin adopt 11111111-1111-4111-8111-111111111111"},
		{"it says wait", "helpdesk", nil, nil, "Tout un réseau attend ? Voir les limites", "/debloquer", nil, "helpdesk unlock"},
		{"I forgot my username", "helpdesk", active, nil, "o22502142", "", nil, ""},
		{"my name is misspelt", "helpdesk", nil, nil, "se corrigent dans l'inscription", "", nil, ""},
		{"the workspace refuses my password", "helpdesk", active, nil, "Mot de passe refusé, identifiant ou mot de passe oublié : la personne ouvre " + base + "/mot-de-passe-oublie", "", nil, ""},
		{"my brother's workspace opens", "helpdesk", active, nil, "Si le compte d'un proche s'ouvre, elle s'en déconnecte d'abord.", "", nil, ""},
	} {
		t.Run(call.says, func(t *testing.T) {
			w, d := withDesk(t)
			if call.person != nil {
				call.person(&d.person)
			}
			d.under = call.under
			b := w.operator(call.role)
			b.get("/admin")
			p, clicks := b.get("/admin/personnes?direct=1&q=martin").want(jean, 200), 1
			p.shows("main", call.reads)
			if call.act != "" {
				if form := p.Find(`form[action="` + jean + call.act + `"]`); form.Closest("details:not([open])").Length() > 0 {
					clicks++
				}
				p = b.submit(p, jean+call.act, call.typed...)
				clicks++
				if p.Find(`[name="confirme"]`).Length() > 0 {
					t.Fatal("the page asks to confirm: one more click")
				}
			}
			if got := strings.Join(d.asked, "; "); got != call.asked {
				t.Errorf("asked: %q, want %q; at %s: %s", got, call.asked, p.path, p.Find(".summary, h1").Text())
			}
			if clicks > 3 {
				t.Errorf("%d clicks", clicks)
			}
		})
	}
}

// The search field of the frame opens the only person who matches. It shows the list if
// several match, if one matches nearly, and to the list's own form.
func TestTheSearchOpensTheOnlyMatch(t *testing.T) {
	w, _ := withDesk(t)
	b := w.operator("helpdesk")
	for path, to := range map[string]string{
		"/admin/personnes?direct=1&q=martin":   jean,
		"/admin/personnes?direct=1&q=22502142": jean,
		"/admin/personnes?direct=1&q=matrin":   "",
		"/admin/personnes?direct=1&q=other":    "",
		"/admin/personnes?direct=1&q=":         "",
		"/admin/personnes?q=martin":            "",
	} {
		if to == "" {
			to = path
		}
		b.get(path).want(to, 200)
	}
	if b.get("/admin").Find(`header [name="direct"]`).Length() != 1 {
		t.Error("the search field of the frame does not ask for the person")
	}
}
