// Package bench measures what an activation costs, and what the other ways to
// an account in Keycloak cost on the same machine at the same time.
//
//	contestants ── a round of each in turn, several rounds ── medians, ratios, marks
//	   activation     the whole way through the portal, mail included
//	   registration   Keycloak's own page
//	   reset          POST /users, then PUT reset-password
//	   plain          one POST /users with the password
//	   limit          one hash, one bare POST /users with it
//
// Times of one machine say little about another one; the ratios of ways that
// were measured beside one another do. What a way costs is the growth of the
// processes' own counters of the processor's time, so that a machine that is
// busy with something else falsifies it little.
package bench
