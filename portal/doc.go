// Package portal serves the student's pages: each has one file with its typed
// data, its sample data and its handlers. The table in flow.go says which page
// belongs to which step of a flow.
//
// No page knows which one comes next. An act ends with 303 to the page of the
// journey's next step, which [domain.Journey.Next] reads from the
// store; a page requested at another step redirects there as well:
//
//	POST /activation/charte ── Service.Accept ──▶ 303 ──▶ page of Journey.Next
//	GET  /activation/mot-de-passe, ahead of its step ──▶ 303 ──▶ the same
//
// Reload, back, a second tab and a second press are therefore harmless, and no
// address skips a step. A refused form is shown again with the typed values, except
// for the password.
package portal
