// Package outside does to the portal what the world does: it runs instances
// from their own program, kills them, goes through the pages as students do,
// and looks into Keycloak, the mailbox and the database for what became of it.
//
//	Instance ── entree serve, started, stopped, killed
//	Student ── pages by HTTP, codes from the mailbox, until the end or a page that says what to do
//	Realm ── Keycloak as its administrator sees it, and the login itself
//	Check ── the seven invariants, from all of these
package outside
