package admin

import (
	"errors"
	"fmt"
	"net/http"

	"entree/internal/charter"
	"entree/internal/domain"
)

// EvidencePage is the data of templates/admin/evidence.html, GET
// /admin/personnes/:id/charte.
type EvidencePage struct {
	Person      domain.Person
	Acceptances []domain.Acceptance
	Titles      []string
	Current     string // name of the version in force for the person
	Owes        bool
	MayExport   bool
	Tampered    bool // the acceptances do not match their MACs or the events
	PublicKey   string
	Fingerprint string
}

func (a *Console) evidence(v *visit) error {
	ctx := v.Request.Context()
	p, err := a.Charters.Store.Person(ctx, domain.PersonID(v.Param("id")))
	if err != nil {
		return err
	}
	page := EvidencePage{Person: p, MayExport: v.may(http.MethodGet, "/admin/personnes/:id/charte/preuve"), PublicKey: charter.EncodeKey(a.Evidence.Key)}
	page.Fingerprint = charter.Fingerprint(page.PublicKey)
	acceptances, texts, err := a.Charters.Store.Evidence(ctx, p.ID)
	if err != nil {
		return err
	}
	page.Acceptances = acceptances
	faults, err := a.Charters.Store.EvidenceFaults(ctx, p.ID)
	if err != nil {
		return err
	}
	page.Tampered = len(faults) > 0
	versions, err := a.Charters.Store.Versions(ctx)
	if err != nil {
		return err
	}
	now, ok := charter.InForce(versions, p.Profile, a.Now())
	page.Current, page.Owes = now.Name, ok && p.Account == domain.AccountActive
	for i, accepted := range acceptances {
		page.Titles = append(page.Titles, texts[i].Title)
		for _, hash := range now.Texts.Hashes() {
			page.Owes = page.Owes && accepted.SHA256 != hash
		}
	}
	return v.show("evidence", page)
}

// exportEvidence sends the signed file and writes an audit entry.
func (a *Console) exportEvidence(v *visit) error {
	id := domain.PersonID(v.Param("id"))
	file, err := a.Charters.Evidence(v.Request.Context(), id, a.Evidence.Institution, a.Evidence.Portal, a.Evidence.Key)
	if errors.Is(err, charter.ErrTampered) {
		return v.done(pathPeople+"/"+string(id)+"/charte", "console.evidence.tampered")
	}
	if err != nil {
		return err
	}
	if err := v.note("evidence.exported", string(id), nil); err != nil {
		return err
	}
	v.Header("Content-Disposition", fmt.Sprintf("attachment; filename=%q", "charte-"+a.Now().UTC().Format("2006-01-02")+".json"))
	v.Data(http.StatusOK, "application/json; charset=utf-8", file)
	return nil
}
