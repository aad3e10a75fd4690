// Package castest is a small CAS server for tests. Its tickets are valid once
// and for one service, and a test can set any response. Contract runs the same
// tests against it and against a real server.
package castest

import (
	"crypto/rand"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// Login is the user name at the small server.
const Login = "o22502142"

// Attributes lists the attributes that the server releases, in this order.
var Attributes = [][2]string{
	{"eduPersonAffiliation", "member"}, {"displayName", "Jeanne Martin"}, {"eduPersonAffiliation", "student"},
	{"authenticationDate", "2026-09-01T08:00:00Z"}, {"sub", "f3b1"},
}

// Server is a running CAS server. Its fields may be changed between requests.
type Server struct {
	URL    string                                       // prefix of its addresses
	Answer func(w http.ResponseWriter, r *http.Request) // if set, answers validations instead of the server
	User   string                                       // whose session is alive
	// Attributes are what the server releases of the user.
	Attributes [][2]string

	mu       sync.Mutex
	tickets  map[string]string // service by ticket
	requests int
	renewed  bool
}

// New starts a server that ends with the test.
func New(t *testing.T) *Server {
	t.Helper()
	s := &Server{User: Login, Attributes: Attributes, tickets: map[string]string{}}
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(server.Close)
	s.URL = server.URL + "/cas"
	return s
}

// Set changes fields while requests may be in progress.
func (s *Server) Set(change func(*Server)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

// Requests returns the number of validation requests so far.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// Renewed reports whether the last validation asked for a ticket of a fresh login.
func (s *Server) Renewed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.renewed
}

// Login acts as a user who logs in at a login address. It returns the query of
// the redirect to the portal.
func (s *Server) Login(t *testing.T, loginURL string) url.Values {
	t.Helper()
	u, err := url.Parse(loginURL)
	if err != nil {
		t.Fatal(err)
	}
	service, err := url.Parse(u.Query().Get("service"))
	if err != nil || service.Host == "" || u.Scheme+"://"+u.Host+u.Path != s.URL+"/login" {
		t.Fatalf("no login: %s", loginURL)
	}
	q := service.Query()
	q.Set("ticket", s.Ticket(t, service.String()))
	return q
}

// Ticket returns a new ticket for a service.
func (s *Server) Ticket(_ *testing.T, service string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ticket := "ST-1-" + rand.Text()
	s.tickets[ticket] = service
	return ticket
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	answer := s.Answer
	s.requests++
	s.mu.Unlock()
	switch {
	case r.URL.Path != "/cas/p3/serviceValidate":
		http.NotFound(w, r)
	case answer != nil:
		answer(w, r)
	default:
		w.Header().Set("Content-Type", "application/xml;charset=UTF-8")
		_, _ = io.WriteString(w, s.validate(r.URL.Query())) // the error of a closed connection is ignored
	}
}

// validate invalidates the ticket even if the validation fails (CAS Protocol
// 3.0 §3.1.1).
func (s *Server) validate(q url.Values) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ticket := q.Get("ticket")
	s.renewed = q.Get("renew") == "true"
	service, known := s.tickets[ticket]
	delete(s.tickets, ticket)
	switch {
	case !known:
		return Response(`<cas:authenticationFailure code="INVALID_TICKET">not known</cas:authenticationFailure>`)
	case service != q.Get("service"):
		return Response(`<cas:authenticationFailure code="INVALID_SERVICE">of another</cas:authenticationFailure>`)
	}
	return Success(s.User, s.Attributes...)
}

// Response returns a response with this outcome as its content.
func Response(outcome string) string {
	return `<cas:serviceResponse xmlns:cas="http://www.yale.edu/tp/cas">` + outcome + `</cas:serviceResponse>`
}

// Success returns a response with a user name and attributes.
func Success(user string, attributes ...[2]string) string {
	var out strings.Builder
	out.WriteString("<cas:authenticationSuccess><cas:user>" + escaped(user) + "</cas:user><cas:attributes>\n")
	for _, a := range attributes {
		fmt.Fprintf(&out, "  <cas:%s>%s</cas:%[1]s>\n", a[0], escaped(a[1]))
	}
	return Response(out.String() + "</cas:attributes></cas:authenticationSuccess>")
}

func escaped(s string) string {
	var out strings.Builder
	if err := xml.EscapeText(&out, []byte(s)); err != nil {
		panic("castest: " + err.Error()) // a strings.Builder returns no error
	}
	return out.String()
}
