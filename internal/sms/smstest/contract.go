package smstest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"entree/internal/devenv/localsmsc"
	"entree/internal/domain"
	"entree/internal/secret"
	"entree/internal/sms"
)

// Server is a centre that the contract is tried on.
type Server interface {
	Next(order string) error
	Received() ([]localsmsc.Submitted, error)
}

// Contract tries the client on a centre at an address.
func Contract(t *testing.T, address string, server Server) {
	receipts := make(chan sms.Receipt, 10)
	client, err := sms.NewSMPP(sms.SMPP{
		Address: address, SystemID: localsmsc.SystemID, Password: secret.New(localsmsc.Password), Sender: "Univ",
		Transport: sms.Transport{Timeout: 20 * time.Second}, Every: 50 * time.Millisecond, Receipt: func(r sms.Receipt) { receipts <- r },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	c := contract{t, client, server}
	t.Run("texts arrive as they were sent", c.texts)
	t.Run("a refusal says whether it may pass", c.refusals)
	t.Run("a lost connection is made again", c.lost)
	t.Run("a receipt names its text", func(t *testing.T) {
		for _, state := range []string{"DELIVRD", "UNDELIV"} {
			c.order(t, "receipt "+state)
			c.send(t, "receipt-"+state, "x")
			if got, want := <-receipts, (sms.Receipt{ID: "receipt-" + state, Delivered: state == "DELIVRD", State: state}); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
		}
	})
	t.Run("many texts at once", c.crowd)
	t.Run("a wrong password", func(t *testing.T) { wrongPassword(t, address) })
}

type contract struct {
	t      *testing.T
	client *sms.Centre
	server Server
}

const to = domain.Phone("+33612345642")

func (c contract) order(t *testing.T, order string) {
	t.Helper()
	if err := c.server.Next(order); err != nil {
		t.Fatal(err)
	}
}

func (c contract) submit(id, body string) error {
	return c.client.Submit(context.Background(), sms.Text{ID: id, To: to, Body: body, Life: 10 * time.Minute})
}

func (c contract) send(t *testing.T, id, body string) {
	t.Helper()
	if err := c.submit(id, body); err != nil {
		t.Fatal(err)
	}
}

// since returns what the centre accepted after the first n submits.
func (c contract) since(t *testing.T, n int) []localsmsc.Submitted {
	t.Helper()
	all, err := c.server.Received()
	if err != nil {
		t.Fatal(err)
	}
	return all[n:]
}

func (c contract) texts(t *testing.T) {
	for name, body := range map[string]string{
		"short":                        "042137 est votre code Univ, valable 10 minutes.\n\n@ent.univ.example #042137",
		"accents and the extension":    "Éé è à _ {€} @",
		"exactly one":                  strings.Repeat("a", 160),
		"one more":                     strings.Repeat("b", 161),
		"an extension at the border":   strings.Repeat("c", 152) + "€" + strings.Repeat("d", 20),
		"another alphabet":             "Қанат, ваш код 042137",
		"another alphabet, long":       strings.Repeat("ж", 71),
		"a surrogate pair at a border": strings.Repeat("ж", 66) + "🎓" + strings.Repeat("я", 30),
	} {
		before := len(c.since(t, 0))
		c.send(t, name, body)
		got := ""
		parts := c.since(t, before)
		for i, p := range parts {
			got += p.Text
			if p.To != "33612345642" || p.From != "Univ" || p.Validity != "000000001000000R" {
				t.Errorf("%s: %+v", name, p)
			}
			if want := fmt.Sprintf("/%d/%d", len(parts), i+1); len(parts) > 1 && !strings.HasSuffix(p.Part, want) {
				t.Errorf("%s: part %q, want it to end in %s", name, p.Part, want)
			}
		}
		if got != body {
			t.Errorf("%s: %q arrived, want %q", name, got, body)
		}
		if len(parts) != sms.Segments(body) {
			t.Errorf("%s: %d parts, and Segments says %d", name, len(parts), sms.Segments(body))
		}
	}
}

func (c contract) refusals(t *testing.T) {
	for status, isPermanent := range map[int]bool{0x58: false, 0x14: false, 0x08: false, 0x45: false, 0x0b: true, 0x0a: true} {
		c.order(t, fmt.Sprintf("status %d", status))
		err := c.submit("refused", "042137")
		if err == nil || domain.IsPermanent(err) != isPermanent {
			t.Errorf("0x%02x: %v, permanent: %v", status, err, domain.IsPermanent(err))
		}
		quiet(t, err)
		c.send(t, "again", "042137")
	}
}

// quiet checks that an error names neither number nor text.
func quiet(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	for _, private := range []string{"612345642", "042137", localsmsc.Password} {
		if strings.Contains(err.Error(), private) {
			t.Errorf("the error holds %q: %v", private, err)
		}
	}
}

func (c contract) lost(t *testing.T) {
	c.order(t, "drop")
	err := c.submit("lost", "042137")
	if err == nil || domain.IsPermanent(err) {
		t.Errorf("a lost answer: %v", err)
	}
	quiet(t, err)
	c.send(t, "after", "x")
	if err := c.client.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

func (c contract) crowd(t *testing.T) {
	const n = 60
	before := len(c.since(t, 0))
	var all sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		all.Go(func() { errs[i] = c.submit(fmt.Sprint(i), fmt.Sprintf("number %d", i)) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, s := range c.since(t, before) {
		seen[s.Text] = true
	}
	if len(seen) != n {
		t.Errorf("%d different texts arrived, want %d", len(seen), n)
	}
}

func wrongPassword(t *testing.T, address string) {
	client, err := sms.NewSMPP(sms.SMPP{Address: address, SystemID: localsmsc.SystemID, Password: secret.New("wrong")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }() // ends the connection, of which nothing is kept
	err = client.Submit(t.Context(), sms.Text{To: to, Body: "x"})
	if err == nil || domain.IsPermanent(err) || strings.Contains(err.Error(), "wrong") {
		t.Errorf("%v", err)
	}
}
