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

// Box is where mails arrive.
type Box interface {
	Messages(to string) []mailbox.Message
}

// Outcome is where a student's way ended.
type Outcome string

// The ends there are. All but the first are said by a page or a mail that
// tells what to do.
const (
	Success Outcome = "success" // the page of success was shown
	Already Outcome = "already" // a mail says that the account is there
	Parked  Outcome = "parked"  // a human looks at it
	Waits   Outcome = "waits"   // told until when
)

// Student goes through the pages without a script, as their forms say, and
// does after a failure what people do: looks again.
type Student struct {
	Person
	Portal   string
	Box      Box
	Password string // chosen from the page's suggestions at the first visit
	Twice    int    // how often the code is sent at once; 0: once
	Slips    int    // wrong codes that are typed first
	Patience time.Duration
	// Submitted, if set, is told of each code that was sent.
	Submitted func(Submit)

	Outcome  Outcome // empty while on the way
	Shown    string  // the identifier on the page of success
	Requests int     // requests for a code that were accepted
	Retries  int     // answers that made the student look again
	Lost     string  // a page that did not say what to do (I7)

	client *http.Client
	at     *url.URL
	status int
	header http.Header
	doc    *goquery.Document
	tried  map[string]bool
	since  time.Time // of the journey
	mails  int       // before the journey

	resending bool
}

// Submit is one sending of a code, and how it was answered.
type Submit struct {
	Number     string // of the student
	Code       string
	Slip       bool // it is known to be wrong
	Begun, End time.Time
	Answer     Answer
}

// Answer is what became of a code that was sent.
type Answer string

// The answers there are.
const (
	Won     Answer = "won"     // it opened the way, with a new session
	Spent   Answer = "spent"   // the way was open already
	Wrong   Answer = "wrong"   // compared, and it does not fit
	Blocked Answer = "blocked" // not compared
	Ended   Answer = "ended"   // the journey is over: its tries are spent
	Unknown Answer = "unknown" // no clear answer
)

// NewStudent returns a student who connects from a loopback address of their own; from
// may be nil.
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

// Go goes on until the end, or until ctx is over.
func (s *Student) Go(ctx context.Context) error { return s.Until(ctx, "") }

// Until goes on until a page, by its path, or the end.
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

// step does what the page asks for.
func (s *Student) step(ctx context.Context) error {
	if s.doc == nil { // begin, or look where the way goes on
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
		s.Outcome, s.Password = Already, "" // from another browser, with the password chosen there
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

// code types the newest code that was not tried yet, or reads what else the
// mailbox says.
func (s *Student) code(ctx context.Context) error {
	if s.form("/activation/identification") == nil { // the tries are spent
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
				// The account exists, or an operator decides on it: nothing to do here.
				if s.Outcome = Parked; strings.Contains(m.Text, s.Login()) || strings.Contains(m.Text, "Identifiant") {
					s.Outcome = Already
				}
				return nil
			}
		}
		if time.Since(s.since) > s.Patience {
			s.since, s.resending = time.Now(), true // refused for a moment, or sent
			return s.send(ctx, "/activation/renvoi", nil)
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

// Other returns a code that differs from this one.
func Other(code string) string { return string('0'+('9'-code[0])) + code[1:] }

// prove sends a code, several times at once where the student is in a hurry,
// and goes on from the answer that opened the way, or any other.
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
		delete(s.tried, code) // it may be typed again
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

// afterwards corrects the answer to a code that was redirected to its own page: the
// way was open and the session another by then, or the journey is over. The page
// that came next says it, where it came.
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

// read takes an answer in, after the redirect that it may be.
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
