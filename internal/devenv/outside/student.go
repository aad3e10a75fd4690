package outside

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/PuerkitoBio/goquery"

	"entree/internal/devenv/mailbox"
)

// Person is a person of the registry.
type Person struct{ Number, GivenName, FamilyName, Profile, Email, BirthDate string }

// Box is the student's mailbox.
type Box interface {
	Messages(to string) []mailbox.Message
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
	Password string // chosen from the page's suggestions at the first visit
	Twice    int    // how often the code is sent concurrently; 0: once
	Slips    int    // number of wrong codes that are typed first
	Patience time.Duration
	// Submitted, if set, is called for each code that was sent.
	Submitted func(Submit)

	Outcome  Outcome // empty while the activation continues
	Shown    string  // the identifier shown on the page of success
	Requests int     // requests for a code that were accepted
	Retries  int     // responses after which the student tried again
	Lost     string  // a page that did not say what to do (I7)

	client *http.Client
	at     *url.URL
	status int
	header http.Header
	doc    *goquery.Document
	tried  map[string]bool
	since  time.Time // time at which the journey began
	mails  int       // number of mails before the journey

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
// from; a nil from leaves the choice to the system.
func NewStudent(p Person, portal string, box Box, from net.IP) *Student {
	jar, _ := cookiejar.New(nil) // fails with options only
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	if from != nil {
		dialer.LocalAddr = &net.TCPAddr{IP: from}
	}
	return &Student{Person: p, Portal: portal, Box: box, Patience: 40 * time.Second, tried: map[string]bool{}, client: &http.Client{
		Jar: jar, Timeout: 40 * time.Second,
		Transport:     &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Login returns the identifier that the profile etudiant assigns.
func (p Person) Login() string { return "o" + p.Number }

var sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)

// Go runs until the activation has an outcome, or until ctx is done.
func (s *Student) Go(ctx context.Context) error { return s.Until(ctx, "") }

// Until runs until the student reaches the page with this path, or the
// activation has an outcome.
func (s *Student) Until(ctx context.Context, path string) error {
	for s.Outcome == "" && (path == "" || s.at == nil || s.at.Path != path || s.status != http.StatusOK) {
		if err := s.step(ctx); err != nil {
			s.Retries++
			s.at, s.doc = nil, nil
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

// Where describes the page that the student sees.
func (s *Student) Where() string {
	if s.at == nil {
		return "no page"
	}
	return fmt.Sprintf("%s (%d)", s.at.Path, s.status)
}

// step performs the act that the page asks for.
func (s *Student) step(ctx context.Context) error {
	if s.doc == nil { // begin, or find out where the journey continues
		return s.get(ctx, "/activation/identification")
	}
	switch {
	case s.status == http.StatusTooManyRequests && s.at.Path == "/activation":
		s.Outcome = Waits
		return nil
	case s.status >= 500:
		s.Retries++
		s.doc = nil
		return pause(ctx, 300*time.Millisecond)
	case s.status == http.StatusConflict && s.at.Path == "/activation/mot-de-passe" && s.form("/activation/mot-de-passe") != nil:
		s.Outcome, s.Password = Already, "" // activated in another browser, with the password chosen there
		return nil
	case s.status == http.StatusGone, s.status == http.StatusConflict:
		href, _ := s.doc.Find("main a.primary").Attr("href")
		return s.get(ctx, href)
	case s.status >= 400 && s.status != http.StatusUnprocessableEntity && s.status != http.StatusTooManyRequests:
		s.Lost = "refused at " + s.Where()
		s.doc = nil
		return pause(ctx, 300*time.Millisecond)
	}
	switch s.at.Path {
	case "/activation":
		return s.request(ctx)
	case "/activation/identification":
		return s.code(ctx)
	case "/activation/verification":
		y, m, d := s.BirthDate[:4], s.BirthDate[5:7], s.BirthDate[8:]
		return s.send(ctx, "/activation/verification", map[string]string{"naissance-jour": d, "naissance-mois": m, "naissance-annee": y})
	case "/activation/charte":
		return s.send(ctx, "/activation/charte", map[string]string{"charte": "oui"})
	case "/activation/entre-mdp":
		return s.send(ctx, "/activation/entre-mdp", nil)
	case "/activation/mot-de-passe":
		if s.Password == "" {
			s.Password = s.doc.Find(".phrases code").First().Text()
		}
		return s.send(ctx, "/activation/mot-de-passe", map[string]string{"mot-de-passe": s.Password, "confirmation": s.Password})
	case "/activation/en-cours":
		if s.doc.Find(".waiting").Length() == 0 {
			s.Outcome = Parked
			return nil
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
		return s.get(ctx, "/activation/en-cours")
	case "/activation/accueil-succes":
		s.Outcome, s.Shown = Success, s.doc.Find("dd .mono").First().Text()
		return nil
	}
	return s.get(ctx, "/activation")
}

func (s *Student) request(ctx context.Context) error {
	s.mails, s.since = len(s.Box.Messages(s.Email)), time.Now()
	clear(s.tried)
	if err := s.send(ctx, "/activation", map[string]string{"profil": s.Profile, "adresse": s.Email}); err != nil {
		return err
	}
	if s.at.Path == "/activation/identification" && s.status == http.StatusOK {
		s.Requests++
	}
	return nil
}

// code types the newest code that was not tried yet, or reads the other mails
// in the mailbox.
func (s *Student) code(ctx context.Context) error {
	if s.form("/activation/identification") == nil { // no tries are left
		s.Outcome = Waits
		return nil
	}
	if s.status == http.StatusTooManyRequests && !s.resending {
		s.Outcome = Waits
		return nil
	}
	s.resending = false
	for {
		all := s.Box.Messages(s.Email)
		for i, m := range all {
			code := sixDigits.FindString(m.Text)
			if code != "" && !s.tried[code] && s.Slips > 0 {
				s.Slips--
				return s.prove(ctx, Other(code), true)
			}
			if code != "" && !s.tried[code] {
				s.tried[code] = true
				return s.prove(ctx, code, false)
			}
			if i == 0 && len(all) > s.mails && code == "" && !strings.Contains(m.Subject, "en route") {
				// The account exists, or an administrator must decide: the student
				// can do nothing here.
				if s.Outcome = Parked; strings.Contains(m.Text, s.Login()) || strings.Contains(m.Text, "Identifiant") {
					s.Outcome = Already
				}
				return nil
			}
		}
		if time.Since(s.since) > s.Patience {
			s.since, s.resending = time.Now(), true // temporarily refused, or sent
			return s.send(ctx, "/activation/renvoi", nil)
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

// Other returns a code that differs from this one.
func Other(code string) string { return string('0'+('9'-code[0])) + code[1:] }

// prove submits a code, several times concurrently if Twice is set, and
// continues from the response that accepted it, or from any other.
func (s *Student) prove(ctx context.Context, code string, slip bool) error {
	values, target := s.filled("/activation/identification", map[string]string{"code": code})
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
			response, err := s.post(ctx, target, values)
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
	err := best.err
	if err == nil {
		err = s.read(ctx, best.response)
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
	case s.at.Path == page && s.status == http.StatusOK && s.form(page) == nil:
		sent.Answer = Ended
	}
	return sent
}

// answer classifies the response to a code: the one that opens the way has a
// new session.
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

func (s *Student) get(ctx context.Context, path string) error {
	target := s.Portal + path
	if s.at != nil {
		to, err := s.at.Parse(path)
		if err != nil {
			return err
		}
		target = to.String()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return err
	}
	return s.read(ctx, response)
}

func (s *Student) post(ctx context.Context, target string, values url.Values) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(values.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.client.Do(request)
}

// read parses a response and follows its redirect.
func (s *Student) read(ctx context.Context, response *http.Response) error {
	defer response.Body.Close()
	if response.StatusCode == http.StatusSeeOther {
		to, err := response.Location()
		if err != nil {
			return err
		}
		s.at = to
		return s.get(ctx, to.String())
	}
	doc, err := goquery.NewDocumentFromReader(io.LimitReader(response.Body, 4<<20))
	if err != nil {
		return err
	}
	s.at, s.status, s.header, s.doc = response.Request.URL, response.StatusCode, response.Header, doc
	if s.status >= 400 && (doc.Find("h1").Length() == 0 || doc.Find("main a, main form, main button").Length() == 0) {
		s.Lost = fmt.Sprintf("%s says nothing: %.200s", s.Where(), strings.Join(strings.Fields(doc.Text()), " "))
	}
	return nil
}

func (s *Student) form(action string) *goquery.Selection {
	form := s.doc.Find("form[method=post]").FilterFunction(func(_ int, f *goquery.Selection) bool {
		a, _ := f.Attr("action")
		return a == action
	}).First()
	if form.Length() == 0 {
		return nil
	}
	return form
}

// filled returns a form's fields with the typed values.
func (s *Student) filled(action string, typed map[string]string) (url.Values, string) {
	values := url.Values{}
	s.form(action).Find("input[name]").Each(func(_ int, i *goquery.Selection) {
		if kind, _ := i.Attr("type"); kind == "radio" || kind == "checkbox" {
			return
		}
		name, _ := i.Attr("name")
		value, _ := i.Attr("value")
		values.Set(name, value)
	})
	for name, value := range typed {
		values.Set(name, value)
	}
	return values, s.Portal + action
}

func (s *Student) send(ctx context.Context, action string, typed map[string]string) error {
	if s.form(action) == nil {
		return errors.New("no form for " + action + " at " + s.Where())
	}
	values, target := s.filled(action, typed)
	response, err := s.post(ctx, target, values)
	if err != nil {
		return err
	}
	return s.read(ctx, response)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
