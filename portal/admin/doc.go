// Package admin is the console: the pages of administrators, the help desk and
// auditors.
//
// It stands on the student's site (headers, guards, rendering, errors) with a
// layout, a session and a login of its own. One table says which address there
// is and who may ask for it (routes.go):
//
//	a.get("/admin/personnes", a.people, everybody...)
//	a.post("/admin/personnes/:id/bloquer", a.hold, holdFields, admins...)
//	a.post("/admin/personnes/:id/effacer", a.erase, eraseFields, admins...).stepUp()
//
// An act that went well answers 303 with a line that says so (visit.done); one
// that was refused shows its page again, with what was typed (visit.again). An
// act and its entry in the audit are one transaction: the handler gives the
// entry (visit.entry) to the service, which commits both.
//
// An act or a download that is marked stepUp requires a login of the last five
// minutes. Without one, the form is kept in the session, the provider asks for the
// password, and the operator confirms the act:
//
//	POST ──▶ kept ──▶ provider ──▶ /admin/confirmer ── POST, with the same form
package admin
