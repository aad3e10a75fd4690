package store_test

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"entree/internal/audit"
	"entree/internal/campaign"
	"entree/internal/domain"
	"entree/internal/helpdesk"
)

func TestRights_ErasureKeepsWhatMustBeKeptAndNothingElse(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.enrol(person("1"), person("2"))
		if _, err := w.ReserveLogin(t.Context(), "1", func(yield func(string) bool) { yield("jdarc") }); err != nil {
			t.Fatal(err)
		}
		c := domain.Charter{Lang: domain.French, Version: "2026", Title: "Charte", Text: "Soyez bons.", SHA256: domain.HashCharter("Soyez bons.")}
		w.must(w.Publish(t.Context(), version("v1", "2026", c.Text), "", 0, domain.Effects{}))
		j := journey("j1")
		mail := job("m")
		mail.Person = "1"
		w.must(w.Begin(t.Context(), j, domain.Effects{
			Jobs:        []domain.Job{mail},
			Acceptances: []domain.Acceptance{{Person: "1", Journey: "j1", Profile: "etudiant", Lang: domain.French, Version: "2026", SHA256: c.SHA256, At: start}},
			Events:      []domain.Event{{At: start, Kind: domain.EventCharterAccepted, Person: "1", Journey: "j1"}},
			Audit:       []audit.Entry{entry("person.helped", "1"), entry("person.helped", "2")},
		}))
		// The person was invited, another mail waits, and the person asked for
		// a code and visited the help desk.
		w.must(w.SaveCampaign(t.Context(), campaign.Campaign{ID: "c", Version: 1, Name: "Rentrée 2026"}, []campaign.Recipient{
			{Campaign: "c", Person: "1", Job: "mail-1", At: start}, {Campaign: "c", Person: "1", Round: 1, Job: "mail-2", At: start}, {Campaign: "c", Person: "2", Job: "mail-3", At: start},
		}, domain.Effects{}))
		sent, err := w.Recipient(t.Context(), "mail-1")
		w.must(err)
		sent.State, sent.Why = campaign.Bounced, "5.1.1"
		w.must(w.Settle(t.Context(), sent, []campaign.RecipientState{campaign.Waiting}, domain.Effects{}))
		asked, others := journey("asked"), journey("others")
		asked.Address, asked.Candidates = person("1").Email, []domain.PersonID{"1"}
		others.Address, others.Candidates = person("1").Email, []domain.PersonID{"1", "2"}
		code := job("code")
		code.Journey = "asked"
		w.must(w.Begin(t.Context(), asked, domain.Effects{Jobs: []domain.Job{code}, Desk: &domain.DeskCode{Person: "1", MAC: []byte("mac"), Operator: "Ada", IssuedAt: start, ExpiresAt: start.Add(time.Hour)}}))
		w.must(w.Begin(t.Context(), others, domain.Effects{}))
		before, err := w.Dossier(t.Context(), "1")
		w.must(err)
		raw, err := before.JSON(start)
		w.must(err)
		for _, held := range []string{"Jean-Pierre", "2007-03-17", "jp@example.net", "jdarc", "Soyez bons.", "charter.accepted", "carte présentée", "\"kind\": \"mail\"",
			"Rentrée 2026", "5.1.1", "\"desk_code_good_until\": \"2026", "\"source\": \"by hand\"", "\"last_act_at\""} {
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
		for _, gone := range []string{"Jean-Pierre", "2007-03-17", "jp@example.net", "carte présentée", "\"kind\": \"mail\"", "Rentrée 2026", "last_act_at", "good_until\": \"2"} {
			if strings.Contains(string(raw), gone) {
				t.Errorf("%q is still there", gone)
			}
		}
		p := after.Person
		if p.Number != "1" || p.Login != "jdarc" || len(after.Acceptances) != 1 || after.Charters[0].Text != c.Text || !p.ErasedAt.Equal(w.clock()) || p.MayActivate() {
			t.Errorf("what has to be kept: %+v", after)
		}
		for _, j := range []domain.JourneyID{"j1", "asked"} {
			if _, err := w.Journey(t.Context(), j); !errors.Is(err, domain.ErrNotFound) {
				t.Errorf("the journey %s: %v", j, err)
			}
		}
		if _, err := w.Journey(t.Context(), "others"); err != nil {
			t.Errorf("a journey that may be another's: %v", err)
		}
		// The figures of the campaign do not change, and none of its mails
		// waits forever.
		tallies, err := w.Tallies(t.Context(), "c")
		w.must(err)
		if want := []campaign.Tally{{State: campaign.Bounced, N: 1}, {State: campaign.Waiting, N: 1}, {Round: 1, State: campaign.Skipped, N: 1}}; !slices.Equal(tallies, want) {
			t.Errorf("the campaign: %v", tallies)
		}
		if n, err := w.Queued(t.Context(), "c"); err != nil || n != 1 {
			t.Errorf("%d mails wait, %v", n, err)
		}
		if all, _, err := w.Recipients(t.Context(), "c", campaign.Bounced, 0, 9); err != nil || len(all) != 1 || all[0].Person == "1" || all[0].Job != "" {
			t.Errorf("it names them still: %+v, %v", all, err)
		}
		if found := w.faults(); len(found) != 0 {
			t.Errorf("the record: %v", found)
		}
		// Removed details of other people, and of later entries, are faults.
		w.behind("DELETE FROM audit_details WHERE seq = 2")
		if found := w.faults(); len(found) != 1 || found[0] != "entry 2: its details were removed, and the person was not erased" {
			t.Errorf("the record: %v", found)
		}

		if err := w.Erase(t.Context(), "1", e); !errors.Is(err, domain.ErrConflict) {
			t.Errorf("erased twice: %v", err)
		}
		w.enrol(person("1")) // the source still holds the person
		if p, err := w.Person(t.Context(), "1"); err != nil || p.GivenName != "" || p.MayActivate() {
			t.Errorf("after an import: %+v, %v", p, err)
		}
	})
}

