// Package helpdesk contains the acts of operators on one person: they search
// for the person, read the person's history, and remove obstacles to the
// activation.
//
//	page ── what the operator saw, and why ──► Desk ──► one transaction:
//	                                            │        the person, as they were seen
//	                                            │        the audit's entry
//	                                            │        journeys, codes, limits, mails
//	                                            └──────► refused, where another was first
//
// An act is refused if the person changed since the operator's page was read.
// The operator is told so and sees the change; the input of the form is kept.
package helpdesk
