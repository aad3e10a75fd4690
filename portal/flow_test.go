package portal_test

import (
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entree/internal/domain"
)

// stages changes a journey so that it is at a step.
var stages = map[domain.Step]func(*domain.Journey, time.Time){
	domain.StepCode:    func(*domain.Journey, time.Time) {},
	domain.StepEnded:   func(j *domain.Journey, at time.Time) { j.EndedAt = at },
	domain.StepVerify:  func(j *domain.Journey, at time.Time) { j.ProvenAt = at },
	domain.StepCharter: func(j *domain.Journey, at time.Time) { j.ProvenAt, j.VerifiedAt, j.Person = at, at, "jeanne" },
	domain.StepGuide: func(j *domain.Journey, at time.Time) {
		j.ProvenAt, j.VerifiedAt, j.Person, j.AcceptedAt = at, at, "jeanne", at
	},
	domain.StepPassword: func(j *domain.Journey, at time.Time) {
		j.ProvenAt, j.VerifiedAt, j.Person, j.AcceptedAt = at, at, "jeanne", at
		j.Pass(domain.StepGuide, at)
	},
	domain.StepWaiting: func(j *domain.Journey, at time.Time) { j.Person, j.PasswordAt = "jeanne", at },
	domain.StepDone:    func(j *domain.Journey, at time.Time) { j.Person, j.DoneAt = "jeanne", at },
	domain.StepParked:  func(j *domain.Journey, at time.Time) { j.Person, j.ParkedAt = "jeanne", at },
}

// titleAt lists the h1 of each page that a browser can reach at a step.
var titleAt = map[domain.Step][]string{
	domain.StepCode: {"code"}, domain.StepEnded: {"ended"}, domain.StepVerify: {"verify"},
	domain.StepCharter: {"charter"}, domain.StepGuide: {"guide"}, domain.StepPassword: {"password", "guide"},
	domain.StepWaiting: {"waiting"}, domain.StepDone: {"success"}, domain.StepParked: {"parked"},
}

// put moves the browser's journey to a step, including the charter.
func (w *world) put(step domain.Step) {
	w.service.set(func(j *domain.Journey) {
		fresh := domain.Journey{
			ID: j.ID, Purpose: j.Purpose, Profile: j.Profile, Address: j.Address, Code: j.Code, Candidates: j.Candidates,
			SeenAt: j.SeenAt, ExpiresAt: j.ExpiresAt, Charter: w.service.charter.SHA256,
		}
		*j = fresh
		stages[step](j, w.now())
	})
}

var getPages = []string{
	"/activation/identification", "/activation/verification", "/activation/charte", "/activation/entre-mdp",
	"/activation/mot-de-passe", "/activation/en-cours", "/activation/accueil-succes", "/activation/phrases",
}

var postPages = []string{
	"/activation/identification", "/activation/renvoi", "/activation/renvoi-sms", "/activation/verification", "/activation/charte",
	"/activation/entre-mdp", "/activation/mot-de-passe", "/activation/mot-de-passe/regles",
}

func TestS27_EveryAddressAtEveryStep(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	b.header.Set("Sec-Fetch-Dest", "document")
	b.begin(known)
	for step, titles := range titleAt {
		w.put(step)
		for _, path := range getPages {
			p := b.get(path)
			if key := titleKey(p); p.status != http.StatusOK || !slices.Contains(titles, key) {
				t.Errorf("GET %s at step %s: %d, page %q, want one of %v", path, step, p.status, key, titles)
			}
		}
	}
}

func titleKey(p *page) string {
	return strings.TrimSuffix(strings.TrimPrefix(p.Find("h1").Text(), "[fr "), ".title]")
}

// An empty POST with a valid token to every act at every step changes nothing,
// except the guide's own button at the guide's step.
func TestS27_EmptyPostsMoveNothing(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	token := b.begin(known).Find("[name=jeton]").First().AttrOr("value", "")
	for step := range titleAt {
		if step == domain.StepGuide {
			continue
		}
		for _, path := range postPages {
			for _, form := range []url.Values{{}, {"jeton": {token}}, emptyForm(path, token)} {
				w.put(step)
				b.do("POST", path, &form)
				if p := b.get(stepPage(step)); !slices.Contains(titleAt[step], titleKey(p)) {
					t.Errorf("an empty POST %s moved a journey from %s to %q", path, step, titleKey(p))
				}
			}
		}
	}
}

