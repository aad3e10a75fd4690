// Package outside treats the portal as its environment does: it runs instances of
// the built program, kills them, walks through the pages as students do, and reads
// Keycloak, the mailbox and the database to check the result.
//
//	Instance ── entree serve, started, stopped, killed
//	Student ── pages by HTTP, codes from the mailbox, until the end or a page that says what to do
//	NewRealm ── a realm for such a run; [realm.Realm] reads it as its administrator
//	Check ── the seven invariants, from all of these
package outside
