// Package activation leads a person from an enrolment to an account.
//
// A journey is the attempt of one browser to activate one person's account. It
// is stored in the database, never in the process, and passes these steps:
//
//	requested ─ code proven ─ (identity verified) ─ charter accepted ─ guided ─ password chosen ─ account made
//	    │            │                 │                   │                         │
//	  5 tries     person known      5 tries         evidence kept          hashed, sealed, one job
//
// [domain.Journey.Next] alone decides the next step, from the stored journey.
// No URL, form field or earlier page can change the decision.
//
// Each act of a student takes the same path: page → [Service] → one transaction
// with the journey, its jobs and its events → the runner → Keycloak or the mail
// server. The service decides in a function that does no I/O and may run again.
// It returns the effects as [domain.Effects], which are committed together with
// the journey or not at all.
//
// An address that belongs to no person gets a journey too: the same pages, the
// same work, the same response time, and codes that never match. The state of
// an address is disclosed only by mail to that address.
//
// The password exists in memory only while it is checked and hashed. The job
// that waits for Keycloak carries the sealed hashed credential, which is erased
// when the account exists.
//
// The package does not depend on HTTP, SQL, Keycloak or SMTP. The interfaces
// that it needs are in package domain, in ports.go.
package activation
