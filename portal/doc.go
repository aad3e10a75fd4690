// Package portal serves the student's pages: each has one file with its typed
// data, its sample data and its handlers. The table in flow.go says which page
// belongs to which step of a flow.
//
// No page knows which one comes next. An act ends with 303 to the page of the
// journey's next step, which [domain.Journey.Next] reads from the
// store; a page that is asked for at another step leads there as well:
//
//	POST /activation/charte ── Service.Accept ──▶ 303 ──▶ page of Journey.Next
//	GET  /activation/mot-de-passe, ahead of its step ──▶ 303 ──▶ the same
//
// So reload, back, a second tab and a second press are harmless, and no
// address skips a step. What was refused shows the same page again, with what
// was typed, but for the password.
package portal
