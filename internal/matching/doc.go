// Package matching compares the people of the registry with the accounts that exist
// in the realm, so that a person who has an account gets no second one.
//
//	Source ── pages of accounts ──► index, in the database
//	people without an account ──► keys ──► accounts with one of them ──► judge
//	                                               │
//	     certain ── adopted in bulk ◄──────────────┤
//	     likely, contradictory ── an operator ◄────┘
//
// A pass reads the whole realm and changes nothing in it. From the moment that a
// person has an open match, no account is created for the person. An adoption
// records in the registry that the account is the person's: the account's password,
// names, groups and attributes are not changed. Only if Options.Mark is set does a
// job write the portal's mark into it.
//
// Memory does not grow with the realm: accounts are indexed page by page in a table,
// which is emptied at the end of the pass.
package matching
