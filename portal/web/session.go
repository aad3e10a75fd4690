package web

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"

	"entree/internal/domain"
	"entree/internal/secret"
)

// SessionRows stores the data of sessions by session id.
type SessionRows interface {
	// Session returns a row and its journey, or domain.ErrNotFound if there is none. The
	// journey is zero if the row has none, or if it does not exist any more.
	Session(ctx context.Context, id string) (domain.SessionRow, domain.Journey, error)
	SaveSession(ctx context.Context, r domain.SessionRow) error
	DeleteSession(ctx context.Context, id string) error
	// RenewSession replaces the row r.Old by r, in one transaction: the old id is
	// invalid at once. It returns domain.ErrNotFound if r.Old has no row.
	RenewSession(ctx context.Context, r domain.SessionRow) error
	// ExtendSession changes the expiry time of an existing row. It does not
	// create one.
	ExtendSession(ctx context.Context, id string, expires time.Time) error
}

// Sessions implements gorilla's sessions.Store over SessionRows.
//
// The signed cookie contains a random id of 256 bits and a flag that says
// whether the id has a row. The first page with a form creates the id, so that
// the form can be bound to it. A row is created only when there are values to
// store, by a POST or a login. Therefore a GET of a page never writes to the
// database. The row is encrypted with its id as additional data: read access to
// the database does not reveal the content of a session, except for its journey, which is
// named beside it so that one query reads both.
//
//	no cookie ── page with a form ──▶ id ── journey begins ──▶ id′ + row
//	          ── code proven ──▶ id″, the row moves ── login ──▶ id‴ + another row
type Sessions struct {
	rows   SessionRows
	keys   secret.Keyring
	codecs []securecookie.Codec
	site   string // name of the site, from which its keys are derived
	name   string // name of the cookie
	cookie sessions.Options
	now    func() time.Time
	random io.Reader
}

// ticket is the content of a session cookie.
type ticket struct {
	ID  string `json:"id"`
	Row bool   `json:"row"`
}

// ticketJSON encodes tickets as the library's JSONEncoder does, without a stream's decoder
// for each request.
type ticketJSON struct{}

// Serialize implements securecookie.Serializer.
func (ticketJSON) Serialize(t any) ([]byte, error) { return json.Marshal(t) }

// Deserialize implements securecookie.Serializer.
func (ticketJSON) Deserialize(text []byte, t any) error { return json.Unmarshal(text, t) }

// gone is the key of a session value that says that the session's row no longer
// exists. It is not a string and therefore cannot be equal to the key of a
// stored value.
type gone struct{}

// KeyJourney is the key of the session value with the id of the journey that is read
// together with the session.
const KeyJourney = "journey"

// journey is the key of the session value that holds the journey as it was read with the
// session.
type journey struct{}

// ends is the key of the session value that holds the expiry time of the row.
type ends struct{}

// ticketLife is how long the signature of a cookie is valid. Rows expire much
// sooner.
const ticketLife = 24 * time.Hour

