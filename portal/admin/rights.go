package admin

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"entree/internal/domain"
	"entree/internal/overview"
	"entree/portal/web"
)

// ErasePage is the data of templates/admin/erase.html, GET and POST
// /admin/personnes/:id/effacer.
// Form fields: numero, typed again so that no other person is erased by
// mistake; motif.
type ErasePage struct {
	Name, Number, Login string
	Accepted            int // number of accepted charters
	Typed, Reason       string
	Erased              time.Time // zero: not erased
	Due                 time.Time // when the data will be erased; zero: never
	DataURL             string
	Back                string
}

var eraseFields = []web.Field{{Name: "numero", Max: 100, Prose: true}, {Name: "motif", Max: 500, Prose: true}}

// dossier returns all data about the person in the address.
func (a *Console) dossier(v *visit) (overview.Dossier, error) {
	d, err := a.Rights.Dossier(v.Request.Context(), domain.PersonID(v.Param("id")))
	if errors.Is(err, domain.ErrNotFound) {
		return d, &web.Error{Status: http.StatusNotFound, Key: "not_found", Cause: err}
	}
	return d, err
}

// personData sends all data about a person as a JSON file.
func (a *Console) personData(v *visit) error {
	d, err := a.dossier(v)
	if err != nil {
		return err
	}
	raw, err := d.JSON(a.Now())
	if err != nil {
		return err
	}
	if err := v.note("person.exported", string(d.Person.ID), nil); err != nil {
		return err
	}
	v.Header("Content-Disposition", `attachment; filename="personne-`+string(d.Person.ID)+`.json"`)
	v.Data(http.StatusOK, "application/json; charset=utf-8", raw)
	return nil
}

func (a *Console) erasePage(d overview.Dossier) ErasePage {
	p := d.Person
	page := ErasePage{
		Name: strings.TrimSpace(p.GivenName + " " + p.FamilyName), Number: p.Number, Login: p.Login, Accepted: len(d.Acceptances), Erased: p.ErasedAt, Due: p.EraseAt,
		DataURL: personURL(p.ID) + "/donnees", Back: personURL(p.ID),
	}
	return page
}

func (a *Console) showErase(v *visit) error {
	d, err := a.dossier(v)
	if err != nil {
		return err
	}
	return v.show("erase", a.erasePage(d))
}

func (a *Console) erase(v *visit, form web.Form) error {
	d, err := a.dossier(v)
	if err != nil {
		return err
	}
	page := a.erasePage(d)
	page.Typed, page.Reason = form["numero"], strings.TrimSpace(form["motif"])
	var faults []fault
	if strings.TrimSpace(page.Typed) != page.Number {
		faults = append(faults, wrong("numero", "console.erase.number.wrong"))
	}
	if page.Reason == "" {
		faults = append(faults, wrong("motif", "console.erase.reason.missing"))
	}
	if len(faults) > 0 {
		return v.again("erase", page, faults...)
	}
	err = a.Rights.OrderErasure(v.Request.Context(), d.Person.ID, v.entry("", "", map[string]string{"reason": page.Reason}))
	if errors.Is(err, domain.ErrConflict) {
		return v.again("erase", page, wrong("", "console.erase.conflict"))
	}
	if err != nil {
		return err
	}
	path := v.Request.URL.EscapedPath()
	return v.doneUndo(path, path+"/annuler", "console.erase.ordered", "When", v.view("erase").Date(a.Now().Add(domain.ErasureDelay)))
}

// keep takes the ordered erasure of a person back.
func (a *Console) keep(v *visit, _ web.Form) error {
	id := domain.PersonID(v.Param("id"))
	err := a.Rights.TakeBackErasure(v.Request.Context(), id, v.entry("", "", nil))
	switch {
	case errors.Is(err, domain.ErrConflict), errors.Is(err, domain.ErrNotFound):
		return v.done(personURL(id), "console.erase.too_late")
	case err != nil:
		return err
	}
	return v.done(personURL(id), "console.erase.taken_back")
}
