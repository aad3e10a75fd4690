package portal_test

import (
	"strings"
	"testing"
)

func TestTheTelephoneIsChangedFromTheAccount(t *testing.T) {
	w, provider, _ := withAccount(t)
	b := w.browser(t)
	b.toAccount(t, provider)
	if p := b.do("GET", "/compte/telephone", nil); p.status != 404 {
		t.Errorf("without the channel: %d", p.status)
	}
	w.service.sms = true
	p := b.get("/compte/telephone").want("/compte/telephone", 200)
	p = b.submit(p, "/compte/telephone", "telephone", "12").want("/compte/telephone", 422).shows(".summary", "refused.phone_syntax")
	if got := p.Find("[name=telephone]").AttrOr("value", ""); got != "12" {
		t.Errorf("the typed number is lost: %q", got)
	}
	p = b.submit(p, "/compte/telephone", "telephone", "06 12 34 56 42").want("/activation/identification", 200)
	if got := p.Find(".given").Text(); !strings.Contains(got, "06\u00a012\u00a034\u00a056\u00a042") {
		t.Errorf("the number is shown as %q", got)
	}
	if !strings.Contains(p.Find("title").Text(), "phone.code.title") {
		t.Errorf("the code page has the words of another flow: %q", p.Find("title").Text())
	}
	b.submit(p, "/activation/recommencer").want("/compte/telephone", 200)
	p = b.submit(b.get("/compte/telephone"), "/compte/telephone", "telephone", "06 12 34 56 42")
	b.submit(p, "/activation/identification", "code", rightCode).want("/compte", 200).shows(".notice", "account.outcome.phone")
}
