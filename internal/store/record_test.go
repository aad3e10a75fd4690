package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"entree/internal/audit"
	"entree/internal/domain"
	"entree/internal/secret"
	"entree/internal/store"
)

func keyring(t *testing.T, keys ...string) secret.Keyring {
	t.Helper()
	k, err := secret.ParseKeys(secret.New(strings.Join(keys, ",")))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

const keyA, keyB, keyC = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a",
	"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c"

const text = "Soyez bons."

// accept writes the effects that the service writes when a person accepts the
// charter.
func (w *world) accept(s *store.Store, id domain.PersonID, journey domain.JourneyID) {
	w.t.Helper()
	a := domain.Acceptance{Person: id, Journey: journey, Profile: "etudiant", Lang: domain.French, Version: "2026", SHA256: domain.HashCharter(text), At: w.clock()}
	w.must(s.Apply(w.t.Context(), domain.Effects{
		Acceptances: []domain.Acceptance{a},
		Events: []domain.Event{{At: a.At, Kind: domain.EventCharterAccepted, Person: id, Journey: journey,
			Details: map[string]string{"version": a.Version, "sha256": a.SHA256, "lang": "fr"}}},
	}))
}

// keyed adds keys, three people, two acceptances and two audit entries to a
// store.
func (w *world) keyed(keys secret.Keyring) {
	w.t.Helper()
	w.must(w.UseKeys(w.t.Context(), keys))
	w.enrol(person("1"), person("2"), person("3"))
	w.must(w.Publish(w.t.Context(), version("v1", "2026", text), "", 0, domain.Effects{}))
	for _, id := range []string{"1", "2"} {
		w.pass(time.Minute)
		w.accept(w.Store, domain.PersonID(id), domain.JourneyID("j"+id))
		w.must(w.Note(w.t.Context(), entry("person.held", id)))
	}
	w.pass(time.Hour)
	if _, err := w.SealEvents(w.t.Context(), w.clock()); err != nil {
		w.t.Fatal(err)
	}
	if found := w.faults(); len(found) != 0 {
		w.t.Fatalf("untouched: %v", found)
	}
}

// saved returns the statements that save and put back every table of the record.
func saved() (save, back []string) {
	for _, t := range []string{"acceptances", "events", "audit", "audit_details", "audit_head", "record_keys", "people"} {
		save = append(save, "DROP TABLE IF EXISTS "+t+"_was", "CREATE TABLE "+t+"_was AS SELECT * FROM "+t)
		back = append(back, "DELETE FROM "+t, "INSERT INTO "+t+" SELECT * FROM "+t+"_was")
	}
	return save, back
}

// A writer to the database without the secret adds, changes, removes or moves an
// acceptance: audit verify says so, and no evidence is exported for the person.
func TestR13_ChangedAcceptancesAreFound(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.keyed(keyring(t, keyA))
		save, back := saved()
		w.behind(save...)
		sha := domain.HashCharter(text)
		at := w.clock().UnixMicro()
		insert := func(person string, mac string) string {
			return fmt.Sprintf(`INSERT INTO acceptances (person_id, journey_id, profile, lang, version, sha256, at, mac) VALUES ('%s', 'j3', 'etudiant', 'fr', '2026', '%s', %d, %s)`, person, sha, at, mac)
		}
		event := fmt.Sprintf(`INSERT INTO events (id, at, kind, person_id, journey_id, details) VALUES ('%016xff', %d, 'charter.accepted', '3', 'j3', '{"lang":"fr","sha256":"%s","version":"2026"}')`, at, at, sha)
		another := `(SELECT mac FROM acceptances_was WHERE person_id = '1')`
		for name, c := range map[string]struct {
			do     []string
			person domain.PersonID
			want   string
		}{
			"added":                        {[]string{insert("3", "''")}, "3", "has no MAC"},
			"added with its event":         {[]string{insert("3", "''"), event}, "3", "has no MAC"},
			"added with another's MAC":     {[]string{insert("3", another), event}, "3", "has a wrong MAC"},
			"added with a key's MAC":       {[]string{insert("3", "'0011223344556677:00'"), event}, "3", "has a MAC of a key that does not exist"},
			"time changed":                 {[]string{"UPDATE acceptances SET at = at - 1 WHERE person_id = '1'"}, "1", "has a wrong MAC"},
			"version changed":              {[]string{"UPDATE acceptances SET version = '2025' WHERE person_id = '1'"}, "1", "has a wrong MAC"},
			"language changed":             {[]string{"UPDATE acceptances SET lang = 'en' WHERE person_id = '1'"}, "1", "has a wrong MAC"},
			"given to another":             {[]string{"UPDATE acceptances SET person_id = '3' WHERE person_id = '1'"}, "3", "has a wrong MAC"},
			"taken from its person":        {[]string{"UPDATE acceptances SET person_id = '3' WHERE person_id = '1'"}, "1", "was removed"},
			"the number changed":           {[]string{"UPDATE people SET number = '99' WHERE id = '1'"}, "1", "has a wrong MAC"},
			"removed":                      {[]string{"DELETE FROM acceptances WHERE person_id = '1'"}, "1", "was removed: its event still exists"},
			"its event removed":            {[]string{"DELETE FROM events WHERE person_id = '1'"}, "1", "has no event"},
			"its event names another text": {[]string{"UPDATE events SET details = '{\"sha256\":\"00\"}' WHERE person_id = '1'"}, "1", "has no event"},
			"the event declared pruned":    {[]string{"DELETE FROM events WHERE person_id = '1'", "UPDATE audit_head SET events_cut = 'ffffffffffffffff'"}, "1", "has no event"},
		} {
			w.behind(c.do...)
			has := func(found []string) bool {
				return slices.ContainsFunc(found, func(f string) bool { return strings.Contains(f, c.want) })
			}
			if found := w.faults(); !has(found) {
				t.Errorf("%s: verify found %q, want %q", name, found, c.want)
			}
			if found, err := w.EvidenceFaults(t.Context(), c.person); err != nil || !has(found) {
				t.Errorf("%s: the evidence has %q, %v, want %q", name, found, err, c.want)
			}
			w.behind(back...)
		}
		// If the event is removed too, the sealed block shows it.
		w.behind("DELETE FROM acceptances WHERE person_id = '1'", "DELETE FROM events WHERE person_id = '1'")
		if found := w.faults(); !slices.ContainsFunc(found, func(f string) bool { return strings.Contains(f, "1 of 2 removed") }) {
			t.Errorf("removed with its event: %v", found)
		}
		w.behind(back...)
		for _, id := range []domain.PersonID{"1", "2", "3"} {
			if found, err := w.EvidenceFaults(t.Context(), id); err != nil || len(found) != 0 {
				t.Errorf("put back, %s: %v %v", id, found, err)
			}
		}
	})
}

