package store_test

import (
	"errors"
	"testing"
	"time"

	"entree/internal/charter"
	"entree/internal/domain"
)

// version returns a charter version in French, in force from start.
func version(id, name, text string) charter.Version {
	return charter.Version{ID: id, Name: name, Texts: charter.Texts{French: charter.Text{Title: "Charte", Markdown: text, SHA256: domain.HashCharter(text)}},
		PublishedAt: start, PublishedBy: "a", From: start}
}

// later publishes a version that comes into force an hour later.
func later(w *world, id string) string {
	v := version(id, id, "Plus tard : "+id+"\n")
	v.From = start.Add(time.Hour)
	w.must(w.Publish(w.t.Context(), v, "", 0, domain.Effects{}))
	return id
}

func TestI2_WhatRestsOnACharterIsGuardedInItsOwnTransaction(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		first := version("v1", "2026", "Un.\n")
		w.must(w.Publish(t.Context(), first, "", 0, domain.Effects{}))
		rest := func(profile, sha string) error {
			return w.Apply(t.Context(), domain.Effects{Charter: &domain.InForce{Profile: profile, SHA256: sha}, Events: []domain.Event{{At: start, Kind: "x", Person: "p"}}})
		}
		w.must(rest("etudiant", first.Texts.French.SHA256))
		second := version("v2", "2027", "Deux.\n")
		second.From = start.Add(time.Hour)
		w.must(w.instance().Publish(t.Context(), second, "", 0, domain.Effects{})) // by another instance
		w.must(rest("etudiant", first.Texts.French.SHA256))
		w.pass(time.Hour)
		for _, sha := range []string{first.Texts.French.SHA256, ""} {
			if err := rest("etudiant", sha); !errors.Is(err, domain.ErrCharterReplaced) {
				t.Errorf("a charter that was replaced: %v", err)
			}
		}
		w.must(rest("etudiant", second.Texts.French.SHA256))
		own := version("v3", "2026", "Personnel.\n")
		own.Profile = "personnel"
		w.must(w.Publish(t.Context(), own, "", 0, domain.Effects{}))
		if err := rest("personnel", second.Texts.French.SHA256); !errors.Is(err, domain.ErrCharterReplaced) {
			t.Errorf("the charter for everybody, where the profile has its own: %v", err)
		}
		w.must(rest("etudiant", second.Texts.French.SHA256))
		if events, _ := w.Events(t.Context(), "p"); len(events) != 4 {
			t.Errorf("%d events: what was refused left something", len(events))
		}
	})
}

func TestAVersionIsPublishedOnceAndCalledOffBeforeItsTimeOnly(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		d := charter.Draft{ID: "d1", Name: "2026", Texts: version("", "", "Un.\n").Texts, EditedAt: start, EditedBy: "a"}
		w.must(w.SaveDraft(t.Context(), d, domain.Effects{}))
		if err := w.SaveDraft(t.Context(), d, domain.Effects{}); !errors.Is(err, charter.ErrOvertaken) {
			t.Errorf("a draft was made twice: %v", err)
		}
		d.Revision = 1
		w.must(w.SaveDraft(t.Context(), d, domain.Effects{}))
		if err := w.SaveDraft(t.Context(), d, domain.Effects{}); !errors.Is(err, charter.ErrOvertaken) {
			t.Errorf("two wrote at once: %v", err)
		}
		v := version("d1", "2026", "Un.\n")
		if err := w.Publish(t.Context(), v, "d1", 1, domain.Effects{}); !errors.Is(err, charter.ErrOvertaken) {
			t.Errorf("another text than the one that was seen was published: %v", err)
		}
		w.must(w.Publish(t.Context(), v, "d1", 2, domain.Effects{}))
		if _, err := w.Draft(t.Context(), "d1"); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("the draft is left: %v", err)
		}
		if err := w.Publish(t.Context(), version("d2", "2026", "Deux.\n"), "", 0, domain.Effects{}); !errors.Is(err, charter.ErrNameUsed) {
			t.Errorf("a name was used twice: %v", err)
		}
		if err := w.CallOff(t.Context(), "d1", "a", start, domain.Effects{}); !errors.Is(err, charter.ErrPast) {
			t.Errorf("a version in force was called off: %v", err)
		}
		id := later(w, "v3")
		w.must(w.CallOff(t.Context(), id, "a", start, domain.Effects{}))
		w.pass(2 * time.Hour)
		versions, err := w.Versions(t.Context())
		if err != nil || len(versions) != 2 {
			t.Fatalf("%d versions, %v", len(versions), err)
		}
		if now, ok := charter.InForce(versions, "etudiant", w.clock()); !ok || now.ID != "d1" || now.Texts.French.Markdown != "Un.\n" {
			t.Errorf("in force: %+v", now)
		}
		if added, err := w.Seed(t.Context(), version("s", "2030", "Graine.\n")); added || err != nil {
			t.Errorf("the configuration's charter came over a published one: %v, %v", added, err)
		}
	})
}

func TestWhoOwesAnAcceptance(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		a, b, c := person("1"), person("2"), person("3")
		w.enrol(a, b, c)
		for _, id := range []domain.PersonID{"1", "2"} {
			w.must(w.Apply(t.Context(), domain.Effects{People: []domain.PersonChange{{Person: id, From: []domain.AccountState{""}, To: domain.AccountActive, AccountID: "kc" + string(id)}}}))
		}
		one, two := version("v1", "2026", "Un.\n"), version("v2", "2027", "Deux.\n")
		w.must(w.Publish(t.Context(), one, "", 0, domain.Effects{}))
		w.must(w.Publish(t.Context(), two, "", 0, domain.Effects{}))
		accept := func(id domain.PersonID, v charter.Version, at time.Time) {
			w.must(w.Apply(t.Context(), domain.Effects{Acceptances: []domain.Acceptance{{Person: id, Profile: a.Profile, Lang: "fr", Version: v.Name, SHA256: v.Texts.French.SHA256, At: at}}}))
		}
		accept("1", one, start)
		accept("2", one, start)
		accept("2", two, start.Add(time.Hour))
		accept("2", two, start.Add(2*time.Hour)) // a second acceptance adds nothing
		n, err := w.Owing(t.Context(), a.Profile, two.Texts.Hashes())
		who, err2 := w.WhoOwes(t.Context(), a.Profile, two.Texts.Hashes(), 0, 10)
		if err != nil || err2 != nil || n != 1 || len(who) != 1 || who[0].ID != "1" {
			t.Errorf("%d owe: %v, %v %v", n, who, err, err2)
		}
		if more, _ := w.WhoOwes(t.Context(), a.Profile, two.Texts.Hashes(), 1, 10); len(more) != 0 {
			t.Errorf("after the last one: %v", more)
		}
		last, err := w.LastAcceptance(t.Context(), "2")
		if err != nil || last.Version != "2027" || !last.At.Equal(start.Add(time.Hour)) {
			t.Errorf("%+v, %v", last, err)
		}
		if ok, err := w.Accepted(t.Context(), "1", two.Texts.Hashes()...); ok || err != nil {
			t.Errorf("%v, %v", ok, err)
		}
		if _, err := w.LastAcceptance(t.Context(), "3"); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("%v", err)
		}
	})
}
