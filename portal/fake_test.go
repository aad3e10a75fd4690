package portal_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"time"

	"entree/internal/activation"
	"entree/internal/domain"
	"entree/internal/secret"
)

const (
	rightCode   = "012345"
	rightDesk   = "7K3F9Q2M"
	rightLong   = "7K3F9Q2M7K3F9Q2M"
	rightNumber = "22502142"
	known       = "jeanne@exemple.fr"  // one student
	family      = "famille@exemple.fr" // two students share it
	goodPhrase  = "LesNuagesDansentSur7Toits"
	shortWait   = time.Minute // delay until a code can be sent again
	journeyLife = 2 * time.Hour
	idleLimit   = 20 * time.Minute
)

// fakeService changes journeys in memory, with the real Journey.Next.
type fakeService struct {
	rows          *fakeRows
	first, second domain.Address // of the person with an account
	sms           bool           // codes by SMS are offered
	mu            sync.Mutex
	now           func() time.Time
	journeys      map[domain.JourneyID]*domain.Journey
	clients       map[string]int // requests by client, for the rate limit
	acts          int            // changes of any kind
	mails         int
	logins        []string
	number        string // of the person whose account is made
	charter       domain.Charter
	takenBack     domain.Closing
	claim         domain.ClaimState // of the notice of an objection; empty: accepted
	factorStopped bool
	owes          bool  // whether the person owes an acceptance of the charter
	slow          bool  // whether Keycloak is slow
	broken        error // if set, every method returns it
	panics        bool
	perNet        int    // maximum number of requests of a client
	length        int    // least length of a password; 0: 16
	passkeys      bool   // whether a passkey is offered before a password
	only          bool   // and no password
	away          bool   // whether the realm takes no passkeys
	label         string // of the registered passkey
	held          domain.HeldFactors
	heldFails     error // of FactorsOf
	slowRemoval   bool  // whether the removal of a factor is still to come
	rule          domain.FactorRule
}

func newFakeService(now func() time.Time) *fakeService {
	text := "# Charte\n\nBonjour.\n\n## Objet\n\nVoir [le site](https://exemple.fr/).\n\n## Droits\n\n<script>alert(1)</script>\n"
	return &fakeService{
		now: now, journeys: map[domain.JourneyID]*domain.Journey{}, clients: map[string]int{}, perNet: 1000,
		charter: domain.Charter{Version: "2026-09", Title: "Charte", Text: text, SHA256: domain.HashCharter(text)},
	}
}

// change runs f on a journey at one of the given steps, as the real service
// does in a transaction.
func (f *fakeService) change(read *domain.Journey, at domain.Step, do func(*domain.Journey) error) error {
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
		return &domain.Refusal{Reason: domain.ReasonStep}
	}
	f.acts++
	j.SeenAt = f.now()
	return do(j)
}

func (f *fakeService) Step(j domain.Journey) domain.Step {
	f.mu.Lock()
	defer f.mu.Unlock()
	return j.Next(f.inForce)
}

func (f *fakeService) inForce(sum string) bool { return sum == f.charter.SHA256 }

func (f *fakeService) alive(id domain.JourneyID) (*domain.Journey, error) {
	j, ok := f.journeys[id]
	if !ok {
		return nil, domain.ErrNotFound
	}
	return j, f.expired(*j)
}

func (f *fakeService) expired(j domain.Journey) error {
	if now := f.now(); !now.Before(j.ExpiresAt) || now.Sub(j.SeenAt) >= idleLimit {
		return activation.ErrExpired
	}
	return nil
}

// stored returns the journey that is read together with a session; zero if there is none.
func (f *fakeService) stored(id domain.JourneyID) domain.Journey {
	f.mu.Lock()
	defer f.mu.Unlock()
	if j := f.journeys[id]; j != nil {
		return *j
	}
	return domain.Journey{}
}

