package app

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"entree/internal/activation"
	"entree/internal/domain"
	"entree/internal/sso/ssotest"
)

// lives are the acts by which a visitor leaves the activation for another flow: a
// forgotten password, a claim of another address, and the changes of contacts behind a
// login. The steps of the journeys that they begin are those of goOn.
var lives = map[string]func(w *walk, t *rapid.T, v *wanderer){
	"forget the password": func(w *walk, t *rapid.T, v *wanderer) { w.begin(t, v, "/mot-de-passe-oublie") },
	"claim an address":    func(w *walk, t *rapid.T, v *wanderer) { w.begin(t, v, "/adresse-perdue") },
	"log in":              (*walk).enterAccount,
	"change the address": func(w *walk, t *rapid.T, v *wanderer) {
		w.enterAccount(t, v)
		w.begin(t, v, "/compte/adresse")
	},
	"add a second address": func(w *walk, t *rapid.T, v *wanderer) {
		w.enterAccount(t, v)
		w.begin(t, v, "/compte/adresse/seconde")
	},
	"change the telephone": func(w *walk, t *rapid.T, v *wanderer) {
		w.enterAccount(t, v)
		w.begin(t, v, "/compte/telephone")
	},
	"swap the addresses": func(w *walk, t *rapid.T, v *wanderer) {
		w.press(t, v, "/compte/adresse/seconde", "/compte/adresse/seconde/principale")
	},
	"remove the second address": func(w *walk, t *rapid.T, v *wanderer) {
		w.press(t, v, "/compte/adresse/seconde", "/compte/adresse/seconde/retirer")
	},
	"remove the telephone": func(w *walk, t *rapid.T, v *wanderer) {
		w.press(t, v, "/compte/telephone", "/compte/telephone/retirer")
	},
	"take a change back": (*walk).undo,
}

// live performs one act of a life, and then goes on for some steps.
func (w *walk) live(t *rapid.T, v *wanderer) {
	act := rapid.SampledFrom(slices.Sorted(maps.Keys(lives))).Draw(t, "act")
	w.lives[act]++
	lives[act](w, t, v)
	for range rapid.IntRange(0, 5).Draw(t, "steps") {
		w.goOn(t, v)
	}
}

// begin opens a page and sends its form, which begins a journey.
func (w *walk) begin(t *rapid.T, v *wanderer, path string) {
	w.press(t, v, path, path)
}

// press opens a page and sends the form of an address on it.
func (w *walk) press(t *rapid.T, v *wanderer, page, path string) {
	w.ask(t, v, nil, &attempt{method: http.MethodGet, path: page})
	w.ask(t, v, nil, v.act(http.MethodPost+" "+path, true))
}

// enterAccount logs a visitor with an account in, as the page of the account asks for.
func (w *walk) enterAccount(t *rapid.T, v *wanderer) {
	p, err := w.app.store.PersonByNumber(t.Context(), v.profile, v.person.Number)
	if v.person.ID == "" || err != nil || p.Account != domain.AccountActive {
		return
	}
	w.provider.Set(func(provider *ssotest.Provider) {
		provider.Edit = func(claims map[string]any) {
			claims["sub"], claims["preferred_username"], claims["auth_time"] = p.AccountID, p.Login, time.Now().Unix()
		}
	})
	a := &attempt{method: http.MethodGet, path: "/connexion?compte"}
	a.with(v)
	to := w.send(t, v, a).header.Get("Location")
	if !strings.HasPrefix(to, w.provider.URL+"/") {
		t.Fatalf("the login leads to %q", to)
	}
	back := &attempt{method: http.MethodGet, path: "/connexion/retour?" + w.provider.Login(w.t, to).Encode()}
	back.with(v)
	if got := w.send(t, v, back); got.status != http.StatusSeeOther {
		t.Fatalf("the login of %s ends with %d", p.Login, got.status)
	}
	v.journey = ""
}

// undo opens the link of the newest notice of a change of address and presses its button.
func (w *walk) undo(t *rapid.T, v *wanderer) {
	w.mu.Lock()
	link := ""
	for _, m := range w.mails[v.address] {
		if m.Kind == domain.MessageContactChanged {
			link = m.TakeBack
		}
	}
	w.mu.Unlock()
	if strings.HasPrefix(link, activation.TakeBackPath) {
		w.press(t, v, link, link)
	}
}

// codeGoesTo returns the address or number to which the code of the visitor's journey is
// sent, the messages to it before the journey, and whether a message comes at all.
func (v *wanderer) codeGoesTo() (to domain.Address, after int, comes bool) {
	j, err := v.app.store.Journey(v.t.Context(), v.journey)
	if err != nil {
		return "", 0, false
	}
	if j.Purpose == domain.PurposeAddress || j.Purpose == domain.PurposeClaim {
		return j.Address, 0, true // it was not written to before
	}
	return v.address, v.mails, v.person.ID != "" && v.person.Readiness == domain.Ready && j.Address == v.address && len(j.Candidates) > 0
}

// newAddress and newNumber return contacts that no visitor has used.
func (v *wanderer) newAddress() string {
	v.contacts++
	return strings.Replace(string(v.address), "@example.net", fmt.Sprintf(".%d@example.org", v.contacts), 1)
}

func (v *wanderer) newNumber() string {
	v.contacts++
	v.walk.numbers++
	return fmt.Sprintf("+26263998%04d", v.walk.numbers)
}

func (v *wanderer) claimForm() url.Values {
	return url.Values{
		"jeton": {v.token}, "profil": {v.profile}, "numero": {v.person.Number + "0"}, "prenom": {"Noé"}, "nom": {"Xx"},
		"naissance-jour": {"17"}, "naissance-mois": {"3"}, "naissance-annee": {"2007"}, "adresse": {v.newAddress()},
	}
}

// provedBy records that a code proved a contact of a person.
func (w *walk) provedBy(p domain.PersonID, contact string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.reached[p] == nil {
		w.reached[p] = map[string]bool{}
	}
	w.reached[p][contact] = true
}

// mayHave reports whether each contact of a person is that of the enrolment or was proven
// by a code that the person asked for.
func (w *walk) mayHave(p domain.Person) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	mine := w.reached[p.ID]
	enrolled := !p.ChoseAddress() || p.Email == p.SourceEmail
	second := p.Second() == "" || mine[string(p.Second())] || strings.HasSuffix(string(p.Second()), "@example.net")
	phone := p.ChosenPhone == "" || p.ChosenPhone == domain.PhoneNone || mine[p.ChosenPhone]
	return (enrolled || mine[string(p.Email)]) && second && phone
}
