package scripted

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"entree/internal/devenv/mailbox"
)

// Person is a person of the registry.
type Person struct{ Number, GivenName, FamilyName, Profile, Email, BirthDate string }

// Box is the student's mailbox.
type Box interface {
	// Messages returns the mails to an address, newest first.
	Messages(to string) []mailbox.Message
	// Wait waits until n mails to an address have arrived and returns the newest.
	Wait(ctx context.Context, to string, n int) (mailbox.Message, error)
}

// Outcome is the result of a student's activation.
type Outcome string

// The outcomes. Every outcome except Success is stated by a page or a mail that
// says what to do.
const (
	Success Outcome = "success" // the page of success was shown
	Already Outcome = "already" // a mail says that the account already exists
	Parked  Outcome = "parked"  // an administrator must decide
	Waits   Outcome = "waits"   // the page says until when to wait
)

// Student uses the pages without scripts, as their forms specify, and retries
// after a failure as a human would.
type Student struct {
	Person
	Portal   string
	Box      Box
	Password string // empty: the first of the page's suggestions is chosen
	Twice    int    // how often the code is sent concurrently; 0: once
	Slips    int    // number of wrong codes that are typed first
	Patience time.Duration
	Recovers bool // the student has an account and forgot its password
	// Passkey, if set, answers the options of a registration, and the student chooses a
	// passkey where it is offered. If nil, the student chooses the password.
	Passkey func(options []byte) (answer []byte, err error)
	// Submitted, if set, is called for each code that was sent.
	Submitted func(Submit)

	Outcome Outcome // empty while the activation continues
	Shown   string  // the identifier shown on the page of success
	Asked   int     // number of accepted requests for a code
	Retries int     // number of responses after which the student tried again
	Lost    string  // a page that did not say what to do (I7)

	*Browser

	tried map[string]bool
	found string    // the code that the student types next; empty: the mail has not been read
	slip  bool      // found is known to be wrong
	since time.Time // time at which the journey began
	mails int       // number of mails before the journey

	resending bool
}

// Submit is one submission of a code with its response.
type Submit struct {
	Number     string // of the student
	Code       string
	Slip       bool // the code is known to be wrong
	Begun, End time.Time
	Answer     Answer
}

// Answer is the result of a submitted code.
type Answer string

// The results.
const (
	Won     Answer = "won"     // the code was accepted, with a new session
	Spent   Answer = "spent"   // the code had been accepted before
	Wrong   Answer = "wrong"   // the code was compared and is wrong
	Blocked Answer = "blocked" // the code was not compared
	Ended   Answer = "ended"   // the journey has no tries left
	Unknown Answer = "unknown" // no clear answer
)

// NewStudent returns a student whose connections come from the loopback address
// from; a nil from leaves the choice to the system. Each request uses a new
// connection, so that a load balancer may choose another instance.
func NewStudent(p Person, portal string, box Box, from net.IP) *Student {
	s := &Student{Person: p, Portal: portal, Box: box, Patience: 40 * time.Second, tried: map[string]bool{}, Browser: NewBrowser(from, 40*time.Second)}
	s.Client.Transport.(*http.Transport).DisableKeepAlives = true
	return s
}

// Login returns the identifier that the profile etudiant assigns.
func (p Person) Login() string { return "o" + p.Number }

// Go runs until the activation has an outcome, or until ctx is done.
func (s *Student) Go(ctx context.Context) error { return s.Until(ctx, "") }

// Until runs until the student reaches the page with this path, or the
// activation has an outcome.
func (s *Student) Until(ctx context.Context, path string) error {
	for s.Outcome == "" && (path == "" || s.At == nil || s.At.Path != path || s.Status != http.StatusOK) {
		if err := s.Step(ctx); err != nil {
			s.Retries++
			s.At, s.Doc = nil, nil
			if err := pause(ctx, 100*time.Millisecond); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s, at %s: %w", s.Number, s.Where(), ctx.Err())
		}
	}
	return nil
}

// HasCode reports whether the student has found a code that is not yet typed.
func (s *Student) HasCode() bool { return s.found != "" }