func emptyForm(path, token string) url.Values {
	form := url.Values{"jeton": {token}}
	for _, name := range map[string][]string{
		"/activation/identification": {"code"},
		"/activation/charte":         {"charte", "empreinte"},
		"/activation/verification":   {"naissance-jour", "naissance-mois", "naissance-annee", "numero"},
		"/activation/mot-de-passe":   {"identifiant", "mot-de-passe", "confirmation"},
	}[path] {
		form.Set(name, "")
	}
	return form
}

func stepPage(step domain.Step) string {
	return map[domain.Step]string{
		domain.StepCode: "/activation/identification", domain.StepEnded: "/activation/identification",
		domain.StepVerify: "/activation/verification", domain.StepCharter: "/activation/charte",
		domain.StepGuide: "/activation/entre-mdp", domain.StepPassword: "/activation/mot-de-passe",
		domain.StepWaiting: "/activation/en-cours", domain.StepParked: "/activation/en-cours",
		domain.StepDone: "/activation/accueil-succes",
	}[step]
}

// A browser that requests all URLs in random order, with right and wrong input,
// never sees a page ahead of its completed acts.
func TestS27_RandomWalk(t *testing.T) {
	right := map[string]url.Values{
		"/activation/identification": {"code": {rightCode}},
		"/activation/charte":         {"charte": {"oui"}},
		"/activation/entre-mdp":      {},
		"/activation/mot-de-passe":   {"mot-de-passe": {goodPhrase}, "confirmation": {goodPhrase}},
	}
	order := []string{"code", "charter", "guide", "password", "success"}
	w := newWorld(t)
	w.service.perNet = math.MaxInt // all walks come from one address
	rapid.Check(t, func(t *rapid.T) {
		b := w.browser(t)
		b.header.Set("Sec-Fetch-Dest", "document")
		p := b.begin(known)
		var token string
		done := 0 // number of acts done, in order
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "look") {
				p = b.get(rapid.SampledFrom(getPages).Draw(t, "address"))
			} else {
				path := rapid.SampledFrom(slices.Sorted(maps.Keys(right))).Draw(t, "act")
				// The success page has no form: the last token remains in use.
				token = b.get(stepOf(order[done])).Find("[name=jeton]").First().AttrOr("value", token)
				form := url.Values{"jeton": {token}}
				if path == "/activation/charte" {
					form.Set("empreinte", w.service.charter.SHA256)
				}
				if rapid.Bool().Draw(t, "right") {
					maps.Copy(form, right[path])
					if path == stepOf(order[done]) {
						done++
					}
				} else {
					maps.Copy(form, emptyForm(path, token))
					if path == "/activation/entre-mdp" && order[done] == "guide" {
						done++ // this act has no wrong input
					}
				}
				p = b.follow(b.do("POST", path, &form))
			}
			key := titleKey(p)
			if at := slices.Index(order, key); at > done || at < 0 {
				t.Fatalf("page %q (%d at %s) after %d acts", key, p.status, p.path, done)
			}
		}
	})
}

func stepOf(title string) string {
	for step, titles := range titleAt {
		if titles[0] == title {
			return stepPage(step)
		}
	}
	return ""
}

func TestS27_WithoutAJourneyTheWayBeginsAtTheRequest(t *testing.T) {
	w := newWorld(t)
	for _, path := range getPages {
		w.browser(t).get(path).want("/activation", 200)
	}
}

// I3: only a completed journey shows the success page.
func TestI3_SuccessOnlyWhenDone(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	b.begin(known)
	for step := range titleAt {
		w.put(step)
		shown := titleKey(b.get("/activation/accueil-succes")) == "success"
		if want := step == domain.StepDone; shown != want {
			t.Errorf("at %s the success page is shown: %t", step, shown)
		}
	}
}

