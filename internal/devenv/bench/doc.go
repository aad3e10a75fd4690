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
// Absolute times hold for one machine only; ratios of ways that were measured in the
// same run can be compared. The cost of a way is the growth of the processes' own
// counters of processor time, so other load on the machine distorts it little.
package bench
