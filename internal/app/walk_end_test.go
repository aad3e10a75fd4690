package app

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"entree/internal/domain"
)

// settle waits for what is on its way, and judges all that was left behind.
func (w *walk) settle(t *testing.T) {
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		counts, err := w.app.store.JobCounts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		waiting := int64(0)
		for _, c := range counts {
			switch c.Kind {
			case domain.JobMail, domain.JobAccount, domain.JobPassword, domain.JobAddress:
				waiting += c.Waiting
			}
		}
		if waiting == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("I5: these jobs come to no end: %+v", counts)
		}
	}
	for _, wrong := range w.watch.wrongs() {
		t.Errorf("a job: %s", wrong)
	}
	people, err := w.app.store.People(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	active := 0
	for _, p := range people {
		account, there := w.accounts.Get(p.Login)
		mine := there && account.Number == p.Number
		switch {
		case p.Account == domain.AccountActive != mine:
			t.Errorf("I3: %s is %q, and an account of theirs is there: %t", p.ID, p.Account, mine)
		case p.Account == domain.AccountCreating:
			t.Errorf("I7: the account of %s is still on its way", p.ID)
		case !w.mayHave(p):
			t.Errorf("%s has the contacts %q, %q and %q, of which a code proved %v", p.ID, p.Email, p.Second(), p.ChosenPhone, w.reached[p.ID])
		case mine:
			active++
			if err := w.proven(t, p, account); err != nil {
				t.Errorf("I2: %s: %v", p.ID, err)
			}
		}
	}
	if active == 0 {
		t.Error("nobody came to the end")
	}
	codes := map[string]bool{}
	for _, all := range w.mails {
		for _, m := range all {
			if m.Code != "" {
				codes[m.Code] = true
			}
		}
	}
	left, err := filepath.Glob(w.dir + "/../*/entree.db*") // none where the database is PostgreSQL
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(left, w.log) {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range append(w.passwords, w.planted...) {
			if bytes.Contains(raw, []byte(secret)) {
				t.Errorf("I4: %s holds %q", filepath.Base(file), secret)
			}
		}
		for word := range bytes.FieldsFuncSeq(raw, func(r rune) bool {
			return !strings.ContainsRune(".:+-", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
		}) {
			if codes[string(word)] {
				t.Errorf("I4, S16: %s holds the code %s", filepath.Base(file), word)
			}
		}
	}
}

// proven returns an error if an account has no proven code or no accepted charter.
func (w *walk) proven(t *testing.T, p domain.Person, a domain.Account) error {
	journeys, err := w.app.store.JourneysOf(t.Context(), p)
	if err != nil {
		return err
	}
	for _, j := range journeys {
		if j.Person == p.ID && !j.ProvenAt.IsZero() && !j.VerifiedAt.IsZero() && !j.DoneAt.IsZero() && j.Charter == a.CharterSHA256 {
			ok, err := w.app.store.Accepted(t.Context(), p.ID, a.CharterSHA256)
			if err == nil && !ok {
				err = errors.New("no evidence of its charter")
			}
			return err
		}
	}
	return errors.New("no journey with a proven code and its charter")
}