func (f *fakeService) Request(_ context.Context, r activation.Request) (domain.Journey, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.panics {
		panic("the secret " + rightCode)
	}
	if f.broken != nil {
		return domain.Journey{}, f.broken
	}
	if r.Profile != "etudiant" {
		return domain.Journey{}, &domain.Refusal{Reason: domain.ReasonProfileMissing}
	}
	address, err := domain.ParseAddress(r.Address)
	if err != nil {
		return domain.Journey{}, &domain.Refusal{Reason: domain.ReasonAddressSyntax}
	}
	if f.clients[r.Client]++; f.clients[r.Client] > f.perNet {
		return domain.Journey{}, &domain.Refusal{Reason: domain.ReasonTooManyRequests, Retry: f.now().Add(4 * time.Minute)}
	}
	f.acts++
	f.mails++
	now := f.now()
	if r.Purpose == "" {
		r.Purpose = domain.PurposeActivate
	}
	j := domain.Journey{
		ID: domain.JourneyID(rand.Text()), Purpose: r.Purpose, Profile: r.Profile, Lang: r.Lang, Address: address,
		Reference: "7K3F-9Q2M", RequestedAt: now, SeenAt: now, ExpiresAt: now.Add(journeyLife),
		Code: domain.Code{SentAt: now, ExpiresAt: now.Add(domain.CodeLife), Sent: 1},
	}
	switch address {
	case known:
		j.Candidates = []domain.PersonID{"jeanne"}
	case family:
		j.Candidates = []domain.PersonID{"jeanne", "louis"}
	}
	rows, err := r.Session(j)
	if err != nil {
		return domain.Journey{}, err
	}
	if err := f.rows.commit(rows); err != nil {
		return domain.Journey{}, err
	}
	f.journeys[j.ID] = &j
	return j, nil
}

// rightFreeze is the token of a notice.
const rightFreeze = "right"

func (f *fakeService) MayFreeze(token string) error {
	if token != rightFreeze {
		return domain.ErrNotFound
	}
	return nil
}

func (f *fakeService) Freeze(_ context.Context, token string) error {
	if err := f.MayFreeze(token); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.acts++
	return nil
}

func (f *fakeService) EnterDesk(_ context.Context, typed string, lang domain.Lang, _ string) (domain.Journey, error) {
	code, ok := domain.CleanDeskCode(typed)
	if !ok {
		return domain.Journey{}, &domain.Refusal{Reason: domain.ReasonDeskFormat}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if code != rightDesk {
		return domain.Journey{}, &domain.Refusal{Reason: domain.ReasonDeskWrong}
	}
	f.acts++
	now := f.now()
	j := domain.Journey{
		ID: domain.JourneyID(rand.Text()), Purpose: domain.PurposeActivate, Profile: "etudiant", Lang: lang, Address: known, RequestedAt: now, SeenAt: now, ExpiresAt: now.Add(journeyLife),
		ProvenAt: now, VerifiedAt: now, Candidates: []domain.PersonID{"jeanne"}, Person: "jeanne", Desk: "Ada Admin",
	}
	f.journeys[j.ID] = &j
	return j, nil
}

func (f *fakeService) EnterLong(ctx context.Context, typed string, lang domain.Lang, client string) (domain.Journey, error) {
	code, ok := domain.CleanLongCode(typed)
	if !ok {
		return domain.Journey{}, &domain.Refusal{Reason: domain.ReasonLongFormat}
	}
	if code != rightLong {
		return domain.Journey{}, &domain.Refusal{Reason: domain.ReasonLongWrong}
	}
	return f.EnterDesk(ctx, rightDesk, lang, client)
}

func (f *fakeService) Journey(_ context.Context, id domain.JourneyID) (domain.Journey, domain.Step, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return domain.Journey{}, "", f.broken
	}
	j, err := f.alive(id)
	if err != nil {
		return domain.Journey{}, "", err
	}
	return *j, j.Next(f.inForce), nil
}

func (f *fakeService) Open(j domain.Journey) (domain.Step, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return "", f.broken
	}
	return j.Next(f.inForce), f.expired(j)
}

func (f *fakeService) Extend(_ context.Context, j *domain.Journey) error {
	return f.change(j, "", func(*domain.Journey) error { return nil })
}

func (f *fakeService) OffersPhone(domain.Person) bool { return f.sms }

func (f *fakeService) RemovePhone(context.Context, string, string, domain.Lang) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.acts++
	return nil
}

func (f *fakeService) ChangePhone(_ context.Context, c activation.ChangeOfPhone) (domain.Journey, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	phone, err := domain.ParsePhone(c.Number)
	if err != nil {
		return domain.Journey{}, &domain.Refusal{Reason: domain.ReasonPhoneSyntax}
	}
	f.acts++
	now := f.now()
	j := domain.Journey{
		ID: domain.JourneyID(rand.Text()), Purpose: domain.PurposeAddress, Profile: "etudiant", Lang: c.Lang, Address: domain.Address(phone), Person: "jeanne", Candidates: []domain.PersonID{"jeanne"},
		RequestedAt: now, SeenAt: now, ExpiresAt: now.Add(journeyLife), Code: domain.Code{SentAt: now, ExpiresAt: now.Add(domain.CodeLife), Sent: 1},
	}
	f.journeys[j.ID] = &j
	return j, nil
}

