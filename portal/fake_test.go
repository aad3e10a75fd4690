package portal_test

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"entree/internal/activation"
	"entree/internal/secret"
)

const (
	rightCode   = "012345"
	rightDesk   = "7K3F9Q2M"
	rightNumber = "22502142"
	known       = "jeanne@exemple.fr"  // one student
	family      = "famille@exemple.fr" // two of them
	goodPhrase  = "LesNuagesDansentSur7Toits"
	shortWait   = time.Minute // until a code can be sent again
	journeyLife = 2 * time.Hour
	idleLimit   = 20 * time.Minute
)

// fakeService moves real journeys along by the real Journey.Next, in memory.
type fakeService struct {
	mu       sync.Mutex
	now      func() time.Time
	journeys map[activation.JourneyID]*activation.Journey
	clients  map[string]int // requests by client, for the limit
	acts     int            // changes of any kind
	mails    int
	logins   []string
	charter  activation.Charter
	owes     bool  // an acceptance of the charter
	slow     bool  // Keycloak takes its time
	broken   error // what every method answers, where set
	panics   bool
	perNet   int // requests that a client may make
}

func newFakeService(now func() time.Time) *fakeService {
	text := "# Charte\n\nBonjour.\n\n## Objet\n\nVoir [le site](https://exemple.fr/).\n\n## Droits\n\n<script>alert(1)</script>\n"
	return &fakeService{
		now: now, journeys: map[activation.JourneyID]*activation.Journey{}, clients: map[string]int{}, perNet: 1000,
		charter: activation.Charter{Version: "2026-09", Title: "Charte", Text: text, SHA256: activation.HashCharter(text)},
	}
}

// change runs f on a journey at one of the given steps, as the real service
// does within a transaction.
func (f *fakeService) change(read *activation.Journey, at activation.Step, do func(*activation.Journey) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return f.broken
	}
	j, err := f.alive(read.ID)
	if err != nil {
		return err
	}
	defer func() { *read = *j }()
	if at != "" && j.Next(f.inForce) != at {
		return &activation.Refusal{Reason: activation.ReasonStep}
	}
	f.acts++
	j.SeenAt = f.now()
	return do(j)
}

func (f *fakeService) Step(j activation.Journey) activation.Step {
	f.mu.Lock()
	defer f.mu.Unlock()
	return j.Next(f.inForce)
}

func (f *fakeService) inForce(sum string) bool { return sum == f.charter.SHA256 }

func (f *fakeService) alive(id activation.JourneyID) (*activation.Journey, error) {
	j, ok := f.journeys[id]
	if !ok {
		return nil, activation.ErrNotFound
	}
	if now := f.now(); !now.Before(j.ExpiresAt) || now.Sub(j.SeenAt) >= idleLimit {
		return nil, activation.ErrExpired
	}
	return j, nil
}

func (f *fakeService) Request(_ context.Context, r activation.Request) (activation.Journey, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.panics {
		panic("the secret " + rightCode)
	}
	if f.broken != nil {
		return activation.Journey{}, f.broken
	}
	if r.Profile != "etudiant" {
		return activation.Journey{}, &activation.Refusal{Reason: activation.ReasonProfileMissing}
	}
	address, err := activation.ParseAddress(r.Address)
	if err != nil {
		return activation.Journey{}, &activation.Refusal{Reason: activation.ReasonAddressSyntax}
	}
	if f.clients[r.Client]++; f.clients[r.Client] > f.perNet {
		return activation.Journey{}, &activation.Refusal{Reason: activation.ReasonTooManyRequests, Retry: f.now().Add(4 * time.Minute)}
	}
	f.acts++
	f.mails++
	now := f.now()
	j := activation.Journey{
		ID: activation.JourneyID(rand.Text()), Purpose: activation.PurposeActivate, Profile: r.Profile, Lang: r.Lang, Address: address,
		Reference: "7K3F-9Q2M", RequestedAt: now, SeenAt: now, ExpiresAt: now.Add(journeyLife),
		Code: activation.Code{SentAt: now, ExpiresAt: now.Add(activation.CodeLife), Sent: 1},
	}
	switch address {
	case known:
		j.Candidates = []activation.PersonID{"jeanne"}
	case family:
		j.Candidates = []activation.PersonID{"jeanne", "louis"}
	}
	f.journeys[j.ID] = &j
	return j, nil
}

