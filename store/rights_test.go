package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"entree/activation"
	"entree/audit"
)

func TestRights_ErasureKeepsWhatMustBeKeptAndNothingElse(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.enrol(person("1"), person("2"))
		if _, err := w.ReserveLogin(t.Context(), "1", func(yield func(string) bool) { yield("jdarc") }); err != nil {
			t.Fatal(err)
		}
		c := activation.Charter{Lang: activation.French, Version: "2026", Title: "Charte", Text: "Soyez bons.", SHA256: activation.HashCharter("Soyez bons.")}
		w.must(w.Publish(t.Context(), version("v1", "2026", c.Text), "", 0, activation.Effects{}))
		j := journey("j1")
		mail := job("m")
		mail.Person = "1"
		w.must(w.Begin(t.Context(), j, activation.Effects{
			Jobs:        []activation.Job{mail},
			Acceptances: []activation.Acceptance{{Person: "1", Journey: "j1", Profile: "etudiant", Lang: activation.French, Version: "2026", SHA256: c.SHA256, At: start}},
			Events:      []activation.Event{{At: start, Kind: activation.EventCharterAccepted, Person: "1", Journey: "j1"}},
			Audit:       []audit.Entry{entry("person.helped", "1"), entry("person.helped", "2")},
		}))
		before, err := w.Dossier(t.Context(), "1")
		w.must(err)
		raw, err := before.JSON(start)
		w.must(err)
		for _, held := range []string{"Jean-Pierre", "2007-03-17", "jp@example.net", "jdarc", "Soyez bons.", "charter.accepted", "carte présentée", "\"kind\": \"mail\""} {
			if !strings.Contains(string(raw), held) {
				t.Errorf("the export lacks %q", held)
			}
		}
		if strings.Contains(string(raw), "Ada") {
			t.Error("the export names an operator")
		}

		w.pass(time.Hour)
		e := entry("", "")
		e.At, e.What = w.clock(), map[string]string{"reason": "asked for"}
		w.must(w.Erase(t.Context(), "1", e))
		after, err := w.Dossier(t.Context(), "1")
		w.must(err)
		raw, err = after.JSON(start)
		w.must(err)
		for _, gone := range []string{"Jean-Pierre", "2007-03-17", "jp@example.net", "carte présentée", "\"kind\": \"mail\""} {
			if strings.Contains(string(raw), gone) {
				t.Errorf("%q is still there", gone)
			}
		}
		p := after.Person
		if p.Number != "1" || p.Login != "jdarc" || len(after.Acceptances) != 1 || after.Charters[0].Text != c.Text || !p.ErasedAt.Equal(w.clock()) || p.MayActivate() {
			t.Errorf("what has to be kept: %+v", after)
		}
		if _, err := w.Journey(t.Context(), "j1"); !errors.Is(err, activation.ErrNotFound) {
			t.Errorf("the journey: %v", err)
		}
		if found := w.faults(); len(found) != 0 {
			t.Errorf("the record: %v", found)
		}
		// Details of others, and those that came later, may not go that way.
		w.behind("DELETE FROM audit_details WHERE seq = 2")
		if found := w.faults(); len(found) != 1 || found[0] != "entry 2: its details were removed, and nobody was erased" {
			t.Errorf("the record: %v", found)
		}

		if err := w.Erase(t.Context(), "1", e); !errors.Is(err, activation.ErrConflict) {
			t.Errorf("erased twice: %v", err)
		}
		w.enrol(person("1")) // the source has not forgotten them
		if p, err := w.Person(t.Context(), "1"); err != nil || p.GivenName != "" || p.MayActivate() {
			t.Errorf("after an import: %+v, %v", p, err)
		}
	})
}

func TestRights_AnAccountThatIsBeingMadeComesToItsEndFirst(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.enrol(person("1"))
		w.must(w.Apply(t.Context(), activation.Effects{People: []activation.PersonChange{{Person: "1", From: []activation.AccountState{""}, To: activation.AccountCreating}}}))
		if err := w.Erase(t.Context(), "1", entry("", "")); !errors.Is(err, activation.ErrConflict) {
			t.Errorf("%v", err)
		}
	})
}
