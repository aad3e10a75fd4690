package portal

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"entree/internal/domain"
	"entree/portal/web"
)

// The pages of the way.
const (
	pathRequest  = "/activation"
	pathCode     = "/activation/identification"
	pathDesk     = "/activation/guichet"
	pathVerify   = "/activation/verification"
	pathCharter  = "/activation/charte"
	pathGuide    = "/activation/entre-mdp"
	pathPassword = "/activation/mot-de-passe"
	pathWaiting  = "/activation/en-cours"
	pathSuccess  = "/activation/accueil-succes"
	pathLogin    = "/connexion"
	pathEnt      = "/ent"
)

// stepPath gives the page of each step. A journey that ended shows so where
// its tries were spent; one that a human looks at, where it waited.
var stepPath = map[domain.Step]string{
	domain.StepCode:     pathCode,
	domain.StepEnded:    pathCode,
	domain.StepVerify:   pathVerify,
	domain.StepCharter:  pathCharter,
	domain.StepGuide:    pathGuide,
	domain.StepPassword: pathPassword,
	domain.StepWaiting:  pathWaiting,
	domain.StepParked:   pathWaiting,
	domain.StepDone:     pathSuccess,
}

// routes is every address there is, with the steps at which it may be asked
// for.
func (p *Portal) routes() {
	const (
		code, ended     = domain.StepCode, domain.StepEnded
		verify, charter = domain.StepVerify, domain.StepCharter
		guide, password = domain.StepGuide, domain.StepPassword
		waiting, parked = domain.StepWaiting, domain.StepParked
		done            = domain.StepDone
	)
	get, post := p.site.Get, p.site.Post

	get("/", p.welcome)
	get(pathRequest, p.showRequest)
	post(pathRequest, p.request)
	get(pathDesk, p.showDesk)
	post(pathDesk, p.enterDesk)
	get(pathCode, p.page(p.codeOrEnded, code, ended))
	post(pathCode, p.act(p.prove, codeFields, code))
	post("/activation/renvoi", p.act(p.resend, nil, code))
	get(pathVerify, p.page(p.showVerify, verify))
	post(pathVerify, p.act(p.verify, verifyFields, verify))
	get(pathCharter, p.page(p.showCharter, charter))
	post(pathCharter, p.act(p.accept, charterFields, charter))
	get(pathGuide, p.page(p.showGuide, guide, password))
	post(pathGuide, p.act(p.guided, nil, guide))
	get("/activation/phrases", p.page(p.phrases, guide, password))
	get(pathPassword, p.page(p.showPassword, password))
	post(pathPassword, p.act(p.choose, passwordFields, password, waiting, done))
	get(pathWaiting, p.page(p.waitingOrParked, waiting, parked))
	get(pathSuccess, p.page(p.success, done))
	post("/activation/prolonger", p.act(p.extend, nil, everyStep...))
	post("/activation/recommencer", p.act(p.restart, nil, everyStep...))

	get(pathLogin, p.login)
	// GET alone: HEAD must change nothing, and the provider's answer is spent.
	p.site.GetOnly("/connexion/retour", p.loggedIn)
	get(pathEnt, p.ent)
	get(pathRenewal, p.showRenewal)
	post(pathRenewal, p.renew)
	get(pathRenewal+"/:empreinte", p.reading)
	post("/deconnexion", p.logout)

	get("/.well-known/change-password", p.changePassword)
	get("/robots.txt", robots)
	get("/favicon.ico", func(c *gin.Context) error { return p.site.SendAsset(c, "favicon.svg") })
}

var everyStep = []domain.Step{
	domain.StepCode, domain.StepVerify, domain.StepCharter, domain.StepGuide, domain.StepPassword,
	domain.StepWaiting, domain.StepDone, domain.StepParked, domain.StepEnded,
}

// changePassword is where password managers look for the page (W3C, A
// Well-Known URL for Changing Passwords).
func (p *Portal) changePassword(*gin.Context) error {
	if p.ChangePassword == "" {
		return &web.Error{Status: http.StatusNotFound, Key: "not_found"}
	}
	return web.SeeOther(p.ChangePassword)
}

// robots keeps the pages that belong to one person out of indexes.
func robots(c *gin.Context) error {
	c.String(http.StatusOK, "User-agent: *\nDisallow: /activation/\nDisallow: /connexion\nDisallow: /ent\nDisallow: /admin\n")
	return nil
}
