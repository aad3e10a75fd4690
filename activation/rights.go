package activation

import (
	"encoding/json"
	"time"

	"entree/audit"
)

// Dossier is everything that is held about one person.
type Dossier struct {
	Person      Person
	Events      []Event
	Acceptances []Acceptance
	Charters    []Charter // the texts of the acceptances, in their order
	Jobs        []JobLine
	Audit       []audit.Link
}

// JSON writes the dossier with names that can be read without the program
// (GDPR, articles 15 and 20). Operators are told by their role: who they are is
// theirs.
func (d Dossier) JSON(at time.Time) ([]byte, error) {
	type object = map[string]any
	p := d.Person
	story, acceptances, waiting, acts := []object{}, []object{}, []object{}, []object{}
	for _, e := range d.Events {
		story = append(story, object{"at": e.At, "what": e.Kind, "details": e.Details})
	}
	for i, a := range d.Acceptances {
		acceptances = append(acceptances, object{
			"at": a.At, "version": a.Version, "language": a.Lang, "text_sha256": a.SHA256, "title": d.Charters[i].Title, "text": d.Charters[i].Text,
		})
	}
	for _, j := range d.Jobs {
		waiting = append(waiting, object{"kind": j.Kind, "asked_for_at": j.Created, "given_up_at": orNull(j.GivenUp)})
	}
	for _, l := range d.Audit {
		acts = append(acts, object{"at": l.At, "by_role": l.By.Role, "what": l.Act, "details": l.What})
	}
	return json.MarshalIndent(object{
		"exported_at": at.UTC(),
		"person": object{
			"id": p.ID, "profile": p.Profile, "number": p.Number, "given_name": p.GivenName, "family_name": p.FamilyName, "birth_date": p.BirthDate,
			"personal_address": p.Email, "cohort": p.Cohort, "enrolment": p.Readiness, "login": p.Login, "university_address": p.UniversityAddress,
			"account": p.Account, "account_id": p.AccountID, "activated_at": orNull(p.ActivatedAt), "first_login_at": orNull(p.FirstLoginAt),
			"erased_at": orNull(p.ErasedAt),
		},
		"story": story, "charters_accepted": acceptances, "waiting": waiting, "acts_of_operators": acts,
	}, "", "  ")
}

func orNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}
