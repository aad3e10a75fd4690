package store_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"entree/internal/audit"
	"entree/internal/domain"
)

func entry(act, whom string) audit.Entry {
	return audit.Entry{
		At: start, By: audit.Operator{Subject: "s1", Name: "Ada Admin", Role: "admin"}, Act: act, Whom: whom, From: "192.0.2.7/32",
		What: map[string]string{"reason": "carte présentée", "n": "1"},
	}
}

// faults verifies the audit and returns the faults, one line each.
func (w *world) faults(noted ...map[int64]string) (out []string) {
	w.t.Helper()
	hashes := map[int64]string{}
	for _, n := range noted {
		hashes = n
	}
	_, err := w.VerifyAudit(w.t.Context(), hashes, func(f audit.Fault) { out = append(out, f.What) })
	w.must(err)
	return out
}

// behind changes tables as an attacker with full access to the database could:
// without the triggers.
func (w *world) behind(statements ...string) {
	w.t.Helper()
	for _, table := range []string{"audit", "events", "acceptances"} {
		drop := []string{"DROP TRIGGER IF EXISTS " + table + "_no_update", "DROP TRIGGER IF EXISTS " + table + "_no_delete"}
		if strings.HasPrefix(w.dsn, "postgres") {
			drop = []string{"ALTER TABLE " + table + " DISABLE TRIGGER USER"}
		}
		statements = append(drop, statements...)
	}
	for _, s := range statements {
		w.must(w.Exec(w.t.Context(), s))
	}
}

func (w *world) links(q audit.Query) (out []audit.Link) {
	w.t.Helper()
	w.must(w.Audit(w.t.Context(), q, func(l audit.Link) error { out = append(out, l); return nil }))
	return out
}

func TestAudit_WhatWasRemovedOrChangedIsFound(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		for i := range 6 {
			w.must(w.Note(t.Context(), entry("person.held", fmt.Sprint("p", i))))
		}
		if found := w.faults(); len(found) != 0 {
			t.Fatalf("nothing is wrong, and found: %v", found)
		}
		copyAll := []string{"CREATE TABLE audit_copy AS SELECT * FROM audit", "CREATE TABLE details_copy AS SELECT * FROM audit_details", "CREATE TABLE head_copy AS SELECT * FROM audit_head"}
		back := []string{"DELETE FROM audit", "INSERT INTO audit SELECT * FROM audit_copy", "DELETE FROM audit_details", "INSERT INTO audit_details SELECT * FROM details_copy",
			"DELETE FROM audit_head", "INSERT INTO audit_head SELECT * FROM head_copy"}
		w.behind(copyAll...)
		noted := map[int64]string{3: w.links(audit.Query{OldestFirst: true})[2].Hash}
		for name, tt := range map[string]struct {
			do   []string
			want []string
		}{
			"changed":              {[]string{"UPDATE audit SET whom = 'p9' WHERE seq = 3"}, []string{"entry 3 (person.held): changed"}},
			"operator changed":     {[]string{"UPDATE audit SET name = 'Eve' WHERE seq = 1"}, []string{"entry 1 (person.held): changed"}},
			"details changed":      {[]string{"UPDATE audit_details SET what = '{}' WHERE seq = 2"}, []string{"entry 2 (person.held): its details were changed"}},
			"details no JSON":      {[]string{"UPDATE audit_details SET what = '{' WHERE seq = 2"}, []string{"entry 2 (person.held): its details were changed"}},
			"details removed":      {[]string{"DELETE FROM audit_details WHERE seq = 4"}, []string{"entry 4: its details were removed, and the person was not erased"}},
			"removed":              {[]string{"DELETE FROM audit WHERE seq = 4"}, []string{"entry 4: removed"}},
			"two removed":          {[]string{"DELETE FROM audit WHERE seq IN (3, 4)"}, []string{"entries 3 to 4: removed"}},
			"the first removed":    {[]string{"DELETE FROM audit WHERE seq <= 2"}, []string{"entries 1 to 2: removed, and no checkpoint accounts for them"}},
			"the last removed":     {[]string{"DELETE FROM audit WHERE seq >= 6"}, []string{"entry 6: removed"}},
			"all removed":          {[]string{"DELETE FROM audit"}, []string{"entries 1 to 6: removed"}},
			"put in at the end":    {[]string{"INSERT INTO audit SELECT 7, at, subject, name, role, act, whom, client, digest, prev, hash, mac FROM audit WHERE seq = 6"}, []string{"added after the end of the chain: 1"}},
			"put in between":       {[]string{"UPDATE audit SET seq = seq + 100 WHERE seq >= 4", "UPDATE audit SET seq = seq - 99 WHERE seq >= 100", "INSERT INTO audit SELECT 4, at, subject, name, role, act, whom, client, digest, prev, hash, mac FROM audit WHERE seq = 3"}, []string{"entry 4 (person.held): changed", "entry 5 (person.held): changed", "entry 6 (person.held): changed"}},
			"two exchanged":        {[]string{"UPDATE audit SET seq = 100 WHERE seq = 2", "UPDATE audit SET seq = 2 WHERE seq = 3", "UPDATE audit SET seq = 3 WHERE seq = 100"}, []string{"entry 2 (person.held): changed", "entry 3 (person.held): changed"}},
			"the head turned back": {[]string{"UPDATE audit_head SET seq = 5"}, []string{"the end of the chain is not that of entry 5", "added after the end of the chain: 1"}},
		} {
			w.behind(tt.do...)
			found := w.faults()
			for _, want := range tt.want {
				if !slices.Contains(found, want) {
					t.Errorf("%s: found %q, want %q among it", name, found, want)
				}
			}
			w.behind(back...)
		}
		if found := w.faults(noted); len(found) != 0 {
			t.Errorf("put back: %v", found)
		}
		// A chain that was recomputed is consistent, and differs only from a
		// hash that was noted elsewhere.
		w.behind("DELETE FROM audit", "DELETE FROM audit_details", "UPDATE audit_head SET seq = 0, hash = '"+audit.Origin+"'")
		for range 6 {
			w.must(w.Note(t.Context(), entry("person.released", "p1")))
		}
		if found := w.faults(); len(found) != 0 {
			t.Errorf("written anew: %v", found)
		}
		if found := w.faults(noted); len(found) != 1 || !strings.HasPrefix(found[0], "entry 3 (person.released): has another hash") {
			t.Errorf("against a hash that was noted: %v", found)
		}
	})
}