func newSessions(name string, c Config, https bool) *Sessions {
	s := &Sessions{rows: c.Sessions, keys: c.Keys, now: c.Now, random: c.Random, site: name, name: name}
	if https {
		s.name = "__Host-" + name
	}
	// All options are set here: the library's defaults are SameSite=None,
	// readable by scripts, and 30 days.
	s.cookie = sessions.Options{Path: "/", Secure: https, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	for _, key := range c.Keys.Subkeys(secret.UseSession.Of(name)) {
		s.codecs = append(s.codecs, securecookie.New(key, nil).
			SetSerializer(ticketJSON{}).MaxAge(int(ticketLife.Seconds())))
	}
	return s
}

// Get returns the session of a request. The session is read once per request.
func (s *Sessions) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

// New reads the session of a request. It returns a new session if the cookie is
// missing, forged, changed or too old. The session is never nil.
func (s *Sessions) New(r *http.Request, name string) (*sessions.Session, error) {
	session := sessions.NewSession(s, name)
	options := s.cookie
	session.Options, session.IsNew = &options, true
	var t ticket
	cookies := r.CookiesNamed(name)
	if len(cookies) != 1 || securecookie.DecodeMulti(name, cookies[0].Value, &t, s.codecs...) != nil || t.ID == "" {
		return session, nil
	}
	session.ID, session.IsNew = t.ID, false
	if !t.Row {
		return session, nil
	}
	values, row, j, err := s.read(r.Context(), t.ID)
	switch {
	case errors.Is(err, domain.ErrNotFound):
		session.Values[gone{}] = true
	case err != nil:
		return session, fmt.Errorf("session: %w", err)
	}
	for k, v := range values {
		session.Values[k] = v
	}
	session.Values[ends{}] = row.Expires
	if j.ID != "" && string(j.ID) == values[KeyJourney] { // only the sealed id decides
		session.Values[journey{}] = j
	}
	return session, nil
}

func (s *Sessions) read(ctx context.Context, id string) (values map[string]string, row domain.SessionRow, j domain.Journey, err error) {
	if row, j, err = s.rows.Session(ctx, id); err != nil {
		return nil, row, j, err
	}
	if !s.now().Before(row.Expires) {
		return nil, row, j, domain.ErrNotFound
	}
	plain, err := s.keys.Open(secret.UseSessionRow.Of(s.site), id, row.Data)
	if err != nil {
		return nil, row, j, err
	}
	return values, row, j, json.Unmarshal(plain, &values)
}

// Save writes the row, if there are values to store, and the cookie.
// Options.MaxAge is the lifetime of the row in seconds; a negative value
// deletes the row and the cookie. The cookie itself is a session cookie of the
// browser.
func (s *Sessions) Save(r *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	return s.save(r, w, session, "")
}

// save is Save with the id of a row that the new row replaces. If old is empty,
// no row is replaced.
func (s *Sessions) save(r *http.Request, w http.ResponseWriter, session *sessions.Session, old string) error {
	life := time.Duration(session.Options.MaxAge) * time.Second
	if life < 0 {
		if err := s.rows.DeleteSession(r.Context(), session.ID); err != nil && !errors.Is(err, domain.ErrNotFound) {
			return fmt.Errorf("session: %w", err)
		}
		options := s.cookie
		options.MaxAge = -1
		http.SetCookie(w, sessions.NewCookie(session.Name(), "", &options))
		return nil
	}
	values := kept(session)
	if len(values) > 0 {
		box, err := s.seal(session.ID, values)
		if err != nil {
			return err
		}
		row := domain.SessionRow{Old: old, ID: session.ID, Data: box, Expires: s.now().Add(life), Journey: domain.JourneyID(values[KeyJourney])}
		if err := s.write(r.Context(), row); err != nil {
			return err
		}
	}
	return s.setCookie(w, session, len(values) > 0)
}

// write stores a row. It returns domain.ErrNotFound if the row that it replaces is gone:
// another request has renewed or ended the session.
func (s *Sessions) write(ctx context.Context, row domain.SessionRow) (err error) {
	if row.Old == "" {
		err = s.rows.SaveSession(ctx, row)
	} else {
		err = s.rows.RenewSession(ctx, row)
	}
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	return nil
}

// setCookie sets the cookie of a session.
func (s *Sessions) setCookie(w http.ResponseWriter, session *sessions.Session, hasRow bool) error {
	value, err := securecookie.EncodeMulti(session.Name(), ticket{ID: session.ID, Row: hasRow}, s.codecs...)
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	http.SetCookie(w, sessions.NewCookie(session.Name(), value, &s.cookie))
	return nil
}

func (s *Sessions) seal(id string, values map[string]string) ([]byte, error) {
	plain, err := json.Marshal(values)
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	box, err := s.keys.Seal(secret.UseSessionRow.Of(s.site), id, plain)
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	return box, nil
}

func kept(session *sessions.Session) map[string]string {
	values := map[string]string{}
	for k, v := range session.Values {
		if k, ok := k.(string); ok {
			values[k] = v.(string)
		}
	}
	return values
}

func (s *Sessions) newID() (string, error) {
	var b [32]byte
	if _, err := io.ReadFull(s.random, b[:]); err != nil {
		return "", fmt.Errorf("session id: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

// Session returns the session of a request.
func (s *Site) Session(c *gin.Context) (*sessions.Session, error) {
	return s.sessions.Get(c.Request, s.sessions.name)
}

// SessionGone reports whether the cookie refers to a row that has expired or
// was deleted.
func SessionGone(session *sessions.Session) bool { return session.Values[gone{}] != nil }

// SessionValue returns a stored value, or an empty string if there is none.
func SessionValue(session *sessions.Session, key string) string {
	v, _ := session.Values[key].(string)
	return v
}

// SessionJourney returns the journey that was read together with the session, if it is the
// one that the session names now.
func SessionJourney(session *sessions.Session) (j domain.Journey, ok bool) {
	j, ok = session.Values[journey{}].(domain.Journey)
	return j, ok && string(j.ID) == SessionValue(session, KeyJourney)
}

// RenewSession replaces all values of the session and assigns a new id. It
// prevents session fixation: an id that an attacker planted or saw before
// becomes invalid. life is the lifetime of the new row.
func (s *Site) RenewSession(c *gin.Context, values map[string]string, life time.Duration) error {
	r, err := s.PrepareRenewal(c, values, life)
	if err != nil {
		return err
	}
	return r.Save()
}

// Renewal is a session with a new id that is not stored yet. Either Save stores it, or the
// caller commits Row and then calls Done.
type Renewal struct {
	Row    domain.SessionRow
	values map[string]string
	site   *Site
	c      *gin.Context
}

// PrepareRenewal returns the session that RenewSession stores, for a caller that commits
// the row in the transaction of its act.
func (s *Site) PrepareRenewal(c *gin.Context, values map[string]string, life time.Duration) (*Renewal, error) {
	session, err := s.Session(c)
	if err != nil {
		return nil, err
	}
	old := ""
	if len(kept(session)) > 0 {
		old = session.ID
	}
	return s.renewal(c, old, values, life)
}

// renewal returns a session whose row replaces old. If old is empty, no row is replaced.
func (s *Site) renewal(c *gin.Context, old string, values map[string]string, life time.Duration) (*Renewal, error) {
	id, err := s.sessions.newID()
	if err != nil {
		return nil, err
	}
	box, err := s.sessions.seal(id, values)
	if err != nil {
		return nil, err
	}
	row := domain.SessionRow{Old: old, ID: id, Data: box, Expires: s.config.Now().Add(life), Journey: domain.JourneyID(values[KeyJourney])}
	return &Renewal{Row: row, values: values, site: s, c: c}, nil
}

// Save writes rows of the same act, then the row of the session, and calls Done.
func (r *Renewal) Save(before ...domain.SessionRow) error {
	for _, row := range append(before, r.Row) {
		if err := r.site.sessions.write(r.c.Request.Context(), row); err != nil {
			return err
		}
	}
	return r.Done()
}

// Done puts the committed session in the place of the request's session and sets its
// cookie.
func (r *Renewal) Done() error {
	session, err := r.site.Session(r.c)
	if err != nil {
		return err
	}
	session.ID, session.IsNew = r.Row.ID, false
	clear(session.Values)
	for k, v := range r.values {
		session.Values[k] = v
	}
	return r.site.sessions.setCookie(r.c.Writer, session, true)
}

// SessionEnds returns the expiry time of the session's row. It is zero if the
// session has no row.
func SessionEnds(session *sessions.Session) time.Time {
	at, _ := session.Values[ends{}].(time.Time)
	return at
}

// ExtendSession changes the expiry time of the session's row. It does not
// create the row again if the row was deleted by another request.
func (s *Site) ExtendSession(c *gin.Context, session *sessions.Session, until time.Time) error {
	session.Values[ends{}] = until
	return s.sessions.rows.ExtendSession(c.Request.Context(), session.ID, until)
}

// KeepInSession adds values to the session's row. It returns domain.ErrNotFound
// if the session was ended by another request.
func (s *Site) KeepInSession(c *gin.Context, values map[string]string) error {
	session, err := s.Session(c)
	if err != nil {
		return err
	}
	for key, value := range values {
		session.Values[key] = value
	}
	session.Options.MaxAge = int(SessionEnds(session).Sub(s.config.Now()).Seconds())
	return s.sessions.save(c.Request, c.Writer, session, session.ID)
}

// ReadSession reads the values of a session again from the database, because
// another request may have changed them.
func (s *Site) ReadSession(c *gin.Context) (map[string]string, error) {
	session, err := s.Session(c)
	if err != nil {
		return nil, err
	}
	values, _, _, err := s.sessions.read(c.Request.Context(), session.ID)
	return values, err
}

// Note stores a fact in the table of sessions until it expires, so that all
// instances know it. It returns false if the fact was stored before.
func (s *Site) Note(ctx context.Context, fact string, until time.Time) (isNew bool, err error) {
	if at, err := s.Noted(ctx, fact); err != nil || !at.IsZero() {
		return false, err
	}
	return true, s.NoteAgain(ctx, fact, until)
}

// NoteAgain stores a fact with the current time, even if it was stored before.
func (s *Site) NoteAgain(ctx context.Context, fact string, until time.Time) error {
	at := strconv.FormatInt(s.config.Now().UnixMicro(), 10)
	return s.sessions.rows.SaveSession(ctx, domain.SessionRow{ID: factID(fact), Data: []byte(at), Expires: until})
}

// Noted returns the time at which a fact was stored. The time is zero if the
// fact is unknown or has expired.
func (s *Site) Noted(ctx context.Context, fact string) (time.Time, error) {
	row, _, err := s.sessions.rows.Session(ctx, factID(fact))
	if errors.Is(err, domain.ErrNotFound) || err == nil && !s.config.Now().Before(row.Expires) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("session: %w", err)
	}
	at, err := strconv.ParseInt(string(row.Data), 10, 64)
	return time.UnixMicro(at), err
}

// factID returns the id of a fact's row. It differs from every session id,
// because session ids contain no colon.
func factID(fact string) string { return "fact:" + fact }

// EndSession deletes the session's row and its cookie.
func (s *Site) EndSession(c *gin.Context) error {
	session, err := s.Session(c)
	if err != nil || session.IsNew {
		return err
	}
	session.Options.MaxAge = -1
	if err := session.Save(c.Request, c.Writer); err != nil {
		return err
	}
	clear(session.Values) // for the rest of this request
	return nil
}
