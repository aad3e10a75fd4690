package sso

import (
	"bytes"
	"strings"
	"testing"
)

// A response is accepted only if it is one success with one user name, and if
// other XML parsers cannot read it differently.
func FuzzTicketAnswer(f *testing.F) {
	const head = `<cas:serviceResponse xmlns:cas="http://www.yale.edu/tp/cas">`
	for _, seed := range []string{
		head + `<cas:authenticationSuccess><cas:user>o1</cas:user></cas:authenticationSuccess></cas:serviceResponse>`,
		head + `<cas:authenticationSuccess><cas:user>o1</cas:user><cas:attributes><cas:sub>x</cas:sub></cas:attributes></cas:authenticationSuccess></cas:serviceResponse>`,
		head + `<cas:authenticationFailure code="INVALID_TICKET">no</cas:authenticationFailure></cas:serviceResponse>`,
		head + `<cas:authenticationSuccess><cas:user>o1<!-- -->2</cas:user></cas:authenticationSuccess></cas:serviceResponse>`,
		`<!DOCTYPE x [<!ENTITY e "o1">]>` + head + `<cas:authenticationSuccess><cas:user>&e;</cas:user></cas:authenticationSuccess></cas:serviceResponse>`,
		head + `<cas:authenticationSuccess><cas:user>o1</cas:user><cas:user>o2</cas:user></cas:authenticationSuccess></cas:serviceResponse>`,
		"<html>", "", "{}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		who, err := readCAS(raw)
		if err != nil {
			return
		}
		lower := bytes.ToLower(raw)
		if who.Login == "" || who.Login != strings.TrimSpace(who.Login) || bytes.Contains(lower, []byte("<!doctype")) || bytes.Contains(lower, []byte("<!entity")) {
			t.Errorf("let in as %q by %q", who.Login, raw)
		}
	})
}
