package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"entree/internal/domain"
)

// watch wraps the store and knows the model of a journey: which
// step may follow which, and by what act.
type watch struct {
	domain.Store
	next func(domain.Journey) domain.Step

	mu    sync.Mutex
	began map[*attempt]domain.JourneyID
	wrong []string // changes by jobs that the model does not allow
}

func (w *watch) wrongs() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.wrong)
}

// errDatabase is the error of a database that is locked, full or read-only.
var errDatabase = errors.New("database or disk is full (13)")

// before returns the error of a write that the database refuses, and after the error
// of a write that is committed and whose answer is lost.
func (a *attempt) before() error {
	if a != nil && a.fails == "before" {
		a.failed = true
		return errDatabase
	}
	return nil
}

func (a *attempt) after(err error) error {
	if a != nil && err == nil && a.fails == "after" {
		a.failed = true
		return errDatabase
	}
	return err
}

// moves is the model: from a step, by an act, to the steps that it may lead to.
// Jobs alone make changes that no visitor requested.
var moves = map[string]map[domain.Step][]domain.Step{
	"/activation/identification": {domain.StepCode: {domain.StepCode, domain.StepEnded, domain.StepVerify, domain.StepCharter, domain.StepGuide, domain.StepDone}},
	"/activation/renvoi":         {domain.StepCode: {domain.StepCode}},
	"/activation/renvoi-sms":     {domain.StepCode: {domain.StepCode}},
	"/activation/verification":   {domain.StepVerify: {domain.StepVerify, domain.StepEnded, domain.StepCharter, domain.StepGuide, domain.StepParked}},
	"/activation/charte":         {domain.StepCharter: {domain.StepGuide, domain.StepPassword}},
	"/activation/entre-mdp":      {domain.StepGuide: {domain.StepPassword}},
	"/activation/mot-de-passe":   {domain.StepPassword: {domain.StepWaiting}},
	"":                           {domain.StepWaiting: {domain.StepDone, domain.StepParked, domain.StepEnded}}, // ended: a newer password was chosen
}

// begins maps the addresses of forms that begin a journey to the purposes that it may
// have.
var begins = map[string][]domain.Purpose{
	"/activation": {domain.PurposeActivate}, "/activation/guichet": {domain.PurposeActivate, domain.PurposeRecover},
	"/mot-de-passe-oublie": {domain.PurposeRecover}, "/adresse-perdue": {domain.PurposeClaim},
	"/compte/adresse": {domain.PurposeAddress}, "/compte/adresse/seconde": {domain.PurposeAddress}, "/compte/telephone": {domain.PurposeAddress},
}

// same lists acts that leave any step as it is.
var same = []string{"/activation/prolonger", "/activation/recommencer"}

func attemptOf(ctx context.Context) *attempt {
	a, _ := ctx.Value(attemptKey{}).(*attempt)
	return a
}

