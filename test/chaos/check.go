package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/anishathalye/porcupine"

	"entree/internal/devenv/outside"
	"entree/internal/devenv/scripted"
)

// check verifies the invariants when no job waits or the settling time has
// passed. Its duration grows with the number of students.
func (w *stand) check(ctx, settle context.Context, c *crowd) (breaks []string, checked int, err error) {
	db, err := w.open(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer db.Close()
	w.quiet(settle, db)
	for s := range c.shared {
		// The account has the password of one of the two browsers. Only the page
		// of success shows that it is this browser's.
		if c.shared[s] && s.Outcome == scripted.Already {
			s.Password = ""
		}
	}
	breaks, checked, err = outside.Check(ctx, w.realm, db, c.students)
	if err != nil {
		return nil, 0, err
	}
	lives, k, err := w.lived(ctx, db, c.lives)
	if err != nil {
		return nil, 0, err
	}
	breaks, checked = append(breaks, lives...), checked+k
	limits, n := c.limits()
	histories, m := once(c.submits)
	secrets, err := w.secrets(c)
	if err != nil {
		return nil, 0, err
	}
	breaks = append(append(append(breaks, limits...), histories...), secrets...)
	return breaks, checked + n + m, nil
}

// secrets searches the logs and the database for passwords, codes and keys
// (I4).
func (w *stand) secrets(c *crowd) ([]string, error) {
	keys, _ := w.rotation.all()
	planted := append(keys, w.config.Client)
	for _, s := range c.students {
		if s.Password != "" {
			planted = append(planted, s.Password)
		}
	}
	for _, l := range c.lives {
		planted = append(planted, l.passwords...)
	}
	for _, m := range w.Messages("") {
		planted = append(planted, m.Code())
	}
	dump, err := w.postgres.Dump("entree")
	if err != nil {
		return nil, fmt.Errorf("pg_dump: %w", err)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "dump.sql"), dump, 0o600); err != nil {
		return nil, err
	}
	return outside.Secrets(planted, w.dir+"/instance*.log.*", w.dir+"/nginx/access.log", w.dir+"/dump.sql")
}

// codes models a code: it is accepted once, and once more for a further press of the
// same form in the same browser, because the answer to the first may have been lost
// (web.Site.TakeLeft). If a response is lost, the model allows both outcomes.
var codes = porcupine.NondeterministicModel{
	Init: func() []any { return []any{0} },
	Step: func(state, _, output any) []any {
		accepted := state.(int)
		switch output.(scripted.Answer) {
		case scripted.Won:
			if accepted == 2 {
				return nil
			}
			return []any{accepted + 1}
		case scripted.Spent:
			if accepted == 0 {
				return nil
			}
		case scripted.Unknown:
			if accepted < 2 {
				return []any{accepted, accepted + 1}
			}
		}
		return []any{accepted}
	},
}

// once checks the histories of all codes against the model, and returns one
// line per code that was accepted too often, or reported as used before it was
// accepted.
func once(submits []scripted.Submit) (breaks []string, checked int) {
	byCode := map[string][]porcupine.Operation{}
	names := map[string]scripted.Submit{}
	last := time.Now().UnixNano()
	for i, s := range submits {
		if s.Slip {
			if s.Answer == scripted.Won {
				breaks = append(breaks, fmt.Sprintf("I2: a wrong code opened the way of %s", s.Number))
			}
			continue
		}
		end := s.End.UnixNano()
		if s.Answer == scripted.Unknown {
			end = last // the request may still take effect after the student gave up
		}
		key := s.Number + " " + s.Code
		names[key] = s
		byCode[key] = append(byCode[key], porcupine.Operation{ClientId: i, Call: s.Begun.UnixNano(), Output: s.Answer, Return: end})
	}
	model := codes.ToModel()
	for key, history := range byCode {
		checked++
		if porcupine.CheckOperationsTimeout(model, history, 10*time.Second) == porcupine.Illegal {
			breaks = append(breaks, fmt.Sprintf("I1: the code of %s was accepted too often: %v", names[key].Number, history))
		}
	}
	return breaks, checked
}
