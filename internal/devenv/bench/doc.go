// Package bench measures the cost of an activation and of the alternative ways
// to create an account in Keycloak, on the same machine at the same time.
//
//	contestants ── a round of each in turn, several rounds ── medians, ratios, marks
//	   activation     the whole way through the portal, mail included
//	   registration   Keycloak's own page
//	   kratos         a registration at Ory Kratos, with a code by mail
//	   reset          POST /users, then PUT reset-password
//	   plain          one POST /users with the password
//	   limit          one hash of golang.org/x/crypto, one bare POST /users with it
//	   fastest        the same with the hash of internal/argon2
//
// Absolute times hold for one machine only; ratios of contestants that were
// measured in the same run can be compared. The cost of a contestant is the
// increase of the processes' own counters of processor time, so other load on
// the machine distorts it little.
package bench
