package main

import (
	"strings"
	"testing"
	"time"

	"entree/internal/audit"
)

func TestAudit_VerifyAndExport(t *testing.T) {
	i := install(t)
	s := i.store()
	for _, act := range []string{"person.held", "=person.released"} {
		if err := s.Note(t.Context(), audit.Entry{At: time.Now(), By: audit.Operator{Subject: "s", Name: "Ada"}, Act: act, Whom: "p1"}); err != nil {
			t.Fatal(err)
		}
	}
	out, _, err := i.entree("audit", "verify")
	if err != nil || !strings.HasPrefix(out, "the audit trail is complete: 2 entries, 0 blocks of events; the last one is 2:") {
		t.Fatalf("%v %s", err, out)
	}
	noted := strings.TrimSpace(out[strings.LastIndex(out, " ")+1:])
	if _, _, err := i.entree("audit", "verify", "--noted", noted); err != nil {
		t.Errorf("against its own hash: %v", err)
	}
	out, stderr, err := i.entree("audit", "verify", "--noted", "1"+noted[1:], "--noted", "9"+noted[1:])
	if err == nil || out != "entry 1 (person.held): has another hash than the one that was noted\nentry 9: was noted, and is missing\n" || !strings.Contains(stderr, "2 lines above") {
		t.Errorf("%v %s %s", err, out, stderr)
	}
	if _, stderr, err := i.entree("audit", "verify", "--noted", "1"); err == nil || !strings.Contains(stderr, "want SEQ:HASH") {
		t.Errorf("%v %s", err, stderr)
	}
	if out, _, err := i.entree("audit", "export", "--jsonl"); err != nil || strings.Count(out, "\n") != 2 || !strings.HasPrefix(out, `{"seq":1,`) {
		t.Errorf("%v %s", err, out)
	}
	if out, _, err := i.entree("audit", "export", "--csv", "--since", "2026-01-01"); err != nil || !strings.Contains(out, ",'=person.released,p1,") {
		t.Errorf("%v %s", err, out)
	}
	if _, stderr, err := i.entree("audit", "export", "--until", "hier"); err == nil || !strings.Contains(stderr, "want a date") {
		t.Errorf("%v %s", err, stderr)
	}
}