// A chain recomputed without the secret is found, also after the portal has
// appended to it.
func TestR13_ARecomputedChainIsFound(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.keyed(keyring(t, keyA))
		save, back := saved()
		w.behind(save...)
		forger := w.instance() // a program without the secret
		for name, c := range map[string]struct {
			do   []string
			want string
		}{
			"rewritten":               {[]string{"DELETE FROM audit", "DELETE FROM audit_details", "UPDATE audit_head SET seq = 0, hash = '" + audit.Origin + "', events = ''"}, "has no MAC"},
			"an entry added":          {nil, "has no MAC"},
			"the last entry removed":  {[]string{"DELETE FROM audit WHERE seq = 3", "DELETE FROM audit_details WHERE seq = 3", "UPDATE audit_head SET seq = 2, hash = (SELECT hash FROM audit WHERE seq = 2), events = ''"}, "the end of the record was changed"},
			"the head's MAC borrowed": {[]string{"UPDATE audit_head SET mac = (SELECT mac FROM audit WHERE seq = 3)"}, "the end of the record was changed"},
		} {
			w.behind(c.do...)
			if len(c.do) == 0 || strings.HasPrefix(name, "rewritten") {
				for range 3 {
					w.must(forger.Note(t.Context(), entry("person.released", "1")))
				}
			}
			if found := w.faults(); len(found) == 0 {
				t.Errorf("%s: nothing is found before the portal appends", name)
			}
			w.must(w.Note(t.Context(), entry("person.held", "9")))
			if found := w.faults(); !slices.ContainsFunc(found, func(f string) bool { return strings.Contains(f, c.want) }) {
				t.Errorf("%s: found %q, want %q", name, found, c.want)
			}
			w.behind(back...)
		}
		if found := w.faults(); len(found) != 0 {
			t.Errorf("put back: %v", found)
		}
	})
}

