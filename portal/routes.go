package portal

import (
	"cmp"
	"net/http"

	"github.com/gin-gonic/gin"

	"entree/internal/activation"
	"entree/internal/domain"
)

// The paths that more than one file names; those of the flow's other pages stand
// in its table.
const (
	pathRequest = "/activation"
	pathCode    = "/activation/identification"
	pathDesk    = "/activation/guichet"
	pathLong    = "/activation/code-long"
	pathJudge   = "/activation/mot-de-passe/regles"
	pathWaiting = "/activation/en-cours"
	pathSuccess = "/activation/accueil-succes"
	pathLogin   = "/connexion"

	pathForgotten = "/mot-de-passe-oublie"
	pathEnt       = "/ent"
)

// routes registers every address of the students' pages.
func (p *Portal) routes() {
	get, post := p.site.Get, p.site.Post

	get("/", p.welcome)
	get(pathRequest, p.showRequest)
	post(pathRequest, p.request)
	get(pathForgotten, p.showForgotten)
	post(pathForgotten, p.askRecovery)
	get(activation.FreezePath+":droit", p.showFreeze)
	post(activation.FreezePath+":droit", p.freeze)
	get(activation.FactorPath+":droit", p.showStopFactor)
	post(activation.FactorPath+":droit", p.stopFactor)
	get(pathDesk, p.showDesk)
	post(pathDesk, p.enterDesk)
	get(pathLong, p.showLong)
	post(pathLong, p.enterLong)
	p.flowRoutes()
	post("/activation/renvoi", p.act(p.resend, domain.StepCode))
	post("/activation/renvoi-sms", p.act(p.resendBySMS, domain.StepCode))
	post(pathJudge, p.write(judgeFields, p.judging))
	get("/activation/phrases", p.page(p.phrases, domain.StepGuide, domain.StepPassword))
	post("/activation/prolonger", p.act(p.extend))
	post("/activation/recommencer", p.act(p.restart))

	get(pathLogin, p.login)
	// GET only: HEAD must change nothing, and this page uses up the provider's answer.
	p.site.GetOnly("/connexion/retour", p.loggedIn)
	post("/connexion/changer", p.changeAccount)
	get(pathEnt, p.ent)
	get(pathRenewal, p.showRenewal)
	post(pathRenewal, p.renew)
	get(pathRenewal+"/:empreinte", p.reading)
	get(pathAccount, p.showAccount)
	get(pathMyData, p.exportAccount)
	get(pathFactors+"/:moyen", p.showFactor)
	post(pathFactors+"/:moyen/nom", p.renameFactor)
	post(pathFactors+"/:moyen/retirer", p.removeFactor)
	get(pathSecondFactor, p.showSecondFactor)
	post(pathSecondFactor, p.leaveSecondFactor)
	get(pathChoice, p.showChoice)
	post(pathSessions, p.endSessions)
	p.claimRoutes()
	get(pathContact, p.showContact)
	post(pathContact, p.askContact)
	get(pathSecond, p.showSecond)
	post(pathSecond, p.askSecond)
	post(pathSecondRemove, p.removeSecond)
	post(pathSecondFirst, p.preferSecond)
	get(pathPhone, p.showPhone)
	post(pathPhone, p.askPhone)
	post(pathPhoneRemove, p.removePhone)
	get(activation.TakeBackPath+":droit", p.showTakeBack)
	post(activation.TakeBackPath+":droit", p.takeBack)
	post("/deconnexion", p.logout)

	get("/.well-known/change-password", p.changePassword)
	get("/robots.txt", robots)
	get("/favicon.ico", func(c *gin.Context) error { return p.site.SendAsset(c, "favicon.svg") })
}

// changePassword redirects password managers to the page that changes a password
// (W3C, A Well-Known URL for Changing Passwords): the configured one, or that of a
// forgotten password.
func (p *Portal) changePassword(c *gin.Context) error {
	c.Redirect(http.StatusFound, cmp.Or(p.ChangePassword, pathForgotten))
	return nil
}

// robots excludes the pages that belong to one person from search engines.
func robots(c *gin.Context) error {
	c.String(http.StatusOK, "User-agent: *\nDisallow: /activation/\nDisallow: /mot-de-passe-oublie/\nDisallow: /adresse-perdue/\nDisallow: /connexion\nDisallow: /ent\nDisallow: /compte\nDisallow: /admin\n")
	return nil
}
