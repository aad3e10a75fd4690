// Package scripted is the one scripted student: a browser without scripts that
// submits the pages' own forms, and a student who activates an account with it.
// The tests with real servers, the benches and the check of a release share it,
// so that a changed page is followed in one place.
package scripted
