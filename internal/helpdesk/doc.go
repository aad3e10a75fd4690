// Package helpdesk is what an operator does for one person: finds them, sees
// their story, and takes away what is in their way.
//
//	page ── what the operator saw, and why ──► Desk ──► one transaction:
//	                                            │        the person, as they were seen
//	                                            │        the audit's entry
//	                                            │        journeys, codes, limits, mails
//	                                            └──────► refused, where another was first
//
// Nothing is done to a person whom the operator saw otherwise than they are
// now. Whoever comes second is told so, sees what changed, and nothing of what
// they typed is lost.
package helpdesk