func TestAudit_EntriesThatComeAtOnceAreOneChain(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		second := w.instance()
		together(40, func(i int) {
			s := w.Store
			if i%2 == 1 {
				s = second
			}
			if err := s.Note(context.Background(), entry("person.held", fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		})
		if head, err := w.AuditHead(t.Context()); err != nil || head.Seq != 40 {
			t.Errorf("%+v, %v", head, err)
		}
		if found := w.faults(); len(found) != 0 {
			t.Errorf("%v", found)
		}
	})
}

func TestAudit_AnActAndItsEntryAreOne(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.enrol(person("1"))
		effects := domain.Effects{
			People: []domain.PersonChange{{Person: "1", From: []domain.AccountState{domain.NoAccount}, To: domain.AccountCreating}},
			Audit:  []audit.Entry{entry("person.helped", "1")},
		}
		w.must(w.Apply(t.Context(), effects))
		if err := w.Apply(t.Context(), effects); err == nil {
			t.Fatal("the change was made twice")
		}
		if all := w.links(audit.Query{}); len(all) != 1 || all[0].What["reason"] != "carte présentée" || !all[0].At.Equal(start) {
			t.Errorf("%+v", all)
		}
	})
}

func TestAudit_EventsAreSealedInBlocks(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		tell := func(n int) {
			var e domain.Effects
			for range n {
				w.pass(time.Second)
				e.Events = append(e.Events, domain.Event{At: w.clock(), Kind: domain.EventCodeProven, Person: "p", Journey: "j", Details: map[string]string{"n": "é"}})
			}
			w.must(w.Apply(t.Context(), e))
		}
		tell(1003)
		late := w.clock()
		w.pass(time.Hour)
		tell(5)
		if n, err := w.SealEvents(t.Context(), late.Add(time.Minute)); err != nil || n != 1003 {
			t.Fatalf("%d sealed, %v", n, err)
		}
		if n, err := w.SealEvents(t.Context(), late.Add(time.Minute)); err != nil || n != 0 {
			t.Errorf("sealed again: %d, %v", n, err)
		}
		if found, err := w.VerifyAudit(t.Context(), nil, func(f audit.Fault) { t.Error(f) }); err != nil || found.Blocks != 2 {
			t.Errorf("%+v, %v", found, err)
		}
		w.behind("CREATE TABLE events_copy AS SELECT * FROM events")
		for name, tt := range map[string]struct{ do, want string }{
			"removed":  {"DELETE FROM events WHERE id = (SELECT min(id) FROM events)", "1 of 1000 removed"},
			"changed":  {"UPDATE events SET person_id = 'q' WHERE id = (SELECT min(id) FROM events)", "sealed by entry 1: changed"},
			"put in":   {"INSERT INTO events SELECT '0' || substr(id, 2, 30) || 'z', at, kind, person_id, journey_id, details FROM events WHERE id = (SELECT min(id) FROM events)", "1 put in beside 1000"},
			"not seen": {"UPDATE events SET person_id = 'q' WHERE id = (SELECT max(id) FROM events)", ""},
		} {
			w.behind(tt.do)
			found := w.faults()
			if tt.want == "" && len(found) != 0 || tt.want != "" && (len(found) != 1 || !strings.Contains(found[0], tt.want)) {
				t.Errorf("%s: %v", name, found)
			}
			w.behind("DELETE FROM events", "INSERT INTO events SELECT * FROM events_copy")
		}
	})
}

