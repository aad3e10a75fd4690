package app

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entree/internal/activation"
	"entree/internal/audit"
	"entree/internal/charter"
	"entree/internal/devenv/scripted"
	"entree/internal/domain"
)

// The walk lets visitors ask for every address of the portal at every step of
// the way, with the forms that its pages make and with forms that none does:
//
//	visitor ── attempt, whole or spoiled ──▶ the portal as it is served ──▶ watched store
//	   ▲                                              │                         │
//	   └── what an answer may say ◀───────────────────┘      what a journey may do, and by which act
//
// Everything is the program's own but for Keycloak, whose stand-in passes the
// contract of the real one, and the mail server. After each step it is judged
// that no answer is a failure or tells a secret or another's data, that nothing
// came of what was spoiled, and that the stored journey is where the model of
// the way allows; at the end, I1 to I7 over all of it.
func TestI1toI7_RandomWalkOverEveryAddress(t *testing.T) {
	onEachDatabase(t, "25", func(t *testing.T, w *walk) {
		w.everywhere(t)
		rapid.Check(t, w.visitors)
		w.settle(t)
		t.Logf("%d requests, %d of them spoiled, %d activations, acts of accounts: %v, %d people proved further contacts", w.asked, w.spoiled, w.accounts.Len(), w.lives, len(w.reached))
	})
}

// wanderer is a browser and the person who uses it.
type wanderer struct {
	*walk
	person   domain.Person // empty for an address that belongs to no person
	profile  string
	address  domain.Address
	password string
	contacts int // new addresses and numbers so far

	cookies map[string]string
	token   string // of the last form seen
	journey domain.JourneyID
	mails   int       // before the journey
	sent    []attempt // forms, with the cookies of their time
}

