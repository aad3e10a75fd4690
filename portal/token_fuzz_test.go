package portal_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"testing"
)

// With any form token except the one of the page, the right code does nothing.
func FuzzFormToken(f *testing.F) {
	w := newWorld(f)
	real := w.browser(f).begin(known).Find("[name=jeton]").First().AttrOr("value", "")
	for _, seed := range []string{"", "x", real, real[:20], "=", "\x00", "é", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		f.Add(seed)
	}
	b := w.browser(f)
	mine, err := base64.RawURLEncoding.DecodeString(b.begin(known).Find("[name=jeton]").First().AttrOr("value", ""))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if sum, err := base64.RawURLEncoding.DecodeString(token); err == nil && slices.Equal(sum, mine) {
			return
		}
		b := *b
		b.t = t
		before, _ := w.service.count()
		p := b.do(http.MethodPost, "/activation/identification", &url.Values{"jeton": {token}, "code": {rightCode}})
		if after, _ := w.service.count(); p.status < 400 || p.status >= 500 || after != before {
			t.Errorf("%q: %d, and %d acts", token, p.status, after-before)
		}
	})
}