func TestAudit_WhatIsOldIsCutOffAndTheRestHolds(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.must(w.Apply(t.Context(), domain.Effects{Events: []domain.Event{{At: start, Kind: domain.EventCodeProven, Person: "p"}}}))
		w.must(w.Note(t.Context(), entry("person.held", "p1")))
		w.pass(time.Hour)
		if _, err := w.SealEvents(t.Context(), w.clock()); err != nil {
			t.Fatal(err)
		}
		w.pass(24 * time.Hour)
		w.must(w.Apply(t.Context(), domain.Effects{Events: []domain.Event{{At: w.clock(), Kind: domain.EventCodeProven, Person: "p"}}}))
		recent := entry("person.released", "p1")
		recent.At = w.clock()
		w.must(w.Note(t.Context(), recent))
		for range 2 {
			if _, err := w.CutAudit(t.Context(), start.Add(12*time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		all := w.links(audit.Query{OldestFirst: true})
		if len(all) != 2 || all[0].Act != "person.released" || all[1].Act != audit.ActCut || all[1].What["through"] != "2" {
			t.Fatalf("%+v", all)
		}
		if events, err := w.Events(t.Context(), "p"); err != nil || len(events) != 1 {
			t.Errorf("%d events, %v", len(events), err)
		}
		if found := w.faults(); len(found) != 0 {
			t.Errorf("%v", found)
		}
		// The remaining entries are as protected as before.
		for _, statement := range []string{"DELETE FROM audit", "UPDATE audit SET name = ''", "DELETE FROM events", "UPDATE events SET kind = ''"} {
			if err := w.Exec(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Errorf("%s: %v", statement, err)
			}
		}
		w.behind("UPDATE audit_details SET what = '{\"through\":\"2\",\"hash\":\"\"}' WHERE seq = 4")
		if found := w.faults(); len(found) != 2 {
			t.Errorf("a forged checkpoint: %v", found)
		}
	})
}

func TestAudit_Search(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		for i, e := range []audit.Entry{entry("person.held", "p1"), entry("person.released", "p1"), entry("import.done", ""), entry("person.held", "p2")} {
			e.At = start.Add(time.Duration(i) * time.Hour)
			if i == 2 {
				e.By = audit.System
			}
			if i == 3 {
				e.By = audit.Operator{Subject: "s2", Name: "Zoé Help", Role: "helpdesk"}
			}
			w.must(w.Note(t.Context(), e))
		}
		for name, tt := range map[string]struct {
			q    audit.Query
			want []int64
		}{
			"all":        {audit.Query{}, []int64{4, 3, 2, 1}},
			"page":       {audit.Query{Skip: 1, Limit: 2}, []int64{3, 2}},
			"act":        {audit.Query{Act: "person.held"}, []int64{4, 1}},
			"acts":       {audit.Query{Act: "person."}, []int64{4, 2, 1}},
			"whom":       {audit.Query{Whom: "p1", OldestFirst: true}, []int64{1, 2}},
			"operator":   {audit.Query{Operator: "ZO"}, []int64{4}},
			"by subject": {audit.Query{Operator: "s2"}, []int64{4}},
			"period":     {audit.Query{Since: start.Add(time.Hour), Until: start.Add(3 * time.Hour)}, []int64{3, 2}},
			"by people":  {audit.Query{ByPeople: true, Act: "import."}, nil},
			"nothing":    {audit.Query{Whom: "p1", Act: "import.done"}, nil},
		} {
			var got []int64
			for _, l := range w.links(tt.q) {
				got = append(got, l.Seq)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%s: %v, want %v", name, got, tt.want)
			}
		}
	})
}