func (f *fakeService) OffersSMS(domain.Journey) bool { return f.sms }

func (f *fakeService) ResendBySMS(ctx context.Context, read *domain.Journey, lang domain.Lang, client string) error {
	return f.Resend(ctx, read, lang, client)
}

func (f *fakeService) ResendAt(j domain.Journey) time.Time { return j.Code.SentAt.Add(shortWait) }

func (f *fakeService) Resend(_ context.Context, read *domain.Journey, _ domain.Lang, _ string) error {
	return f.change(read, domain.StepCode, func(j *domain.Journey) error {
		if at := f.ResendAt(*j); f.now().Before(at) {
			return &domain.Refusal{Reason: domain.ReasonResendTooSoon, Retry: at}
		}
		j.Code.SentAt, j.Code.ExpiresAt = f.now(), f.now().Add(domain.CodeLife)
		f.mails++
		return nil
	})
}

func (f *fakeService) Prove(_ context.Context, read *domain.Journey, typed, _ string, session ...domain.SessionRow) error {
	return f.change(read, domain.StepCode, func(j *domain.Journey) error {
		digits, ok := domain.CleanDigits(typed)
		if !ok {
			return &domain.Refusal{Reason: domain.ReasonCodeFormat}
		}
		j.Code.Tries++
		if j.Code.Tries > domain.MaxTries {
			return &domain.Refusal{Reason: domain.ReasonCodeBlocked}
		}
		if digits != rightCode || len(j.Candidates) == 0 {
			return &domain.Refusal{Reason: domain.ReasonCodeWrong, TriesLeft: domain.MaxTries - j.Code.Tries}
		}
		if err := f.rows.commit(session); err != nil {
			return err
		}
		j.ProvenAt = f.now()
		if j.Purpose == domain.PurposeAddress || j.Purpose == domain.PurposeClaim {
			j.DoneAt = f.now()
		}
		if len(j.Candidates) == 1 {
			j.Person, j.VerifiedAt = j.Candidates[0], f.now()
		}
		return nil
	})
}

func (f *fakeService) RequiredProofs(domain.Journey) (birthDate, number bool) { return true, true }

func (f *fakeService) ProofsLeft(_ context.Context, j domain.Journey) (int, error) {
	return max(0, domain.MaxTries-j.VerifyTries), nil
}

func (f *fakeService) Verify(_ context.Context, read *domain.Journey, a activation.Answers) error {
	return f.change(read, domain.StepVerify, func(j *domain.Journey) error {
		if a != (activation.Answers{BirthDate: "2004-03-17", Number: rightNumber}) {
			if j.VerifyTries++; j.VerifyTries >= domain.MaxTries {
				j.EndedAt, j.RetryAt = f.now(), f.now().Add(time.Minute)
				return &domain.Refusal{Reason: domain.ReasonTriesSpent}
			}
			return &domain.Refusal{Reason: domain.ReasonProofWrong, TriesLeft: domain.MaxTries - j.VerifyTries}
		}
		j.Person, j.VerifiedAt = j.Candidates[0], f.now()
		return nil
	})
}

func (f *fakeService) CharterFor(domain.Journey, domain.Lang) (domain.Charter, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.charter, nil
}

func (f *fakeService) Accept(_ context.Context, read *domain.Journey, sum string, _ domain.Lang) error {
	return f.change(read, domain.StepCharter, func(j *domain.Journey) error {
		if !f.inForce(sum) {
			return &domain.Refusal{Reason: domain.ReasonCharterChanged}
		}
		j.AcceptedAt, j.Charter = f.now(), sum
		if f.passkeys {
			j.OfferPasskey(f.only)
		}
		return nil
	})
}

func (f *fakeService) Pass(_ context.Context, read *domain.Journey, step domain.Step) error {
	return f.change(read, step, func(j *domain.Journey) error {
		j.Pass(step, f.now())
		return nil
	})
}

func (f *fakeService) PersonOf(_ context.Context, j domain.Journey) (domain.Person, error) {
	if j.Person == "" {
		return domain.Person{}, domain.ErrNotFound
	}
	return domain.Person{
		ID: j.Person, GivenName: "Jeanne", FamilyName: "Martin", Profile: "etudiant", Login: "o" + cmp.Or(f.number, rightNumber), UniversityAddress: "jeanne.martin@etu.exemple.fr",
		AccountID: map[bool]string{true: "f3b1", false: "of-" + f.number}[f.number == ""],
	}, nil
}

// renumber makes the person of each journey another one.
func (f *fakeService) renumber(number string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.number = number
}