func (f *fakeService) EnterDesk(_ context.Context, typed string, lang activation.Lang, _ string) (activation.Journey, error) {
	code, ok := activation.CleanDeskCode(typed)
	if !ok {
		return activation.Journey{}, &activation.Refusal{Reason: activation.ReasonDeskFormat}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if code != rightDesk {
		return activation.Journey{}, &activation.Refusal{Reason: activation.ReasonDeskWrong}
	}
	f.acts++
	now := f.now()
	j := activation.Journey{
		ID: activation.JourneyID(rand.Text()), Profile: "etudiant", Lang: lang, Address: known, RequestedAt: now, SeenAt: now, ExpiresAt: now.Add(journeyLife),
		ProvenAt: now, VerifiedAt: now, Candidates: []activation.PersonID{"jeanne"}, Person: "jeanne", Desk: "Ada Admin",
	}
	f.journeys[j.ID] = &j
	return j, nil
}

func (f *fakeService) Journey(_ context.Context, id activation.JourneyID) (activation.Journey, activation.Step, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return activation.Journey{}, "", f.broken
	}
	j, err := f.alive(id)
	if err != nil {
		return activation.Journey{}, "", err
	}
	return *j, j.Next(f.inForce), nil
}

func (f *fakeService) Extend(_ context.Context, j *activation.Journey) error {
	return f.change(j, "", func(*activation.Journey) error { return nil })
}

func (f *fakeService) ResendAt(j activation.Journey) time.Time { return j.Code.SentAt.Add(shortWait) }

func (f *fakeService) Resend(_ context.Context, read *activation.Journey, _ activation.Lang, _ string) error {
	return f.change(read, activation.StepCode, func(j *activation.Journey) error {
		if at := f.ResendAt(*j); f.now().Before(at) {
			return &activation.Refusal{Reason: activation.ReasonResendTooSoon, Retry: at}
		}
		j.Code.SentAt, j.Code.ExpiresAt = f.now(), f.now().Add(activation.CodeLife)
		f.mails++
		return nil
	})
}

func (f *fakeService) Prove(_ context.Context, read *activation.Journey, typed, _ string) error {
	return f.change(read, activation.StepCode, func(j *activation.Journey) error {
		digits, ok := activation.CleanDigits(typed)
		if !ok {
			return &activation.Refusal{Reason: activation.ReasonCodeFormat}
		}
		j.Code.Tries++
		if j.Code.Tries > activation.MaxTries {
			return &activation.Refusal{Reason: activation.ReasonCodeBlocked, Retry: f.now().Add(10 * time.Minute)}
		}
		if digits != rightCode || len(j.Candidates) == 0 {
			return &activation.Refusal{Reason: activation.ReasonCodeWrong, TriesLeft: activation.MaxTries - j.Code.Tries}
		}
		j.ProvenAt = f.now()
		if len(j.Candidates) == 1 {
			j.Person, j.VerifiedAt = j.Candidates[0], f.now()
		}
		return nil
	})
}

func (f *fakeService) Asks(activation.Journey) (birthDate, number bool) { return true, true }

func (f *fakeService) Verify(_ context.Context, read *activation.Journey, a activation.Answers) error {
	return f.change(read, activation.StepVerify, func(j *activation.Journey) error {
		if a != (activation.Answers{BirthDate: "2004-03-17", Number: rightNumber}) {
			if j.VerifyTries++; j.VerifyTries >= activation.MaxTries {
				j.EndedAt, j.RetryAt = f.now(), f.now().Add(time.Minute)
				return &activation.Refusal{Reason: activation.ReasonTriesSpent}
			}
			return &activation.Refusal{Reason: activation.ReasonProofWrong, TriesLeft: activation.MaxTries - j.VerifyTries}
		}
		j.Person, j.VerifiedAt = j.Candidates[0], f.now()
		return nil
	})
}

func (f *fakeService) CharterFor(activation.Journey, activation.Lang) (activation.Charter, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.charter, nil
}

func (f *fakeService) Accept(_ context.Context, read *activation.Journey, sum string, _ activation.Lang) error {
	return f.change(read, activation.StepCharter, func(j *activation.Journey) error {
		if !f.inForce(sum) {
			return &activation.Refusal{Reason: activation.ReasonCharterChanged}
		}
		j.AcceptedAt, j.Charter = f.now(), sum
		return nil
	})
}

func (f *fakeService) Guided(_ context.Context, read *activation.Journey) error {
	return f.change(read, activation.StepGuide, func(j *activation.Journey) error {
		j.GuidedAt = f.now()
		return nil
	})
}