func TestBackButtonAndDoubleSubmit(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	guide := b.to("/activation/entre-mdp")
	form := guide.fill("/activation/entre-mdp")
	for range 3 {
		b.follow(b.do("POST", "/activation/entre-mdp", &form)).want("/activation/mot-de-passe", 200)
	}
	// Earlier pages redirect to the journey's current step.
	b.get("/activation/charte").want("/activation/mot-de-passe", 200)
	b.get("/activation/entre-mdp").want("/activation/entre-mdp", 200)
	p := b.get("/activation/mot-de-passe")
	chosen := p.fill("/activation/mot-de-passe", "mot-de-passe", goodPhrase, "confirmation", goodPhrase)
	for range 3 {
		b.follow(b.do("POST", "/activation/mot-de-passe", &chosen)).want("/activation/accueil-succes", 200)
	}
}

// A student who got no answer and sent another password is told that the first
// one counts.
func TestI3_ASecondPasswordIsToldThatTheFirstOneCounts(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	p := b.to("/activation/mot-de-passe")
	first := p.fill("/activation/mot-de-passe", "mot-de-passe", goodPhrase, "confirmation", goodPhrase)
	second := p.fill("/activation/mot-de-passe", "mot-de-passe", goodPhrase+"2", "confirmation", goodPhrase+"2")
	p = b.follow(b.do("POST", "/activation/mot-de-passe", &first)).want("/activation/accueil-succes", 200)
	if p.Find(".notice").Length() != 0 {
		t.Error("the first one is told that another came before")
	}
	b.follow(b.do("POST", "/activation/mot-de-passe", &second)).want("/activation/accueil-succes", 200).shows(".notice", "password.first")
}

// The second press of "Envoyer" on the code carries the old cookie, whose session the
// first press has renewed. Whichever answer reaches the browser, it goes on.
func TestDoublePressOnTheCode(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	form := b.begin(known).fill("/activation/identification", "code", rightCode)
	before := b.sessionCookie()
	b.do("POST", "/activation/identification", &form)
	after := b.sessionCookie()
	b.setSession(before)
	b.follow(b.do("POST", "/activation/identification", &form)).want("/activation/charte", 200)
	b.setSession(after)
	b.get("/activation/charte").want("/activation/charte", 200)
}

func TestTwoTabs_TheFirstOneIsToldThatItEnded(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	first := b.begin(known)
	second := b.begin(family)
	p := b.submit(first, "/activation/identification", "code", rightCode).
		want("/activation/identification", http.StatusConflict).shows("h1", "error.stale.title")
	if on := p.Find("a.on").AttrOr("href", ""); on != "/activation/identification" {
		t.Errorf("the way on leads to %q", on)
	}
	// The later journey is not affected.
	b.submit(second, "/activation/identification", "code", rightCode).want("/activation/verification", 200)
}

func TestRequestPageKnowsOfAJourneyUnderWay(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	b.to("/activation/charte")
	if to := b.get("/activation").Find("a.ongoing").AttrOr("href", ""); to != "/activation/charte" {
		t.Errorf("journey under way: %q", to)
	}
}

func TestS14_OneAnswerForEveryAddress(t *testing.T) {
	w := newWorld(t)
	answers := map[string]string{}
	for _, address := range []string{known, "nobody@exemple.fr"} {
		b := w.browser(t)
		p := b.get("/activation")
		form := p.fill("/activation", "profil", "etudiant", "adresse", address)
		post := b.do("POST", "/activation", &form)
		page := b.follow(post)
		text := strings.NewReplacer(address, "ADDRESS", page.Find("[name=jeton]").First().AttrOr("value", "-"), "TOKEN").Replace(page.body)
		header := post.header.Clone()
		header.Del("X-Request-Id")
		if c := header.Get("Set-Cookie"); c != "" {
			name, value, _ := strings.Cut(c, "=")
			_, attributes, _ := strings.Cut(value, ";")
			header.Set("Set-Cookie", name+attributes+strings.Repeat("x", len(value)))
		}
		var lines []string
		for _, name := range slices.Sorted(maps.Keys(header)) {
			lines = append(lines, name+": "+strings.Join(header[name], ","))
		}
		answers[address] = strings.Join(append(lines, text), "\n")
	}
	if answers[known] != answers["nobody@exemple.fr"] {
		t.Errorf("told apart:\n%s\n---\n%s", answers[known], answers["nobody@exemple.fr"])
	}
}