func TestRights_AnAccountThatIsBeingMadeComesToItsEndFirst(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.enrol(person("1"))
		w.must(w.Apply(t.Context(), domain.Effects{People: []domain.PersonChange{{Person: "1", From: []domain.AccountState{""}, To: domain.AccountCreating}}}))
		if err := w.Erase(t.Context(), "1", entry("", "")); !errors.Is(err, domain.ErrConflict) {
			t.Errorf("%v", err)
		}
	})
}

// After an erasure the number is in the person's row, which an import needs, and
// nowhere else, neither in clear nor as an unsalted hash.
func TestR16_ErasureLeavesTheNumberInOnePlace(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		const number = "22502142"
		p := person(number)
		p.ID = ""
		_, _, err := w.bring(domain.ImportOrder{Import: domain.Import{ID: "i", Source: "scolarité", File: "a.csv"}, MaxGone: 1}, p)
		w.must(err)
		p.GivenName = "Jean"
		_, _, err = w.bring(domain.ImportOrder{Import: domain.Import{ID: "j", Source: "scolarité", File: "b.csv"}, MaxGone: 1}, p)
		w.must(err)
		p, err = w.PersonByNumber(t.Context(), "etudiant", number)
		w.must(err)
		j := journey("j1")
		j.Candidates, j.Person, j.Address = []domain.PersonID{p.ID}, p.ID, p.Email
		w.must(w.Begin(t.Context(), j, domain.Effects{
			Events: []domain.Event{{At: start, Kind: domain.EventCodeProven, Person: p.ID, Journey: "j1"}},
			Audit:  []audit.Entry{entry("person.helped", string(p.ID))},
		}))
		w.must(w.Erase(t.Context(), p.ID, entry("", "")))
		forms := []string{number}
		for _, text := range []string{number, "etudiant" + number, "etudiant\x00" + number, "etudiant:" + number, "etudiant/" + number} {
			md, s1, s2 := md5.Sum([]byte(text)), sha1.Sum([]byte(text)), sha256.Sum256([]byte(text))
			for _, sum := range [][]byte{md[:8], s1[:8], s2[:8]} {
				forms = append(forms, hex.EncodeToString(sum))
			}
		}
		values, err := w.Values(t.Context())
		w.must(err)
		for where, text := range values {
			for _, form := range forms {
				if strings.Contains(text, form) && where != "people.number" && where != "people.search" {
					t.Errorf("%s has %s", where, form)
				}
			}
		}
		if values["people.number"] == "" || values["events.details"] == "" {
			t.Errorf("nothing was read: %v", values)
		}
	})
}

// An ordered erasure closes the person at once, and can be taken back for 24 hours.
func TestU19_AnErasureCanBeTakenBackForADay(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.enrol(person("1"), person("2"))
		e := audit.Entry{At: start, By: audit.Operator{Subject: "s", Name: "Ada", Role: "admin"}, What: map[string]string{"reason": "asked"}}
		for _, id := range []domain.PersonID{"1", "2"} {
			w.must(w.OrderErasure(t.Context(), id, e))
		}
		p, err := w.Person(t.Context(), "1")
		if err != nil || p.MayActivate() || p.FamilyName == "" || !p.EraseAt.Equal(start.Add(24*time.Hour)) {
			t.Errorf("%+v, %v", p, err)
		}
		if got := mustFind(t, w, helpdesk.Query{State: domain.StateHeld}); len(got.People) != 2 {
			t.Errorf("%d people are held", len(got.People))
		}
		if err := w.OrderErasure(t.Context(), "1", e); !errors.Is(err, domain.ErrConflict) {
			t.Errorf("ordered twice: %v", err)
		}
		w.must(w.Purge(t.Context(), start.Add(23*time.Hour)))
		w.must(w.TakeBackErasure(t.Context(), "2", e))
		if err := w.TakeBackErasure(t.Context(), "2", e); !errors.Is(err, domain.ErrConflict) {
			t.Errorf("taken back twice: %v", err)
		}
		w.must(w.Purge(t.Context(), start.Add(25*time.Hour)))
		one, _ := w.Person(t.Context(), "1")
		two, _ := w.Person(t.Context(), "2")
		if one.ErasedAt.IsZero() || one.FamilyName != "" || !one.EraseAt.IsZero() {
			t.Errorf("not erased: %+v", one)
		}
		if !two.ErasedAt.IsZero() || two.FamilyName == "" || !two.MayActivate() {
			t.Errorf("the person who was taken back: %+v", two)
		}
		acts, err := w.Acts(t.Context(), "1")
		if err != nil || len(acts) != 2 || acts[1].Act != audit.ActErased || acts[1].By.Name != "Ada" || acts[1].What["reason"] != "asked" {
			t.Errorf("%+v, %v", acts, err)
		}
	})
}
