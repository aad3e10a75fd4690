package app

import (
	"context"
	"slices"
	"testing"
	"time"

	"entree/internal/audit"
	"entree/internal/config"
	"entree/internal/devenv/demotest"
)

func TestAudit_WhatIsDoneIsSealedByItself(t *testing.T) {
	i := demotest.Install(t)
	c, err := config.Load(i.Config, i.Environ)
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(t.Context(), c, NewLog(c.Log, t.Output()))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	now := time.Now()
	if err := a.store.Note(t.Context(), audit.Entry{At: now.AddDate(-1, -1, 0), Act: "person.held"}); err != nil {
		t.Fatal(err)
	}
	if err := a.store.Note(t.Context(), audit.Entry{At: now, Act: "person.released"}); err != nil {
		t.Fatal(err)
	}
	if err := a.sealRecord(context.Background(), now); err != nil {
		t.Fatal(err)
	}
	var acts []string
	err = a.store.Audit(t.Context(), audit.Query{OldestFirst: true}, func(l audit.Link) error {
		acts = append(acts, l.Act)
		return nil
	})
	if err != nil || slices.Contains(acts, "person.held") || !slices.Contains(acts, "audit.cut") {
		t.Errorf("%v %s", err, acts)
	}
	if _, err := a.store.VerifyAudit(t.Context(), nil, func(f audit.Fault) { t.Error(f) }); err != nil {
		t.Error(err)
	}
}