// An older copy of the whole database is consistent: only a hash that was noted
// elsewhere shows its age.
func TestR13_AnOlderCopyNeedsAHashNotedElsewhere(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.keyed(keyring(t, keyA))
		save, back := saved()
		w.behind(save...)
		w.pass(time.Minute)
		w.accept(w.Store, "3", "j3")
		w.must(w.Note(t.Context(), entry("person.held", "3")))
		head, err := w.AuditHead(t.Context())
		w.must(err)
		w.behind(back...)
		if found := w.faults(); len(found) != 0 {
			t.Errorf("the older copy does not hold in itself: %v", found)
		}
		if newer, err := w.AuditHead(t.Context()); err != nil || newer.Seq >= head.Seq {
			t.Errorf("the older copy reaches %d, and %d was noted", newer.Seq, head.Seq)
		}
		w.must(w.Note(t.Context(), entry("person.released", "3")))
		if found := w.faults(map[int64]string{head.Seq: head.Hash}); len(found) != 1 || !strings.Contains(found[0], "has another hash") {
			t.Errorf("against the noted hash: %v", found)
		}
	})
}

// Old acceptances can be verified after two rotations of the secret. Without
// the sealed copy, the record key of a removed master key verifies nothing.
func TestR13_TheSecretIsRotated(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.keyed(keyring(t, keyA))
		for _, keys := range [][]string{{keyA, keyB}, {keyB, keyA}, {keyB}, {keyC, keyB}, {keyC}} {
			w.must(w.UseKeys(t.Context(), keyring(t, keys...)))
			if found := w.faults(); len(found) != 0 {
				t.Errorf("%v: %v", keys, found)
			}
			w.pass(time.Minute)
			w.accept(w.Store, "3", domain.JourneyID("with "+keys[0][:2]+fmt.Sprint(len(keys))))
			w.must(w.Note(t.Context(), entry("person.held", "3")))
			if found := w.faults(); len(found) != 0 {
				t.Errorf("%v, used: %v", keys, found)
			}
		}
		w.behind("DELETE FROM record_keys")
		w.must(w.UseKeys(t.Context(), keyring(t, keyC)))
		if found := w.faults(); !slices.ContainsFunc(found, func(f string) bool { return strings.Contains(f, "a key that does not exist") }) {
			t.Errorf("without the sealed keys: %v", found)
		}
		other := w.instance()
		w.must(other.UseKeys(t.Context(), keyring(t, keyB)))
		if found, err := other.EvidenceFaults(t.Context(), "1"); err != nil || len(found) == 0 {
			t.Errorf("another secret verifies: %v", err)
		}
	})
}

// The removal of an acceptance whose event was pruned is found too.
func TestR13_OldAcceptancesAreCounted(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.keyed(keyring(t, keyA))
		for i := range 2 {
			w.pass(24 * time.Hour)
			w.accept(w.Store, "3", domain.JourneyID(fmt.Sprint("later", i)))
			w.pass(time.Hour)
			if _, err := w.SealEvents(t.Context(), w.clock()); err != nil {
				t.Fatal(err)
			}
			if _, err := w.CutAudit(t.Context(), w.clock().Add(-12*time.Hour)); err != nil {
				t.Fatal(err)
			}
			if found := w.faults(); len(found) != 0 {
				t.Fatalf("untouched: %v", found)
			}
		}
		if events, err := w.Events(t.Context(), "1"); err != nil || len(events) != 0 {
			t.Fatalf("%d events of person 1 are left, %v", len(events), err)
		}
		if found, err := w.EvidenceFaults(t.Context(), "1"); err != nil || len(found) != 0 {
			t.Errorf("the evidence without events: %v %v", found, err)
		}
		w.behind("DELETE FROM acceptances WHERE person_id = '1'")
		if found := w.faults(); len(found) != 1 || !strings.Contains(found[0], "3 acceptances up to") || !strings.Contains(found[0], "2 exist") {
			t.Errorf("%v", found)
		}
	})
}

// Without the secret the chain and the events are checked, and the result says
// that the MACs were not.
func TestR13_VerifyWithoutTheSecret(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.keyed(keyring(t, keyA))
		keyless := w.instance()
		found, err := keyless.VerifyAudit(t.Context(), nil, func(f audit.Fault) { t.Error(f) })
		if err != nil || found.Keyed || found.Seq != 3 || found.Blocks != 1 {
			t.Errorf("%+v %v", found, err)
		}
	})
}
