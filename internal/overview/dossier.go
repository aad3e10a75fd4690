package overview

import (
	"encoding/json"
	"time"

	"entree/internal/audit"
	"entree/internal/domain"
)

// Dossier is everything that is stored about one person.
type Dossier struct {
	Person      domain.Person
	Events      []domain.Event
	Acceptances []domain.Acceptance
	Charters    []domain.Charter // the texts of the acceptances, in the same order
	// ContactChanges are the changes of the personal address, oldest first.
	ContactChanges []domain.ContactChange
	Claims         []domain.Claim // to another address, for the person's number
	FactorRemovals []domain.FactorRemoval
	Factors        []domain.KnownFactor
	Jobs           []JobLine
	Journeys       []domain.Journey // unexpired, or expired less than a day ago
	DeskCode       domain.DeskCode  // the valid one; zero: none
	Mails          []CampaignMail
	Import         domain.ImportRecord // that added the person; zero: none
	Source         string              // that the person belongs to
	GoneAt         time.Time           // since when the source lacks the person; zero: it has them
	Stage          domain.Stage
	Audit          []audit.Link
}

// CampaignMail is one mail of a campaign to the person and its state.
type CampaignMail struct {
	Campaign   string // name of the campaign
	Round      int
	State, Why string
	At, SentAt time.Time
}

// JSON returns the dossier with keys that can be read without the program (GDPR,
// articles 15 and 20). Operators appear with their role only: their names are
// their own personal data.
func (d Dossier) JSON(at time.Time) ([]byte, error) {
	type object = map[string]any
	person := object{"reached": d.Stage.String()}
	for _, f := range domain.Fields() {
		if f.Export != "" {
			person[f.Export] = f.Exported(&d.Person)
		}
	}
	story, acceptances, waiting, acts, journeys, mails := []object{}, []object{}, []object{}, []object{}, []object{}, []object{}
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
	for _, j := range d.Journeys {
		journeys = append(journeys, object{
			"asked_for_at": j.RequestedAt, "address": j.Address, "language": j.Lang, "network": j.Client, "at_the_desk": j.Desk != "", "reference": j.Reference,
			"last_act_at": j.SeenAt, "ends_at": j.ExpiresAt,
		})
	}
	changes := []object{}
	for _, c := range d.ContactChanges {
		changes = append(changes, object{"at": c.At, "old": c.Old, "new": c.New, "old_can_undo_until": c.Until, "closed": c.Closed, "closed_at": orNull(c.ClosedAt)})
	}
	factors := []object{}
	for _, r := range d.FactorRemovals {
		factors = append(factors, object{"asked_for_at": r.AskedAt, "due_at": r.DueAt, "state": r.State, "reason": r.Reason, "ended_at": orNull(r.EndedAt)})
	}
	held := []object{}
	for _, f := range d.Factors {
		held = append(held, object{"kind": f.Kind, "since": f.At})
	}
	claims := []object{}
	for _, c := range d.Claims {
		// A claim may be that of a stranger until it is done: the network, and an
		// address that was not accepted, are left out.
		o := object{"asked_for_at": c.AskedAt, "state": c.State, "decided_at": orNull(c.DecidedAt), "reason": c.Reason}
		if c.State == domain.ClaimDone {
			o["address"], o["replaced"], o["in_use_since"] = c.Address, c.Old, c.OpensAt
		}
		claims = append(claims, o)
	}
	for _, m := range d.Mails {
		mails = append(mails, object{"campaign": m.Campaign, "reminder": m.Round, "state": m.State, "why": m.Why, "at": m.At, "sent_at": orNull(m.SentAt)})
	}
	return json.MarshalIndent(object{
		"exported_at": at.UTC(),
		"person":      person,
		"brought_in":  object{"at": orNull(d.Import.Ended), "file": d.Import.File, "source": d.Source, "not_in_it_since": orNull(d.GoneAt)},
		"journeys":    journeys, "desk_code_good_until": orNull(d.DeskCode.ExpiresAt), "campaign_mails": mails,
		"changes_of_address": changes, "claims_of_another_address": claims, "removals_of_second_factors": factors, "passkeys_and_second_factors": held,
		"story": story, "charters_accepted": acceptances, "waiting": waiting, "acts_of_operators": acts,
	}, "", "  ")
}

func orNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}
