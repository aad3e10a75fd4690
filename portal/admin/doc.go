// Package admin is the console: the pages for administrators, the help desk and
// auditors.
//
// The console is a section of the students' site. It shares headers, guards,
// rendering and error handling, and has its own layout, session and login. One
// table lists every address and the roles that may request it (routes.go):
//
//	a.get("/admin/audit", a.audit, readers...)
//	a.post("/admin/personnes/:id/bloquer", a.hold, holdFields, admins...)
//	a.post("/admin/personnes/:id/effacer", a.erase, eraseFields, admins...).stepUp()
//
// A successful act answers with status 303 and a message on the next page
// (visit.done). A refused act shows its page again with the submitted values
// (visit.again). An act and its audit entry are one transaction: the handler
// passes the entry (visit.entry) to the service, which commits both.
//
// An act or a download that is marked stepUp requires a login of the last five
// minutes. Without one, the form is stored in the session, the provider asks
// for the password, and the operator confirms the act:
//
//	POST ──▶ stored ──▶ provider ──▶ /admin/confirmer ── POST, with the same form
package admin