func (f *fakeService) Phrases(_ domain.Person, _ domain.Lang, n int) ([]activation.Phrase, error) {
	phrases := make([]activation.Phrase, n)
	for i := range phrases {
		phrases[i] = activation.Phrase{Text: secret.New(rand.Text()), Words: []string{"étoile"}, Bits: 66.4, Unit: "century", Count: 3}
	}
	return phrases, nil
}

func (f *fakeService) Rules(domain.Journey) activation.PasswordRules {
	return activation.PasswordRules{Length: cmp.Or(f.length, 16), MaxLength: 256, Upper: 1, Lower: 1, Digits: 1}
}

func (f *fakeService) Fragments(domain.Person) []string { return []string{"martin", "jeanne"} }

func (f *fakeService) Judge(_ context.Context, _ domain.Journey, password secret.Text) ([]domain.Finding, error) {
	switch text := password.Reveal(); {
	case len([]rune(text)) < 16:
		return []domain.Finding{{Rule: "length"}, {Rule: "personal", What: "family_name"}}, nil
	case strings.Contains(text, "2007"):
		return []domain.Finding{{Rule: "personal", What: "birth_date"}}, nil
	}
	return nil, nil
}

func (f *fakeService) ChoosePassword(_ context.Context, read *domain.Journey, password, confirmation secret.Text) error {
	at := domain.StepPassword
	if !read.MadeAt.IsZero() {
		at = domain.StepPasskey
	}
	return f.change(read, at, func(j *domain.Journey) error {
		switch {
		case len([]rune(password.Reveal())) < cmp.Or(f.length, 16):
			return &domain.Refusal{Reason: domain.ReasonPasswordRules, Findings: []domain.Finding{
				{Rule: "length", Count: f.length}, {Rule: "personal", What: "family_name"},
			}}
		case password.Reveal() != confirmation.Reveal():
			return &domain.Refusal{Reason: domain.ReasonPasswordConfirm}
		}
		j.PasswordAt = f.now()
		if !f.slow {
			j.DoneAt = f.now()
		}
		return nil
	})
}

func (f *fakeService) ChoosePasskey(_ context.Context, read *domain.Journey) error {
	return f.change(read, "", func(j *domain.Journey) error {
		if f.away {
			return &domain.Refusal{Reason: domain.ReasonPasskeyAway}
		}
		j.ChoosePasskey(f.now(), j.ExpiresAt, "exemple.fr")
		if !f.slow {
			j.Make(f.now())
		}
		return nil
	})
}

func (f *fakeService) PasskeyOptions(context.Context, domain.Journey) ([]byte, error) {
	return []byte(`{"challenge":"AAECAw","rp":{"id":"exemple.fr"}}`), nil
}

func (f *fakeService) AddPasskey(_ context.Context, read *domain.Journey, answer []byte, label string) error {
	return f.change(read, domain.StepPasskey, func(j *domain.Journey) error {
		if string(answer) != "right" {
			return &domain.Refusal{Reason: domain.ReasonPasskeyFailed}
		}
		f.label = label
		j.ChoosePassword(f.now(), j.ExpiresAt)
		j.Complete(f.now())
		return nil
	})
}

func (f *fakeService) FirstLogin(_ context.Context, login, _ string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.logins = append(f.logins, login)
	return nil
}

func (f *fakeService) PasskeyAnswered(_ context.Context, login, _ string, answer domain.EventKind, _ domain.Lang) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.logins = append(f.logins, login+" "+string(answer))
	return nil
}

func (f *fakeService) Reader(_ context.Context, login, _ string) (domain.Person, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return domain.Person{}, false, f.broken
	}
	if login != "o"+rightNumber {
		return domain.Person{}, false, domain.ErrNotFound
	}
	return domain.Person{ID: "jeanne", Profile: "etudiant", GivenName: "Jeanne", Email: f.first, SecondEmail: f.second, Login: login}, f.owes, nil
}

func (f *fakeService) CharterOf(domain.Person, domain.Lang) (domain.Charter, error) {
	return f.CharterFor(domain.Journey{}, domain.French)
}

func (f *fakeService) AcceptAgain(_ context.Context, _, _, sum string, _ domain.Lang) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.inForce(sum) {
		return &domain.Refusal{Reason: domain.ReasonCharterChanged}
	}
	f.acts++
	f.owes = false
	return nil
}

func (f *fakeService) CharterText(_ context.Context, sum string) (domain.Charter, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.inForce(sum) {
		return domain.Charter{}, domain.ErrNotFound
	}
	return f.charter, nil
}

// set changes a journey without the pages.
func (f *fakeService) set(do func(*domain.Journey)) {
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