func (w *watch) Begin(ctx context.Context, j domain.Journey, e domain.Effects) error {
	a := attemptOf(ctx)
	if err := a.before(); err != nil {
		return err
	}
	err := w.Store.Begin(ctx, j, e)
	if a != nil && err == nil {
		a.did = append(a.did, "a journey was begun")
		if !slices.Contains(begins[a.path], j.Purpose) || w.next(j) != domain.StepCode {
			a.wrong = append(a.wrong, fmt.Sprintf("S27: a journey to %q began at %s", j.Purpose, w.next(j)))
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.began == nil {
			w.began = map[*attempt]domain.JourneyID{}
		}
		w.began[a] = j.ID
	}
	return a.after(err)
}

// begun returns the journey that an attempt began.
func (w *watch) begun(a *attempt) domain.JourneyID {
	w.mu.Lock()
	defer w.mu.Unlock()
	id := w.began[a]
	delete(w.began, a)
	return id
}

func (w *watch) Apply(ctx context.Context, e domain.Effects) error {
	a := attemptOf(ctx)
	if err := a.before(); err != nil {
		return err
	}
	err := w.Store.Apply(ctx, e)
	if a != nil && err == nil && len(e.Jobs)+len(e.People)+len(e.Acceptances) > 0 {
		a.did = append(a.did, fmt.Sprintf("effects were applied: %+v", e))
	}
	return a.after(err)
}

func (w *watch) Update(ctx context.Context, read domain.Journey, change func(*domain.Journey) (domain.Effects, error)) (domain.Journey, error) {
	a := attemptOf(ctx)
	if err := a.before(); err != nil {
		return domain.Journey{}, err
	}
	var before domain.Journey
	after, err := w.Store.Update(ctx, read, func(j *domain.Journey) (domain.Effects, error) {
		before = *j
		before.Candidates = slices.Clone(j.Candidates)
		return change(j)
	})
	if err != nil {
		return after, err
	}
	if a == nil {
		if wrong := (&attempt{owner: read.ID}).allows(before, after, w.next); wrong != "" {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.wrong = append(w.wrong, wrong)
		}
		return after, nil
	}
	if a.proves != nil && after.Purpose == domain.PurposeAddress && before.ProvenAt.IsZero() && !after.ProvenAt.IsZero() {
		a.proves(after.Person, string(after.Address))
	}
	a.did = append(a.did, fmt.Sprintf("%s moved from %s to %s", read.ID, w.next(before), w.next(after)))
	if wrong := a.allows(before, after, w.next); wrong != "" {
		a.wrong = append(a.wrong, wrong)
	}
	return after, a.after(nil)
}

// allows returns the objection of the model to a change of a journey by an attempt;
// nothing where it may be.
func (a *attempt) allows(before, after domain.Journey, next func(domain.Journey) domain.Step) string {
	from, to := next(before), next(after)
	ways, known := moves[a.path]
	switch {
	case before.ID != a.owner:
		return "S7: the journey of somebody else was changed"
	case from == to && slices.Contains(same, a.path):
	case a.path == "" && from == to: // a job that is done once more
	case !known || !slices.Contains(ways[from], to):
		return fmt.Sprintf("S27: a journey moved from %s to %s", from, to)
	}
	switch {
	case to == domain.StepEnded && a.path == "" && !after.Overtaken:
		return "S27: a job ended a journey"
	case after.ID != before.ID || after.Address != before.Address || after.Profile != before.Profile || after.Reference != before.Reference || after.Purpose != before.Purpose:
		return "S7: whose journey it is has changed"
	case before.Person != "" && after.Person != before.Person:
		return "S7: the journey became another person's"
	case before.Person == "" && after.Person != "" && !slices.Contains(before.Candidates, after.Person):
		return "S7: the journey became that of somebody who is no candidate"
	case after.Code.Tries < before.Code.Tries || after.VerifyTries < before.VerifyTries || after.Code.Tries > domain.MaxTries || after.VerifyTries > domain.MaxTries:
		return fmt.Sprintf("I6: tries went from %d and %d to %d and %d", before.Code.Tries, before.VerifyTries, after.Code.Tries, after.VerifyTries)
	case !before.ProvenAt.IsZero() && !after.ProvenAt.Equal(before.ProvenAt):
		return "S2: a code was proven twice"
	case !after.ProvenAt.IsZero() && len(after.Code.MAC) > 0:
		return "S2: a proven code can be proven again"
	case !after.PasswordAt.IsZero() && (after.ProvenAt.IsZero() || after.VerifiedAt.IsZero() || after.Person == "" || after.Purpose == domain.PurposeActivate && after.AcceptedAt.IsZero()):
		return "I2: a password without a proven code and an accepted charter"
	case before.AcceptedAt.IsZero() && !after.AcceptedAt.IsZero() && (a.form.Get("charte") != "oui" || a.form.Get("empreinte") != after.Charter):
		return "I2: a charter was accepted that nobody ticked"
	case from != to && to == domain.StepDone && a.path != "" && after.Purpose != domain.PurposeAddress && after.Purpose != domain.PurposeClaim:
		return "S27: a code ended a journey that needs a password"
	case before.ProvenAt.IsZero() && !after.ProvenAt.IsZero() && strings.Trim(a.form.Get("code"), "0123456789") != "":
		return "S1: what was proven is no code"
	case !before.ExpiresAt.Equal(after.ExpiresAt) && to != domain.StepWaiting:
		return "S31: the absolute limit has moved"
	}
	return ""
}