// arrive returns a visitor who was not there before.
func (w *walk) arrive(t tester, kind string) *wanderer {
	w.people++
	mark := fmt.Sprintf("%s%04d", strings.ToLower(rand.Text()[:6]), w.people)
	v := &wanderer{walk: w, profile: "etudiant", address: domain.Address(mark + "@example.net"), cookies: map[string]string{}}
	v.password = "LesVagues7" + rand.Text()[:8] + "Dansent"
	w.passwords = append(w.passwords, v.password)
	p := domain.Person{
		ID: domain.PersonID("p-" + mark), Profile: "etudiant", Number: "9" + mark, GivenName: "Noé", FamilyName: "Xx" + mark,
		BirthDate: "2007-03-17", Email: v.address, Readiness: domain.Ready, Cohort: "2026",
	}
	switch kind {
	case "nobody":
		return v
	case "staff":
		p.Profile, v.profile = "personnel", "personnel"
	case "not ready":
		p.Readiness = domain.NotReady
	case "taken for another":
		w.accounts.Occupy("o"+p.Number, "somebody."+mark+"@example.org")
	}
	if err := w.app.store.Enrol(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	v.person = p
	return v
}

var kindsOfVisitors = []string{"student", "student", "student", "staff", "nobody", "not ready", "taken for another"}

// visitors lets two people take random steps: their own, and attempts to use what
// belongs to the other one.
func (w *walk) visitors(t *rapid.T) {
	var two [2]*wanderer
	for i := range two {
		two[i] = w.arrive(t, rapid.SampledFrom(kindsOfVisitors).Draw(t, "somebody"))
		for range rapid.IntRange(0, 6).Draw(t, "steps done") {
			w.goOn(t, two[i])
		}
	}
	away := rapid.IntRange(0, 4).Draw(t, "Keycloak") == 0
	if away {
		w.accounts.FailWith(errors.New("away"))
		defer w.accounts.FailWith(nil)
	}
	live := func(t *rapid.T) { w.live(t, two[rapid.IntRange(0, 1).Draw(t, "who")]) }
	ask := func(t *rapid.T) {
		i := rapid.IntRange(0, 1).Draw(t, "who")
		w.try(t, two[i], two[1-i])
	}
	t.Repeat(map[string]func(*rapid.T){
		"go on":                        func(t *rapid.T) { w.goOn(t, two[rapid.IntRange(0, 1).Draw(t, "who")]) },
		"ask":                          ask,
		"ask again":                    ask,
		"live on":                      live,
		"live on again":                live,
		"send once more what was sent": func(t *rapid.T) { w.replay(t, two[rapid.IntRange(0, 1).Draw(t, "who")]) },
		"replace the charter":          w.replace,
		"let time pass": func(t *rapid.T) {
			w.pass(t, two[rapid.IntRange(0, 1).Draw(t, "who")], time.Duration(rapid.IntRange(1, 12).Draw(t, "minutes"))*time.Minute)
		},
	})
}

// steps are all that there are, with how many acts lead to them, and whose.
var steps = []struct {
	step domain.Step
	kind string
	acts int
}{
	{domain.StepCode, "student", 1}, {domain.StepVerify, "staff", 2}, {domain.StepCharter, "student", 2}, {domain.StepGuide, "student", 3},
	{domain.StepPassword, "student", 4}, {domain.StepDone, "student", 5}, {domain.StepParked, "taken for another", 5},
	{domain.StepWaiting, "student", 5}, {domain.StepEnded, "student", 1},
}

// everywhere requests each address at each step, as its page does and with the mistakes that
// people make.
func (w *walk) everywhere(t *testing.T) {
	for _, at := range steps {
		if at.step == domain.StepWaiting {
			w.accounts.FailWith(errors.New("away"))
		}
		var v *wanderer
		for _, route := range w.routes {
			for _, right := range []bool{true, false} {
				if v == nil || v.step(t) != at.step {
					v = w.bring(t, at.step, at.kind, at.acts)
				}
				if strings.HasPrefix(route, http.MethodPost) {
					w.look(t, v)
				} else if !right {
					continue
				}
				a := v.act(route, right)
				a.path = strings.NewReplacer("*name", "app.css", ":empreinte", "x").Replace(a.path)
				w.ask(t, v, nil, a)
			}
		}
		w.accounts.FailWith(nil)
	}
}

// bring returns a visitor at a step.
func (w *walk) bring(t tester, step domain.Step, kind string, acts int) *wanderer {
	v := w.arrive(t, kind)
	for range acts {
		w.goOn(t, v)
	}
	for step == domain.StepEnded && v.step(t) == domain.StepCode {
		w.look(t, v)
		w.ask(t, v, nil, v.act("POST /activation/identification", false))
	}
	// The job that creates the account may take longer than the page waits for it.
	for end := time.Now().Add(10 * time.Second); step != domain.StepWaiting && v.step(t) == domain.StepWaiting && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if now := v.step(t); now != step {
		t.Fatalf("somebody who was to come to %s is at %q", step, now)
	}
	return v
}

// replay sends an earlier form once more, as a reload or an eavesdropper would. After
// the end of the journey it has no effect.
func (w *walk) replay(t *rapid.T, v *wanderer) {
	if len(v.sent) == 0 {
		return
	}
	a := rapid.SampledFrom(v.sent).Draw(t, "form")
	a.spoiled = "once more"
	switch step := v.step(t); step {
	case domain.StepWaiting, domain.StepDone, domain.StepParked:
		a.void = a.owner == v.journey && begins[a.path] == nil && !strings.HasPrefix(a.path, "/compte") && !slices.Contains(same, a.path)
	}
	w.judge(t, v, nil, &a, v.step(t), w.tried(t, v, &a))
}

// replace puts another charter in force, now and then.
func (w *walk) replace(t *rapid.T) {
	if rapid.IntRange(0, 9).Draw(t, "replaced") > 0 {
		return
	}
	w.versions++
	name := fmt.Sprint("charter ", w.versions)
	text := func(lang domain.Lang) charter.Text {
		md := fmt.Sprintf("# %s %s\n", name, lang)
		return charter.Text{Title: name, Markdown: md, SHA256: domain.HashCharter(md)}
	}
	by := audit.Entry{At: time.Now(), By: audit.System}
	d, err := w.app.charters.Save(t.Context(), charter.Draft{Name: name, Texts: charter.Texts{French: text(domain.French), English: text(domain.English)}}, by)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.app.charters.Publish(t.Context(), d.ID, d.Revision, time.Time{}, by); err != nil {
		t.Fatal(err)
	}
}

// pass makes a journey older.
func (w *walk) pass(t tester, v *wanderer, d time.Duration) {
	if v.journey == "" {
		return
	}
	_, err := w.app.store.Update(t.Context(), domain.Journey{ID: v.journey}, func(j *domain.Journey) (domain.Effects, error) {
		for _, at := range []*time.Time{&j.SeenAt, &j.ExpiresAt, &j.Code.SentAt, &j.Code.ExpiresAt} {
			*at = at.Add(-d)
		}
		return domain.Effects{}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// step is where a visitor's journey stands; empty where it has none any more.
func (v *wanderer) step(t tester) domain.Step {
	if v.journey == "" {
		return ""
	}
	_, step, err := v.app.service.Journey(t.Context(), v.journey)
	if err != nil && !errors.Is(err, activation.ErrExpired) && !errors.Is(err, domain.ErrNotFound) {
		t.Fatal(err)
	}
	return step
}

var pageOf = map[domain.Step]string{
	"": "/activation", domain.StepCode: "/activation/identification", domain.StepEnded: "/activation/identification",
	domain.StepVerify: "/activation/verification", domain.StepCharter: "/activation/charte", domain.StepGuide: "/activation/entre-mdp",
	domain.StepPassword: "/activation/mot-de-passe", domain.StepWaiting: "/activation/en-cours", domain.StepParked: "/activation/en-cours",
	domain.StepDone: "/activation/accueil-succes",
}

// look opens the page of a visitor's step, whose form is theirs from then on.
func (w *walk) look(t tester, v *wanderer) domain.Step {
	step := v.step(t)
	w.ask(t, v, nil, &attempt{method: http.MethodGet, path: pageOf[step]})
	return step
}

// goOn does what the page asks for.
func (w *walk) goOn(t tester, v *wanderer) {
	step := w.look(t, v)
	switch step {
	case domain.StepEnded, domain.StepWaiting, domain.StepParked, domain.StepDone:
		return
	}
	w.ask(t, v, nil, v.act(http.MethodPost+" "+pageOf[step], true))
}

// act returns the request that a visitor sends to a page: all fields of its form, right or
// with what people get wrong.
func (v *wanderer) act(route string, right bool) *attempt {
	method, path, _ := strings.Cut(route, " ")
	a := &attempt{method: method, path: path}
	if method != http.MethodPost {
		return a
	}
	a.form = url.Values{"jeton": {v.token}}
	switch path {
	case "/activation":
		a.form.Set("profil", v.profile)
		a.form.Set("adresse", string(v.address))
	case "/mot-de-passe-oublie":
		a.form.Set("profil", v.profile)
		a.form.Set("adresse", string(v.address))
	case "/adresse-perdue":
		a.form = v.claimForm()
	case "/compte/adresse", "/compte/adresse/seconde":
		a.form.Set("adresse", v.newAddress())
	case "/compte/telephone":
		a.form.Set("telephone", v.newNumber())
	case "/activation/identification":
		code := ""
		if to, after, comes := v.codeGoesTo(); comes {
			code = v.code(to, after)
		}
		if code == "" || !right {
			code = scripted.Other(code + "123456"[len(code):])
		}
		a.form.Set("code", code)
	case "/activation/verification":
		a.form = url.Values{"jeton": {v.token}, "naissance-jour": {"17"}, "naissance-mois": {"3"}, "naissance-annee": {"2007"}}
		if !right {
			a.form.Set("naissance-annee", "2006")
		}
	case "/activation/charte", "/charte":
		a.form.Set("charte", "oui")
		if c, err := v.app.service.CharterFor(domain.Journey{Profile: v.profile}, domain.French); err == nil {
			a.form.Set("empreinte", c.SHA256)
		}
		if !right {
			a.form.Del("charte")
		}
	case "/activation/mot-de-passe":
		a.form.Set("mot-de-passe", v.password)
		a.form.Set("confirmation", v.password)
		if !right {
			a.form.Set("confirmation", v.password+"2")
		}
	case "/activation/guichet":
		a.form.Set("code", "7K3F9Q2M")
	}
	return a
}
