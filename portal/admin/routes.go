package admin

import "entree/portal/web"

// Addresses that are used in several files.
const (
	root        = "/admin"
	pathLogin   = "/admin/connexion"
	pathConfirm = "/admin/confirmer"
	// pathBackChannel is registered at the provider (keycloak/console.go).
	pathBackChannel = "/admin/deconnexion/fournisseur"

	pathCharters  = "/admin/chartes"
	pathCampaigns = "/admin/campagnes"
	pathJobs      = "/admin/travaux"
	pathLetter    = "/admin/travaux/renvoyer"
	pathHurry     = "/admin/travaux/reessayer"
	pathAudit     = "/admin/audit"
	pathReturned  = "/admin/retours"
	pathClear     = "/admin/retours/lever"
)

// rail lists the entries of the menu in order. An entry is shown if the
// operator's role may request its address.
var rail = []struct{ path, key string }{
	{root, "console.rail.overview"},
	{pathPeople, "console.rail.people"},
	{"/admin/imports", "console.rail.imports"},
	{pathAccounts, "console.rail.accounts"},
	{pathClaims, "console.rail.claims"},
	{pathHeld, "console.rail.factors"},
	{"/admin/campagnes", "console.rail.campaigns"},
	{"/admin/chartes", "console.rail.charters"},
	{pathAudit, "console.rail.audit"},
	{pathSheets, "console.rail.sheets"},
	{pathLimits, "console.rail.limits"},
}

// confirmFields are the fields of a form that is confirmed on a separate page.
var confirmFields = []web.Field{{Name: "confirme", Max: 3, Optional: true}}

// table adds every route of the console, with the roles that may request it.
func (a *Console) table() {
	get, post := a.get, a.post

	// These addresses need no login.
	a.site.Get(pathLogin, a.login)
	a.site.GetOnly(pathLogin+"/retour", a.loggedIn)
	a.site.Post(pathBackChannel, a.backChannel)

	get(root, a.overview, everybody...)
	a.stream("/admin/en-direct", a.overviewLive, everybody...)
	get(pathJobs, a.jobs, everybody...)
	post(pathLetter, a.letterAgain, letterFields, admins...)
	get(pathLimits, a.limits, everybody...)
	post(pathLift, a.lift, liftFields, admins...)
	get(pathReturned, a.returned, everybody...)
	post(pathClear, a.clearWrong, clearFields, admins...)
	post(pathHurry, a.hurry, hurryFields, admins...)
	get(pathAudit, a.audit, readers...)
	a.download(pathAudit+"/export/:format", a.auditExport, readers...).stepUp()
	a.download(pathPeople+"/:id/donnees", a.personData, readers...).stepUp()
	get(pathPeople+"/:id/effacer", a.showErase, admins...)
	post(pathPeople+"/:id/effacer", a.erase, eraseFields, admins...).stepUp()
	post(pathPeople+"/:id/effacer/annuler", a.keep, nil, admins...)

	get(pathConfirm, a.confirm, everybody...)
	get(pathPeople, a.people, everybody...)
	post(pathBulk, a.bulk, bulkFields, helpers...).stepUpConfirmed()
	get(pathPeople+"/:id", a.person, everybody...)
	post(pathPeople+"/:id/adresse", a.correct, addressFields, helpers...).stepUp()
	post(pathPeople+"/:id/renvoyer", a.sendAgain, sendFields, helpers...)
	post(pathPeople+"/:id/reessayer", a.hurryPerson, seenFields, admins...)
	post(pathPeople+"/:id/corriger", a.amend, amendFields, admins...).stepUp()
	post(pathPeople+"/:id/debloquer", a.unlock, seenFields, helpers...)
	post(pathPeople+"/:id/retenir", a.hold, whyFields, helpers...)
	post(pathPeople+"/:id/liberer", a.release, whyFields, helpers...)
	post(pathPeople+"/:id/degeler", a.unfreeze, whyFields, helpers...).stepUp()
	post(pathPeople+"/:id/telephone", a.removePhone, whyFields, helpers...).stepUp()
	post(pathPeople+"/:id/facteur", a.askFactor, whyFields, helpers...).stepUp()
	post(pathPeople+"/:id/facteur/accorder", a.agreeFactor, whyFields, helpers...).stepUp()
	post(pathPeople+"/:id/facteur/annuler", a.cancelFactor, whyFields, helpers...)
	post(pathPeople+"/:id/guichet", a.deskCode, deskFields, helpers...).stepUp()
	post(pathPeople+"/:id/adopter", a.adopt, adoptFields, admins...).stepUp()
	post(pathPeople+"/:id/renommer", a.rename, seenFields, admins...).stepUp()

	get(pathSheets, a.sheets, helpers...)
	post(pathSheets, a.printSheets, handoutFields, helpers...).stepUp()
	a.heldTable()
	a.claimsTable()
	a.importTable()
	if a.Matching != nil {
		a.accountsTable()
	}
	post("/admin/deconnexion", a.logout, nil, everybody...)

	if a.Charters != nil {
		get(pathCharters, a.charters, everybody...)
		post("/admin/chartes/nouveau", a.newDraft, []web.Field{{Name: "profil", Max: 100}}, admins...)
		get("/admin/chartes/version/:id", a.charterVersion, everybody...)
		get("/admin/chartes/version/:id/accords", a.charterOwed, everybody...)
		post("/admin/chartes/version/:id/retirer", a.callOff, nil, admins...)
		get("/admin/chartes/projet/:id", a.draft, admins...)
		post("/admin/chartes/projet/:id", a.saveDraft, draftFields, admins...)
		post("/admin/chartes/projet/:id/supprimer", a.deleteDraft, confirmFields, admins...)
		get("/admin/chartes/projet/:id/apercu", a.previewDraft, everybody...)
		get("/admin/chartes/projet/:id/publier", a.askPublish, admins...)
		post("/admin/chartes/projet/:id/publier", a.publish, publishFields, admins...).stepUp()
		get("/admin/personnes/:id/charte", a.evidence, everybody...)
		a.download("/admin/personnes/:id/charte/preuve", a.exportEvidence, readers...).stepUp()
	}
	if a.Campaigns != nil {
		get(pathCampaigns, a.campaigns, everybody...)
		get("/admin/campagnes/nouvelle", a.newCampaign, admins...)
		post("/admin/campagnes/nouvelle", a.startCampaign, campaignFields, admins...).stepUpConfirmed()
		get("/admin/campagnes/suivi/:id", a.campaign, everybody...)
		a.stream("/admin/campagnes/suivi/:id/direct", a.campaignLive, everybody...)
		post("/admin/campagnes/suivi/:id/suspendre", a.pauseCampaign, nil, admins...)
		post("/admin/campagnes/suivi/:id/reprendre", a.resumeCampaign, nil, admins...).stepUp()
		post("/admin/campagnes/suivi/:id/arreter", a.cancelCampaign, confirmFields, admins...)
	}
}
