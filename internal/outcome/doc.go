// Package outcome prints the result of a long command, as text or as one JSON object,
// and its progress: of an import of people, and of a comparison of people with the
// accounts of the realm.
package outcome
