package admin

// Addresses that are led to from more than one place.
const (
	root        = "/admin"
	pathLogin   = "/admin/connexion"
	pathConfirm = "/admin/confirmer"
)

// rail is the menu, in its order. An operator sees what they may ask for; what
// is not in the table is not shown.
var rail = []struct{ path, key string }{
	{root, "console.rail.overview"},
	{"/admin/personnes", "console.rail.people"},
	{"/admin/imports", "console.rail.imports"},
	{"/admin/campagnes", "console.rail.campaigns"},
	{"/admin/chartes", "console.rail.charters"},
	{"/admin/audit", "console.rail.audit"},
}

// table is every address of the console, with who may ask for it.
func (a *Console) table() {
	get, post := a.get, a.post

	// Before anybody is known.
	a.site.Get(pathLogin, a.login)
	a.site.GetOnly(pathLogin+"/retour", a.loggedIn)

	get(root, a.overview, everybody...)
	get(pathConfirm, a.confirm, everybody...)
	get(pathPeople, a.people, everybody...)
	post(pathBulk, a.bulk, bulkFields, helpers...)
	get(pathPeople+"/:id", a.person, everybody...)
	post(pathPeople+"/:id/adresse", a.correct, addressFields, helpers...)
	post(pathPeople+"/:id/renvoyer", a.sendAgain, seenFields, helpers...)
	post(pathPeople+"/:id/debloquer", a.unlock, seenFields, helpers...)
	post(pathPeople+"/:id/retenir", a.hold, whyFields, helpers...)
	post(pathPeople+"/:id/liberer", a.release, whyFields, helpers...)
	post(pathPeople+"/:id/guichet", a.deskCode, deskFields, helpers...)
	post(pathPeople+"/:id/adopter", a.adopt, adoptFields, admins...).stepUp()
	post(pathPeople+"/:id/renommer", a.rename, seenFields, admins...).stepUp()

	post("/admin/deconnexion", a.logout, nil, everybody...)
}