func (f *fakeService) Behind(_ context.Context, j activation.Journey) (activation.Person, error) {
	if j.Person == "" {
		return activation.Person{}, activation.ErrNotFound
	}
	return activation.Person{
		ID: j.Person, GivenName: "Jeanne", FamilyName: "Martin", Login: "o" + rightNumber, UniversityAddress: "jeanne.martin@etu.exemple.fr",
	}, nil
}

func (f *fakeService) Phrases(_ activation.Person, n int) ([]activation.Phrase, error) {
	phrases := make([]activation.Phrase, n)
	for i := range phrases {
		phrases[i] = activation.Phrase{Text: secret.New(rand.Text()), Words: []string{"étoile"}, Bits: 66.4, Unit: "century", Count: 3}
	}
	return phrases, nil
}

func (f *fakeService) Rules(activation.Journey) activation.PasswordRules {
	return activation.PasswordRules{Length: 16, MaxLength: 256, Upper: 1, Lower: 1, Digits: 1}
}

func (f *fakeService) Fragments(activation.Person) []string { return []string{"martin", "jeanne"} }

func (f *fakeService) ChoosePassword(_ context.Context, read *activation.Journey, password, confirmation secret.Text) error {
	return f.change(read, activation.StepPassword, func(j *activation.Journey) error {
		switch {
		case len([]rune(password.Reveal())) < 16:
			return &activation.Refusal{Reason: activation.ReasonPasswordRules, Findings: []activation.Finding{
				{Rule: "length"}, {Rule: "personal", What: "family_name"},
			}}
		case password.Reveal() != confirmation.Reveal():
			return &activation.Refusal{Reason: activation.ReasonPasswordConfirm}
		}
		j.PasswordAt = f.now()
		if !f.slow {
			j.DoneAt = f.now()
		}
		return nil
	})
}

func (f *fakeService) FirstLogin(_ context.Context, login, _ string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.logins = append(f.logins, login)
	return nil
}

func (f *fakeService) Reader(_ context.Context, login, _ string) (activation.Person, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if login != "o"+rightNumber {
		return activation.Person{}, false, activation.ErrNotFound
	}
	return activation.Person{ID: "jeanne", GivenName: "Jeanne", Login: login}, f.owes, nil
}

func (f *fakeService) CharterOf(activation.Person, activation.Lang) (activation.Charter, error) {
	return f.CharterFor(activation.Journey{}, activation.French)
}

func (f *fakeService) AcceptAgain(_ context.Context, _, _, sum string, _ activation.Lang) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.inForce(sum) {
		return &activation.Refusal{Reason: activation.ReasonCharterChanged}
	}
	f.acts++
	f.owes = false
	return nil
}

func (f *fakeService) CharterText(_ context.Context, sum string) (activation.Charter, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.inForce(sum) {
		return activation.Charter{}, activation.ErrNotFound
	}
	return f.charter, nil
}

// set changes a journey behind the pages' back.
func (f *fakeService) set(do func(*activation.Journey)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, j := range f.journeys {
		do(j)
	}
}

func (f *fakeService) count() (acts, mails int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.acts, f.mails
}

// fakeRows keeps sessions in memory and counts what is written.
type fakeRows struct {
	mu     sync.Mutex
	rows   map[string]fakeRow
	writes int
}

type fakeRow struct {
	data    []byte
	expires time.Time
}

func (f *fakeRows) Session(_ context.Context, id string) ([]byte, time.Time, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	row, ok := f.rows[id]
	if !ok {
		return nil, time.Time{}, activation.ErrNotFound
	}
	return row.data, row.expires, nil
}

func (f *fakeRows) SaveSession(_ context.Context, id string, data []byte, expires time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writes++
	f.rows[id] = fakeRow{data, expires}
	return nil
}

func (f *fakeRows) DeleteSession(_ context.Context, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writes++
	delete(f.rows, id)
	return nil
}

func (f *fakeRows) RenewSession(_ context.Context, old, new string, data []byte, expires time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writes++
	if _, ok := f.rows[old]; !ok {
		return activation.ErrNotFound
	}
	delete(f.rows, old)
	f.rows[new] = fakeRow{data, expires}
	return nil
}

func (f *fakeRows) ExtendSession(_ context.Context, id string, expires time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writes++
	if row, ok := f.rows[id]; ok {
		f.rows[id] = fakeRow{row.data, expires}
	}
	return nil
}

func (f *fakeRows) count() (rows, writes int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.rows), f.writes
}