// Step performs the one act that the current page asks for. Reading the mail and
// typing its code are two acts.
func (s *Student) Step(ctx context.Context) error {
	if s.Doc == nil && s.Recovers && s.Asked == 0 {
		return s.get(ctx, s.first())
	}
	if s.Doc == nil { // begin, or find out where the journey continues
		return s.get(ctx, "/activation/identification")
	}
	switch {
	case s.Status == http.StatusTooManyRequests && s.At.Path == s.first():
		s.Outcome = Waits
		return nil
	case s.Status >= 500:
		s.Retries++
		s.Doc = nil
		return pause(ctx, 300*time.Millisecond)
	case s.Status == http.StatusConflict && s.At.Path == "/activation/mot-de-passe" && s.Form("/activation/mot-de-passe") != nil:
		s.Outcome, s.Password = Already, "" // activated in another browser, with the password chosen there
		return nil
	case s.Status == http.StatusGone, s.Status == http.StatusConflict:
		href, _ := s.Doc.Find("main a.primary").Attr("href")
		return s.get(ctx, href)
	case s.Status >= 400 && s.Status != http.StatusUnprocessableEntity && s.Status != http.StatusTooManyRequests:
		s.Lost = "refused at " + s.Where()
		s.Doc = nil
		return pause(ctx, 300*time.Millisecond)
	}
	switch s.At.Path {
	case s.first():
		return s.request(ctx)
	case "/activation/identification":
		return s.code(ctx)
	case "/activation/verification":
		if s.Doc.Find("[name=numero]").Length() > 0 {
			return s.submit(ctx, "/activation/verification", map[string]string{"numero": s.Number})
		}
		y, m, d := s.BirthDate[:4], s.BirthDate[5:7], s.BirthDate[8:]
		return s.submit(ctx, "/activation/verification", map[string]string{"naissance-jour": d, "naissance-mois": m, "naissance-annee": y})
	case "/activation/charte":
		return s.submit(ctx, "/activation/charte", map[string]string{"charte": "oui"})
	case "/activation/cle":
		return s.credential(ctx)
	case "/activation/entre-mdp":
		return s.submit(ctx, "/activation/entre-mdp", nil)
	case "/activation/mot-de-passe":
		if s.Password == "" {
			s.Password = s.Doc.Find(".phrases code").First().Text()
		}
		return s.submit(ctx, "/activation/mot-de-passe", map[string]string{"mot-de-passe": s.Password, "confirmation": s.Password})
	case "/activation/en-cours":
		if s.Doc.Find(".waiting").Length() == 0 {
			s.Outcome = Parked
			return nil
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
		return s.get(ctx, "/activation/en-cours")
	case "/activation/accueil-succes":
		s.Outcome, s.Shown = Success, s.Doc.Find("dd .mono").First().Text()
		return nil
	}
	return s.get(ctx, s.first())
}

// credential chooses between a passkey and a password, or registers the passkey.
func (s *Student) credential(ctx context.Context) error {
	const page = "/activation/cle"
	if s.Passkey == nil {
		return s.submit(ctx, page, map[string]string{"choix": "mot-de-passe"})
	}
	options, registers := s.Doc.Find("form.register").Attr("data-options")
	if !registers {
		return s.submit(ctx, page, map[string]string{"choix": "cle"})
	}
	answer, err := s.Passkey([]byte(options))
	if err != nil {
		return err
	}
	return s.submit(ctx, page, map[string]string{"reponse": string(answer)})
}

// first returns the path of the page on which the student begins.
func (s *Student) first() string {
	if s.Recovers {
		return "/mot-de-passe-oublie"
	}
	return "/activation"
}

func (s *Student) request(ctx context.Context) error {
	s.mails, s.since = len(s.Box.Messages(s.Email)), time.Now()
	s.found = ""
	clear(s.tried)
	if s.Recovers { // the mailbox has the codes of earlier journeys
		for _, m := range s.Box.Messages(s.Email) {
			s.tried[m.Code()] = true
		}
	}
	if err := s.submit(ctx, s.first(), map[string]string{"profil": s.Profile, "adresse": s.Email}); err != nil {
		return err
	}
	if s.At.Path == "/activation/identification" && s.Status == http.StatusOK {
		s.Asked++
	}
	return nil
}

// code types the code that was found, or waits for a mail and finds the newest
// code that was not tried yet.
func (s *Student) code(ctx context.Context) error {
	if s.Form("/activation/identification") == nil { // no tries are left
		s.Outcome = Waits
		return nil
	}
	if s.Status == http.StatusTooManyRequests && !s.resending {
		s.Outcome = Waits
		return nil
	}
	s.resending = false
	if s.found != "" {
		return s.prove(ctx)
	}
	for {
		all := s.Box.Messages(s.Email)
		for i, m := range all {
			code := m.Code()
			if code != "" && !s.tried[code] && s.Slips > 0 {
				s.Slips--
				s.found, s.slip = Other(code), true
				return nil
			}
			if code != "" && !s.tried[code] {
				s.tried[code] = true
				s.found, s.slip = code, false
				return nil
			}
			if i == 0 && len(all) > s.mails && code == "" && !s.Recovers && !strings.Contains(m.Subject, "en route") {
				// The account exists, or an administrator must decide: the student
				// can do nothing here.
				if s.Outcome = Parked; strings.Contains(m.Text, s.Login()) || strings.Contains(m.Text, "Identifiant") {
					s.Outcome = Already
				}
				return nil
			}
		}
		if time.Since(s.since) > s.Patience {
			s.since, s.resending = time.Now(), true // the answer may be 429, which does not end the activation
			return s.submit(ctx, "/activation/renvoi", nil)
		}
		if err := s.await(ctx, len(all)+1); err != nil {
			return err
		}
	}
}

// await waits until the student has n mails, or for 200 ms, so that the student
// also notices a mailbox that was replaced.
func (s *Student) await(ctx context.Context, n int) error {
	short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	_, _ = s.Box.Wait(short, s.Email, n) // the caller looks into the mailbox in any case
	return ctx.Err()
}

// Other returns a code that differs from this one.
func Other(code string) string { return string('0'+('9'-code[0])) + code[1:] }

// prove submits the code that was found, several times concurrently if Twice is
// set, and continues from the response that accepted it, or from any other.
func (s *Student) prove(ctx context.Context) error {
	code, slip := s.found, s.slip
	s.found = ""
	values, target, err := s.Fill("/activation/identification", map[string]string{"code": code})
	if err != nil {
		return err
	}
	type answered struct {
		Submit
		response *http.Response
		err      error
	}
	n := max(1, s.Twice)
	answers := make(chan answered, n)
	for range n {
		go func() {
			begun := time.Now()
			response, err := s.Send(ctx, http.MethodPost, target, values)
			answers <- answered{Submit{Number: s.Number, Code: code, Slip: slip, Begun: begun, End: time.Now(), Answer: answer(response, err)}, response, err}
		}()
	}
	var best answered
	var all []answered
	for i := range n {
		a := <-answers
		all = append(all, a)
		if i == 0 || a.Answer == Won {
			best, a = a, best
		}
		if i > 0 && a.response != nil {
			_ = a.response.Body.Close()
		}
	}
	if best.Answer == Unknown {
		delete(s.tried, code) // the code may be typed again
	}
	if err = best.err; err == nil {
		err = s.checked(s.Show(ctx, best.response))
	}
	for _, a := range all {
		if s.Submitted != nil {
			s.Submitted(s.afterwards(a.Submit, a.response, err))
		}
	}
	return err
}

// afterwards corrects the result of a code whose response redirected to the
// code's own page: the code had been accepted in another session, or the
// journey has ended. The next page shows which.
func (s *Student) afterwards(sent Submit, response *http.Response, err error) Submit {
	const page = "/activation/identification"
	if sent.Answer != Spent {
		return sent
	}
	switch to, locationErr := response.Location(); {
	case locationErr == nil && to.Path != page:
	case err != nil:
		sent.Answer = Unknown
	case s.At.Path == page && s.Status == http.StatusOK && s.Form(page) == nil:
		sent.Answer = Ended
	}
	return sent
}

// answer classifies the response to a code. Only the response that accepts the
// code starts a new session.
func answer(r *http.Response, err error) Answer {
	switch {
	case err != nil, r.StatusCode >= 500:
		return Unknown
	case r.StatusCode == http.StatusSeeOther && len(r.Cookies()) > 0:
		return Won
	case r.StatusCode == http.StatusSeeOther:
		return Spent
	case r.StatusCode == http.StatusUnprocessableEntity:
		return Wrong
	case r.StatusCode == http.StatusTooManyRequests:
		return Blocked
	}
	return Unknown
}

// get opens a page, or the portal's page of this path if there is none yet.
func (s *Student) get(ctx context.Context, path string) error {
	if s.At == nil {
		path = s.Portal + path
	}
	return s.checked(s.Get(ctx, path))
}

func (s *Student) submit(ctx context.Context, action string, typed map[string]string) error {
	return s.checked(s.Submit(ctx, action, typed))
}

// checked notes a page of an error that does not say what to do (I7).
func (s *Student) checked(err error) error {
	if err == nil && s.Status >= 400 && (s.Doc.Find("h1").Length() == 0 || s.Doc.Find("main a, main form, main button").Length() == 0) {
		s.Lost = fmt.Sprintf("%s says nothing: %.200s", s.Where(), s.Text("body"))
	}
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
