package mailbox_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"entree/internal/devenv/child"
	"entree/internal/devenv/mailbox"
)

// A mailbox that is closed before its servers serve releases its ports.
func TestABoxThatEndsAtOnceLetsItsPortsGo(t *testing.T) {
	var o mailbox.Options
	for _, to := range []*string{&o.SMTP, &o.HTTP} {
		port, err := child.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		*to = fmt.Sprintf("127.0.0.1:%d", port)
	}
	for range 100 {
		box, err := mailbox.Start(o)
		if err != nil {
			t.Fatal(err)
		}
		if err := box.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// The gateway stores an SMS beside the mails, with its code, and shows it as text. A page
// of another site cannot post one.
func TestTheGatewayStoresAnSMS(t *testing.T) {
	box, err := mailbox.Start(mailbox.Options{SMTP: "127.0.0.1:0", HTTP: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	post := func(media, body string, want int) {
		t.Helper()
		answer, err := http.Post(box.SMSURL(), media, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%s %s: status %d, want %d", media, body, answer.StatusCode, want)
		}
	}
	post("text/plain", `{"to":"+33639980001","text":"no"}`, http.StatusUnsupportedMediaType)
	post("application/json", `{"text":"no"}`, http.StatusBadRequest)
	post("application/json", `{`, http.StatusBadRequest)
	post("application/json; charset=utf-8", `{"to":"+33639980001","text":"Code <123456>\n@host #123456"}`, http.StatusNoContent)
	got := box.Messages("+33639980001")
	if len(got) != 1 || got[0].Code() != "123456" || len(box.Messages("")) != 1 {
		t.Fatalf("the mailbox has %v", box.Messages(""))
	}
	page, err := http.Get(box.URL() + "/messages/1")
	if err != nil {
		t.Fatal(err)
	}
	defer page.Body.Close()
	text, err := io.ReadAll(page.Body)
	if err != nil || !strings.Contains(string(text), "<pre>Code &lt;123456&gt;") || strings.Contains(string(text), "<iframe") {
		t.Errorf("%v, the page reads:\n%s", err, text)
	}
}
