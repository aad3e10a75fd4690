package portal

import (
	"encoding/hex"
	"errors"
	"html/template"
	"net/http"
	"regexp"

	"github.com/gin-gonic/gin"

	"entree/internal/domain"
	"entree/portal/web"
)

// pathRenewal is the page on which a user with an account reads the charter in force
// and accepts it if the acceptance is missing.
const pathRenewal = "/charte"

// RenewalPage is drawn by templates/renewal.html, GET and POST /charte
// fields: charte (checkbox "oui"), empreinte (hidden, the hash shown)
type RenewalPage struct {
	CharterPage
	GivenName string
	Owes      bool   // the charter in force is not one that they accepted
	GoOn      string // where the way goes on
}

// ReadingPage is drawn by templates/reading.html, GET /charte/HASH: a published text,
// which stays readable for every person who accepted it.
type ReadingPage struct {
	CharterPage
}

// charterPage returns the data of a charter's page.
func (p *Portal) charterPage(charter domain.Charter) (CharterPage, error) {
	drawn, err := p.charters.draw(charter)
	return CharterPage{
		Title: charter.Title, Version: charter.Version, SHA256: charter.SHA256,
		Body: drawn.body, Contents: drawn.contents, Minutes: drawn.minutes,
	}, err
}

// RenderCharter returns a charter's text as HTML, as the pages show it.
func RenderCharter(markdown string) (template.HTML, error) {
	body, _, err := renderCharter(markdown)
	return template.HTML(headingID.ReplaceAllString(string(body), "")), err
}

// headingID is the id of a heading. The console shows a charter in two languages on
// one page, where each id would occur twice.
var headingID = regexp.MustCompile(` id="article-\d+"`)

// reader returns the logged-in user. A visitor without a login is redirected to it, and
// to the page that then names afterwards.
func (p *Portal) reader(c *gin.Context, then string) (login, account, subject string, err error) {
	session, err := p.site.Session(c)
	if err != nil {
		return "", "", "", err
	}
	login, account, subject = web.SessionValue(session, keyLogin), web.SessionValue(session, keyAccount), web.SessionValue(session, keySubject)
	switch {
	case p.SSO == nil:
		err = &web.Error{Status: http.StatusNotFound, Key: "not_found"}
	case login == "" || subject == "":
		err = web.SeeOther(pathLogin + "?" + then)
	}
	return login, account, subject, err
}

func (p *Portal) showRenewal(c *gin.Context) error { return p.drawRenewal(c, nil) }

func (p *Portal) drawRenewal(c *gin.Context, r *domain.Refusal) error {
	login, account, subject, err := p.reader(c, thenCharter)
	if err != nil {
		return err
	}
	person, owes, err := p.Service.Reader(c.Request.Context(), login, account)
	if err != nil {
		return missing(err) // an account that the portal did not make
	}
	charter, err := p.Service.CharterOf(person, p.site.Lang(c))
	if err != nil {
		return err
	}
	page := RenewalPage{GivenName: person.CalledBy(), Owes: owes, GoOn: p.workspace()}
	if page.CharterPage, err = p.charterPage(charter); err != nil {
		return err
	}
	title := "renewal.title"
	if !owes {
		title = "renewal.kept"
	}
	view := p.site.View(c, title)
	if view.Token, err = p.site.Token(c, subject); err != nil {
		return err
	}
	return p.answer(c, "renewal", view.With(page), r, "charte")
}

// missing turns ErrNotFound into a 404 page. For other pages ErrNotFound means that
// the session has ended.
func missing(err error) error {
	if errors.Is(err, domain.ErrNotFound) {
		return &web.Error{Status: http.StatusNotFound, Key: "not_found", Cause: err}
	}
	return err
}

// workspace returns the address of the ENT for a logged-in user.
func (p *Portal) workspace() string {
	if p.EntURL != "" {
		return p.EntURL
	}
	return pathEnt
}

// renew stores the acceptance of the charter whose hash the page showed.
func (p *Portal) renew(c *gin.Context) error {
	form, err := web.ReadForm(c, charterFields...)
	if err != nil {
		return err
	}
	login, account, subject, err := p.reader(c, thenCharter)
	if err != nil {
		return err
	}
	if err := p.site.CheckToken(c, form, subject, pathRenewal); err != nil {
		return err
	}
	if form["charte"] != "oui" {
		return p.drawRenewal(c, &domain.Refusal{Reason: domain.ReasonCharterUnticked})
	}
	err = p.Service.AcceptAgain(c.Request.Context(), login, account, form["empreinte"], p.site.Lang(c))
	if r, is := refusal(err); is {
		return p.drawRenewal(c, r)
	}
	if err != nil {
		return err
	}
	return web.SeeOther(pathRenewal)
}

// reading shows a published text to any visitor: a charter is not secret.
func (p *Portal) reading(c *gin.Context) error {
	hash := c.Param("empreinte")
	if raw, err := hex.DecodeString(hash); err != nil || len(raw) != 32 {
		return &web.Error{Status: http.StatusNotFound, Key: "not_found"}
	}
	charter, err := p.Texts.CharterText(c.Request.Context(), hash)
	if err != nil {
		return missing(err)
	}
	page, err := p.charterPage(charter)
	if err != nil {
		return err
	}
	view := p.site.View(c, "reading.title")
	view.Path = pathRenewal + "/" + hash
	return p.site.Render(c, http.StatusOK, "reading", view.With(ReadingPage{page}))
}
