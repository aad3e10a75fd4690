// Package activation is the way of a person from an enrolment to an account.
//
// A journey is what one browser does to activate one person's account. It
// stands in the store, never in the process, and moves along this line:
//
//	requested ─ code proven ─ (identity verified) ─ charter accepted ─ guided ─ password chosen ─ account made
//	    │            │                 │                   │                         │
//	  5 tries     person known      5 tries         evidence kept          hashed, sealed, one job
//
// [domain.Journey.Next] alone says which step comes next, from what is stored; no
// address, no form field and no earlier page can say otherwise.
//
// Each act of a person goes the same way: page → [Service] → one transaction
// that holds the journey, its jobs and its events → the runner → Keycloak or
// the mail server. The service decides inside a function that does no I/O and
// may run again; what it wants done is returned as [domain.Effects], which are
// committed together with the journey or not at all.
//
// An address that nobody has gets a journey too, with nobody behind it: the
// same pages, the same work, the same time, and codes that never fit. The
// truth about an address is told by mail, to the address itself.
//
// The password is here only while it is judged and hashed. What waits for
// Keycloak is the hashed credential, sealed, erased when the account is made.
//
// The package knows nothing of HTTP, SQL, Keycloak or SMTP. What it needs of
// them stands in domain, in ports.go.
package activation
